"""The answer of the `read_graph` tool: `{"entities": […], "relations": […]}`, read and never written.

Rule 1: standing in a live file it is a hazard: on one line the official server takes it for a valid row
and reads an empty memory, which its next save makes real.
"""

from __future__ import annotations

from memsync_git.formats.canonical import Json


def rows_of_graph(value: Json) -> list[Json] | None:
    """The graph as rows with a type, or None if the value is no graph."""
    if not isinstance(value, dict) or "type" in value:
        return None
    entities, relations = value.get("entities"), value.get("relations")
    if not isinstance(entities, list) or not isinstance(relations, list):
        return None
    return [_typed("entity", row) for row in entities] + [_typed("relation", row) for row in relations]


def _typed(kind: str, row: Json) -> Json:
    return {"type": kind, **row} if isinstance(row, dict) and "type" not in row else row
