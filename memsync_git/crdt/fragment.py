"""A fragment: everything one replica says about one store, in a form only that replica writes.

Rule 1: a dot `(rid, n)` names exactly one fact for ever; `n` counts 1, 2, 3 … per replica and store.
Rule 2: a fragment is a value. A rewrite is a new fragment with `rev` + 1 and a fresh `tok`.
Rule 3: a removal names dots of *other* replicas; a replica drops its own facts outright.
Sources: Shapiro et al. 2011; Bieniusa et al. 2012 (arXiv 1210.3368); Almeida, Shoker, Baquero
(arXiv 1410.2803), in a single-writer physical form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.model import JsonText, RecordKey, Rid
from memsync_git.values import dataclass, field

Dot = tuple[Rid, int]
Stamp = tuple[int, Rid, int]
"""`(ts in ms, rid, n)`: totally ordered; breaks ties and orders display, never decides causality."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact: its number, its time and what it says.

    `value` is an observation, a type (str or None), a field's `JsonText`, or None for existence.
    `wall_ms` is the clock's reading where it differs from `ts`, for display only.
    """

    n: int
    ts: int
    value: Any = None
    wall_ms: int | None = None


NO_HINTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Hint:
    """What the registers of a record held when this replica last touched it: it asserts nothing."""

    type: tuple[Stamp, str | None] | None = None
    fields: Mapping[str, tuple[Stamp, JsonText]] = field(default_factory=lambda: NO_HINTS)


NO_FIELD_ENTRIES: Mapping[str, tuple[Entry, ...]] = MappingProxyType({})
NO_EXTRA: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """The facts one replica holds about one record.

    `raw` is the record's line as it came off the wire (None: not written yet). `extra` holds keys this
    release does not know; they are carried, never read.
    """

    types: tuple[Entry, ...] = ()
    observations: tuple[Entry, ...] = ()
    existence: tuple[Entry, ...] = ()
    fields: Mapping[str, tuple[Entry, ...]] = field(default_factory=lambda: NO_FIELD_ENTRIES)
    hint: Hint | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NO_EXTRA)
    raw: bytes | None = field(default=None, compare=False)

    def entries(self) -> Iterator[Entry]:
        yield from self.types
        yield from self.observations
        yield from self.existence
        for entries in self.fields.values():
            yield from entries


@dataclass(frozen=True, slots=True)
class Header:
    """Everything a fragment says besides its records.

    rev: +1 per rewrite; tok: random per rewrite; prev: the tok before; next: the next n.
    removed: dots of others this replica has removed and the others have not yet dropped.
    seen: rid → (rev, next) of the other fragments joined when this was written.
    ok: the last rev at which a person accepted a large deletion. retired: grow-only.
    """

    rid: Rid
    host: str
    store: str = "default"
    rev: int = 0
    tok: str = ""
    prev: str = ""
    next: int = 1
    wall_ms: int = 0
    seen: Mapping[Rid, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    removed: Mapping[Rid, Intervals] = field(default_factory=lambda: MappingProxyType({}))
    ok: int = 0
    retired: frozenset[Rid] = frozenset()
    extra: Mapping[str, Any] = field(default_factory=lambda: NO_EXTRA)

    @property
    def version(self) -> tuple[int, str]:
        return (self.rev, self.tok)

    def removed_of(self, rid: Rid) -> Intervals:
        return self.removed.get(rid, EMPTY)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A header and the facts by record. `records` is treated as immutable."""

    header: Header
    records: Mapping[RecordKey, RecordFacts] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def rid(self) -> Rid:
        return self.header.rid

    @property
    def rev(self) -> int:
        return self.header.rev

    @property
    def version(self) -> tuple[int, str]:
        return self.header.version
