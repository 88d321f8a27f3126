"""What the official memory server does to its file: pure functions from bytes to bytes.

Rule 1: every call reads the whole file and writes all of it back: entities first, then relations, one
compact row a line, no line end after the last.
Rule 2: what exists is created only once; deleting an entity takes its relations along; a type never changes
in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Node:
    """An entity as the server holds it."""

    kind: str | None
    observations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """A whole file in a server's hands, in row order."""

    entities: Mapping[str, Node] = field(default_factory=dict)
    relations: tuple[Triple, ...] = ()

    def items(self) -> set[tuple[str, ...]]:
        """Everything it says: entities with their types, observations, relations."""
        said: set[tuple[str, ...]] = {("t", name, node.kind or "") for name, node in self.entities.items()}
        said |= {("o", name, text) for name, node in self.entities.items() for text in node.observations}
        return said | {("l", *triple) for triple in self.relations}


Call = Callable[[Memory], Memory]


@lru_cache(maxsize=4096)
def read(data: bytes) -> Memory | None:
    """What the server understands of a file; None if one bad line makes every tool fail."""
    entities: dict[str, Node] = {}
    relations: list[Triple] = []
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            row: dict[str, Any] = json.loads(line)
        except ValueError:
            return None
        if row.get("type") == "entity":
            entities[row["name"]] = Node(row.get("entityType"), tuple(row["observations"]))
        elif row.get("type") == "relation":
            relations.append((row["from"], row["to"], row["relationType"]))
    return Memory(entities, tuple(relations))


def written(memory: Memory) -> bytes:
    """The file as the server writes it."""
    rows = [_entity_row(name, node) for name, node in memory.entities.items()]
    return b"\n".join(rows + [_relation_row(triple) for triple in memory.relations])


@lru_cache(maxsize=4096)
def _entity_row(name: str, node: Node) -> bytes:
    kind = {} if node.kind is None else {"entityType": node.kind}
    return _row({"type": "entity", "name": name, **kind, "observations": node.observations})


@lru_cache(maxsize=4096)
def _relation_row(triple: Triple) -> bytes:
    source, target, kind = triple
    return _row({"type": "relation", "from": source, "to": target, "relationType": kind})


def _row(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


# --- the tools


def create_entity(memory: Memory, name: str, kind: str | None, observations: Iterable[str]) -> Memory:
    """`create_entities` of one; nothing if the name exists."""
    if name in memory.entities:
        return memory
    return replace(memory, entities={**memory.entities, name: Node(kind, tuple(observations))})


def add_observations(memory: Memory, name: str, texts: Iterable[str]) -> Memory:
    """`add_observations`; the server fails for a name that does not exist, so nothing is written."""
    node = memory.entities.get(name)
    if node is None:
        return memory
    added = tuple(text for text in texts if text not in node.observations)
    return replace(
        memory, entities={**memory.entities, name: replace(node, observations=node.observations + added)}
    )


def delete_entity(memory: Memory, name: str) -> Memory:
    """`delete_entities` of one, with every relation that touches it."""
    entities = {other: node for other, node in memory.entities.items() if other != name}
    relations = tuple(triple for triple in memory.relations if name not in triple[:2])
    return Memory(entities, relations)


def delete_observations(memory: Memory, name: str, texts: Iterable[str]) -> Memory:
    """`delete_observations`; nothing for a name that does not exist."""
    node = memory.entities.get(name)
    if node is None:
        return memory
    gone = set(texts)
    kept = tuple(text for text in node.observations if text not in gone)
    return replace(memory, entities={**memory.entities, name: replace(node, observations=kept)})


def create_relation(memory: Memory, triple: Triple) -> Memory:
    """`create_relations` of one; nothing if it exists."""
    if triple in memory.relations:
        return memory
    return replace(memory, relations=(*memory.relations, triple))


def delete_relation(memory: Memory, triple: Triple) -> Memory:
    """`delete_relations` of one."""
    return replace(memory, relations=tuple(other for other in memory.relations if other != triple))
