"""Wherever rules are applied in a test, what is left out is found once more, in all records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from memsync_git.crdt.state import State
from memsync_git.model import Graph, Projection, Record, RecordKey, same_items
from memsync_git.replica import Replica
from memsync_git.replica.filtering import hidden_names, names_in


@contextmanager
def rules_looked_after() -> Iterator[None]:
    """What is followed step by step is compared with what is found from nothing."""
    shared, project, left_out = Replica.shared, Replica.project, Replica.records_left_out.fget
    assert left_out is not None

    def shared_compared(replica: Replica, variant: Projection, file: Graph | None = None) -> Projection:
        last = replica.projection.hidden
        found = shared(replica, variant, file)
        if replica.rules:
            _compare_names(replica, found.hidden, file, last)
        return found

    def projected_and_compared(replica: Replica, projection: Projection) -> None:
        project(replica, projection)
        if replica.rules:
            assert replica.behind == _behind(replica)

    def left_out_compared(replica: Replica) -> frozenset[RecordKey]:
        found: frozenset[RecordKey] = left_out(replica)
        if replica.rules:
            assert found == {key for key in _all_shown(replica).records if replica.projection.hides(key)}
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Replica, "shared", shared_compared)
        patch.setattr(Replica, "project", projected_and_compared)
        patch.setattr(Replica, "records_left_out", property(left_out_compared))
        yield


def _compare_names(replica: Replica, found: frozenset[str], file: Graph | None, last: frozenset[str]) -> None:
    """Where nobody has looked at the file, what was left out last may still be."""
    known = [*replica.ring.graph, *_all_shown(replica), *(file or ()), *replica.carried.records()]
    wanted = hidden_names(replica.rules, known)
    mentioned = {name for record in known for name in names_in(record.key)}
    more = found - wanted
    if file is None:
        more -= last
    assert found >= wanted
    assert more.isdisjoint(mentioned)
    assert all(replica.rules.hides(name, ()) for name in more)


def _behind(replica: Replica) -> set[RecordKey]:
    ring, project = replica.ring.graph.records, replica.projection.record
    keys = [*_all_shown(replica).records, *ring, *replica.withheld.keys]
    pairs = ((key, replica.target(key), ring.get(key)) for key in keys)
    projected = (
        (key, wanted and project(wanted), stands and project(stands)) for key, wanted, stands in pairs
    )
    return {key for key, wanted, stands in projected if not _says_the_same(wanted, stands)}


def _says_the_same(one: Record | None, other: Record | None) -> bool:
    return one is other if one is None or other is None else same_items(one, other)


def _all_shown(replica: Replica) -> Graph:
    return State(replica.state.fragments().values()).graph()
