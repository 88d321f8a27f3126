"""A state kept by steps equals one built from scratch: views, order, conflicts, homes and the dead."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Entry, Fragment, Header, Hint, RecordFacts
from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.state import State
from memsync_git.model import RecordKey, Rid
from tests.laws.histories import RIDS, Fleet, Machine, histories, rebuilt


def assert_same(state: State, scratch: State) -> None:
    """Everything anybody may ask of a state."""
    assert state.shown() == scratch.shown()
    assert list(state.graph()) == list(scratch.graph())
    assert set(state.keys()) == set(scratch.keys())
    assert sorted(state.all_conflicts(), key=repr) == sorted(scratch.all_conflicts(), key=repr)
    assert set(state.unanchored()) == set(scratch.unanchored())
    assert state.size == scratch.size
    assert state.nexts() == scratch.nexts()
    for rid in state.rids:
        assert state.dead(rid) == scratch.dead(rid)
        assert dict(state.held_numbers(rid)) == dict(scratch.held_numbers(rid))


@given(histories())
def test_after_every_step_of_a_history_the_state_is_as_if_built_from_scratch(history: list) -> None:
    def check(machine: Machine) -> None:
        assert_same(machine.state, rebuilt(machine.state))

    Fleet().run(history, check)


KEYS: tuple[RecordKey, ...] = (("e", "Alice"), ("e", "Oslo"), ("l", "Alice", "Oslo", "likes"), ("r", "note"))
_stamps = st.tuples(st.integers(0, 3), st.sampled_from(RIDS[:3]), st.integers(1, 8))


@st.composite
def strange_fragments(draw: st.DrawFn) -> Fragment:
    """Whatever a peer may publish: dots that change their record and their meaning from revision to revision,
    as those of two clones of one machine do."""
    rid = draw(st.sampled_from(RIDS[:3]))
    numbers = draw(st.permutations(range(1, 7)))
    records: dict[RecordKey, RecordFacts] = {}
    for n in numbers[: draw(st.integers(0, 5))]:
        key = draw(st.sampled_from(KEYS))
        facts = records.get(key, RecordFacts())
        records[key] = _with_fact(draw, key, facts, n)
    others = [other for other in RIDS[:3] if other != rid]
    removed = {
        other: Intervals.numbers(draw(st.sets(st.integers(1, 8), min_size=1, max_size=4)))
        for other in draw(st.sets(st.sampled_from(others)))
    }
    return Fragment(Header(rid, rid, rev=1, next=7, removed=removed), records)


def _with_fact(draw: st.DrawFn, key: RecordKey, facts: RecordFacts, n: int) -> RecordFacts:
    ts = draw(st.integers(0, 3))
    if draw(st.booleans()):
        hint = Hint((draw(_stamps), "hinted"), {"tags": (draw(_stamps), "1")})  # type: ignore[dict-item]
        facts = replace(facts, hint=hint)
    if draw(st.booleans()):
        field = (*facts.fields.get("tags", ()), Entry(n, ts, draw(st.sampled_from(("1", "2")))))
        return replace(facts, fields={"tags": field})
    if key[0] != "e":
        return replace(facts, existence=(*facts.existence, Entry(n, ts)))
    if draw(st.booleans()):
        return replace(facts, types=(*facts.types, Entry(n, ts, draw(st.sampled_from((None, "person"))))))
    said = Entry(n, ts, draw(st.sampled_from(("likes tea", "lives in Oslo"))))
    return replace(facts, observations=(*facts.observations, said))


@given(st.lists(st.one_of(strange_fragments(), st.sampled_from(RIDS[:3])), max_size=8))
def test_whatever_fragments_come_and_go_the_state_is_as_if_built_from_scratch(
    steps: list[Fragment | Rid],
) -> None:
    state = State()
    for step in steps:
        if isinstance(step, Fragment):
            state.replace(step)
        else:
            state.forget(step)
        assert_same(state, rebuilt(state))


@given(strange_fragments(), strange_fragments())
def test_a_replacement_says_what_every_record_it_touched_showed_before(one: Fragment, two: Fragment) -> None:
    state = State([one])
    before = {key: state.record(key) for key in KEYS}
    told = state.replace(two)
    changed = {key for key in KEYS if state.record(key) != before[key]}
    assert changed <= told.keys()
    assert all(record == before[key] for key, record in told.items())


def test_a_dot_that_moves_to_another_record_is_found_there() -> None:
    """Two clones of one machine give one number to facts of different records; whoever joins one revision
    after the other must know the same as whoever joins only the last."""
    rid = RIDS[0]
    note, likes = (("e", "Oslo"), ("e", "Alice"))
    one = Fragment(Header(rid, "ash", rev=1, next=2), {note: _observes(1, "x")})
    two = Fragment(Header(rid, "ash", rev=2, next=2), {likes: _observes(1, "y"), note: RecordFacts()})
    state = State([one])
    state.replace(two)
    assert state.home((rid, 1)) == likes
    state.replace(Fragment(Header(RIDS[1], "birch", rev=1, removed={rid: Intervals.numbers([1])})))
    assert not list(state.keys())


def _observes(n: int, text: str) -> RecordFacts:
    return RecordFacts(observations=(Entry(n, 1, text),))
