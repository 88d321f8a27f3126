"""A record line as a store keeps it: what must be known of it unread stands before it.

    3f 101-106,131-131 {"e":"Alice","t":[[101,1763637000000,"person"]],…}
    shard, numbers, line

Rule 1: what stands before a line is a function of the line, so it is written once and never judged again.
Rule 2: a line is stored under a name made of its record, so that it is found and compared unread.
Rule 3: most lines say what the official server can say, once. Those are shown without making facts of them;
what they show is what the view makes of their facts.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import orjson

from memsync_git.crdt.first import FirstSaying
from memsync_git.crdt.fragment import RecordFacts
from memsync_git.crdt.records import Glance
from memsync_git.errors import StoreDamaged
from memsync_git.model import Entity, RecordKey, Relation
from memsync_git.wire import plain
from memsync_git.wire.records import decode_record, encode_record, identity_text, plain_first_record
from memsync_git.wire.verdicts import Malformed

_SHARD_CHARS = 2
_SHARDS = 16**_SHARD_CHARS

T = TypeVar("T")

Spans = Sequence[tuple[int, int]]
"""Numbers as inclusive intervals."""


def stored_line(key: RecordKey, facts: RecordFacts) -> bytes:
    """The line of one record with its shard and its numbers."""
    return stored_as(key, [entry.n for entry in facts.entries()], encode_record(key, facts))


def stored_as(key: RecordKey, numbers: list[int], line: bytes) -> bytes:
    """A line that was written already, with the shard of its record and the numbers of its facts."""
    return stored_with(key, spans_of(numbers), line)


def stored_after(stood: bytes | None, key: RecordKey, numbers: list[int], line: bytes) -> bytes:
    """The same where the line that stood there before is at hand, if there was one."""
    if stood is None:
        return stored_as(key, numbers, line)
    return b"%b %b %b" % (stood[:_SHARD_CHARS], _written(spans_of(numbers)), line)


def stored_with(key: RecordKey, spans: Spans, line: bytes) -> bytes:
    """The same with its numbers as intervals."""
    return b"%b %b %b" % (shard_name(key).encode("ascii"), _written(spans), line)


def _written(spans: Spans) -> bytes:
    return b",".join([b"%d-%d" % span for span in spans])


def first_line(saying: FirstSaying) -> tuple[str, bytes]:
    """The name and the line of what is said of a record for the first time."""
    key = saying.record.key
    written = plain_first_record(saying)
    if written is None:
        return digest(key), stored_line(key, saying.facts)
    line, last = written
    return digest(key), f"{shard_name(key)} {saying.n}-{last} ".encode("ascii") + line


def spans_of(numbers: list[int]) -> Spans:
    """Numbers as intervals, lowest first; most lines were written in one go."""
    if not numbers or numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return [(numbers[0], numbers[-1])] if numbers else []
    ordered = sorted(numbers)
    spans: list[tuple[int, int]] = []
    low = high = ordered[0]
    for n in ordered:
        if n > high + 1:
            spans.append((low, high))
            low = n
        high = n
    return [*spans, (low, high)]


def shard_name(key: RecordKey) -> str:
    """The shard a record belongs to in a large fragment."""
    return sha256(identity_text(key).encode("utf-8")).hexdigest()[:_SHARD_CHARS]


def numbers_of(stored: bytes) -> list[tuple[int, int]]:
    """The numbers of the facts in a stored line as inclusive intervals, lowest first."""
    numbers = stored[_SHARD_CHARS + 1 : stored.index(b" ", _SHARD_CHARS + 1)]
    if numbers and b"," not in numbers:
        low, _, high = numbers.partition(b"-")
        return [(int(low), int(high))]
    spans = [span.partition(b"-") for span in numbers.split(b",")] if numbers else []
    return [(int(low), int(high)) for low, _, high in spans]


def numbers_of_all(several: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    """Those of many, line after line."""
    start = _SHARD_CHARS + 1
    written = b",".join(filter(None, [stored[start : stored.index(b" ", start)] for stored in several]))
    bounds = [*map(int, written.replace(b"-", b",").split(b","))] if written else []
    return zip(bounds[::2], bounds[1::2], strict=True)


def line_of(stored: bytes) -> bytes:
    """The line itself."""
    return stored[stored.index(b" ", _SHARD_CHARS + 1) + 1 :]


def lines_of(several: Iterable[bytes]) -> list[bytes]:
    """The lines themselves, of many."""
    return [stored[stored.index(b" ", _SHARD_CHARS + 1) + 1 :] for stored in several]


def sizes_of(several: Iterable[bytes]) -> list[int]:
    """How long the lines themselves are, of many."""
    return [len(stored) - stored.index(b" ", _SHARD_CHARS + 1) - 1 for stored in several]


def numbered(lines: Iterable[tuple[str, bytes]]) -> tuple[list[tuple[int, bytes]], list[str]]:
    """Stored lines by name, gone through once: each with the lowest number in it, and the names of those
    without a fact.
    """
    start = _SHARD_CHARS + 1
    found: list[tuple[int, bytes]] = []
    factless: list[str] = []
    for name, stored in lines:
        if stored.startswith(b" ", start):
            factless.append(name)
        else:
            found.append((int(stored[start : stored.index(b"-", start)]), stored))
    return found, factless


def in_shards(lines: Iterable[tuple[T, bytes]], shards: Container[bytes] | None) -> Iterable[tuple[T, bytes]]:
    """Those of some stored lines that belong into these shards (None: all)."""
    if shards is None:
        return lines
    return ((of, stored) for of, stored in lines if stored[:_SHARD_CHARS] in shards)


def shards_apart(parts: int) -> Iterator[frozenset[bytes]]:
    """All shards there may be, in about so many parts, in their order."""
    names = [b"%02x" % number for number in range(_SHARDS)]
    step = -(-_SHARDS // parts)
    return (frozenset(names[at : at + step]) for at in range(0, _SHARDS, step))


def by_shard(several: Iterable[bytes]) -> dict[int, list[bytes]]:
    """Stored lines by the number of the shard of their record, in their order."""
    shards: dict[bytes, list[bytes]] = {}
    for stored in several:
        shards.setdefault(stored[:_SHARD_CHARS], []).append(stored)
    return {int(name, 16): lines for name, lines in shards.items()}


def digest(key: RecordKey) -> str:
    """A short name for a record."""
    return sha256(plain.dumps(key)).hexdigest()[:32]


def glance(stored: bytes) -> Glance | None:
    """What a plain line shows, if all its facts are alive and nobody else speaks of its record."""
    try:
        said = orjson.loads(line_of(stored))
    except orjson.JSONDecodeError:
        return None  # a lone surrogate
    if "e" in said and said.keys() <= _PLAIN_ENTITY:
        return _entity_at_a_glance(said)
    if "l" in said and said.keys() <= _PLAIN_RELATION:
        return _relation_at_a_glance(said)
    return None


_PLAIN_ENTITY = frozenset("etoh")
_PLAIN_RELATION = frozenset("ldh")
_TEXTS = frozenset({str})
_RELATION = b'"l":'
"""Stands in every line about a relation, and in hardly any other: within a text its marks are escaped."""


def _entity_at_a_glance(said: dict[str, Any]) -> Glance | None:
    noted = said.get("o", ())
    try:
        ((n, ts, kind),) = said["t"]
        stamps = [(at, number) for number, at, _ in noted]
        texts = [text for _, _, text in noted]
    except (KeyError, ValueError):
        return None  # another number of types, or entries with a wall time
    if not _TEXTS.issuperset(map(type, texts)) or len(set(texts)) != len(texts) or stamps != sorted(stamps):
        return None
    first = last = (ts, n)
    if stamps:
        first, last = min(first, stamps[0]), max(last, stamps[-1])
    return Glance(Entity(said["e"], kind, tuple(texts)), first, last)


def _relation_at_a_glance(said: dict[str, Any]) -> Glance | None:
    existence = said.get("d", ())
    if len(existence) != 1 or len(existence[0]) != 2:
        return None
    n, ts = existence[0]
    return Glance(Relation(*said["l"]), (ts, n), (ts, n))


class StoredLines:
    """How the lines of a store are written, named and read; see `crdt.records.Stored`."""

    def name_of(self, key: RecordKey) -> str:
        return digest(key)

    def numbers_of(self, stored: bytes) -> list[tuple[int, int]]:
        return numbers_of(stored)

    def line(self, key: RecordKey, facts: RecordFacts) -> bytes:
        return stored_line(key, facts)

    def first_line(self, saying: FirstSaying) -> tuple[str, bytes]:
        return first_line(saying)

    def glance(self, stored: bytes) -> Glance | None:
        return glance(stored)

    def relation(self, stored: bytes) -> RecordKey | None:
        if _RELATION not in stored:
            return None
        said = plain.loads(line_of(stored)).get("l")
        return None if said is None else ("l", *said)

    def read(self, stored: bytes) -> tuple[RecordKey, RecordFacts]:
        """What a stored line says.

        Raises:
            StoreDamaged: it cannot be understood.
        """
        decoded = decode_record(line_of(stored))
        if isinstance(decoded, Malformed):
            raise damaged_row(decoded.reason)
        return decoded


STORED_LINES = StoredLines()


def damaged_row(why: str) -> StoreDamaged:
    """The answer to a row of a store that cannot be understood."""
    return StoreDamaged(
        f"The replica store holds a row that cannot be read ({why}).",
        unharmed="Your memory file and the shared repository are as they were.",
        hint="memsync-git doctor",
    )
