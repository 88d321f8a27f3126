"""The ring: the states of the memory file that a writer can still have in its hands.

Rule 1: the newest state is kept whole, each older one as the step back to it.
Rule 2: a written state is a candidate from before the swap on (pending), so a crash between costs nothing.
The numbers were found by simulation (docs/MODEL.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from memsync_git.crdt.changes import ALL_SEEN, Unseen, VersionVector, items_between, items_in
from memsync_git.crdt.intervals import EMPTY
from memsync_git.model import EVERYTHING, Graph, Item, Projection, Record, RecordKey, Rid
from memsync_git.stretches import Amended, Order, Step, among, apply_step, differing, whole
from memsync_git.values import dataclass, field, replace

NEWEST_KEPT = 4
MOST_KEPT = 256
PAST_HASHES_KEPT = 1000
SHORTEST_WINDOW_MS = 2000
"""0.5 to 2 s are alike, 5 s loses more, unlimited much more (fleet simulation)."""
PARSES_PER_WINDOW = 20
UNWRITTEN_FOR_MS = 35_000
"""Linux writes what a server wrote to the disk after 30 s at the latest; a power cut goes back as far."""
CACHED_FOR_MS = 60_000
"""A server known to keep the memory may have read as long ago as this, or as the run before the last."""


class Kind(StrEnum):
    """How a state of the file became known."""

    OBSERVED = "observed"
    WRITTEN = "written"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a state was known to say before it was confirmed, at `until_ms`: it stood there all the time, so a
    writer may have read it before.
    """

    until_ms: int
    vv: VersionVector
    unseen: Unseen


@dataclass(frozen=True, slots=True)
class FileState:
    """One state of the memory file.

    order: the entity names in row order; it tells delete-then-create.
    back: the step from the next newer state to this one; empty for the newest.
    seq: a name for the row it is kept in; it says nothing about order.
    unseen: facts below `vv` that it does not show: their records were left as they stood (a picked apply).
    former: what was known of it before, oldest first, as far back as a writer may have read it.
    """

    hash: str
    from_ms: int
    until_ms: int | None
    vv: VersionVector
    order: Order
    kind: Kind
    back: Step = field(default_factory=dict)
    seq: int = 0
    unseen: Unseen = field(default_factory=lambda: ALL_SEEN)
    former: tuple[Knowledge, ...] = ()

    def read_about(self, at_ms: int, reach_ms: int) -> FileState:
        """The state as who wrote at that time may have read it. A clock that was ahead tells nothing."""
        known = next((each for each in self.former if abs(at_ms - each.until_ms) <= reach_ms), None)
        return self if known is None else replace(self, vv=known.vv, unseen=known.unseen, former=())

    def knows(self, rid: Rid, n: int) -> bool:
        """Whether who reads this state has seen that fact."""
        return n < self.vv.get(rid, 0) and n not in self.unseen.get(rid, EMPTY)


@dataclass(frozen=True, slots=True)
class Base:
    """A state a version may have been written from: the newest graph under an overlay.

    before: the records it changed, as they were in the state before it.
    projection: what is shared now; a state from before a rule says more than that.
    """

    state: FileState
    newest: Mapping[RecordKey, Record]
    overlay: Step
    before: Step = field(default_factory=dict)
    projection: Projection = EVERYTHING

    def within(self, projection: Projection) -> Base:
        """The same state, as far as it is shared now: of what is left out it says nothing."""
        if not projection.hidden:
            return self
        before = {key: was for key, was in self.before.items() if not projection.hides(key)}
        return replace(self, before=before, projection=projection)

    def record(self, key: RecordKey) -> Record | None:
        if self.projection.hidden and self.projection.hides(key):
            return None
        return self.overlay[key] if key in self.overlay else self.newest.get(key)

    def brought(self) -> dict[RecordKey, set[Item]]:
        """What this state says, the one before it did not, and a writer cannot have come to by itself.

        That is observations, and another type for an entity that was there. Relations, and the type of a new
        entity, prove nothing: two machines may well come to the same in the same moment.
        """
        steps = {key: (was, items_in(self.record(key)) - items_in(was)) for key, was in self.before.items()}
        telling = {
            key: {item for item in come if item[0] == "o" or (item[0] == "t" and was is not None)}
            for key, (was, come) in steps.items()
        }
        return {key: come for key, come in telling.items() if come}

    def took(self) -> dict[RecordKey, set[Item]]:
        """What the state before this one said of records, and this one does not."""
        steps = ((key, items_between(was, self.record(key))[0]) for key, was in self.before.items())
        return {key: gone for key, gone in steps if gone}

    def says(self, items: Mapping[RecordKey, set[Item]]) -> bool:
        """Whether this state says all of these."""
        return all(each <= items_in(self.record(key)) for key, each in items.items())

    def records(self) -> dict[RecordKey, Record]:
        """Everything this state held, left out or not."""
        found = whole(self.newest)
        apply_step(found, self.overlay)
        return found

    @property
    def size(self) -> int:
        """How many records this state held, left out or not."""
        return len(Amended(self.newest, self.overlay))


def step_between(source: Mapping[RecordKey, Record], target: Mapping[RecordKey, Record]) -> Step:
    """The step that turns one graph into another; from nothing, that is all of it."""
    if not source:
        return target
    return {key: record for key, _, record in differing(source, target)} if target else dict.fromkeys(source)


class Pending(NamedTuple):
    """A state about to be swapped in: as the step from the newest one, and whole."""

    state: FileState
    ahead: Step
    graph: Graph


class Ring:
    """The states of the file that a writer can still have in its hands."""

    def __init__(
        self,
        states: Sequence[FileState] = (),
        newest: Graph | None = None,
        pending: Pending | None = None,
    ) -> None:
        self.states = list(states)
        self.graph = newest if newest is not None else Graph()
        self.pending = pending

    def __bool__(self) -> bool:
        return bool(self.states)

    @property
    def newest(self) -> FileState:
        return self.states[-1]

    # --- reading

    def bases(self) -> Iterator[Base]:
        """Every state, newest first, then a pending one."""
        overlay: dict[RecordKey, Record | None] = {}
        newest = self.graph.records
        befores = [{}, *(state.back for state in self.states[:-1])]
        for state, before in zip(reversed(self.states), reversed(befores), strict=True):
            overlay.update(state.back)
            yield Base(state, newest, dict(overlay), before)
        if self.pending is not None:
            state, ahead, _ = self.pending
            yield Base(state, newest, ahead, {key: newest.get(key) for key in ahead})

    def candidates(self, since_ms: int, *, all_states: bool = False, before: int | None = None) -> list[Base]:
        """The newest, the pending one, and the states that were current at or after `since_ms`.

        before: the `seq` of a state. If any are older than that one, only they are candidates.
        """
        found = [
            base
            for base in self.bases()
            if all_states
            or base.state.kind is Kind.PENDING
            or base.state.until_ms is None
            or base.state.until_ms >= since_ms
        ]
        at = next((at for at, state in enumerate(self.states) if state.seq == before), 0)
        older = {state.seq for state in self.states[:at]}
        return [base for base in found if base.state.seq in older] or found

    def nothing(self) -> Base:
        """The empty file, as a base: what a power cut may leave of one that was just being written."""
        state = FileState("", 0, 0, {}, Order(), Kind.OBSERVED)
        return Base(state, self.graph.records, dict.fromkeys(self.graph.records))

    # --- changing

    def stand_on(self, graph: Graph) -> None:
        """Hold the newest state as a step from a version just read, so that both are compared only once."""
        back = step_between(graph.records, self.graph.records)
        self.graph = Graph(Amended(graph.records, back))

    def push(self, state: FileState, graph: Graph) -> Step:
        """Make a state the newest; return the step back to the one before it."""
        return self._push(state, graph, step_between(graph.records, self.graph.records))

    def _push(self, state: FileState, graph: Graph, back: Step) -> Step:
        if self.states:
            self.states[-1] = replace(self.newest, until_ms=state.from_ms, back=back)
        if self.pending is not None:
            waiting, _, meant = self.pending
            self.pending = Pending(waiting, step_between(graph.records, meant.records), meant)
        self.states.append(replace(state, until_ms=None, back={}, seq=self._fresh_seq()))
        self.graph = graph
        return back

    def insert_below(self, state: FileState, graph: Graph) -> None:
        """Enter a displaced version just under the newest: it stood there, but no longer does."""
        back = step_between(self.graph.records, graph.records)
        if len(self.states) > 1:
            under = Amended(self.graph.records, self.states[-2].back)
            self.states[-2] = replace(self.states[-2], back=step_between(graph.records, under))
        entered = replace(state, until_ms=self.newest.from_ms, back=back, seq=self._fresh_seq())
        self.states.insert(-1, entered)

    def confirm(self, vv: VersionVector, unseen: Unseen, *, now_ms: int, reach_ms: int) -> None:
        """The newest state says what everything joined says: from now on it knows all of that.

        reach_ms: how long a writer may take from reading to writing.
        """
        newest = self.newest
        former = (*newest.former, Knowledge(now_ms, newest.vv, newest.unseen))
        former = tuple(each for each in former if abs(now_ms - each.until_ms) <= reach_ms)
        self.states[-1] = replace(newest, vv=dict(vv), unseen=unseen, former=former)

    def intend(self, state: FileState, graph: Graph, ahead: Step | None = None) -> None:
        """Enter a prepared write: a candidate from now on, the newest once it is swapped in.

        `ahead`: the step from the newest state to it, where that is known.
        """
        if ahead is None:
            ahead = step_between(self.graph.records, graph.records)
        self.pending = Pending(replace(state, kind=Kind.PENDING), ahead, graph)

    def settle(self, now_ms: int) -> Step:
        """The pending write is in place; return the step back to what stood there before."""
        if self.pending is None:
            return {}
        state, ahead, graph = self.pending
        self.pending = None
        standing = among(self.graph.records, ahead.keys())
        back = {key: standing.get(key) for key in ahead}
        return self._push(replace(state, kind=Kind.WRITTEN, from_ms=now_ms), graph, back)

    def abandon(self) -> None:
        self.pending = None

    def trim(self, oldest_ms: int) -> None:
        """Keep the states of the window, at least the newest few, at most a few hundred."""
        keep = NEWEST_KEPT
        while keep < min(len(self.states), MOST_KEPT) and self._ended_after(
            len(self.states) - keep - 1, oldest_ms
        ):
            keep += 1
        if len(self.states) > keep:
            del self.states[: len(self.states) - keep]

    def _fresh_seq(self) -> int:
        return 1 + max((state.seq for state in self.states), default=0)

    def _ended_after(self, at: int, oldest_ms: int) -> bool:
        until_ms = self.states[at].until_ms
        return until_ms is None or until_ms >= oldest_ms

    def cut_vv(self, rid: Rid, limit: int) -> None:
        """No state may claim to know dots of `rid` from `limit` on (they are somebody else's)."""
        self.states = [_cut(state, rid, limit) for state in self.states]
        if self.pending is not None:
            self.pending = self.pending._replace(state=_cut(self.pending.state, rid, limit))

    def extend_vv(self, rid: Rid, next_n: int) -> None:
        """Every state knows the facts of `rid` below `next_n` (they were re-minted from known ones)."""
        self.states = [_with_vv(state, lambda vv: {**vv, rid: next_n}) for state in self.states]
        if self.pending is not None:
            state = _with_vv(self.pending.state, lambda vv: {**vv, rid: next_n})
            self.pending = self.pending._replace(state=state)


def _cut(state: FileState, rid: Rid, limit: int) -> FileState:
    if all(vv.get(rid, 0) <= limit for vv in (state.vv, *(each.vv for each in state.former))):
        return state
    return _with_vv(state, lambda vv: {**vv, rid: limit} if vv.get(rid, 0) > limit else vv)


def _with_vv(state: FileState, change: Callable[[VersionVector], VersionVector]) -> FileState:
    former = tuple(replace(each, vv=change(each.vv)) for each in state.former)
    return replace(state, vv=change(state.vv), former=former)


def window_ms(full_parse_ms: float) -> int:
    """W: how long a writer may hold a state in its hands, from the time a whole parse takes."""
    return max(SHORTEST_WINDOW_MS, round(PARSES_PER_WINDOW * full_parse_ms))
