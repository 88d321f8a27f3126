"""A replica that is saved and loaded again after every act does the same as one that never sleeps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from memsync_git.errors import StoreDamaged
from memsync_git.model import PLAIN, Entity, Graph, Rid
from memsync_git.replica import Moment, Replica, Version
from memsync_git.replica.adopting import adopt, order_of
from memsync_git.replica.beside import Beside
from memsync_git.replica.observing import observe
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
        replica.kept_differences = {}
        whole = MemoryStore()
        with whole.transaction() as transaction:
            save(replica, transaction)
        said = replica.ring.graph.records
        assert counts_of(said) == Counts.of(said.values())
        for kind in ("replica", "differs", "header", "file", "state", "pending", "hold", "past"):
            assert dict(desk.store.rows(kind)) == dict(whole.rows(kind)), kind
        assert _facts(desk.store) == dict(whole.rows("facts"))


def _facts(store: MemoryStore) -> dict[str, bytes]:
    """The record lines of a store, those that lie beside others in their place."""
    beside = Beside.of(store).lines
    newer = {f"{rid}:{name}": line for rid, lines in beside.items() for name, line in lines.items()}
    standing = dict(store.rows("facts"))
    assert newer.keys() <= standing.keys()
    return standing | newer


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


MOMENT = Moment(1_000, "boot", "tok", 2_000)
EMPTY = Version(Graph(), Order(), "empty", 0, PLAIN)


def _many(many: int = 2 * ITEMS_TOGETHER + 1) -> Graph:
    return Graph.of(Entity(f"E{at}", "thing", (f"x{at}",)) for at in range(many))


def _with_file(graph: Graph) -> Replica:
    """A replica whose file says this."""
    replica = Replica(Rid("ash-0000"), "ash")
    adopt(replica, replace(EMPTY, graph=graph, order=order_of(graph), hash="first"), MOMENT)
    return replica


def _saved(replica: Replica, store: MemoryStore) -> dict[str, dict[str, bytes | None]]:
    """What saving writes; None: a row that goes."""
    with store.transaction() as transaction:
        save(replica, transaction)
        return dict(transaction.written)


def _loaded(store: MemoryStore) -> Replica:
    found = load(store)
    assert found is not None
    return found


def test_a_long_step_to_a_prepared_state_is_kept_in_parts() -> None:
    graph, store = _many(), MemoryStore()
    replica = _with_file(Graph.of([Entity("Alice", "person")]))
    replica.intend(graph, order_of(graph), "full", MOMENT)
    _saved(replica, store)
    assert len(store.rows("pending")) == 4
    found = _loaded(store)
    assert found.ring.pending is not None
    assert found.ring.pending.graph == graph
    assert _saved(found, store).get("pending") is None, "it is what stands there"
    found.settle(MOMENT)
    _saved(found, store)
    assert store.rows("pending") == []
    assert _loaded(store).ring.graph == graph


@pytest.mark.parametrize("is_loaded", [False, True])
def test_a_state_that_is_prepared_from_nothing_is_kept_as_the_file_it_becomes(is_loaded: bool) -> None:
    graph, store = _many(), MemoryStore()
    replica = _with_file(Graph())
    replica.intend(graph, order_of(graph), "full", MOMENT)
    lines = {name for name in _saved(replica, store)["file"] if name != "one"}
    assert len(store.rows("pending")) == 1
    replica = _loaded(store) if is_loaded else replica
    assert replica.ring.pending is not None
    assert replica.ring.pending.graph == graph
    assert dict(replica.ring.pending.ahead) == graph.records
    assert list(replica.ring.pending.state.order) == list(order_of(graph))
    assert replica.ring.graph == Graph()
    assert "pending" not in _saved(replica, store), "it is what stands there"
    replica.settle(MOMENT)
    assert _saved(replica, store)["file"].keys() == {"one"}, "its lines stand there"
    assert {name for name, _ in store.rows("file")} == {"one", *lines}
    assert store.rows("pending") == []
    assert _loaded(store).ring.graph == graph


@pytest.mark.parametrize("is_loaded", [False, True])
@pytest.mark.parametrize("stands", [Graph(), _many(1), _many(300), _many(ITEMS_TOGETHER)])
def test_of_a_prepared_state_that_never_came_to_be_no_line_is_left(stands: Graph, is_loaded: bool) -> None:
    """`stands`: what the file turned out to say instead, in lines that may be those that were prepared."""
    store, other = MemoryStore(), MemoryStore()
    replica = _with_file(Graph())
    graph = _many(700)
    replica.intend(graph, order_of(graph), "full", MOMENT)
    _saved(replica, store)
    replica = _loaded(store) if is_loaded else replica
    observe(replica, replace(EMPTY, graph=stands, order=order_of(stands), hash="other"), MOMENT)
    _saved(replica, store)
    assert replica.ring.pending is not None
    found = _loaded(store)
    assert found.ring.pending is not None
    assert found.ring.pending.graph == graph
    replica = found if is_loaded else replica
    replica.ring.abandon()
    _saved(replica, store)
    _saved(_with_file(stands), other)
    assert dict(store.rows("file")) == dict(other.rows("file"))
    assert store.rows("pending") == []
    assert _loaded(store).ring.graph == stands
