"""A large fragment read after an earlier reading of it: only lines that are new are judged.

    before   records by name, and the names of those that stood in the shards that changed
    now      those shards              ──▶ lines that stand there still, that are gone, that have come
                                           all others are taken over unread

Rule 1: what is found is what `fragments.decode` finds in all of it. Whatever looks odd is not judged here:
it is read from scratch.
Rule 2: a number that comes was on a line that is gone, or was not minted yet when the earlier one was
written. So none is used twice, and nobody looks through the numbers of all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import ne
from typing import NamedTuple

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.records import Records
from memsync_git.wire.fragments import opened
from memsync_git.wire.records import judged_plain, read_record
from memsync_git.wire.stored import STORED_LINES, digest, lines_of, numbers_of, stored_as
from memsync_git.wire.verdicts import LIMITS, Invalid, WireLimits

Names = tuple[str, ...]
"""What the lines of a shard are stored as, in their order."""

Change = tuple[Names, bytes | None]
"""What stood in a shard, and what stands there now; None where it is no more."""


def lines_in(shard: bytes) -> int:
    """How many record lines stand in a shard."""
    return shard.removesuffix(b"\n").count(b"\n") + 1


def names_in(fragment: Fragment, many: Sequence[int]) -> list[Names] | None:
    """The names of the lines of each shard of a fragment that was just read; `many`: how many each has.

    None where they are not all unread, and so not known in their order.
    """
    records = fragment.records
    if not isinstance(records, Records) or records.read or len(records.unread) != sum(many):
        return None
    names = iter(records.unread)
    return [tuple([next(names) for _ in range(lines)]) for lines in many]


class Later(NamedTuple):
    """A revision that follows one that was read: its header, how many lines its shards have, and the size of
    its own file in bytes."""

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
    later: Later, before: Fragment, changes: Sequence[Change], limits: WireLimits = LIMITS
) -> tuple[Fragment, list[Names]] | None:
    """A later revision by the shards that changed, and the names of the lines of those there are.

    `before`: the earlier one, none of it read since. None where it is to be read from scratch.
    """
    records, header = before.records, later.header
    if not isinstance(records, Records) or records.read:
        return None
    step = _Step(records.unread, limits)
    try:
        step.compare(changes)
        step.judge()
    except Invalid:
        return None
    is_whole = len(step.unread) == step.lines == later.lines
    if not is_whole or not step.keeps_numbers(before.header.next, header.next):
        return None
    return Fragment(header, Records(unread=step.unread, stored=STORED_LINES)), step.names()


class _Step:
    """From the lines of one reading to those of the next.

    unread: the lines by name. lines: how many stand in the shards; more than that, where two share a name.
    """

    def __init__(self, before: Mapping[str, bytes], limits: WireLimits) -> None:
        self.unread = dict(before)
        self.lines = len(before)
        self._limits = limits
        self._shards: list[list[str]] = []
        self._gone: dict[str, bytes] = {}
        self._come: list[tuple[list[str], int, bytes]] = []
        self._numbers: list[int] = []

    def compare(self, changes: Iterable[Change]) -> None:
        """Find the lines that do not stand where they stood; most do."""
        for there, shard in changes:
            stored = [self.unread[name] for name in there]
            lines = [] if shard is None else shard.removesuffix(b"\n").split(b"\n")
            self.lines += len(lines) - len(there)
            names = [*there[: len(lines)], *[""] * (len(lines) - len(there))]
            odd = [at for at, differs in enumerate(map(ne, lines, lines_of(stored))) if differs]
            odd += range(min(len(there), len(lines)), max(len(there), len(lines)))
            self._gone.update((there[at], stored[at]) for at in odd if at < len(there))
            self._come += [(names, at, lines[at]) for at in odd if at < len(lines)]
            if shard is not None:
                self._shards.append(names)

    def judge(self) -> None:
        """Take out what is gone, and take in what has come or only stood elsewhere.

        Raises:
            Invalid: a line is no record line.
        """
        stood = dict(zip(lines_of(self._gone.values()), self._gone.items(), strict=True))
        for name in self._gone:
            del self.unread[name]
        for names, at, line in self._come:
            name, stored = stood.get(line) or self._judged(line)
            names[at], self.unread[name] = name, stored

    def _judged(self, line: bytes) -> tuple[str, bytes]:
        """A line nobody has read."""
        key, numbers = judged_plain(line, self._limits) or _read(line, self._limits)
        self._numbers += numbers
        return digest(key), stored_as(key, numbers, line)

    def keeps_numbers(self, before: int, limit: int) -> bool:
        """Whether every number is used once and is below `limit`; until now all were below `before`."""
        left = [stored for name, stored in self._gone.items() if self.unread.get(name) is not stored]
        free = Intervals.of([span for stored in left for span in numbers_of(stored)])
        is_once = len(set(self._numbers)) == len(self._numbers)
        return is_once and all((before <= n < limit) or n in free for n in self._numbers)

    def names(self) -> list[Names]:
        """The names of the lines of every shard there is."""
        return [tuple(names) for names in self._shards]


def _read(line: bytes, limits: WireLimits) -> tuple[tuple[str, ...], list[int]]:
    key, facts = read_record(line, limits)
    return key, [entry.n for entry in facts.entries()]
