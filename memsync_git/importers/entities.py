"""Memories that are no rows of a graph, as entities: `import --as entities`.

    id                        the name: `memory <id>`, a long hash cut to sixteen digits
    memory_type, type         the type, else `memory`
    content                   an observation
    summary                   an observation, `summary: …`
    tags                      an observation each, `tag: …`
    from_id, relation, to_id  a relation between two such entities
    everything else           fields of the entity or the relation

Rule 1: nothing is dropped: what has no place in the mapping stays a field of the record.
Rule 2: the name depends on the id alone, so a memory that was edited there is still the same entity here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from memsync_git.formats.canonical import MOST_NESTING, Json, Number, canonical, parse
from memsync_git.model import Entity, Generic, Graph, JsonText, Record, Relation

TYPES = ("memory_type", "type")
USUAL_TYPE = "memory"
EDGE = ("from_id", "to_id", "relation")
SAID = ("content", "summary", "tags")
HASH_DIGITS_KEPT = 16
"""Sixty-four bits: no two memories of one person share them, and people can still compare them."""

_HASH = re.compile(r"[0-9a-f]{64}")


def as_entities(graph: Graph) -> Graph:
    """The graph with every generic record as an entity or a relation."""
    return Graph.of(_entity(record) if isinstance(record, Generic) else record for record in graph)


def name_of(identity: str) -> str:
    """The name of the entity that a memory becomes."""
    return f"memory {identity[:HASH_DIGITS_KEPT] if _HASH.fullmatch(identity) else identity}"


def _entity(record: Generic) -> Record:
    said = {name: parse(text, max_nesting=MOST_NESTING) for name, text in record.fields.items()}
    texts = {name: value for name, value in said.items() if isinstance(value, str) and not _is_number(value)}
    if all(name in texts for name in EDGE):
        ends = name_of(texts["from_id"]), name_of(texts["to_id"])
        return Relation(*ends, texts["relation"], _others(record, EDGE))
    kind = next((name for name in TYPES if name in texts), None)
    observations = tuple(dict.fromkeys(_observations(said)))
    used = (*(name for name in SAID if name in said), *([kind] if kind else []))
    return Entity(
        name_of(record.id), texts[kind] if kind else USUAL_TYPE, observations, _others(record, used)
    )


def _observations(said: Mapping[str, Json]) -> Iterator[str]:
    for name, form in (("content", "{}"), ("summary", "summary: {}")):
        if name in said:
            yield form.format(_text(said[name]))
    tags = said.get("tags", [])
    yield from (f"tag: {_text(tag)}" for tag in (tags if isinstance(tags, list) else [tags]))


def _text(value: Json) -> str:
    return str(value) if isinstance(value, str) else canonical(value)


def _is_number(value: Json) -> bool:
    return isinstance(value, Number)


def _others(record: Generic, used: tuple[str, ...]) -> dict[str, JsonText]:
    return {name: text for name, text in record.fields.items() if name not in used}
