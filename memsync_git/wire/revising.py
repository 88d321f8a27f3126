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
from memsync_git.crdt.records import Records
from memsync_git.crdt.unread import Unread
from memsync_git.wire.bodies import lines_in, mark_of
from memsync_git.wire.fragments import opened
from memsync_git.wire.judging import judged_all
from memsync_git.wire.patches import Patch, Plan, Span, lines_of, planned
from memsync_git.wire.stored import STORED_LINES, digest, line_of, numbers_of_all, stored_after
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


NO_LINES = Stood((), array("q"), array("I"))

Change = tuple[Stood, bytes | Patch | None]
"""What stood in a shard, and what stands there now, or how that is made of it; None where it is no more."""

Come = tuple[list[str], int, bytes]
"""A line that has come, and where its name is to be."""


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


class _Shard(NamedTuple):
    """The lines of a shard as it stands now; one that has come has no name before it is judged."""

    names: list[str]
    marks: Marks
    sizes: Sizes


class _Step:
    """From the lines of one reading to those of the next.

    lines: how many stand in the shards; more than there are names, where two share one.
    """

    def __init__(self, before: Unread, limits: WireLimits) -> None:
        self.lines = len(before)
        self._before = before
        self._limits = limits
        self._shards: list[_Shard] = []
        self._plans: list[tuple[Stood, Plan, _Shard]] = []
        self._gone: dict[int, str] = {}
        self._come: list[Come] = []
        self._asked: dict[str, bytes] = {}
        self._left: dict[str, bytes] = {}
        self._numbers: list[int] = []

    def compare(self, changes: Iterable[Change]) -> None:
        """Find the lines that do not stand where they stood; most do.

        Raises:
            Invalid: a patch is none of what stood there.
        """
        for there, now in changes:
            self.lines -= len(there.names)
            match now:
                case None:
                    self._leave(there, range(len(there.names)))
                case Patch():
                    self._plan(there, now)
                case _:
                    self._look_through(there, lines_in(now))
        needed = {there.names[at] for there, plan, _ in self._plans for at in plan.needed}
        self._asked = dict(self._before.among(needed))
        for plan in self._plans:
            self._follow(*plan)
        self.lines += sum(len(shard.names) for shard in self._shards)

    def _look_through(self, there: Stood, lines: list[bytes]) -> None:
        """A shard by its lines."""
        now, least, most = _marked(lines), *sorted((len(lines), len(there.names)))
        names = [*there.names[: len(lines)], *[""] * (len(lines) - len(there.names))]
        odd = [at for at, differs in enumerate(map(ne, now.marks, there.marks)) if differs]
        odd += range(least, most)
        self._leave(there, (at for at in odd if at < len(there.names)))
        self._come += [(names, at, lines[at]) for at in odd if at < len(lines)]
        self._shards.append(_Shard(names, *now))

    def _plan(self, there: Stood, patch: Patch) -> None:
        """A shard by what is done to the lines that stood there."""
        plan, shard = planned(patch, there.sizes), _Shard([], array("q"), array("I"))
        stay = [part for part in plan.parts if isinstance(part, tuple)]
        self._leave(there, _outside(stay, len(there.names)))
        self._plans.append((there, plan, shard))
        self._shards.append(shard)

    def _follow(self, there: Stood, plan: Plan, now: _Shard) -> None:
        others = {at: line_of(self._asked[there.names[at]]) + b"\n" for at in plan.needed}
        for part in plan.parts:
            if isinstance(part, tuple):
                low, high = part
                now.names.extend(there.names[low:high])
                now.marks.extend(there.marks[low:high])
                now.sizes.extend(there.sizes[low:high])
            else:
                lines = lines_of(part, others)
                self._come += [(now.names, at, line) for at, line in enumerate(lines, len(now.names))]
                now.names.extend([""] * len(lines))
                now.marks.extend(map(mark_of, lines))
                now.sizes.extend([len(line) + 1 for line in lines])

    def _leave(self, there: Stood, odd: Iterable[int]) -> None:
        self._gone.update((there.marks[at], there.names[at]) for at in odd)

    def judged(self) -> Unread:
        """The lines there are, without those that are gone and with those that have come.

        Raises:
            Invalid: a line is no record line, or a second one for its record.
        """
        known = [self._gone.get(mark_of(line)) for _, _, line in self._come]
        for (names, at, _), name in zip(self._come, known, strict=True):
            names[at] = name or ""
        come = self._read([each for each, name in zip(self._come, known, strict=True) if name is None])
        left = {*self._gone.values()} - {*known}
        self._left = {name: self._asked[name] for name in left if name in self._asked}
        self._left |= self._before.among(left - self._left.keys())
        if any(self._before.among(come.keys() - left)):
            raise Invalid("two lines for one record")
        unread = self._before.copy()
        unread.put_away(self._left)
        unread.lay(come.items())
        return unread

    def _read(self, come: list[Come]) -> dict[str, bytes]:
        """Lines nobody has read, as they are stored."""
        found: dict[str, bytes] = {}
        said = judged_all([line for _, _, line in come], self._limits)
        for (names, at, line), (key, numbers) in zip(come, said, strict=True):
            names[at] = name = digest(key)
            found[name] = stored_after(self._asked.get(name), key, numbers, line)
            self._numbers += numbers
        return found

    def keeps_numbers(self, before: int, limit: int) -> bool:
        """Whether every number is used once and is below `limit`; until now all were below `before`."""
        free = {n for low, high in numbers_of_all(self._left.values()) for n in range(low, high + 1)}
        come = set(self._numbers)
        is_once = len(come) == len(self._numbers)
        return is_once and min(come - free, default=before) >= before and max(come, default=0) < limit

    def stood(self) -> list[Stood]:
        """The lines of every shard there is."""
        return [Stood(tuple(shard.names), shard.marks, shard.sizes) for shard in self._shards]


def _outside(spans: Iterable[Span], many: int) -> Iterator[int]:
    """The numbers below `many` that are in none of some spans."""
    behind = 0
    for low, high in sorted(spans):
        yield from range(behind, low)
        behind = max(behind, high)
    yield from range(behind, many)
