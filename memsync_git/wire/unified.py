"""The unified view: `memory.json` of the shared repository, for people and for other tools.

    {"type":"relation","from":"Alice","to":"Oslo","relationType":"lives in","_sync_metadata":
     {"host":"laptop","timestamp":"2026-11-20T11:30:00Z","id":"laptop-7f3a:106"}}

Rule 1: derived, never merged. The rows are those of the official server, one a line, with no line end
after the last; entities, then relations, then generic records.
Rule 2: the metadata names the last write a row shows. It is read back only to recognise an old view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from memsync_git.formats.canonical import NotJson, parse, quoted
from memsync_git.formats.rows import Misfit, record_of
from memsync_git.formats.scratch import LooseRows, Scratch
from memsync_git.formats.writing import row_of
from memsync_git.model import EVERYTHING, Graph, Record, Rid
from memsync_git.values import dataclass, replace
from memsync_git.wire.lines import written_members
from memsync_git.wire.moments import instant_of

METADATA = "_sync_metadata"

ROWS_TOGETHER = 256
"""A hundred KB of an ordinary memory."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who wrote what a row shows last: label of the machine, wall time in ms, and the fact's dot."""

    host: str
    wall_ms: int
    rid: Rid
    n: int


def unified(records: Iterable[tuple[bytes, Record, Provenance]], scratch: Scratch) -> Iterator[bytes]:
    """The whole file in pieces of some rows. The records come in any order, each with its place in the view,
    and are let go one after another.

    Raises:
        OSError: rows cannot be read from the scratch.
    """
    rows: LooseRows[None] = LooseRows(scratch)
    placed = ((place, _row(record, provenance)) for place, record, provenance in records)
    while some := list(islice(placed, ROWS_TOGETHER)):
        rows.put([place for place, _ in some], [row for _, row in some], [None] * len(some))
    for at, together in enumerate(rows.in_order(ROWS_TOGETHER)):
        yield (b"\n" if at else b"") + b"\n".join([row.raw for row in together])


def _row(record: Record, provenance: Provenance) -> bytes:
    plain = row_of(_without_metadata(record), EVERYTHING)
    comma = b"," if plain != b"{}" else b""
    return b'%b%b"%b":%b}' % (plain[:-1], comma, METADATA.encode(), _metadata(provenance))


def _without_metadata(record: Record) -> Record:
    """The record without a field that would be taken for our own metadata."""
    if METADATA not in record.fields:
        return record
    return replace(record, fields={key: text for key, text in record.fields.items() if key != METADATA})


def _metadata(provenance: Provenance) -> bytes:
    return b'%b%d"}' % (
        _written_by(provenance.host, provenance.wall_ms // 1000, provenance.rid),
        provenance.n,
    )


@lru_cache(maxsize=256)
def _written_by(host: str, wall_s: int, rid: Rid) -> bytes:
    """All but the number of the fact, and the end: an adopted memory was written in one second."""
    members = [
        ("host", quoted(host)),
        ("timestamp", quoted(instant_of(wall_s * 1000))),
        ("id", quoted(f"{rid}:")),
    ]
    return written_members(members).encode("utf-8").removesuffix(b'"}')


def read_unified(data: bytes) -> Graph:
    """What a unified file says, without its metadata. Rows that cannot be read are passed over."""
    return Graph.of(_records(data))


def _records(data: bytes) -> Iterator[Record]:
    for line in data.split(b"\n"):
        try:
            value = parse(line)
        except NotJson:
            continue
        if isinstance(value, dict):
            value.pop(METADATA, None)
        record = record_of(value, EVERYTHING)
        if record is not None and not isinstance(record, Misfit):
            yield record
