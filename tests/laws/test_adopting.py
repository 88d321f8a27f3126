"""Guard 4: the first version of a file that a replica meets, over generated days of the fleet it joins."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Fragment
from memsync_git.crdt.state import State
from memsync_git.model import EVERYTHING, Graph, Item, Rid
from memsync_git.replica import Moment, Replica, Version
from memsync_git.replica.adopting import adopt, adopt_from, deleted_by_fleet, order_of
from memsync_git.replica.receiving import receive
from tests.laws.desks import ITEMS, NOON_MS, WINDOW_MS, Drop, Note, Office, days, items
from tests.laws.reference import slot_of

LATER_MS = NOON_MS + 1_000_000


def _graph(said: list[Item]) -> Graph:
    graph = Graph()
    for item in said:
        graph = Note(item)(graph)
    return graph


graphs = st.lists(items, max_size=8).map(_graph)


def _moment(at: int = 0) -> Moment:
    return Moment(LATER_MS + at, "boot", f"new{at}", WINDOW_MS)


def _version(graph: Graph, mtime_ms: int = LATER_MS) -> Version:
    return Version(graph, order_of(graph), str(list(graph)), mtime_ms, EVERYTHING)


def _newcomer(fragments: list[Fragment]) -> Replica:
    """An installation that has fetched everything and read nothing yet."""
    replica = Replica(Rid("dogwood-0001"), "dogwood")
    receive(replica, fragments, _moment())
    return replica


def _settled(day: list) -> Office:
    office = Office(desks=2).run(day)
    office.settle()
    assume(not any(desk.replica.holds for desk in office.desks))
    return office


@given(days(), graphs)
def test_a_file_and_the_memory_are_united_and_what_both_say_is_not_said_again(
    day: list, graph: Graph
) -> None:
    replica = _newcomer(_settled(day).published)
    assume(not list(replica.state.unanchored()))
    before = replica.state.graph().items()
    observed = adopt(replica, _version(graph), _moment(1))
    after = replica.state.graph().items()
    assert {item for item in before | graph.items() if slot_of(item) == item} <= after
    assert not set(observed.added) & before
    assert replica.header.next - 1 == len(observed.added)


@given(days(), graphs, st.integers(0, NOON_MS - 1))
def test_an_old_copy_does_not_beat_newer_values_and_what_differs_is_listed(
    day: list, graph: Graph, mtime_ms: int
) -> None:
    replica = _newcomer(_settled(day).published)
    assume(not list(replica.state.unanchored()))
    before = {slot_of(item): item for item in replica.state.graph().items()}
    adopt(replica, _version(graph, mtime_ms), _moment(1))
    after = replica.state.graph().items()
    assert set(before.values()) <= after
    torn = {conflict.register for conflict in replica.state.all_conflicts()}
    for item in graph.items():
        if item not in after:
            assert slot_of(item) in torn


@given(days(), st.integers(0, 30))
def test_a_file_that_equals_a_past_view_of_the_fleet_brings_nothing_back(day: list, at: int) -> None:
    """A reinstall: the file was written from that view, so what is gone since was deleted."""
    office = Office(desks=2).run(day)
    office.settle(rounds=1)
    desk = office.desks[at % 2]
    cut = list(desk.replica.state.fragments().values())
    file = State(cut).graph()
    desk.serve([Drop(ITEMS[at % len(ITEMS)]), Note(ITEMS[(at + 1) % len(ITEMS)])], wait_ms=9_000)
    office.settle()
    assume(not any(other.replica.holds for other in office.desks))
    replica = _newcomer(office.published)
    observed = adopt_from(replica, cut, _version(file), _moment(1))
    assert not observed.added
    assert not observed.removed
    assert replica.state.graph().items() == desk.file.items()


@given(days(), graphs)
def test_what_the_fleet_deleted_is_named_and_stays_deleted_if_that_is_asked_for(
    day: list, graph: Graph
) -> None:
    office = Office(desks=2).run(day)
    office.settle(rounds=1)
    cut = tuple(office.desks[0].replica.state.fragments().values())
    past = State(cut).graph().items()
    office.desks[0].serve([Drop(item) for item in ITEMS], wait_ms=9_000)
    office.settle()
    assume(not any(desk.replica.holds for desk in office.desks))
    replica = _newcomer(office.published)
    standing = replica.state.graph().items()
    version = _version(graph)
    named = deleted_by_fleet(replica, version, [cut])
    assert named == (graph.items() & past) - standing
    observed = adopt(replica, version, _moment(1), without=named)
    assert not named & set(observed.added)
