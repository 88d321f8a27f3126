"""L6, L8, L9 and L10: whole replicas with their files, over generated days."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from memsync_git.model import Item
from memsync_git.replica.observing import observe
from tests.laws.desks import ITEMS, Desk, Drop, Note, Office, Renew, days, items
from tests.laws.histories import Fleet, Say, histories
from tests.laws.reference import slot_of


def _says(desk: Desk, item: Item) -> bool:
    return item in desk.file.items()


@given(days())
def test_observing_what_was_materialised_is_no_fact(day: list) -> None:
    """L8, whatever else the bytes may look like."""
    office = Office(projections=True).run(day)
    for desk in office.desks:
        desk.look()
        desk.materialise()
        before = desk.replica.fragment()
        for same_as in ("", "a line end", "other spaces"):
            version = desk.version(desk.file, same_as=same_as)
            observed = desk.act(lambda replica, moment, version=version: observe(replica, version, moment))
            assert not observed.added
            assert not observed.removed
        assert desk.replica.fragment() == before
        assert not desk.replica.behind


@given(days(desks=3))
def test_when_everybody_has_met_everybody_all_files_and_views_are_the_same(day: list) -> None:
    office = Office(desks=3, projections=True).run(day)
    office.settle()
    first, *others = office.desks
    for desk in others:
        assert list(desk.replica.state.graph()) == list(first.replica.state.graph())
    for desk in office.desks:
        shown = desk.projection.graph(desk.replica.state.graph())
        assert desk.file.items() == (shown.items() if not desk.replica.holds else desk.wanted().items())


@given(days(desks=3))
def test_a_fleet_with_nothing_to_say_says_nothing(day: list) -> None:
    """L10: no edits, no rewrites, however often everybody looks, publishes and joins."""
    office = Office(desks=3, projections=True).run(day)
    office.settle()
    before = [(desk.replica.fragment(), desk.file) for desk in office.desks]
    office.settle(rounds=2)
    assert [(desk.replica.fragment(), desk.file) for desk in office.desks] == before


@given(histories(machines=4))
def test_removals_are_gone_after_three_rounds_of_real_edits_by_everyone(history: list) -> None:
    fleet = Fleet(machines=4).run(history)
    for at in range(3):
        for machine in fleet.machines:
            fleet.edit(machine, [Say(("o", "Oslo", f"round {at} of {machine.rid}"))])
        fleet.everybody_meets()
    for machine in fleet.machines:
        assert not machine.header.removed
        assert not any(machine.state.dead(rid) for rid in machine.state.rids)


@given(days(desks=3), st.sampled_from(ITEMS), st.integers(0, 2))
def test_a_last_edit_nobody_contests_is_in_every_file_after_a_sync(day: list, item: Item, who: int) -> None:
    """L6."""
    office = Office(desks=3).run(day)
    office.settle()
    assume(not any(desk.replica.holds for desk in office.desks))
    office.desks[who].serve([Drop(item) if _says(office.desks[who], item) else Note(item)], wait_ms=9_000)
    wanted = office.desks[who].file
    office.settle(rounds=2)
    for desk in office.desks:
        assert desk.file.items() == wanted.items()
        assert item[0] not in ("t", "f") or not any(
            conflict.register == item[:-1] for conflict in desk.replica.state.all_conflicts()
        )


@given(
    days(desks=3),
    st.lists(st.sampled_from((Note, Drop)).flatmap(lambda act: st.builds(act, items)), max_size=4),
)
def test_what_a_revision_did_can_be_undone(day: list, edits: list) -> None:
    """L9: the inverse writes of an uncontested revision bring back exactly what was shown before it."""
    office = Office(desks=3).run(day)
    office.settle()
    desk = office.desks[0]
    assume(not desk.replica.holds)
    before = desk.replica.state.graph().items()
    desk.serve([*edits, Renew("Alice", "robot")], wait_ms=9_000)
    observed = desk.look()
    office.settle(rounds=1)
    desk.command(observed.added, observed.removed)
    assert desk.replica.state.graph().items() == before
    office.settle(rounds=2)
    assert all(other.file.items() == before for other in office.desks)


@given(days(desks=2), st.sets(items, max_size=6))
def test_a_command_of_a_person_can_be_undone(day: list, chosen: set[Item]) -> None:
    """L9 for what a person does by a command: what stands goes, what does not stand comes."""
    office = Office(desks=2).run(day)
    office.settle()
    desk = office.desks[0]
    assume(not desk.replica.holds)
    assume(not list(desk.replica.state.unanchored()))
    before = desk.replica.state.graph().items()
    come = {slot_of(item): item for item in sorted(chosen - before, key=repr)}
    gone = [item for item in before if item in chosen or slot_of(item) in come]
    written = desk.command(gone, come.values())
    desk.command(written.added, written.removed)
    assert desk.replica.state.graph().items() == before
