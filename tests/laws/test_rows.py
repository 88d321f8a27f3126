"""A replica that is saved and loaded again after every act does the same as one that never sleeps."""

from __future__ import annotations

import pytest
from hypothesis import given

from memsync_git.errors import StoreDamaged
from memsync_git.model import PLAIN, Entity, Graph, Rid
from memsync_git.replica import Moment, Replica, Version
from memsync_git.replica.adopting import adopt, order_of
from memsync_git.replica.rows import digest, load, save
from memsync_git.replica.shapes import ITEMS_TOGETHER
from memsync_git.replica.values import KeptFile
from memsync_git.stores.memory import MemoryStore
from memsync_git.stretches import Counts, Order, counts_of
from tests.laws.desks import ITEMS, DropAny, Note, Office, days


@given(days())
def test_a_replica_that_is_loaded_before_every_act_does_the_same(day: list) -> None:
    Office(kept=True).run(day)


@given(days(desks=2))
def test_saving_what_changed_leaves_the_rows_that_saving_everything_leaves(day: list) -> None:
    office = Office(kept=True).run(day)
    for desk in office.desks:
        assert desk.store is not None
        replica = load(desk.store)
        assert replica is not None
        replica.fresh.records = {
            (rid, key) for rid in replica.state.rids for key in replica.state.records_of(rid)
        }
        replica.fresh.file = True
        replica.fresh.past = set(replica.past)
        replica.kept_headers, replica.kept_states = {}, {}
        replica.kept_file, replica.kept_pending = KeptFile(), None
        replica.kept_differences = (None, None)
        whole = MemoryStore()
        with whole.transaction() as transaction:
            save(replica, transaction)
        said = replica.ring.graph.records
        assert counts_of(said) == Counts.of(said.values())
        for kind in ("replica", "differs", "header", "facts", "file", "state", "pending", "hold", "past"):
            assert dict(desk.store.rows(kind)) == dict(whole.rows(kind)), kind


def test_an_empty_store_holds_no_replica() -> None:
    assert load(MemoryStore()) is None


def test_a_line_that_cannot_be_read_is_a_damaged_store_when_it_is_asked_for() -> None:
    moment = Moment(1_000, "boot", "tok", 2_000)
    replica = Replica(Rid("ash-0000"), "ash")
    replica.write((), [("t", "Alice", "person"), ("t", "Oslo", "city")], moment, cause="test")
    store = MemoryStore()
    with store.transaction() as transaction:
        save(replica, transaction)
        transaction.put("facts", f"ash-0000:{digest(('e', 'Oslo'))}", b"3f 2-2 {torn")
    found = load(store)
    assert found is not None
    assert found.state.record(("e", "Alice")) == Entity("Alice", "person")
    with pytest.raises(StoreDamaged):
        found.state.record(("e", "Oslo"))
    again = load(store)
    assert again is not None
    with pytest.raises(StoreDamaged):
        again.state.read_all()


def test_what_the_file_says_is_counted_along_with_it() -> None:
    office = Office(desks=1, kept=True)
    (desk,) = office.desks
    for at, item in enumerate(ITEMS):
        desk.serve([Note(item), *([DropAny(at)] if at % 4 == 3 else [])])
        desk.look()
    assert desk.store is not None
    replica = load(desk.store)
    assert replica is not None
    said = replica.ring.graph.records
    assert counts_of(said) == Counts.of(said.values())
    assert counts_of(said) > Counts(1, 0, 1, 0)


def test_a_long_step_to_a_prepared_state_is_kept_in_parts() -> None:
    moment = Moment(1_000, "boot", "tok", 2_000)
    replica = Replica(Rid("ash-0000"), "ash")
    graph = Graph.of(Entity(f"E{at}", "thing", (f"x{at}",)) for at in range(2 * ITEMS_TOGETHER + 1))
    empty = Version(Graph(), Order(), "empty", 0, PLAIN)
    adopt(replica, empty, moment)
    replica.intend(graph, order_of(graph), "full", moment)
    store = MemoryStore()
    with store.transaction() as transaction:
        save(replica, transaction)
    assert len(store.rows("pending")) == 4
    found = load(store)
    assert found is not None
    assert found.ring.pending is not None
    assert found.ring.pending.graph == graph
    with store.transaction() as transaction:
        save(found, transaction)
        assert transaction.written.get("pending") is None, "it is what stands there"
        found.settle(moment)
        save(found, transaction)
    assert store.rows("pending") == []
    settled = load(store)
    assert settled is not None
    assert settled.ring.graph == graph
