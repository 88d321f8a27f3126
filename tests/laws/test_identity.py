"""Section 6: clones and restored stores. Each sentence is noted once, so the right answer is exact."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Fragment
from memsync_git.model import EVERYTHING, Entity, Item, Rid
from memsync_git.replica import Moment, Replica, Version
from memsync_git.replica.adopting import adopt, order_of
from memsync_git.replica.identity import is_shared, take_new_rid
from memsync_git.replica.receiving import receive
from memsync_git.replica.rows import load, save
from memsync_git.stores.memory import MemoryStore
from tests.laws.desks import NOON_MS, WINDOW_MS, Desk, Drop, Note

PERSON: Item = ("t", "Alice", "person")


@dataclass
class Hub:
    """One ref per rid: whoever is second under a rid finds somebody else's revision there."""

    refs: dict[Rid, Fragment] = field(default_factory=dict)
    renamed: int = 0

    def sync(self, desk: Desk) -> None:
        """A round: look, fetch, find out who one is, join, publish, write the file."""
        desk.now_ms += 10_000
        desk.look()
        upstream = self.refs.get(desk.replica.rid)
        if upstream is not None and is_shared(desk.replica, [upstream]):
            self.renamed += 1
            rid = Rid(f"renamed-{self.renamed:04x}")
            desk.act(lambda replica, moment: take_new_rid(replica, rid, upstream, moment))
        desk.join(self.refs.values())
        if desk.replica.header.rev > 0:
            self.refs[desk.replica.rid] = desk.publish()
        desk.materialise()
        desk.look()


@dataclass
class Trial:
    """Desks of one hub, and what should come of it."""

    hub: Hub = field(default_factory=Hub)
    desks: list[Desk] = field(default_factory=list)
    noted: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)

    def note(self, desk: Desk) -> None:
        text = f"sentence {len(self.noted)}"
        self.noted.add(text)
        desk.serve([Note(("o", "Alice", text))], wait_ms=9_000)
        desk.look()

    def forget(self, desk: Desk, at: int) -> None:
        said = observations(desk)
        if said:
            text = said[at % len(said)]
            self.forgotten.add(text)
            desk.serve([Drop(("o", "Alice", text))], wait_ms=9_000)
            desk.look()

    def settle(self) -> None:
        for _ in range(3):
            for desk in self.desks:
                self.hub.sync(desk)

    def is_right(self) -> bool:
        return all(set(observations(desk)) == self.noted - self.forgotten for desk in self.desks)


def observations(desk: Desk) -> list[str]:
    alice = desk.file.records.get(("e", "Alice"))
    return [str(text) for text in alice.observations] if isinstance(alice, Entity) else []


def begun() -> Trial:
    """Two machines that know each other, and a little to remember."""
    trial = Trial()
    trial.desks = [Desk("ash"), Desk("birch")]
    trial.desks[0].serve([Note(PERSON)], wait_ms=9_000)
    for desk in (trial.desks[0], trial.desks[0], trial.desks[1]):
        trial.settle()
        trial.note(desk)
    trial.settle()
    assert trial.is_right()
    return trial


def clone_of(desk: Desk) -> Desk:
    """A copy of the whole installation, file and all, under the same rid. (A desk can be copied once.)"""
    store = MemoryStore()
    with store.transaction() as transaction:
        save(desk.replica, transaction)
    replica = load(store)
    assert replica is not None
    twin = Desk(desk.name)
    twin.replica = replica
    twin.files, twin.mtime_ms, twin.now_ms = list(desk.files), desk.mtime_ms, desk.now_ms + 1
    twin.name, twin.acts = f"{desk.name}-clone", desk.acts
    return twin


_moves = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(("note", "note", "forget", "sync")), st.integers(0, 5)),
    max_size=14,
)


def _play(trial: Trial, moves: list[tuple[int, str, int]]) -> None:
    for who, move, at in moves:
        desk = trial.desks[who % len(trial.desks)]
        match move:
            case "note":
                trial.note(desk)
            case "forget":
                trial.forget(desk, at)
            case _:
                trial.hub.sync(desk)


@given(_moves, _moves)
def test_a_cloned_machine_loses_nothing_and_brings_nothing_back(before: list, after: list) -> None:
    trial = begun()
    _play(trial, before)
    trial.hub.sync(trial.desks[0])
    trial.desks.append(clone_of(trial.desks[0]))
    _play(trial, after)
    trial.settle()
    assert trial.is_right()


@given(_moves)
def test_clones_that_both_wrote_end_under_two_ids(moves: list) -> None:
    trial = begun()
    trial.desks.append(clone_of(trial.desks[0]))
    for desk in (trial.desks[0], trial.desks[2]):
        trial.note(desk)
    _play(trial, moves)
    trial.settle()
    assert trial.is_right()
    assert len({desk.replica.rid for desk in trial.desks}) == 3


def test_what_was_dropped_since_the_last_publish_stays_deleted_under_a_new_id() -> None:
    trial = begun()
    ash = trial.desks[0]
    trial.desks.append(clone_of(ash))
    trial.note(trial.desks[2])
    trial.hub.sync(trial.desks[2])
    trial.forget(ash, 0)
    trial.hub.sync(ash)
    assert trial.hub.renamed == 1
    trial.settle()
    assert trial.is_right()


def test_a_deletion_under_a_new_id_takes_nothing_of_the_clone_that_keeps_the_old_one() -> None:
    """The numbers beyond what was published mean other facts there: no base may claim to know them."""
    trial = begun()
    ash = trial.desks[0]
    clone = clone_of(ash)
    trial.desks.append(clone)
    for _ in range(3):
        trial.note(ash)
    trial.note(clone)
    trial.hub.sync(clone)
    trial.hub.sync(ash)
    assert trial.hub.renamed == 1
    for at in range(3):
        trial.forget(ash, at)
    trial.settle()
    assert trial.is_right()


def test_what_a_clone_held_unpublished_may_come_back_once_when_its_twin_deletes_it() -> None:
    """A limit, pinned: both hold it as their own, and no remote can tell that it is one fact."""
    trial = begun()
    ash = trial.desks[0]
    trial.note(ash)
    trial.desks.append(clone_of(ash))
    kept = set(trial.forgotten)
    trial.forget(ash, len(observations(ash)) - 1)
    (back,) = trial.forgotten - kept
    trial.settle()
    assert all(back in observations(desk) for desk in trial.desks)
    trial.forget(ash, observations(ash).index(back))
    trial.settle()
    assert trial.is_right(), "deleted again, it stays deleted"


def _renamed_between_looks(texts: list[str], clones: list[str]) -> tuple[Trial, Desk]:
    """Ash and its clone note something each; ash takes a new id and joins, but has not confirmed its file."""
    trial = begun()
    ash = trial.desks[0]
    clone = clone_of(ash)
    trial.desks.append(clone)
    for desk, said in ((ash, texts), (clone, clones)):
        desk.serve([Note(("o", "Alice", text)) for text in said], wait_ms=9_000)
        desk.look()
    trial.hub.sync(clone)
    upstream = trial.hub.refs[ash.replica.rid]
    assert is_shared(ash.replica, [upstream])
    ash.act(lambda replica, moment: take_new_rid(replica, Rid("renamed-0001"), upstream, moment))
    ash.join(trial.hub.refs.values())
    return trial, ash


def test_a_deletion_takes_no_twin_a_clone_noted_under_the_old_id() -> None:
    """The file's base knew the old id's numbers up to what was published, and no further."""
    trial, ash = _renamed_between_looks(["x"], ["x"])
    ash.serve([Drop(("o", "Alice", "x"))], wait_ms=9_000)
    ash.look()
    trial.settle()
    assert all("x" in observations(desk) for desk in trial.desks)


def test_a_deletion_takes_what_was_said_again_under_the_new_id() -> None:
    """The file's base knew it, under whatever number."""
    trial, ash = _renamed_between_looks(["x"], ["y"])
    ash.serve([Drop(("o", "Alice", "x"))], wait_ms=9_000)
    ash.look()
    trial.settle()
    assert all("x" not in observations(desk) for desk in trial.desks)
    assert all("y" in observations(desk) for desk in trial.desks)


def test_what_the_twin_of_a_clone_took_out_of_others_is_behind_at_once() -> None:
    """Found by the fleet: the file kept a relation that the twin had deleted, and nobody looked again."""
    moment = Moment(NOON_MS, "boot", "tok", WINDOW_MS)
    birch, ash = Replica(Rid("birch-0001"), "birch"), Replica(Rid("ash-0001"), "ash")
    tea: Item = ("o", "Alice", "likes tea")
    birch.write((), [PERSON, tea], moment, cause="test")
    receive(ash, [birch.fragment()], moment)
    graph = ash.state.graph()
    adopt(ash, Version(graph, order_of(graph), "first", NOON_MS, EVERYTHING), moment)
    store = MemoryStore()
    with store.transaction() as transaction:
        save(ash, transaction)
    twin = load(store)
    assert twin is not None
    twin.write([tea], (), moment, cause="test")
    assert not ash.behind
    take_new_rid(ash, Rid("renamed-0001"), twin.fragment(), moment)
    assert ash.behind == {("e", "Alice")}
