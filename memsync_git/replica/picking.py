"""A picked apply: some of what waits goes into the file, the rest stands there as before. Pure.

Rule 1: what is picked is picked by name, a record as a whole: an entity, a generic record, and with an entity
the relations it is an end of.
Rule 2: a relation comes with the last of its ends that wait, and goes with the first.
Rule 3: what was left out goes on waiting (`Replica.behind`). The state that is written says what it says, and
who reads it has not seen what is new about the rest (`FileState.unseen`): absent there is not deleted, and
what is deleted there is only what had been shown.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from memsync_git.crdt.changes import items_between
from memsync_git.model import Graph, Item, RecordKey
from memsync_git.replica.replica import Replica


def names_waiting(replica: Replica) -> set[str]:
    """The names that pick something."""
    waiting = _entities(replica.behind)
    names = {key[1] for key in replica.behind if key[0] != "l"}
    for key in replica.behind:
        if key[0] == "l" and (waiting.isdisjoint(key[1:3]) or replica.target(key) is None):
            names.update(key[1:3])
    return names


def picked_keys(replica: Replica, names: AbstractSet[str] | None) -> set[RecordKey]:
    """The waiting records that these names pick; None picks all."""
    if names is None:
        return set(replica.behind)
    left_out = _entities(replica.behind) - names
    return {key for key in replica.behind if _is_picked(replica, key, names, left_out)}


def _is_picked(replica: Replica, key: RecordKey, names: AbstractSet[str], left_out: AbstractSet[str]) -> bool:
    if key[0] != "l":
        return key[1] in names
    is_meant = not names.isdisjoint(key[1:3])
    return is_meant and (left_out.isdisjoint(key[1:3]) or replica.target(key) is None)


def _entities(keys: Collection[RecordKey]) -> set[str]:
    return {key[1] for key in keys if key[0] == "e"}


def picked_graph(replica: Replica, left: Collection[RecordKey]) -> Graph:
    """What the file should hold if everything but the records `left` is brought up to date."""
    if not left:
        return replica.target_graph()
    target, standing = replica.target_graph().records, replica.ring.graph.records
    keys = dict.fromkeys([*target, *(key for key in standing if key in left)])
    found = ((key, standing.get(key) if key in left else target[key]) for key in keys)
    return Graph({key: record for key, record in found if record is not None})


def groups_waiting(replica: Replica) -> dict[str, list[RecordKey]]:
    """The waiting records by a name to ask about; a relation stands under an end that waits, or its first."""
    waiting = _entities(replica.behind)
    groups: dict[str, list[RecordKey]] = {}
    for key in sorted(replica.behind):
        ends = [name for name in key[1:3] if name in waiting] if key[0] == "l" else []
        groups.setdefault(ends[-1] if ends else key[1], []).append(key)
    return dict(sorted(groups.items()))


def changes_to(replica: Replica, keys: Collection[RecordKey]) -> tuple[set[Item], set[Item]]:
    """The items that applying some records would bring into the file, and take out of it."""
    come: set[Item] = set()
    gone: set[Item] = set()
    for key in keys:
        wanted, standing = replica.target(key), replica.ring.graph.records.get(key)
        wanted = replica.projection.record(wanted) if wanted is not None else None
        leaves, comes = items_between(standing, wanted)
        come |= comes
        gone |= {item for item in leaves if replica.projection.holds(item)}
    return come, gone
