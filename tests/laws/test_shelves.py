"""A replica that lets go of what it saved, and every copy of a fragment taken of it, say what they said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Fragment
from memsync_git.model import Item, Rid
from memsync_git.replica import Moment, Replica
from memsync_git.replica.resting import let_rest
from memsync_git.replica.rows import load, save
from memsync_git.replica.shelves import MOST_ACTS
from memsync_git.stores.memory import MemoryStore
from memsync_git.wire.fragments import encode
from tests.laws.desks import WINDOW_MS, Desk, Office, days
from tests.laws.portraits import assert_same_answer, assert_same_replica

T = TypeVar("T")


class RestingDesk(Desk):
    """A desk whose replica has a twin that lives on and rests on its store after some of its acts.

    holding: how much the twin may hold after each act, in turn.
    """

    def __init__(self, name: str, holding: list[int]) -> None:
        self.rows = MemoryStore()
        self.holding = holding
        self.copies: list[tuple[Fragment, bytes]] = []
        with self.rows.transaction() as transaction:
            save(Replica(Rid(f"{name}-0001"), name), transaction)
        self.twin = _loaded(self.rows)
        super().__init__(name)

    def act(self, do: Callable[[Replica, Moment], T]) -> T:
        answer = super().act(do)
        moment = Moment(self.now_ms, "boot", f"{self.name}{self.acts:04d}", WINDOW_MS)
        with self.rows.transaction() as transaction:
            assert_same_answer(do(self.twin, moment), answer)
            save(self.twin, transaction)
        most_held = self.holding[self.acts % len(self.holding)]
        let_rest(self.twin, self.rows, self.rows.generation(), most_held=most_held)
        assert_same_replica(self.twin, self.replica)
        mine, its = self.replica.state.fragments(), self.twin.state.fragments()
        self.copies += [(its[rid], encode(mine[rid])) for rid in its]
        return answer

    def assert_copies_say_what_they_said(self) -> None:
        assert [encode(copy) for copy, _ in self.copies] == [said for _, said in self.copies]


def _loaded(store: MemoryStore) -> Replica:
    found = load(store)
    assert found is not None
    return found


@given(days(), st.lists(st.sampled_from((0, 2, 1000)), min_size=1, max_size=4))
def test_a_replica_that_rests_does_the_same_and_so_do_its_copies(day: list, holding: list[int]) -> None:
    office = Office()
    desks = [RestingDesk(desk.name, holding) for desk in office.desks]
    office.desks = list(desks)
    office.run(day)
    for desk in desks:
        desk.assert_copies_say_what_they_said()


def _noted(replica: Replica, store: MemoryStore, item: Item, at: int) -> None:
    with store.transaction() as transaction:
        replica.write((), [item], Moment(1_000 + at, "boot", f"tok{at}", WINDOW_MS), cause="test")
        save(replica, transaction)


def test_a_copy_outlives_what_another_process_writes() -> None:
    """Its moment is left behind, and it rests on a newer one as soon as the replica does."""
    store, rid = MemoryStore(), Rid("ash-0001")
    with store.transaction() as transaction:
        save(Replica(rid, "ash"), transaction)
    mine = _loaded(store)
    for at in range(3):
        _noted(mine, store, ("o", f"E{at}", "x"), at)
    let_rest(mine, store, store.generation(), most_held=0)
    copy = mine.fragment()
    said = encode(copy)
    other = _loaded(store)
    _noted(other, store, ("o", "E1", "y"), 5)
    _noted(other, store, ("o", "E9", "y"), 6)
    before, mine = mine, _loaded_after(mine, store)
    old = before.shelves
    assert encode(copy) == said
    del before
    let_rest(mine, store, store.generation(), most_held=0)
    assert mine.shelves is not old
    assert encode(copy) == said
    assert encode(mine.fragment()) == encode(other.fragment())


def _loaded_after(before: Replica, store: MemoryStore) -> Replica:
    found = load(store, before)
    assert found is not None
    return found


def test_a_moment_is_let_go_after_some_acts_and_never_while_another_process_is_ahead() -> None:
    store = MemoryStore()
    with store.transaction() as transaction:
        save(Replica(Rid("ash-0001"), "ash"), transaction)
    replica = _loaded(store)
    began = replica.shelves
    for _ in range(MOST_ACTS - 1):
        let_rest(replica, store, store.generation())
    assert replica.shelves is began
    let_rest(replica, store, store.generation() - 1)
    assert replica.shelves is began
    let_rest(replica, store, store.generation())
    assert replica.shelves is not began


def test_a_store_of_an_older_release_is_counted() -> None:
    store = MemoryStore()
    replica = Replica(Rid("ash-0001"), "ash")
    _noted(replica, store, ("o", "E1", "x"), 0)
    kept = store.row("replica", "one")
    assert kept is not None
    assert b'"lines":{"ash-0001":1}' in kept
    with store.transaction() as transaction:
        transaction.put("replica", "one", kept.replace(b',"lines":{"ash-0001":1}', b""))
    assert len(_loaded(store).state.records_of(Rid("ash-0001"))) == 1


def test_what_is_prepared_for_the_file_is_not_let_go() -> None:
    desk = RestingDesk("ash", [1000])
    desk.command((), [("t", "Alice", "person")])
    target = desk.wanted()
    version = desk.version(target)
    desk.act(lambda replica, moment: replica.intend(target, version.order, version.hash, moment))
    shelves = desk.twin.shelves
    let_rest(desk.twin, desk.rows, desk.rows.generation(), most_held=0)
    assert desk.twin.shelves is shelves
