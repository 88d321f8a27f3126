"""Which variant a file is. Asked when a file is adopted, never to reinterpret a pinned one.

Rule 1: the answer depends on what is readable; damaged lines are passed over.
Rule 2: objects laid out over several lines and whole graphs are no live format: import only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO

import orjson

from memsync_git.formats.canonical import WHITESPACE, Json, NotJson, parse, parse_first
from memsync_git.formats.lines import is_header
from memsync_git.formats.rows import BOM, ENTITY_KEYS, RELATION_KEYS
from memsync_git.formats.variants import AIM_HEADER
from memsync_git.formats.wholegraph import rows_of_graph

READ_GRAPH = "read-graph"
"""Not a live variant: a `{entities, relations}` object, or objects over several lines."""

_KNOWN_KEYS = {"entity": frozenset(ENTITY_KEYS), "relation": frozenset(RELATION_KEYS)}


def detect(data: bytes) -> str:
    """The name of the variant, or `READ_GRAPH` for what can only be imported. Nothing at all is `jsonl`."""
    text = data.removeprefix(BOM).lstrip(WHITESPACE.encode())
    if text.startswith(b"["):
        return "json-array"
    if is_header(text.partition(b"\n")[0], AIM_HEADER):
        return "aim"
    if _is_import_only(text):
        return READ_GRAPH
    return _by_rows(_rows(text))


def _is_import_only(data: bytes) -> bool:
    if not data.startswith(b"{"):
        return False
    text = data.decode("utf-8", "replace")
    try:
        value, end = parse_first(text, 0)
    except NotJson:
        return False
    return "\n" in text[:end] or rows_of_graph(value) is not None


def _rows(data: bytes) -> Iterator[dict[str, Json]]:
    for line in BytesIO(data):
        try:
            value = _quickly(line)
        except NotJson:
            continue
        if isinstance(value, dict):
            yield value


def _quickly(line: bytes) -> Json:
    """One value; its keys and kinds are all that is asked, so numbers need not keep their text."""
    try:
        value: Json = orjson.loads(line)
    except orjson.JSONDecodeError:
        return parse(line)
    return value


def _by_rows(rows: Iterable[dict[str, Json]]) -> str:
    """By what any row has; the rows are looked at once and let go."""
    fields = False
    for row in rows:
        if _has_objects(row):
            return "jsonl-objects"
        fields = fields or _has_fields(row)
    return "jsonl-fields" if fields else "jsonl"


def _has_objects(row: dict[str, Json]) -> bool:
    observations = row.get("observations") if row.get("type") == "entity" else None
    return isinstance(observations, list) and any(isinstance(member, dict) for member in observations)


def _has_fields(row: dict[str, Json]) -> bool:
    kind = row.get("type")
    known = _KNOWN_KEYS.get(kind) if isinstance(kind, str) else None
    return known is not None and not known.issuperset(row)
