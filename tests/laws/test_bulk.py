"""Many at once: what is done in bulk is, byte for byte, what is done one by one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.pen import Pen
from memsync_git.crdt.state import State
from memsync_git.model import EVERYTHING, Graph, Record, Rid, items_of
from memsync_git.replica import Moment, Replica, Version
from memsync_git.replica.adopting import adopt, order_of
from memsync_git.replica.rows import load, save
from memsync_git.stores.memory import MemoryStore
from memsync_git.wire.fragments import encode
from memsync_git.wire.records import encode_record, spelt_line
from tests.laws.wire_strategies import fragments, records

OWN = Rid("ash-0001")
NOON_MS = 1_763_637_000_000
distinct = st.lists(records(), max_size=6, unique_by=lambda record: record.key)
clocks_ms = st.sampled_from([-5, 0, 1, NOON_MS, 1 << 60])


def _written(said: list[Record], wall_ms: int, *, in_bulk: bool) -> Fragment:
    state = State([Fragment(Header(OWN, "ash"))])
    pen = Pen(state, Header(OWN, "ash"), wall_ms=wall_ms)
    for record in said:
        if in_bulk:
            assert pen.add_new(record, ts=NOON_MS)
        else:
            for item in items_of(record):
                pen.add(item, ts=NOON_MS if item[0] in ("t", "f") else None)
    written = pen.finish(tok="tok")
    assert written.records == {record.key for record in said}
    assert written.added == [item for record in said for item in items_of(record)]
    return state.fragment(OWN)


@given(distinct, clocks_ms)
def test_a_new_record_said_at_once_is_the_same_bytes_as_item_by_item(
    said: list[Record], wall_ms: int
) -> None:
    at_once, one_by_one = (_written(said, wall_ms, in_bulk=way) for way in (True, False))
    assert encode(at_once) == encode(one_by_one)
    assert at_once == one_by_one


@given(distinct)
def test_a_record_somebody_has_spoken_of_is_not_taken_for_new(said: list[Record]) -> None:
    state = State([_written(said, NOON_MS, in_bulk=True)])
    pen = Pen(state, Header(Rid("birch-0002"), "birch"), wall_ms=NOON_MS)
    assert not any(pen.add_new(record, ts=NOON_MS) for record in said)


@given(fragments())
def test_a_line_written_the_quick_way_is_spelt_alike(fragment: Fragment) -> None:
    for key, facts in fragment.records.items():
        bare = replace(facts, raw=None)
        assert encode_record(key, bare) == spelt_line(key, bare)


@given(distinct, st.booleans())
def test_a_first_file_leaves_file_and_memory_alike_and_nothing_to_look_at(
    said: list[Record], stored: bool
) -> None:
    """`stored`: the replica came from a store, so that what it takes in goes into lines nobody reads."""
    replica = Replica(OWN, "ash")
    if stored:
        store = MemoryStore()
        with store.transaction() as transaction:
            save(replica, transaction)
        replica = load(store) or replica
    graph = Graph.of(said)
    version = Version(graph, order_of(graph), "hash", NOON_MS, EVERYTHING)
    observed = adopt(replica, version, Moment(NOON_MS, "boot", "tok", 2000))
    known, contested = set(replica.behind), set(replica.contested)
    replica.compare_anew()
    assert known == replica.behind == set()
    assert contested == replica.contested == set()
    assert replica.state.graph() == graph
    assert set(observed.added) == graph.items()
