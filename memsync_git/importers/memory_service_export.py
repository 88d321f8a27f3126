"""The JSON export of mcp-memory-service: `{"export_metadata": {…}, "memories": [{…}, …]}`.

Rule 1: who exported it and where is about the file, not about the memories, and is left out.
Rule 2: an export holds no tombstones, so nothing can be told from it about deletions.
"""

from __future__ import annotations

from memsync_git.formats.canonical import MOST_NESTING, Json, NotJson, compact, parse
from memsync_git.formats.importing import Imported
from memsync_git.formats.rows import BOM, Damage
from memsync_git.importers.memory_service import memory_of
from memsync_git.model import Graph, Record

LAYOUT = "mcp-memory-service export"


def recognise(data: bytes) -> str | None:
    """Whether the bytes are such an export."""
    return LAYOUT if b'"export_metadata"' in data and _memories(data) is not None else None


def read(data: bytes) -> Imported:
    """The memories of an export."""
    records: list[Record] = []
    unreadable: list[Damage] = []
    for number, row in enumerate(_memories(data) or [], 1):
        found = memory_of(row) if isinstance(row, dict) else "no object"
        if isinstance(found, str):
            unreadable.append(Damage(number, compact(row).encode("utf-8"), found))
        else:
            records.append(found)
    return Imported(Graph.of(records), (), tuple(unreadable), counts="Memory")


def _memories(data: bytes) -> list[Json] | None:
    try:
        value = parse(data.removeprefix(BOM), max_nesting=MOST_NESTING)
    except NotJson:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("export_metadata"), dict):
        return None
    memories = value.get("memories")
    return memories if isinstance(memories, list) else None
