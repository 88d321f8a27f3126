"""Reading foreign files once: everything a memory was ever kept in, as a graph.

Rule 1: official rows, JSON arrays, `read_graph` objects, objects one behind another in any layout.
Rule 2: a row that names its kind by its keys alone is taken for what it is: name, entityType and
observations are an entity; from, to and relationType a relation. Rows are never keyed by position.
Rule 3: the stamps of an older tool (`_sync_metadata`, `_crdt_metadata`, `_metadata`) say who wrote a row
and when. They are notes for people, never part of the memory.
Rule 4: the `id` that an export of ours gives a row is not part of the memory either.
"""

from __future__ import annotations

from collections.abc import Iterator

from memsync_git.formats.array import elements
from memsync_git.formats.canonical import (
    MOST_NESTING,
    WHITESPACE,
    Json,
    NotJson,
    compact,
    parse,
    parse_first,
)
from memsync_git.formats.exporting import without_row_id
from memsync_git.formats.rows import BOM, Damage, Misfit, record_of
from memsync_git.formats.variants import AIM_HEADER
from memsync_git.formats.wholegraph import rows_of_graph
from memsync_git.model import EVERYTHING, Graph, Record, RecordKey
from memsync_git.values import dataclass

_AIM = parse(AIM_HEADER)
STAMPS = ("_sync_metadata", "_crdt_metadata", "_metadata")


@dataclass(frozen=True, slots=True)
class Note:
    """Who wrote a record and when, in the words of the older tool; empty where it did not say."""

    key: RecordKey
    host: str
    timestamp: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a foreign file says, what it says about its rows, and what in it could not be read.

    deleted: memories the file itself calls deleted; they are left out. counts: what the numbers of the
    unreadable count, as people call it.
    """

    graph: Graph
    notes: tuple[Note, ...]
    unreadable: tuple[Damage, ...]
    deleted: int = 0
    counts: str = "Line"


def read_import(data: bytes) -> Imported:
    """Read a file of any known layout. Never raises, whatever the bytes are."""
    records: list[Record] = []
    notes: list[Note] = []
    unreadable: list[Damage] = []
    for found in _values(data.removeprefix(BOM)):
        read = found if isinstance(found, Damage) else _read(found)
        match read:
            case Damage():
                unreadable.append(read)
            case (record, stamps):
                records.append(record)
                notes.extend(stamps)
            case None:
                pass
    return Imported(Graph.of(records), tuple(notes), tuple(unreadable))


@dataclass(frozen=True, slots=True)
class _Value:
    line: int
    value: Json


def _read(found: _Value) -> tuple[Record, list[Note]] | Damage | None:
    row, stamps = _without_stamps(found.value)
    if (row == {} and stamps) or row == _AIM:
        return None  # a row of nothing but stamps is the head of the older tool's history files
    record = record_of(_with_type(row), EVERYTHING)
    if record is None or isinstance(record, Misfit):
        reason = record.reason if isinstance(record, Misfit) else "it says nothing"
        return Damage(found.line, compact(found.value).encode("utf-8"), reason)
    return without_row_id(record), [_note(record.key, stamp) for stamp in stamps]


def _without_stamps(row: Json) -> tuple[Json, list[dict[str, Json]]]:
    if not isinstance(row, dict):
        return row, []
    stamps = [stamp for key in STAMPS if isinstance(stamp := row.get(key), dict)]
    return {key: value for key, value in row.items() if key not in STAMPS}, stamps


def _with_type(row: Json) -> Json:
    if not isinstance(row, dict) or "type" in row:
        return row
    if {"name", "entityType", "observations"} <= row.keys():
        return {"type": "entity", **row}
    return {"type": "relation", **row} if {"from", "to", "relationType"} <= row.keys() else row


def _note(key: RecordKey, stamp: dict[str, Json]) -> Note:
    return Note(key, _text(stamp.get("host")), _text(stamp.get("timestamp")))


def _text(value: Json) -> str:
    return str(value) if isinstance(value, str) else ""


def _values(data: bytes) -> Iterator[_Value | Damage]:
    """Every row of the file, whatever surrounds it."""
    if data.lstrip().startswith(b"["):
        return _of_array(data)
    return _of_stream(data.decode("utf-8", "replace"))


def _of_array(data: bytes) -> Iterator[_Value | Damage]:
    for part in elements(data, {}):
        if isinstance(part, Damage):
            yield part
            continue
        try:
            yield _Value(part.line, parse(part.raw, max_nesting=MOST_NESTING))
        except NotJson as error:
            yield Damage(part.line, part.raw, f"not JSON: {error}")


def _of_stream(text: str) -> Iterator[_Value | Damage]:
    """Values one behind another; what cannot be read ends where a line begins with `{`."""
    at = _past_space(text, 0)
    line = 1 + text.count("\n", 0, at)
    while at < len(text):
        start = at
        try:
            value, at = parse_first(text, start, max_nesting=MOST_NESTING)
            yield from _rows_of(value, line)
        except NotJson as error:
            following = text.find("\n{", start)
            at = len(text) if following < 0 else following
            yield Damage(line, text[start:at].encode("utf-8"), f"not JSON: {error}")
        at = _past_space(text, at)
        line += text.count("\n", start, at)


def _rows_of(value: Json, line: int) -> Iterator[_Value]:
    graph = rows_of_graph(value)
    rows = graph if graph is not None else value if isinstance(value, list) else [value]
    return (_Value(line, row) for row in rows)


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in WHITESPACE:
        at += 1
    return at
