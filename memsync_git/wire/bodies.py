"""From the record lines of a fragment to its records.

Rule 1: every line is judged before any is used. Those of an earlier reading were judged then.
Rule 2: of a large fragment nothing is read; it is judged, and laid by as it is stored.
Rule 3: its lines come one after another, a handful at a time; those that lie somewhere already are never
held.
Rule 4: a line that lies somewhere is known by its mark. Marks are this process's own (SipHash under a key
nobody is told), so nobody can write another line with the mark of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import chain, islice, pairwise

from memsync_git.crdt.fragment import Header, RecordFacts
from memsync_git.crdt.records import Records
from memsync_git.crdt.unread import Unread
from memsync_git.model import RecordKey
from memsync_git.wire.judging import TOGETHER, Judged, judged_all
from memsync_git.wire.records import read_record
from memsync_git.wire.stored import STORED_LINES, digest, line_of, numbers_of, spans_of, stored_with
from memsync_git.wire.verdicts import Invalid, WireLimits

mark_of: Callable[[bytes], int] = hash
"""Eight bytes that tell a line from any other."""

READ_AT_ONCE = 1000
"""Beyond so many records each line is judged and laid by unread: its facts would take twice its size."""


def lines_in(shard: bytes) -> list[bytes]:
    """The record lines of a shard; it is not copied besides."""
    lines = shard.split(b"\n")
    if shard.endswith(b"\n"):
        lines.pop()
    return lines


def records_in(
    lines: Iterable[bytes],
    many: int,
    header: Header,
    limits: WireLimits,
    known: Mapping[RecordKey, RecordFacts],
) -> Records:
    """The records of a fragment of so `many` lines, if its numbers are used once and below `next`.

    What is known unread is not copied: the fragment has it from where it lies.
    """
    known = Records.of(known)
    stays_unread = many > READ_AT_ONCE and known.stored in (None, STORED_LINES)
    unread_before = _by_mark(known)
    read_before = {facts.raw: (key, facts) for key, facts in known.read.items()}
    read: dict[RecordKey, RecordFacts] = {}
    unread: dict[str, bytes] = {}
    spans: list[tuple[int, int]] = []
    facts = seen = 0

    def judge(some: Sequence[bytes]) -> Iterable[Judged]:
        if stays_unread:
            return judged_all(some, limits)
        found = [read_before.get(line) or read_record(line, limits) for line in some]
        read.update(found)
        return [(key, [entry.n for entry in said.entries()]) for key, said in found]

    lines = iter(lines)
    while some := list(islice(lines, TOGETHER)):
        standing = [unread_before.pop(mark_of(line), None) for line in some]
        spans += chain.from_iterable(numbers_of(each[1]) for each in standing if each is not None)
        new = [line for line, each in zip(some, standing, strict=True) if each is None]
        for line, (key, said) in zip(new, judge(new), strict=True):
            numbers = spans_of(said)
            if stays_unread:
                unread[digest(key)] = stored_with(key, numbers, line)
            spans += numbers
            if sum(high - low + 1 for low, high in numbers) != len(said):
                spans += numbers  # a number twice in one line is found with those in several
            facts += len(said)
        seen += len(some)
        if seen + facts > limits.max_facts:
            raise Invalid(f"more than {limits.max_facts} facts")
    gone = {name for name, _ in unread_before.values()}
    records = Records(
        read,
        unread=_instead(known.unread, gone, unread),
        stored=STORED_LINES if stays_unread else known.stored,
    )
    if len(records) != many or any(map(records.is_unread, read)):
        raise Invalid("two lines for one record")
    _refuse_numbers(spans, header.next)
    return records


def _by_mark(known: Records) -> dict[int, tuple[str, bytes]]:
    """By the marks of the unread lines the name each is stored under, and what stands before it."""
    found: dict[int, tuple[str, bytes]] = {}
    for name, stored in known.unread.items():
        line = line_of(stored)
        found[mark_of(line)] = (name, stored[: -len(line)])
    return found


def _instead(before: Unread, gone: Set[str], new: Mapping[str, bytes]) -> Unread:
    """Unread lines with others in the place of some; what else the new ones find under their names, too."""
    if not before:
        return Unread(new)
    unread = before.copy()
    unread.leave(*gone)
    for name, line in new.items():
        if name in gone:
            unread.lay([(name, line)])
        else:
            unread[name] = line
    return unread


def _refuse_numbers(spans: list[tuple[int, int]], limit: int) -> None:
    """Refuse numbers, in intervals of one line each, that are not used once and below a limit."""
    spans.sort()
    if any(low <= before for (_, before), (low, _) in pairwise(spans)):
        raise Invalid("a number used twice")
    if spans and spans[-1][1] >= limit:
        raise Invalid("a number that is not below next")
