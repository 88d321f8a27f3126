"""A state kept by steps equals one built from scratch, and one whose lines nobody has read equals one whose
lines were: views, order, conflicts, homes, the dead, and the bytes that go out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Entry, Fragment, Header, Hint, RecordFacts
from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.records import Glance, Records
from memsync_git.crdt.state import Before, State
from memsync_git.model import RecordKey, Rid
from memsync_git.wire.fragments import LIMITS, decode, encode, encode_files, encode_record
from memsync_git.wire.records import read_record
from memsync_git.wire.stored import glance, line_of, numbers_of, stored_line
from tests.fakes import Lying
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


# --- lines nobody has read


class Kept:
    """Lines as a store keeps them; see `crdt.records.Stored`."""

    def name_of(self, key: RecordKey) -> str:
        return repr(key)

    def numbers_of(self, stored: bytes) -> list[tuple[int, int]]:
        return numbers_of(stored)

    def read(self, stored: bytes) -> tuple[RecordKey, RecordFacts]:
        return read_record(line_of(stored), LIMITS)

    def line(self, key: RecordKey, facts: RecordFacts) -> bytes:
        return stored_line(key, facts)

    def glance(self, stored: bytes) -> Glance | None:
        return glance(stored)


def asleep(fragment: Fragment) -> Fragment:
    """The same fragment, none of its lines read."""
    kept = Kept()
    lines = {kept.name_of(key): stored_line(key, facts) for key, facts in fragment.records.items()}
    return Fragment(fragment.header, Records(unread=lines, stored=kept))


def rest(state: State) -> None:
    """Let go of everything that was read."""
    every = {rid: asleep(fragment).records for rid, fragment in state.fragments().items()}
    shelves = {rid: Lying(records.unread) for rid, records in every.items() if isinstance(records, Records)}
    state.rest_on(shelves, Kept(), kept=set())


_asked = st.lists(st.sampled_from(KEYS), max_size=2)


@st.composite
def plain_fragments(draw: st.DrawFn) -> Fragment:
    """What most machines publish: lines shown at a glance, until somebody removes some of what they say."""
    rid = draw(st.sampled_from(RIDS[:3]))
    records: dict[RecordKey, RecordFacts] = {}
    n = draw(st.integers(1, 3))
    for key in draw(st.lists(st.sampled_from(KEYS[:3]), unique=True)):
        if key[0] == "l":
            records[key] = RecordFacts(existence=(Entry(n, 1),))
        else:
            said = draw(st.lists(st.sampled_from(("likes tea", "lives in Oslo")), unique=True))
            observations = tuple(Entry(at, 1, text) for at, text in enumerate(said, n + 1))
            records[key] = RecordFacts(types=(Entry(n, 1, "person"),), observations=observations)
        n += 3
    return Fragment(Header(rid, rid, rev=1, next=n), records)


_fragments = st.one_of(strange_fragments(), plain_fragments())
_step = st.one_of(_fragments, st.sampled_from(RIDS[:3]), st.just("rest"))


@given(st.lists(st.tuples(_step, _asked), max_size=8))
def test_a_state_whose_lines_are_unread_does_the_same(steps: list) -> None:
    lazy, eager = State(), State()
    for step, asked in steps:
        showed = {key: eager.record(key) for key in KEYS}
        told: Before = {}
        if isinstance(step, Fragment):
            told = lazy.replace(asleep(step))
            eager.replace(step)
        elif step == "rest":
            rest(lazy)
        else:
            told = lazy.forget(step)
            eager.forget(step)
        assert {key for key in KEYS if eager.record(key) != showed[key]} <= told.keys()
        assert told == {key: showed[key] for key in told}
        assert [lazy.record(key) for key in asked] == [eager.record(key) for key in asked]
        assert all(set(lazy.held_numbers(rid)) == set(eager.held_numbers(rid)) for rid in RIDS[: len(asked)])
        assert_same(State(map(asleep, eager.fragments().values())), eager)
        for rid in eager.rids:
            assert lazy.dead(rid) == eager.dead(rid)
            assert encode(lazy.fragment(rid)) == encode(eager.fragment(rid))
    assert_same(lazy, eager)


@given(histories())
def test_after_every_step_of_a_history_the_unread_goes_out_as_what_was_read(history: list) -> None:
    def check(machine: Machine) -> None:
        for fragment in machine.state.fragments().values():
            for limit in (0, 1 << 20):
                files = encode_files(fragment, shard_over_bytes=limit)
                assert encode_files(asleep(fragment), shard_over_bytes=limit) == files

    Fleet().run(history, check)


@given(strange_fragments(), strange_fragments(), st.data())
def test_known_lines_change_nothing_in_what_is_read(
    one: Fragment, two: Fragment, data: st.DataObject
) -> None:
    """Neither what is found nor what is refused: two lines for one record, a number used twice."""
    lines = [encode_record(key, facts) for each in (one, two) for key, facts in each.records.items()]
    some = st.sampled_from(lines or [b"{}"])
    chosen = data.draw(st.one_of(st.lists(some, max_size=4), st.lists(some, max_size=8, unique=True)))
    body = b"\n" + b",\n".join(chosen) if chosen else b""
    written = encode(Fragment(two.header)).replace(b"\n]}", body + b"\n]}")
    read = decode(written)
    known = asleep(one).records
    assert decode(written, known=known) == read
    assert decode(written, known=dict(known)) == read


@given(plain_fragments(), plain_fragments())
def test_what_replaces_plain_lines_is_not_read_either(one: Fragment, two: Fragment) -> None:
    two = Fragment(replace(two.header, rid=one.rid), two.records)
    state = State([asleep(one)])
    state.replace(asleep(two))
    assert {key: state.is_contested(key) for key in KEYS} == dict.fromkeys(KEYS, False)
    assert state.shown(KEYS) == State([two]).shown(KEYS)
    records = state.fragment(one.rid).records
    assert isinstance(records, Records)
    assert not records.read


def test_what_nobody_asked_for_stays_unread() -> None:
    state = State(
        [
            asleep(
                Fragment(
                    Header(RIDS[0], "ash", rev=1, next=3),
                    {KEYS[0]: _observes(1, "x"), KEYS[1]: _observes(2, "y")},
                )
            )
        ]
    )
    assert state.record(KEYS[0]) is not None
    assert state.size == 2
    records = state.fragment(RIDS[0]).records
    assert isinstance(records, Records)
    assert list(records.unread) == [repr(KEYS[1])]
    assert state.home((RIDS[0], 2)) == KEYS[1]


def _observes(n: int, text: str) -> RecordFacts:
    return RecordFacts(observations=(Entry(n, 1, text),))
