"""Differences between graphs: what a step took away and what it brought.

Rule 1: order never matters; a graph says a set of items.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from memsync_git.crdt.intervals import Intervals
from memsync_git.model import Entity, Item, Record, Rid, is_same_but_noted, items_of

VersionVector = Mapping[Rid, int]
Unseen = Mapping[Rid, Intervals]
"""Dots below a version vector that were not seen all the same."""
ALL_SEEN: Unseen = MappingProxyType({})


def items_between(before: Record | None, after: Record | None) -> tuple[set[Item], set[Item]]:
    """What a step from one record to another took away, and what it brought."""
    if isinstance(before, Entity) and isinstance(after, Entity) and is_same_but_noted(before, after):
        name, said, says = before.name, set(before.observations), set(after.observations)
        return {("o", name, each) for each in said - says}, {("o", name, each) for each in says - said}
    old, new = items_in(before), items_in(after)
    return old - new, new - old


def items_in(record: Record | None) -> set[Item]:
    """Everything a record says; nothing, where there is none."""
    return set(items_of(record)) if record is not None else set()
