"""The SQLite database of mcp-memory-service: the table `memories`, and nothing of its indexes.

Rule 1: a row with a `deleted_at` is a tombstone: counted, and left out.
Rule 2: embeddings and scores are made anew by whoever needs them; they are not read.
"""

from __future__ import annotations

from collections.abc import Mapping

from memsync_git.formats.canonical import MOST_NESTING, Json, NotJson, parse
from memsync_git.formats.importing import Imported
from memsync_git.formats.rows import Damage
from memsync_git.importers.databases import NotADatabase, Row, is_database, json_of, opened
from memsync_git.importers.memory_service import KEPT, memory_of
from memsync_git.model import Graph, Record

LAYOUT = "mcp-memory-service database"
TABLE = "memories"
NEEDED = frozenset({"content", "content_hash", "memory_type"})


def recognise(data: bytes) -> str | None:
    """Whether the bytes are such a database."""
    if not is_database(data):
        return None
    try:
        with opened(data) as database:
            return LAYOUT if database.columns(TABLE) >= NEEDED else None
    except NotADatabase:
        return None


def read(data: bytes) -> Imported:
    """The memories of a database that are not deleted there."""
    records: list[Record] = []
    unreadable: list[Damage] = []
    deleted = 0
    try:
        with opened(data) as database:
            for number, row in enumerate(database.rows(TABLE, (*KEPT, "deleted_at")), 1):
                if row.get("deleted_at") is not None:
                    deleted += 1
                    continue
                found = memory_of(_memory(row))
                if isinstance(found, str):
                    unreadable.append(Damage(number, b"", found))
                else:
                    records.append(found)
    except NotADatabase as error:
        unreadable.append(Damage(len(records) + deleted + 1, b"", str(error)))
    return Imported(Graph.of(records), (), tuple(unreadable), deleted=deleted, counts="Memory")


def _memory(row: Row) -> Mapping[str, Json]:
    """A row as the export would write it: tags as a list, metadata as an object."""
    memory = {name: json_of(row.get(name)) for name in KEPT}
    memory["tags"] = _tags(row.get("tags"))
    memory["metadata"] = _metadata(row.get("metadata"))
    return memory


def _tags(text: object) -> list[Json]:
    return [tag.strip() for tag in text.split(",") if tag.strip()] if isinstance(text, str) else []


def _metadata(text: object) -> Json:
    """The object that a text holds; a text that holds none stays as it is."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return parse(text, max_nesting=MOST_NESTING)
    except NotJson:
        return text
