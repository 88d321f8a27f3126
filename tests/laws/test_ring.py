"""The ring against a plain list of graphs: it stores steps, and must give back every state whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.inference import (
    MOST_KEPT,
    NEWEST_KEPT,
    Base,
    FileState,
    Kind,
    Knowledge,
    Ring,
    nearest,
    window_ms,
)
from memsync_git.model import Entity, Graph, Record, Relation, Rid
from memsync_git.stretches import Order

NAMES = ("Alice", "Bob", "Oslo", "Acme")
TEXTS = ("likes tea", "lives in Oslo", "x")
ASH = Rid("ash-0001")

entities = st.builds(
    Entity,
    st.sampled_from(NAMES),
    st.sampled_from(("person", "city")),
    st.lists(st.sampled_from(TEXTS), unique=True).map(tuple),
)
relations = st.builds(Relation, st.sampled_from(NAMES), st.sampled_from(NAMES), st.just("knows"))
graphs = st.lists(st.one_of(entities, entities, relations), max_size=6).map(Graph.of)


@dataclass
class PlainRing:
    """The same ring, keeping every state whole."""

    states: list[tuple[FileState, Graph]] = field(default_factory=list)
    pending: tuple[FileState, Graph] | None = None

    def push(self, state: FileState, graph: Graph) -> None:
        if self.states:
            before, held = self.states[-1]
            self.states[-1] = (replace(before, until_ms=state.from_ms), held)
        self.states.append((replace(state, until_ms=None), graph))

    def insert_below(self, state: FileState, graph: Graph) -> None:
        self.states.insert(-1, (replace(state, until_ms=self.states[-1][0].from_ms), graph))

    def settle(self, now_ms: int) -> None:
        if self.pending is not None:
            state, graph = self.pending
            self.pending = None
            self.push(replace(state, kind=Kind.WRITTEN, from_ms=now_ms), graph)

    def trim(self, oldest_ms: int) -> None:
        while len(self.states) > NEWEST_KEPT:
            until_ms = self.states[0][0].until_ms
            if until_ms is not None and until_ms >= oldest_ms and len(self.states) <= MOST_KEPT:
                return
            del self.states[0]


class Pair:
    """Both rings, told the same."""

    def __init__(self) -> None:
        self.ring, self.plain, self.now_ms = Ring(), PlainRing(), 1_000
        self.push(Graph())

    def _state(self) -> FileState:
        self.now_ms += 100
        return FileState(f"h{self.now_ms}", self.now_ms, None, {ASH: self.now_ms}, Order(), Kind.OBSERVED)

    def push(self, graph: Graph) -> None:
        state = self._state()
        self.ring.push(state, graph)
        self.plain.push(state, graph)

    def insert_below(self, graph: Graph) -> None:
        state = self._state()
        self.ring.insert_below(state, graph)
        self.plain.insert_below(state, graph)

    def intend(self, graph: Graph) -> None:
        state = self._state()
        self.ring.intend(state, graph)
        self.plain.pending = (replace(state, kind=Kind.PENDING), graph)

    def settle(self, _: Graph) -> None:
        self.now_ms += 100
        self.ring.settle(self.now_ms)
        self.plain.settle(self.now_ms)

    def abandon(self, _: Graph) -> None:
        self.ring.abandon()
        self.plain.pending = None

    def trim(self, _: Graph) -> None:
        self.ring.trim(self.now_ms - 300)
        self.plain.trim(self.now_ms - 300)

    def confirm(self, _: Graph) -> None:
        vv = {ASH: self.now_ms + 1}
        self.ring.confirm(vv, {}, now_ms=self.now_ms, reach_ms=300)
        state, graph = self.plain.states[-1]
        former = (*state.former, Knowledge(self.now_ms, state.vv, state.unseen))
        former = tuple(each for each in former if each.until_ms >= self.now_ms - 300)
        self.plain.states[-1] = (replace(state, vv=vv, former=former), graph)

    def reload(self, _: Graph) -> None:
        """Begin again from what is kept: the states as steps, the newest whole."""
        self.ring = Ring(self.ring.states, self.ring.graph, self.ring.pending)


ACTS = (
    Pair.push,
    Pair.push,
    Pair.insert_below,
    Pair.intend,
    Pair.settle,
    Pair.abandon,
    Pair.trim,
    Pair.confirm,
    Pair.reload,
)
steps = st.lists(st.tuples(st.sampled_from(ACTS), graphs), max_size=12)


def told(state: FileState, records: dict[tuple[str, ...], Record]) -> tuple[object, ...]:
    """What matters of a state."""
    return state.hash, state.from_ms, state.until_ms, dict(state.vv), state.kind, records


def assert_same(pair: Pair) -> None:
    wanted = [told(state, graph.records) for state, graph in reversed(pair.plain.states)]
    if pair.plain.pending is not None:
        state, graph = pair.plain.pending
        wanted.append(told(state, graph.records))
    found = [told(base.state, base.records()) for base in pair.ring.bases()]
    assert found == wanted
    assert pair.ring.graph == pair.plain.states[-1][1]
    for base, (*_, records) in zip(pair.ring.bases(), wanted, strict=True):
        assert all(base.record(key) == records.get(key) for key in [*records, ("e", "Alice"), ("e", "Bob")])


@given(steps)
def test_every_state_comes_out_of_the_ring_as_it_went_in(history: list) -> None:
    pair = Pair()
    for act, graph in history:
        act(pair, graph)
        assert_same(pair)
    kept = [state.seq for state in pair.ring.states]
    assert len(set(kept)) == len(kept)


@given(steps, st.integers(900, 2400))
def test_candidates_are_what_a_writer_can_still_have_in_its_hands(history: list, since_ms: int) -> None:
    pair = Pair()
    for act, graph in history:
        act(pair, graph)
    found = [base.state.hash for base in pair.ring.candidates(since_ms)]
    wanted = [
        state.hash
        for state, _ in reversed(pair.plain.states)
        if state.until_ms is None or state.until_ms >= since_ms
    ]
    wanted += [pair.plain.pending[0].hash] if pair.plain.pending is not None else []
    assert found == wanted
    everything = [base.state.hash for base in pair.ring.candidates(since_ms, all_states=True)]
    assert everything == [base.state.hash for base in pair.ring.bases()]


@given(steps, graphs)
def test_the_nearest_base_has_the_smallest_difference_and_of_equals_is_the_newest(
    history: list, graph: Graph
) -> None:
    pair = Pair()
    for act, version in history:
        act(pair, version)
    bases = list(pair.ring.bases())

    def distance(base: Base) -> int:
        return len(Graph(base.records()).items() ^ graph.items())

    smallest = min(map(distance, bases))
    first = next(base for base in bases if distance(base) == smallest)
    assert nearest(bases, graph).state.hash == first.state.hash


def test_at_least_the_newest_few_and_at_most_a_few_hundred_states_are_kept() -> None:
    pair = Pair()
    for at in range(MOST_KEPT + 40):
        pair.push(Graph.of([Entity("Alice", "person", (f"note {at}",))]))
    pair.ring.trim(0)
    assert len(pair.ring.states) == MOST_KEPT
    assert pair.ring.graph.records[("e", "Alice")] == Entity("Alice", "person", (f"note {MOST_KEPT + 39}",))
    pair.ring.trim(pair.now_ms + 1)
    assert len(pair.ring.states) == NEWEST_KEPT
    oldest = list(pair.ring.bases())[-1]
    assert oldest.record(("e", "Alice")) == Entity("Alice", "person", (f"note {MOST_KEPT + 36}",))


@given(steps, st.integers(0, 3000))
def test_no_state_claims_to_know_what_is_cut_off(history: list, limit: int) -> None:
    pair = Pair()
    for act, graph in history:
        act(pair, graph)
    before = [base.state.vv[ASH] for base in pair.ring.bases()]
    pair.ring.cut_vv(ASH, limit)
    assert [base.state.vv[ASH] for base in pair.ring.bases()] == [min(n, limit) for n in before]
    birch = Rid("birch-0002")
    pair.ring.extend_vv(birch, 7)
    assert all(base.state.vv[birch] == 7 for base in pair.ring.bases())


def test_the_window_follows_the_time_of_a_whole_parse_and_is_never_short() -> None:
    assert window_ms(0) == 2000
    assert window_ms(99.9) == 2000
    assert window_ms(150) == 3000
