"""A large fragment read after an earlier reading of it: only lines that are new are judged.

    before   records by name, and which lines stood in the shards that changed
    now      those shards              ──▶ lines that stand there still, that are gone, that have come
                                           all others are taken over unread, wherever they lie

Rule 1: what is found is what `fragments.decode` finds in all of it. Whatever looks odd is not judged here:
it is read from scratch.
Rule 2: a number that comes was on a line that is gone, or was not minted yet when the earlier one was
written. So none is used twice, and nobody looks through the numbers of all others.
Rule 3: a line is known by its mark (`bodies.py`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from operator import ne
from typing import NamedTuple, TypeAlias

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.records import Records
from memsync_git.crdt.unread import Unread
from memsync_git.wire.bodies import lines_in, mark_of
from memsync_git.wire.fragments import opened
from memsync_git.wire.records import judged_plain, read_record
from memsync_git.wire.stored import STORED_LINES, digest, line_of, numbers_of, stored_as
from memsync_git.wire.verdicts import LIMITS, Invalid, WireLimits

Marks: TypeAlias = "array[int]"
"""One for each line of a shard, in their order: 8 bytes that tell it from any other."""


class Stood(NamedTuple):
    """The lines of a shard: the names they are stored as, and their marks."""

    names: tuple[str, ...]
    marks: Marks


NO_LINES = Stood((), array("q"))

Change = tuple[Stood, bytes | None]
"""What stood in a shard, and what stands there now; None where it is no more."""


def _marks_of(lines: Iterable[bytes]) -> Marks:
    return array("q", map(mark_of, lines))


def marks_in(shard: bytes) -> Marks:
    """The marks of the record lines of a shard."""
    return _marks_of(lines_in(shard))


def stood_in(fragment: Fragment, shards: Sequence[Marks]) -> list[Stood] | None:
    """The lines of each shard of a fragment that was just read, by their marks.

    None where they are not all unread, or not all told apart.
    """
    records = fragment.records
    if not isinstance(records, Records) or records.read:
        return None
    found = {mark_of(line_of(stored)): name for name, stored in records.unread.items()}
    if len(found) < len(records) or any(mark not in found for marks in shards for mark in marks):
        return None
    return [Stood(tuple([found[mark] for mark in marks]), marks) for marks in shards]


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
        self._shards: list[tuple[list[str], Marks]] = []
        self._gone: dict[int, str] = {}
        self._come: list[tuple[list[str], int, bytes]] = []
        self._left: dict[str, bytes] = {}
        self._numbers: list[int] = []

    def compare(self, changes: Iterable[Change]) -> None:
        """Find the lines that do not stand where they stood; most do."""
        for there, shard in changes:
            lines = [] if shard is None else lines_in(shard)
            marks, least, most = _marks_of(lines), *sorted((len(lines), len(there.names)))
            self.lines += len(lines) - len(there.names)
            names = [*there.names[: len(lines)], *[""] * (len(lines) - len(there.names))]
            odd = [at for at, differs in enumerate(map(ne, marks, there.marks)) if differs]
            odd += range(least, most)
            self._gone.update((there.marks[at], there.names[at]) for at in odd if at < len(there.names))
            self._come += [(names, at, lines[at]) for at in odd if at < len(lines)]
            if shard is not None:
                self._shards.append((names, marks))

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
        self._left = dict(self._before.among(set(self._gone.values()) - kept))
        unread = self._before.copy()
        unread.leave(*self._left)
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
        return [Stood(tuple(names), marks) for names, marks in self._shards]


def _judged(line: bytes, limits: WireLimits) -> tuple[tuple[str, ...], list[int]]:
    key, facts = read_record(line, limits)
    return key, [entry.n for entry in facts.entries()]
