"""What lies beside the lines it replaces stands in their place, for whoever saves, loads or goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Fragment
from memsync_git.crdt.records import Records
from memsync_git.crdt.unread import Unread
from memsync_git.errors import StoreDamaged
from memsync_git.model import EVERYTHING, Graph, Item, Rid
from memsync_git.replica import Moment, Replica, Version
from memsync_git.replica.adopting import adopt, order_of
from memsync_git.replica.beside import BESIDE, MOST_BESIDE
from memsync_git.replica.receiving import receive
from memsync_git.replica.resting import let_rest
from memsync_git.replica.rows import load, save
from memsync_git.replica.shelves import FACTS
from memsync_git.stores.memory import MemoryStore
from memsync_git.stretches import Order
from memsync_git.wire.stored import STORED_LINES, digest, stored_line
from tests.laws.desks import NOON_MS, Office, days
from tests.laws.portraits import assert_same_replica

EMPTY = Version(Graph(), Order(), "empty", 0, EVERYTHING)
OWN, OTHER = Rid("zz-0000"), Rid("birch-0002")
ALICE, OSLO = ("t", "Alice", "person"), ("t", "Oslo", "city")


def _moment(at: int) -> Moment:
    return Moment(NOON_MS + at, "boot", f"tok{at}", 2_000)


class Other:
    """Another machine, whose revisions come as lines nobody has read."""

    def __init__(self, said: Iterable[Item]) -> None:
        self.replica = Replica(OTHER, "birch")
        self.write((), said)

    def write(self, removed: Iterable[Item], added: Iterable[Item]) -> None:
        self.replica.write(removed, added, _moment(self.replica.header.rev), cause="test")

    def unread(self) -> Fragment:
        return _unread(self.replica.fragment())


def _unread(fragment: Fragment) -> Fragment:
    lines = {digest(key): stored_line(key, facts) for key, facts in fragment.records.items()}
    return Fragment(fragment.header, Records(unread=lines, stored=STORED_LINES))


class Desk:
    """A replica with its store, and a twin in memory that is told the same, read."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.acts = 0
        self.twin, self.replica = (Replica(OWN, "ash") for _ in range(2))
        for each in (self.twin, self.replica):
            adopt(each, EMPTY, _moment(0))
        self.save()
        self.reopen()
        self.replica.compare()
        self.twin.compare()

    def save(self) -> None:
        with self.store.transaction() as transaction:
            save(self.replica, transaction)

    def reopen(self) -> None:
        found = load(self.store)
        assert found is not None
        self.replica = found

    def receive(self, *found: Fragment) -> None:
        self.acts += 1
        receive(self.replica, found, _moment(self.acts))
        receive(self.twin, [Fragment(each.header, dict(each.records)) for each in found], _moment(self.acts))
        self.save()
        self.assert_same()

    def look_away(self) -> None:
        """An act that receives nothing."""
        self.save()
        let_rest(self.replica, self.store, self.store.generation(), most_held=0)
        self.assert_same()

    def assert_same(self) -> None:
        """This one, what a process finds, and what a look at everything finds are what the twin is."""
        found = load(self.store)
        assert found is not None
        for each in (self.replica, found):
            assert_same_replica(self.twin, each)  # which is read for it; the other stays unread
        found.compare_anew()
        assert (found.behind, found.contested) == (self.twin.behind, self.twin.contested)

    @property
    def beside(self) -> list[tuple[str, bytes]]:
        return list(self.store.rows(BESIDE))

    def assert_in_places(self) -> None:
        whole = MemoryStore()
        with whole.transaction() as transaction:
            self.twin.fresh.records = {
                (rid, key) for rid in self.twin.state.rids for key in self.twin.state.records_of(rid)
            }
            save(self.twin, transaction)
        assert not self.beside
        assert dict(self.store.rows(FACTS)) == dict(whole.rows(FACTS))


def with_a_line_beside(said: list[Item]) -> tuple[Other, Desk]:
    """A machine that has written to a record since it was received, and a desk that has taken that in."""
    other, desk = Other(said), Desk()
    desk.receive(other.unread())
    other.write((), [("o", "Alice", "likes tea")])
    desk.receive(other.unread())
    return other, desk


def test_a_changed_line_lies_beside_until_an_act_receives_nothing() -> None:
    other, desk = Other([ALICE, OSLO]), Desk()
    desk.receive(other.unread())
    standing = dict(desk.store.rows(FACTS))
    other.write((), [("o", "Alice", "likes tea"), ("t", "Bergen", "city")])
    desk.receive(other.unread())
    assert len(desk.beside) == 1
    assert standing.items() <= dict(desk.store.rows(FACTS)).items()
    desk.look_away()
    desk.assert_in_places()


def test_lines_stay_beside_while_a_version_is_prepared() -> None:
    _, desk = with_a_line_beside([ALICE])
    graph = desk.replica.target_graph()
    for each in (desk.replica, desk.twin):
        each.intend(graph, order_of(graph), "new", _moment(90))
    desk.look_away()
    assert desk.beside
    for each in (desk.replica, desk.twin):
        each.settle(_moment(91))
    desk.look_away()
    desk.assert_in_places()


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize(
    ("removed", "added"),
    [
        ([], [("o", "Alice", "lives in Oslo")]),
        ([ALICE, ("o", "Alice", "likes tea")], []),
        ([("o", "Alice", "likes tea")], [("t", "Alice", "robot"), ("t", "Bergen", "city")]),
        ([OSLO], [("t", "Bergen", "city")]),
    ],
)
def test_what_lies_beside_may_change_again_and_go(
    removed: list[Item], added: list[Item], *, reopened: bool
) -> None:
    other, desk = with_a_line_beside([ALICE, OSLO])
    if reopened:
        desk.reopen()
    other.write(removed, added)
    desk.receive(other.unread())
    desk.look_away()
    desk.assert_in_places()


@pytest.mark.parametrize("more", [0, 1])
def test_what_is_more_than_may_lie_beside_comes_into_its_place_at_once(more: int) -> None:
    names = [f"E{at}" for at in range(MOST_BESIDE + more)]
    other, desk = Other([("t", name, "thing") for name in names]), Desk()
    desk.receive(other.unread())
    other.write((), [("o", name, "noted") for name in names])
    desk.receive(other.unread())
    assert bool(desk.beside) is not bool(more)
    desk.look_away()
    desk.assert_in_places()


@given(days(), days(), st.booleans())
def test_revisions_taken_in_as_lines_are_what_they_are_when_they_are_read(
    day: list[Any], later: list[Any], reopened: bool
) -> None:
    office, desk = Office(desks=3), Desk()
    for part in (day, later):
        published = office.run(part).published
        desk.receive(*map(_unread, published))
        if reopened:
            desk.reopen()
            desk.replica.compare()
    desk.look_away()
    desk.assert_in_places()


def test_a_torn_row_of_such_lines_is_a_damaged_store() -> None:
    _, desk = with_a_line_beside([ALICE])
    ((key, value),) = desk.beside
    with desk.store.transaction() as transaction:
        transaction.put(BESIDE, key, value.partition(b"\n")[0])
    with pytest.raises(StoreDamaged):
        load(desk.store)


class CountingShelf:
    """Lines that lie elsewhere, and how many were fetched."""

    def __init__(self, lying: dict[str, bytes]) -> None:
        self.lying = lying
        self.fetched = 0
        self.weight = 0

    def line(self, name: str) -> bytes | None:
        self.fetched += 1
        return self.lying.get(name)

    def lines(self) -> Iterable[tuple[str, bytes]]:
        return self.lying.items()

    def among(self, names: Collection[str]) -> Iterable[tuple[str, bytes]]:
        found = [(name, self.lying[name]) for name in names if name in self.lying]
        self.fetched += len(found)
        return found

    def names(self) -> Iterable[str]:
        return self.lying

    def rested_on(self, by: Unread) -> None:
        """Nobody is moved from here but by the tests."""

    def __len__(self) -> int:
        return len(self.lying)


NAMES = st.sampled_from("abcdef")
LINES = st.dictionaries(NAMES, st.sampled_from([b"1", b"2", b"3"]))


@given(LINES, LINES, LINES, st.sets(NAMES))
def test_lines_that_were_put_away_are_compared_as_if_they_were_fetched(
    lying: dict[str, bytes], here: dict[str, bytes], come: dict[str, bytes], gone: set[str]
) -> None:
    shelf = CountingShelf(lying)
    old, fetched, known = (Unread(here, shelf, here.keys() & lying.keys()) for _ in range(3))
    stood = {name: old[name] for name in (gone | come.keys()) if name in old}
    fetched.leave(*stood)
    known.put_away(stood)
    for each in (fetched, known):
        each.lay(come.items())
    shelf.fetched = 0
    found = old.differing(known.copy())
    assert shelf.fetched == 0
    assert found == old.differing(fetched)
    other = CountingShelf({**lying, "a": b"4"})
    known.move(other, {"a": b"4"})
    assert dict(known.items()) == dict(fetched.items())
    old.move(other, {"a": b"4"})
    assert old.differing(known) == found
