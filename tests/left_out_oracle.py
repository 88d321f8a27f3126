"""Wherever rules are applied in a test, what is left out is found once more, in all records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from memsync_git.crdt.state import State
from memsync_git.model import Graph, Projection
from memsync_git.replica import Replica
from memsync_git.replica.filtering import hidden_names, names_in


@contextmanager
def rules_looked_after() -> Iterator[None]:
    """What is followed step by step is compared with what is found from nothing."""
    shared = Replica.shared

    def compared(replica: Replica, variant: Projection, file: Graph | None = None) -> Projection:
        found = shared(replica, variant, file)
        if replica.rules:
            _compare(replica, found.hidden, file)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Replica, "shared", compared)
        yield


def _compare(replica: Replica, found: frozenset[str], file: Graph | None) -> None:
    state = State(replica.state.fragments().values()).graph()
    known = [*replica.ring.graph, *state, *(file or ()), *replica.carried.records()]
    wanted = hidden_names(replica.rules, known)
    mentioned = {name for record in known for name in names_in(record.key)}
    assert found & mentioned == wanted
    assert all(replica.rules.hides(name, ()) for name in found - mentioned)
