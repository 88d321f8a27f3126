"""A picked apply: some of what waits goes into the file, the rest stands there as before. Pure.

Rule 1: what is picked is picked by name, a record as a whole: an entity, a generic record, and with an entity
the relations it is an end of.
Rule 2: a relation never comes before its ends: it waits for an entity that is new and was left out.
Rule 3: what was left out goes on waiting (`Replica.behind`). The state that is written says what it says, and
who reads it has not seen what is new about the rest (`FileState.unseen`): absent there is not deleted, and
what is deleted there is only what had been shown.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from memsync_git.model import Graph, RecordKey
from memsync_git.replica.replica import Replica


def names_waiting(replica: Replica) -> set[str]:
    """The names that can be picked: of entities, of generic records, of the ends of relations."""
    return {name for key in replica.behind for name in names_in(key)}


def names_in(key: RecordKey) -> tuple[str, ...]:
    """The names that pick a record."""
    return key[1:3] if key[0] == "l" else key[1:2]


def picked_keys(replica: Replica, names: AbstractSet[str] | None) -> set[RecordKey]:
    """The waiting records that these names pick; None picks all."""
    if names is None:
        return set(replica.behind)
    standing = replica.ring.graph.records
    left_out = {
        key[1] for key in replica.behind if key[0] == "e" and key[1] not in names and key not in standing
    }
    return {
        key
        for key in replica.behind
        if not names.isdisjoint(names_in(key)) and not (key[0] == "l" and left_out & set(names_in(key)))
    }


def picked_graph(replica: Replica, left: Collection[RecordKey]) -> Graph:
    """What the file should hold if everything but the records `left` is brought up to date."""
    if not left:
        return replica.target_graph()
    target, standing = replica.target_graph().records, replica.ring.graph.records
    keys = dict.fromkeys([*target, *(key for key in left if key in standing)])
    found = ((key, standing.get(key) if key in left else target[key]) for key in keys)
    return Graph({key: record for key, record in found if record is not None})
