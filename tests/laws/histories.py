"""Histories of a few replicas, written by the code under test and told to two references at once.

    Edit ──▶ Pen ──▶ a new fragment ──▶ Fleet.published ──▶ Meet ──▶ closed_cut ──▶ State.replace

Rule 1: a history is a list of plain values; what it does depends on nothing else, so it shrinks and replays.
Rule 2: a meeting may bring any fragment ever published: old, partial, out of order, twice.
Rule 3: clocks are arbitrary: they stand still, jump back, run to 2099.
Rule 4: an act may come from an older state of its machine (a server that read before a join).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from memsync_git.crdt.cut import closed_cut
from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.pen import Pen
from memsync_git.crdt.state import State
from memsync_git.crdt.view import fields_of, type_of
from memsync_git.model import Item, JsonText, RecordKey, Rid, items_of, key_of
from tests.laws.reference import Causal, Dot, Story, slot_of

RIDS = tuple(Rid(f"{name}-{at:04x}") for at, name in enumerate(("ash", "birch", "cedar", "dogwood")))
ALICE: RecordKey = ("e", "Alice")
LIKES: RecordKey = ("l", "Alice", "Oslo", "likes")
NOTE: RecordKey = ("r", "note")

ITEMS: tuple[Item, ...] = (
    ("t", "Alice", "person"),
    ("t", "Alice", "robot"),
    ("o", "Alice", "likes tea"),
    ("o", "Alice", "lives in Oslo"),
    ("f", ALICE, "tags", JsonText('["a"]')),
    ("f", ALICE, "tags", JsonText('["b"]')),
    ("t", "Oslo", "city"),
    ("o", "Oslo", "likes tea"),
    ("l", "Alice", "Oslo", "likes"),
    ("f", LIKES, "weight", JsonText("1.10")),
    ("d", "note"),
    ("f", NOTE, "text", JsonText('"buy tea"')),
)
IN_2099_MS = 4_070_908_800_000
CLOCKS_MS = (0, 1, 1_000, 1_763_637_000_000, 1_763_637_000_001, IN_2099_MS, 2**53)


# --- what can happen


@dataclass(frozen=True, slots=True)
class Say:
    """Add an item, or write a register's value: whatever stood in the register goes."""

    item: Item


@dataclass(frozen=True, slots=True)
class Forget:
    """Delete one item (a register: its value)."""

    item: Item


@dataclass(frozen=True, slots=True)
class Erase:
    """Delete a record with everything the machine knew of it."""

    key: RecordKey


@dataclass(frozen=True, slots=True)
class Edit:
    """One revision of one machine: several acts at one reading of its clock.

    back: how many of its own steps ago the file was read that these acts were made on.
    """

    who: int
    acts: tuple[Say | Forget | Erase, ...]
    wall_ms: int
    back: int = 0


@dataclass(frozen=True, slots=True)
class Meet:
    """A machine is given some fragments: (whose, how many revisions old), in this order."""

    who: int
    found: tuple[tuple[int, int], ...]


Step = Edit | Meet

_items = st.sampled_from(ITEMS)
ANY_ACT = st.one_of(
    st.builds(Say, _items),
    st.builds(Say, _items),
    st.builds(Forget, _items),
    st.builds(Erase, st.sampled_from(sorted({key_of(item) for item in ITEMS}))),
)


def histories(machines: int = 3, most: int = 18) -> st.SearchStrategy[list[Step]]:
    """Histories of up to `most` steps among `machines` replicas."""
    who = st.integers(0, machines - 1)
    back = st.sampled_from((0, 0, 0, 1, 2, 5))
    acts = st.lists(ANY_ACT, min_size=1, max_size=3).map(tuple)
    edit = st.builds(Edit, who, acts, st.sampled_from(CLOCKS_MS), back)
    found = st.lists(st.tuples(who, st.sampled_from((0, 0, 0, 1, 2, 4))), min_size=1, max_size=4).map(tuple)
    return st.lists(st.one_of(edit, edit, st.builds(Meet, who, found)), min_size=most // 3, max_size=most)


# --- who it happens to


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a machine knows, in the words of both references."""

    causal: Causal = field(default_factory=Causal)
    acts: frozenset[int] = frozenset()

    def join(self, other: Knowledge) -> Knowledge:
        return Knowledge(self.causal.join(other.causal), self.acts | other.acts)


@dataclass(frozen=True, slots=True)
class Release:
    """A published fragment and what its writer knew."""

    fragment: Fragment
    knowledge: Knowledge


@dataclass(slots=True)
class Machine:
    """One replica: the code under test, and what the references say it knows."""

    rid: Rid
    state: State
    knowledge: Knowledge = field(default_factory=Knowledge)
    past: list[tuple[dict[Rid, int], Knowledge]] = field(default_factory=list)

    @property
    def header(self) -> Header:
        header = self.state.header(self.rid)
        assert header is not None
        return header

    def live(self) -> set[tuple[Dot, Item]]:
        """Every live fact, read off the fragments by the definition (model page, section 2)."""
        fragments = self.state.fragments().values()
        return {
            ((fragment.rid, n), item)
            for fragment in fragments
            for n, item in facts_of(fragment)
            if not any(n in other.header.removed_of(fragment.rid) for other in fragments)
        }

    def items(self) -> set[Item]:
        """What the view shows."""
        return self.state.graph().items()

    def remembers(self) -> None:
        """Note the moment, as a base for later acts."""
        self.past.append((self.state.nexts(), self.knowledge))


def facts_of(fragment: Fragment) -> Iterator[tuple[int, Item]]:
    """Every fact of a fragment as (n, item)."""
    for key, facts in fragment.records.items():
        for entry in facts.types:
            yield entry.n, ("t", key[1], entry.value)
        for entry in facts.observations:
            yield entry.n, ("o", key[1], entry.value)
        for entry in facts.existence:
            yield entry.n, (("d", key[1]) if key[0] == "r" else key)
        for name, entries in facts.fields.items():
            for entry in entries:
                yield entry.n, ("f", key, name, entry.value)


class Fleet:
    """Machines, and every fragment they ever published."""

    def __init__(self, machines: int = 3) -> None:
        self.story = Story()
        self.machines = [Machine(rid, State([Fragment(Header(rid, rid))])) for rid in RIDS[:machines]]
        self.published: dict[Rid, list[Release]] = {machine.rid: [] for machine in self.machines}
        for machine in self.machines:
            machine.remembers()

    def run(self, history: Iterable[Step], after: Callable[[Machine], None] = lambda _: None) -> Fleet:
        """Let a history happen; call `after` for the machine of each step."""
        for step in history:
            machine = self.machines[step.who]
            if isinstance(step, Edit):
                self.edit(machine, step.acts, wall_ms=step.wall_ms, back=step.back)
            else:
                self.meet(machine, [(self.machines[at].rid, age) for at, age in step.found])
            after(machine)
        return self

    # --- editing

    def edit(
        self, machine: Machine, acts: Iterable[Say | Forget | Erase], *, wall_ms: int = 0, back: int = 0
    ) -> None:
        """Make one revision of these acts, if they change anything."""
        vv, base = machine.past[max(0, len(machine.past) - 1 - back)]
        pen = Pen(machine.state, machine.header, wall_ms=wall_ms)
        for act in acts:
            match act:
                case Say(item):
                    self._say(machine, pen, item, vv, base)
                case Forget(item):
                    self._forget(machine, pen, item, vv, base)
                case Erase(key):
                    record = machine.state.record(key)
                    for item in items_of(record) if record is not None else ():
                        self._forget(machine, pen, item, vv, base)
        before = machine.header.rev
        pen.finish(tok=f"{machine.rid}{before + 1}")
        if machine.header.rev > before:
            self.publish(machine)
        machine.remembers()

    def _say(self, machine: Machine, pen: Pen, item: Item, vv: dict[Rid, int], base: Knowledge) -> None:
        if slot_of(item) != item and not pen.is_live(item):
            self._forget(machine, pen, item, vv, base)
        n = pen.next
        pen.add(item)
        if pen.next > n:
            known = machine.knowledge
            at = self.story.say(item, known.acts)
            machine.knowledge = Knowledge(known.causal.add(item, (machine.rid, n)), known.acts | {at})

    def _forget(self, machine: Machine, pen: Pen, item: Item, vv: dict[Rid, int], base: Knowledge) -> None:
        known = machine.knowledge
        if vv == machine.state.nexts():
            base = known
            vv = {**vv, machine.rid: pen.next}
        slot = slot_of(item)
        if not any(slot_of(said) == slot for said in known.causal.items()):
            return
        pen.remove(item, vv)
        at = self.story.forget(slot, base.acts)
        causal = known.causal.remove(slot, base.causal.context)
        machine.knowledge = Knowledge(causal, known.acts | {at})

    def publish(self, machine: Machine) -> None:
        """Offer the machine's newest fragment to the others."""
        fragment = machine.state.fragment(machine.rid)
        self.published[machine.rid].append(Release(fragment, machine.knowledge))

    # --- meeting

    def meet(self, machine: Machine, found: Iterable[tuple[Rid, int]]) -> None:
        """Give a machine the fragments of (whose, how many revisions ago)."""
        releases = [self.release(rid, age) for rid, age in found if rid != machine.rid]
        self.join(machine, [release.fragment for release in releases if release is not None])
        machine.remembers()

    def join(self, machine: Machine, fragments: Iterable[Fragment]) -> None:
        """Take in what a closed cut allows."""
        for rid, fragment in closed_cut(machine.state.fragments(), fragments).items():
            known = machine.state.header(rid)
            if rid != machine.rid and (known is None or known.version < fragment.version):
                machine.state.replace(fragment)
                release = self.published[rid][fragment.rev - 1]
                machine.knowledge = machine.knowledge.join(release.knowledge)

    def release(self, rid: Rid, age: int) -> Release | None:
        """A revision that was published, or None where there is none so old."""
        releases = self.published[rid]
        return releases[-1 - age] if age < len(releases) else None

    def everybody_meets(self) -> None:
        """Everyone is given the newest of everyone."""
        for machine in self.machines:
            self.meet(machine, [(other.rid, 0) for other in self.machines])

    def all_fragments(self) -> list[Fragment]:
        return [release.fragment for releases in self.published.values() for release in releases]


def rebuilt(state: State) -> State:
    """A state built from scratch out of the same fragments."""
    return State(replace(fragment) for fragment in state.fragments().values())


def winner_of(state: State, register: Item) -> Any:
    """The value a register shows, or None."""
    live = state.live(key_of((*register, None)))
    if register[0] == "t":
        shown = type_of(live)
        return shown[1] if shown else None
    found = fields_of(live).get(str(register[2]))
    return found[1] if found else None
