"""What the export and the database of mcp-memory-service have in common: how one of its memories is taken.

Rule 1: the id of a memory is the hash of its text, as that tool makes it, and it is made again here: a hash
that came with the text is not believed.
Rule 2: the same memory from an export and from the database is the same record, field for field.
Source: mcp-memory-service 12.4.0, `utils/hashing.py`, `sync/exporter.py`, `storage/mixins/migrations.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from memsync_git.formats.canonical import Json, Number, canonical
from memsync_git.model import Generic

KEPT = ("content", "created_at", "memory_type", "metadata", "store", "tags", "updated_at")
"""Fields that are the memory's own. The others say how that tool searches, scores and ships it."""


def content_hash_of(content: str) -> str:
    """That tool's identity of a memory: the sha256 of its text, trimmed and in lower case."""
    return sha256(content.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()


def memory_of(row: Mapping[str, Json]) -> Generic | str:
    """The record of a memory, or why there is none."""
    content = row.get("content")
    if not isinstance(content, str) or isinstance(content, Number):
        return "a memory without a text"
    fields = {name: row[name] for name in KEPT if row.get(name) not in (None, "", [], {})}
    if fields.get("store") == "default":
        del fields["store"]
    return Generic(content_hash_of(content), {name: canonical(value) for name, value in fields.items()})
