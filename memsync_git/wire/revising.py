"""A large fragment read after an earlier reading of it: only lines that are new are judged.

    before   records by name, and which lines stood in the shards that changed
    now      those shards              ──▶ lines that stand there still, that are gone, that have come
                                           all others are taken over unread, wherever they lie

Rule 1: what is found is what `fragments.decode` finds in all of it. Whatever looks odd is not judged here:
it is read from scratch.
Rule 2: a number that comes was on a line that is gone, or was not minted yet when the earlier one was
written. So none is used twice, and nobody looks through the numbers of all others.
Rule 3: a line is known by its mark (`bodies.py`), or a patch says where it stood (`patches.py`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from operator import ne
from typing import NamedTuple, TypeAlias

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.records import Records
from memsync_git.crdt.unread import Unread
from memsync_git.wire.bodies import lines_in, mark_of
from memsync_git.wire.fragments import opened
from memsync_git.wire.patches import Patch, Span, patched_lines
from memsync_git.wire.records import judged_plain, read_record
from memsync_git.wire.stored import STORED_LINES, digest, line_of, numbers_of, stored_as
from memsync_git.wire.verdicts import LIMITS, Invalid, WireLimits

Marks: TypeAlias = "array[int]"
"""One for each line of a shard, in their order: 8 bytes that tell it from any other."""


Sizes: TypeAlias = "array[int]"
"""How long each of them is in bytes, with its end."""


class Marked(NamedTuple):
    """The lines of a shard as they are known again."""

    marks: Marks
    sizes: Sizes


class Stood(NamedTuple):
    """The lines of a shard: the names they are stored as, and what they are known by."""

    names: tuple[str, ...]
    marks: Marks
    sizes: Sizes

    @property
    def size(self) -> int:
        """How many bytes the shard has; one less where its last line has no end."""
        return sum(self.sizes)

    def cut(self, low: int, high: int) -> Stood:
        """Some of them, by number."""
        return Stood(self.names[low:high], self.marks[low:high], self.sizes[low:high])


NO_LINES = Stood((), array("q"), array("I"))

Change = tuple[Stood, bytes | Patch | None]
"""What stood in a shard, and what stands there now, or how that is made of it; None where it is no more."""


def marked(shard: bytes) -> Marked:
    """The record lines of a shard as they are known again."""
    return _marked(lines_in(shard))


def _marked(lines: Sequence[bytes]) -> Marked:
    return Marked(array("q", map(mark_of, lines)), array("I", [len(line) + 1 for line in lines]))


def stood_in(fragment: Fragment, shards: Sequence[Marked]) -> list[Stood] | None:
    """The lines of each shard of a fragment that was just read.

    None where they are not all unread, or not all told apart.
    """
    records = fragment.records
    if not isinstance(records, Records) or records.read:
        return None
    found = {mark_of(line_of(stored)): name for name, stored in records.unread.items()}
    if len(found) < len(records) or any(mark not in found for each in shards for mark in each.marks):
        return None
    return [Stood(tuple([found[mark] for mark in each.marks]), *each) for each in shards]


class Later(NamedTuple):
    """A revision that follows one that was read: its header, how many lines its shards have, and the size of
    its own file in bytes.
    """

    header: Header
    lines: int
    size: int


def follows(data: bytes, before: Fragment, limits: WireLimits = LIMITS) -> Later | None:
    """What the own file of a fragment says, where it is a later revision of one that was read.

    None where it is not, or is to be read from scratch.
    """
    try:
        found = opened(data, limits)
    except Invalid:
        return None
    if found is None:
        return None
    header, lines = found
    known = before.header
    is_later = (header.rid, header.store) == (known.rid, known.store) and header.next >= known.next
    fits = lines + header.next <= limits.max_facts
    return Later(header, lines, len(data)) if is_later and fits else None


def revised(
    later: Later, before: Fragment, changes: Iterable[Change], limits: WireLimits = LIMITS
) -> tuple[Fragment, list[Stood]] | None:
    """A later revision by the shards that changed, and the lines of those there are.

    `before`: the earlier one, none of it read since. None where it is to be read from scratch.
    """
    records, header = before.records, later.header
    if not isinstance(records, Records) or records.read:
        return None
    step = _Step(records.unread, limits)
    try:
        step.compare(changes)
        unread = step.judged()
    except Invalid:
        return None
    is_whole = len(unread) == step.lines == later.lines
    if not is_whole or not step.keeps_numbers(before.header.next, header.next):
        return None
    return Fragment(header, Records(unread=unread, stored=STORED_LINES)), step.stood()


class _Step:
    """From the lines of one reading to those of the next.

    lines: how many stand in the shards; more than there are names, where two share one.
    """

    def __init__(self, before: Unread, limits: WireLimits) -> None:
        self.lines = len(before)
        self._before = before
        self._limits = limits
        self._shards: list[tuple[list[str], Marked]] = []
        self._gone: dict[int, str] = {}
        self._come: list[tuple[list[str], int, bytes]] = []
        self._asked: dict[str, bytes] = {}
        self._left: dict[str, bytes] = {}
        self._numbers: list[int] = []

    def compare(self, changes: Iterable[Change]) -> None:
        """Find the lines that do not stand where they stood; most do.

        Raises:
            Invalid: a patch is none of what stood there.
        """
        for there, now in changes:
            match now:
                case None:
                    self._leave(there, range(len(there.names)))
                    self.lines -= len(there.names)
                case Patch():
                    self._follow(there, now)
                case _:
                    self._look_through(there, lines_in(now))

    def _look_through(self, there: Stood, lines: list[bytes]) -> None:
        """A shard by its lines."""
        now, least, most = _marked(lines), *sorted((len(lines), len(there.names)))
        names = [*there.names[: len(lines)], *[""] * (len(lines) - len(there.names))]
        odd = [at for at, differs in enumerate(map(ne, now.marks, there.marks)) if differs]
        odd += range(least, most)
        self._leave(there, (at for at in odd if at < len(there.names)))
        self._come += [(names, at, lines[at]) for at in odd if at < len(lines)]
        self._note(there, names, now)

    def _follow(self, there: Stood, patch: Patch) -> None:
        """A shard by what is done to the lines that stood there."""
        names, now, stay = list[str](), Marked(array("q"), array("I")), list[Span]()
        for part in patched_lines(patch, there.sizes, lambda at: self._line(there.names[at])):
            if isinstance(part, bytes):
                self._come.append((names, len(names), part))
                taken = Stood(("",), *_marked([part]))
            else:
                stay.append(part)
                taken = there.cut(*part)
            names += taken.names
            now.marks.extend(taken.marks)
            now.sizes.extend(taken.sizes)
        self._leave(there, _outside(stay, len(there.names)))
        self._note(there, names, now)

    def _line(self, name: str) -> bytes:
        """A line as it stood."""
        if name not in self._asked:
            self._asked[name] = self._before[name]
        return line_of(self._asked[name])

    def _leave(self, there: Stood, odd: Iterable[int]) -> None:
        self._gone.update((there.marks[at], there.names[at]) for at in odd)

    def _note(self, there: Stood, names: list[str], now: Marked) -> None:
        self.lines += len(names) - len(there.names)
        self._shards.append((names, now))

    def judged(self) -> Unread:
        """The lines there are, without those that are gone and with those that have come.

        Raises:
            Invalid: a line is no record line.
        """
        come: dict[str, bytes] = {}
        kept: set[str] = set()
        for names, at, line in self._come:
            known = self._gone.get(mark_of(line))
            if known is None:
                names[at], come[names[at]] = self._read(line)
            else:
                names[at] = known
                kept.add(known)
        left = set(self._gone.values()) - kept
        self._left = {name: self._asked[name] for name in left if name in self._asked}
        self._left |= self._before.among(left - self._left.keys())
        unread = self._before.copy()
        unread.put_away(self._left)
        for name, stored in come.items():
            unread[name] = stored
        return unread

    def _read(self, line: bytes) -> tuple[str, bytes]:
        """A line nobody has read."""
        key, numbers = judged_plain(line, self._limits) or _judged(line, self._limits)
        self._numbers += numbers
        return digest(key), stored_as(key, numbers, line)

    def keeps_numbers(self, before: int, limit: int) -> bool:
        """Whether every number is used once and is below `limit`; until now all were below `before`."""
        free = Intervals.of([span for stored in self._left.values() for span in numbers_of(stored)])
        come = Intervals.numbers(self._numbers)
        is_once = come.count() == len(self._numbers)
        return is_once and not (come - free).below(before) and come.below(limit) == come

    def stood(self) -> list[Stood]:
        """The lines of every shard there is."""
        return [Stood(tuple(names), *now) for names, now in self._shards]


def _judged(line: bytes, limits: WireLimits) -> tuple[tuple[str, ...], list[int]]:
    key, facts = read_record(line, limits)
    return key, [entry.n for entry in facts.entries()]


def _outside(spans: Iterable[Span], many: int) -> Iterator[int]:
    """The numbers below `many` that are in none of some spans."""
    behind = 0
    for low, high in sorted(spans):
        yield from range(behind, low)
        behind = max(behind, high)
    yield from range(behind, many)
