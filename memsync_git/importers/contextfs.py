"""The SQLite database of ContextFS: memories, and the edges between them.

Rule 1: a row with a `deleted_at` is a tombstone: counted, and left out, and so is an edge that ends at one.
Rule 2: the vector clock of a memory and who wrote it last are kept as fields, for people: nothing here is
decided by them, because a machine there is not a machine here.
Source: ContextFS 0.2.35, `core.py`, `migrations/versions/`.
"""

from __future__ import annotations

from memsync_git.formats.canonical import MOST_NESTING, Json, NotJson, canonical, parse
from memsync_git.formats.importing import Imported
from memsync_git.formats.rows import Damage
from memsync_git.importers.databases import Database, NotADatabase, Row, is_database, json_of, opened
from memsync_git.model import Generic, Graph, JsonText, Record

LAYOUT = "ContextFS database"
MEMORIES, EDGES = "memories", "memory_edges"
NEEDED = frozenset({"id", "content", "namespace_id"})

MEMORY_FIELDS = (
    "content", "type", "tags", "summary", "namespace_id", "source_file", "source_repo", "source_tool",
    "project", "session_id", "created_at", "updated_at", "metadata", "structured_data", "authoritative",
    "repo_url", "repo_name", "relative_path", "visibility", "vector_clock", "last_modified_by",
)  # fmt: skip
EDGE_FIELDS = (
    "from_id",
    "to_id",
    "relation",
    "weight",
    "created_at",
    "created_by",
    "metadata",
    "vector_clock",
)
JSON_FIELDS = frozenset({"tags", "metadata", "structured_data", "vector_clock"})
"""Columns whose text is JSON."""

_NOTHING: tuple[Json, ...] = (None, "", [], {}, 0)


class _Reading:
    """What was read so far. gone: the ids of tombstones."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.unreadable: list[Damage] = []
        self.gone: set[str] = set()
        self.edges_gone = 0


def recognise(data: bytes) -> str | None:
    """Whether the bytes are such a database."""
    if not is_database(data):
        return None
    try:
        with opened(data) as database:
            return LAYOUT if database.columns(MEMORIES) >= NEEDED else None
    except NotADatabase:
        return None


def read(data: bytes) -> Imported:
    """The memories and edges that are not deleted there."""
    reading = _Reading()
    try:
        with opened(data) as database:
            _read_memories(database, reading)
            _read_edges(database, reading)
    except NotADatabase as error:
        reading.unreadable.append(Damage(len(reading.records) + 1, b"", str(error)))
    return Imported(
        Graph.of(reading.records),
        (),
        tuple(reading.unreadable),
        deleted=len(reading.gone) + reading.edges_gone,
        counts="Memory",
    )


def _read_memories(database: Database, reading: _Reading) -> None:
    for number, row in enumerate(database.rows(MEMORIES, ("id", *MEMORY_FIELDS, "deleted_at")), 1):
        identity = row.get("id")
        if not isinstance(identity, str) or not isinstance(row.get("content"), str):
            reading.unreadable.append(Damage(number, b"", "a memory without an id or a text"))
        elif row.get("deleted_at") is not None:
            reading.gone.add(identity)
        else:
            reading.records.append(Generic(identity, _fields(row, MEMORY_FIELDS)))


def _read_edges(database: Database, reading: _Reading) -> None:
    for number, row in enumerate(database.rows(EDGES, (*EDGE_FIELDS, "deleted_at")), 1):
        source, verb, target = row.get("from_id"), row.get("relation"), row.get("to_id")
        if not (isinstance(source, str) and isinstance(verb, str) and isinstance(target, str)):
            reading.unreadable.append(Damage(number, b"", "an edge without an end"))
        elif row.get("deleted_at") is not None or not reading.gone.isdisjoint((source, target)):
            reading.edges_gone += 1
        else:
            reading.records.append(Generic(canonical([source, verb, target]), _fields(row, EDGE_FIELDS)))


def _fields(row: Row, names: tuple[str, ...]) -> dict[str, JsonText]:
    said = {name: _value(name, row) for name in names}
    return {name: canonical(value) for name, value in said.items() if value not in _NOTHING}


def _value(name: str, row: Row) -> Json:
    value = json_of(row.get(name))
    if name not in JSON_FIELDS or not isinstance(value, str):
        return value
    try:
        return parse(value, max_nesting=MOST_NESTING)
    except NotJson:
        return value
