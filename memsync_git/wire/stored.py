"""A record line as a store keeps it: what must be known of it unread stands before it.

    3f 101-106,131-131 {"e":"Alice","t":[[101,1763637000000,"person"]],…}
    shard, numbers, line

Rule 1: what stands before a line is a function of the line, so it is written once and never judged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from memsync_git.crdt.fragment import RecordFacts
from memsync_git.crdt.intervals import Intervals
from memsync_git.model import RecordKey
from memsync_git.wire.records import encode_record, identity_text

_SHARD_CHARS = 2


def stored_line(key: RecordKey, facts: RecordFacts) -> bytes:
    """The line of one record with its shard and its numbers."""
    return stored_as(key, [entry.n for entry in facts.entries()], encode_record(key, facts))


def stored_as(key: RecordKey, numbers: Sequence[int], line: bytes) -> bytes:
    """A line that was written already, with the shard of its record and the numbers of its facts."""
    spans = ",".join([f"{low}-{high}" for low, high in _spans(numbers)])
    return f"{shard_name(key)} {spans} ".encode("ascii") + line


def _spans(numbers: Sequence[int]) -> Sequence[tuple[int, int]]:
    """Numbers as intervals; most lines were written in one go."""
    if numbers and numbers[-1] - numbers[0] == len(numbers) - 1 and all(map(_is_next, numbers, numbers[1:])):
        return ((numbers[0], numbers[-1]),)
    return Intervals.numbers(numbers).spans


def _is_next(one: int, other: int) -> bool:
    return other == one + 1


def shard_name(key: RecordKey) -> str:
    """The shard a record belongs to in a large fragment."""
    return sha256(identity_text(key).encode("utf-8")).hexdigest()[:_SHARD_CHARS]


def shard_of(stored: bytes) -> str:
    return stored[:_SHARD_CHARS].decode("ascii")


def numbers_of(stored: bytes) -> list[tuple[int, int]]:
    """The numbers of the facts in a stored line as inclusive intervals, lowest first."""
    numbers = stored[_SHARD_CHARS + 1 : stored.index(b" ", _SHARD_CHARS + 1)]
    spans = [span.partition(b"-") for span in numbers.split(b",")] if numbers else []
    return [(int(low), int(high)) for low, _, high in spans]


def first_of(stored: bytes) -> int | None:
    """The lowest number in a stored line; None where there is no fact in it."""
    if stored.startswith(b" ", _SHARD_CHARS + 1):
        return None
    return int(stored[_SHARD_CHARS + 1 : stored.index(b"-", _SHARD_CHARS + 1)])


def line_of(stored: bytes) -> bytes:
    """The line itself."""
    return stored[stored.index(b" ", _SHARD_CHARS + 1) + 1 :]
