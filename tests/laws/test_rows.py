"""A replica that is saved and loaded again after every act does the same as one that never sleeps."""

from __future__ import annotations

import pytest
from hypothesis import given

from memsync_git.errors import StoreDamaged
from memsync_git.model import Entity, Rid
from memsync_git.replica import Moment, Replica
from memsync_git.replica.rows import digest, load, save
from memsync_git.replica.values import KeptFile
from memsync_git.stores.memory import MemoryStore
from tests.laws.desks import Office, days


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
        replica.kept_states, replica.kept_file = {}, KeptFile()
        whole = MemoryStore()
        with whole.transaction() as transaction:
            save(replica, transaction)
        for kind in ("replica", "header", "facts", "file", "state", "pending", "hold", "past"):
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
