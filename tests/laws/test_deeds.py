"""Laws of taking back and going back (L9): over generated histories, wrong clocks and conflicts included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from memsync_git.conflicts import settled
from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.pen import Written
from memsync_git.deeds.amends import Amends, going_back, taking_back
from memsync_git.deeds.deed import Deed, Turn, deed_of, is_register, place_of, together
from memsync_git.deeds.replaying import Kept, replayed
from memsync_git.deeds.steps import step
from memsync_git.model import Graph, Item, Rid, key_of
from memsync_git.replica import Moment, Replica
from memsync_git.replica.amending import make_amends
from tests.laws.histories import (
    ALICE,
    ANY_ACT,
    CLOCKS_MS,
    ITEMS,
    Edit,
    Erase,
    Fleet,
    Forget,
    Machine,
    Meet,
    Say,
    Step,
    histories,
)

ACTS = st.lists(ANY_ACT, min_size=1, max_size=4).map(tuple)
CLOCK = st.sampled_from(CLOCKS_MS)
ANCHORS = {key_of(item): item for item in reversed(ITEMS) if item[0] in ("t", "l", "d")}
Act = Say | Forget | Erase
OURS = 0
THEIRS = 1
THIRD = 2
TAGS = ITEMS[4]
ONLY_HINTED: list[Step] = [
    Edit(OURS, (Say(("t", "Alice", "person")), Say(TAGS)), 0),
    Edit(OURS, (Say(("o", "Alice", "lives in Oslo")), Erase(ALICE)), 0),
]
"""Alice goes while something is added to her: her type and field show by a hint alone."""


def cut_of(machine: Machine) -> dict[Rid, Fragment]:
    return machine.state.fragments()


def lived(history: list[Step], fleet: Fleet | None = None) -> Fleet:
    """A history as servers write it: nothing is said of a record without saying what it is."""
    fleet = fleet or Fleet()
    for each in history:
        fleet.run([_edited(fleet, each) if isinstance(each, Edit) else each])
    return fleet


def _edited(fleet: Fleet, wanted: Edit) -> Edit:
    return replace(wanted, acts=tuple(_natural(fleet.machines[wanted.who], wanted.acts)))


def _natural(machine: Machine, acts: Iterable[Act]) -> Iterator[Act]:
    """Who erases a record erases with it what the same acts said of it before."""
    standing = set(machine.state.keys())
    said: dict[Item, None] = {}
    for act in acts:
        key = act.key if isinstance(act, Erase) else key_of(act.item)
        if isinstance(act, Say):
            is_bare = key not in standing and act.item[0] in ("o", "f")
            items = (ANCHORS[key], act.item) if is_bare else (act.item,)
            standing.add(key)
            said |= dict.fromkeys(items)
            yield from map(Say, items)
        elif isinstance(act, Erase) or act.item[0] in ("t", "l", "d"):
            standing.discard(key)
            yield Erase(key)
            yield from (Forget(item) for item in said if key_of(item) == key)
        else:
            yield act


def edit(fleet: Fleet, who: int, acts: tuple, wall_ms: int) -> Deed:
    """One more revision, and what it did as others can tell."""
    machine = fleet.machines[who]
    before = cut_of(machine)
    lived([Edit(who, acts, wall_ms)], fleet)
    return step(before, cut_of(machine), machine.rid)


def done(history: list[Step], acts: tuple, wall_ms: int, later: Iterable[Step] = ()) -> tuple[Fleet, Deed]:
    """A history, a deed of ours, and what came after it."""
    fleet = lived(history)
    deed = edit(fleet, OURS, acts, wall_ms)
    return lived(list(later), fleet), deed


def moved_on(history: list[Step], later: list[Step]) -> tuple[Machine, Graph]:
    """Our machine after two histories, and what it said between them."""
    fleet = lived(history)
    then = fleet.machines[OURS].state.graph()
    lived(later, fleet)
    return fleet.machines[OURS], then


def make(machine: Machine, amends: Amends) -> Written:
    """The machine carries amends out."""
    return make_amends(replica_of(machine), amends, moment_at(machine), "undo")


def replica_of(machine: Machine) -> Replica:
    replica = Replica(machine.rid, machine.rid)
    replica.state = machine.state
    return replica


def moment_at(machine: Machine) -> Moment:
    return Moment(0, "boot", f"{machine.header.rev}", 0)


def said_by_others(machine: Machine, deed: Deed) -> set[Item]:
    """Everything some live fact says that is not of the deed."""
    return {item for (rid, n), item in machine.live() if rid not in deed.said or n not in deed.said[rid]}


# --- taking back


@example(ONLY_HINTED, (Say(("o", "Alice", "likes tea")),), 0)
@given(histories(), ACTS, CLOCK)
def test_taking_back_the_last_deed_restores_every_item(
    history: list[Step], acts: tuple, wall_ms: int
) -> None:
    fleet = lived(history)
    machine = fleet.machines[OURS]
    before = machine.items()
    deed = edit(fleet, OURS, acts, wall_ms)
    make(machine, taking_back(machine.state, deed))
    assert machine.items() == before


@given(histories(), ACTS, CLOCK)
def test_taking_back_the_taking_back_restores_every_item_again(
    history: list[Step], acts: tuple, wall_ms: int
) -> None:
    fleet, deed = done(history, acts, wall_ms)
    machine = fleet.machines[OURS]
    after, cut = machine.items(), cut_of(machine)
    make(machine, taking_back(machine.state, deed))
    undoing = step(cut, cut_of(machine), machine.rid)
    make(machine, taking_back(machine.state, undoing))
    assert machine.items() == after


@given(histories(), ACTS, CLOCK)
def test_what_another_machine_did_is_taken_back_as_if_it_were_ones_own(
    history: list[Step], acts: tuple, wall_ms: int
) -> None:
    fleet = lived(history)
    fleet.everybody_meets()
    ours, theirs = fleet.machines[OURS], fleet.machines[THEIRS]
    fleet.meet(ours, [(machine.rid, 0) for machine in fleet.machines])
    before = ours.items()
    deed = edit(fleet, THEIRS, acts, wall_ms)
    fleet.meet(ours, [(theirs.rid, 0)])
    make(ours, taking_back(ours.state, deed))
    assert ours.items() == before


@given(histories(), st.lists(st.tuples(ACTS, CLOCK), min_size=1, max_size=4))
def test_several_deeds_are_taken_back_as_one(history: list[Step], edits: list[tuple[tuple, int]]) -> None:
    fleet = lived(history)
    machine = fleet.machines[OURS]
    before = machine.items()
    deeds = [edit(fleet, OURS, acts, wall_ms) for acts, wall_ms in edits]
    make(machine, taking_back(machine.state, together(deeds)))
    assert machine.items() == before


@given(histories(), ACTS, CLOCK, histories())
def test_taking_back_takes_nothing_that_others_said(
    history: list[Step], acts: tuple, wall_ms: int, later: list[Step]
) -> None:
    fleet, deed = done(history, acts, wall_ms, later)
    for machine in fleet.machines:
        others = {item for item in said_by_others(machine, deed) if not is_register(item)}
        make(machine, taking_back(machine.state, deed))
        assert others <= machine.items()


@given(histories(), ACTS, CLOCK, histories())
def test_taking_back_twice_writes_nothing_more(
    history: list[Step], acts: tuple, wall_ms: int, later: list[Step]
) -> None:
    fleet, deed = done(history, acts, wall_ms, later)
    machine = fleet.machines[OURS]
    make(machine, taking_back(machine.state, deed))
    rev = machine.header.rev
    make(machine, taking_back(machine.state, deed))
    assert machine.header.rev == rev


@given(histories(), ACTS, CLOCK, histories())
def test_no_entity_comes_back_without_its_type(
    history: list[Step], acts: tuple, wall_ms: int, later: list[Step]
) -> None:
    fleet, deed = done(history, acts, wall_ms, later)
    machine = fleet.machines[OURS]
    standing = set(machine.state.keys())
    amends = taking_back(machine.state, deed)
    make(machine, amends)
    anchored = {key_of(item) for item in amends.added if item[0] in ("t", "l", "d")}
    assert set(machine.state.keys()) - standing <= anchored


def test_a_field_the_deed_said_does_not_stay_by_a_hint() -> None:
    anchor, tea, oslo = ITEMS[0], ITEMS[2], ITEMS[3]
    history: list[Step] = [Edit(OURS, (Say(anchor),), 0), Meet(THEIRS, ((OURS, 0),))]
    later: list[Step] = [
        Meet(THIRD, ((OURS, 0),)),
        Edit(THIRD, (Say(oslo),), 0),
        Edit(THEIRS, (Erase(ALICE),), 0),
        Edit(OURS, (Forget(TAGS),), 0),
        Meet(OURS, ((THEIRS, 0), (THIRD, 0))),
    ]
    fleet, deed = done(history, (Say(tea), Say(TAGS)), 0, later)
    machine = fleet.machines[OURS]
    assert machine.items() == {anchor, tea, oslo, TAGS}
    make(machine, taking_back(machine.state, deed))
    assert machine.items() == {anchor, oslo}


# --- what a deed is


@given(histories(), ACTS, CLOCK)
@example(
    [Edit(THEIRS, (Say(("t", "Alice", "person")),), 0), Meet(OURS, ((THEIRS, 0),))],
    (Say(("o", "Alice", "likes tea")), Forget(("t", "Alice", "person"))),
    0,
).via("said and erased by the same acts")
def test_a_step_tells_of_an_edit_what_its_own_pen_told(
    history: list[Step], acts: tuple, wall_ms: int
) -> None:
    fleet = lived(history)
    machine = fleet.machines[OURS]
    before = machine.items()
    deed = edit(fleet, OURS, acts, wall_ms)
    assert machine.items() - before <= set(deed.added)
    assert before - machine.items() <= set(deed.removed)


@given(histories(), CLOCK, CLOCK)
def test_a_conflict_that_ends_as_it_stood_is_told_alike_by_the_pen_and_by_others(
    history: list[Step], one_ms: int, other_ms: int
) -> None:
    fleet = lived(history)
    fleet.everybody_meets()
    for who, kind, wall_ms in ((OURS, "person", one_ms), (THEIRS, "robot", other_ms)):
        lived([Edit(who, (Forget(("t", "Alice", kind)), Say(("t", "Alice", kind))), wall_ms)], fleet)
    fleet.everybody_meets()
    machine = fleet.machines[OURS]
    (conflict,) = (each for each in machine.state.all_conflicts() if each.register == ("t", "Alice"))
    stood, beaten = (("t", "Alice", value) for _, value in conflict.values)
    before, answer = cut_of(machine), settled(conflict, stood[-1])
    written = replica_of(machine).write(
        answer.removed, answer.added, moment_at(machine), cause="resolve", anew=True
    )
    own = deed_of(written.added, written.removed, {}, written.beaten)
    heard = step(before, cut_of(machine), machine.rid)
    assert own.kept == heard.kept == [(stood, (beaten,))]
    assert not own
    assert not heard
    assert not taking_back(machine.state, heard)


def test_of_several_deeds_the_first_says_what_was_and_the_last_what_is() -> None:
    person, robot, actor = (("t", "Ann", kind) for kind in ("person", "robot", "actor"))
    deed = together([deed_of([robot], [person], {}), deed_of([actor], [robot], {})])
    assert deed.turns == {place_of(person): Turn(person, actor)}
    back = together([deed, deed_of([person], [actor], {})])
    assert not back
    assert not back.added


# --- going back


@given(histories(), histories())
def test_going_back_exactly_says_what_was_said_then(history: list[Step], later: list[Step]) -> None:
    machine, then = moved_on(history, later)
    make(machine, going_back(machine.state, then, machine.rid, exactly=True))
    assert machine.items() == then.items()


@given(histories(), st.lists(st.tuples(ACTS, CLOCK), max_size=6))
def test_going_back_says_what_was_said_then_where_nobody_else_did_anything(
    history: list[Step], edits: list[tuple[tuple, int]]
) -> None:
    fleet = lived(history)
    machine = fleet.machines[OURS]
    then = machine.state.graph()
    for acts, wall_ms in edits:
        edit(fleet, OURS, acts, wall_ms)
    make(machine, going_back(machine.state, then, machine.rid))
    assert machine.items() == then.items()


@given(histories(), histories())
def test_going_back_keeps_what_others_added(history: list[Step], later: list[Step]) -> None:
    machine, then = moved_on(history, later)
    others = {item for (rid, _), item in machine.live() if rid != machine.rid and not is_register(item)}
    make(machine, going_back(machine.state, then, machine.rid))
    assert machine.items() >= others | then.items()


@given(histories(), histories())
def test_going_back_to_some_names_leaves_the_others(history: list[Step], later: list[Step]) -> None:
    machine, then = moved_on(history, later)
    meant = ("e", "Alice")
    others = {item for item in machine.items() if key_of(item) != meant}
    amends = going_back(machine.state, then, machine.rid, exactly=True, is_meant=lambda key: key == meant)
    make(machine, amends)
    assert {item for item in machine.items() if key_of(item) != meant} == others
    assert {item for item in machine.items() if key_of(item) == meant} == {
        item for item in then.items() if key_of(item) == meant
    }


# --- a moment between two cuts


@given(histories(), st.lists(st.tuples(ACTS, CLOCK), max_size=6))
def test_a_cut_and_the_revisions_after_it_are_the_memory_then(
    history: list[Step], edits: list[tuple[tuple, int]]
) -> None:
    fleet = lived(history)
    machine = fleet.machines[OURS]
    cut, kept = list(cut_of(machine).values()), []
    for acts, wall_ms in edits:
        before, rev = machine.items(), machine.header.rev
        edit(fleet, OURS, acts, wall_ms)
        added, removed = machine.items() - before, before - machine.items()
        if machine.header.rev > rev:
            kept.append(Kept(machine.header.rev, wall_ms, tuple(added), tuple(removed)))
    own = Header(machine.rid, machine.rid)
    assert replayed(cut, own, kept).graph().items() == machine.items()
    assert replayed(cut_of(machine).values(), own, kept).graph().items() == machine.items()
