"""A picked apply: the rest waits, and is never taken for anything else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.model import Item, key_of
from memsync_git.replica.picking import changes_to, groups_waiting, names_waiting, picked_keys
from tests.laws.desks import WINDOW_MS, Desk, Drop, Materialise, Note, Office, Publish, Renew, days
from tests.laws.test_promises import ALICE_TYPE, BOB_TYPE, CHESS, LIKES, OSLO, TEA, office, shown

OSLO_TYPE: Item = ("t", "Oslo", "city")
PAWN: Item = ("o", "Bob", "lost a pawn")
names = st.sets(st.sampled_from(("Alice", "Oslo", "Bergen", "note", "nobody"))).map(frozenset)


def heard(found: Office, *edits: Drop | Note | Renew) -> Desk:
    """The second desk, which has joined what the first one's server has just done, its file untouched."""
    ash, birch = found.desks
    ash.serve(edits, wait_ms=5_000)
    ash.look()
    found.publish(ash)
    birch.join(found.published)
    birch.now_ms += 10 * WINDOW_MS
    return birch


def pick(desk: Desk, *wanted: str) -> None:
    desk.look()
    desk.materialise(only=frozenset(wanted))


# --- what is written


@given(days(), st.data())
def test_what_is_picked_is_written_and_the_rest_stands_as_before(day: list, data: st.DataObject) -> None:
    desk = Office().run(day).desks[0]
    desk.look()
    only = data.draw(names)
    before, behind, chosen = desk.file.records, set(desk.replica.behind), picked_keys(desk.replica, only)
    said, changes = desk.file.items(), changes_to(desk.replica, chosen)
    rev = desk.replica.header.rev
    desk.materialise(only=only)
    target = desk.projection.graph(desk.replica.target_graph()).records
    for key in {*before, *target}:
        wanted = before.get(key) if key in behind - chosen else target.get(key)
        assert (wanted is None) == (key not in desk.file.records)
        assert wanted is None or set(desk.file.records[key].key) == set(wanted.key)
    assert desk.replica.behind == behind - chosen
    assert desk.replica.header.rev == rev
    assert (desk.file.items() - said, said - desk.file.items()) == changes


@given(days(), names)
def test_nothing_that_was_left_out_is_taken_for_a_deletion(day: list, only: frozenset[str]) -> None:
    desk = Office().run([*day, Materialise(0), Publish(1)]).desks[0]
    desk.materialise(only=only)
    rev, waiting = desk.replica.header.rev, set(desk.replica.behind)
    desk.now_ms += 10 * WINDOW_MS
    observed = desk.look()
    assert (observed.added, observed.removed, observed.hold) == ((), (), None)
    assert desk.replica.header.rev == rev
    assert desk.replica.behind == waiting


@given(days(), names, names)
def test_picks_and_then_the_rest_come_to_the_same_as_all_at_once(
    day: list, first: frozenset[str], second: frozenset[str]
) -> None:
    picking, whole = Office().run(day), Office().run(day)
    for desk in (picking.desks[0], whole.desks[0]):
        desk.look()
    for only in (first, second, None):
        picking.desks[0].materialise(only=only)
        picking.desks[0].look()
    whole.desks[0].materialise()
    assert picking.desks[0].file.items() == whole.desks[0].file.items()
    assert picking.desks[0].replica.ring.newest.vv == whole.desks[0].replica.ring.newest.vv
    assert not picking.desks[0].replica.ring.newest.unseen


@given(days(), names)
def test_no_picked_relation_stands_before_its_ends(day: list, only: frozenset[str]) -> None:
    desk = Office().run(day).desks[0]
    left = desk.replica.behind - picked_keys(desk.replica, only)
    newcomers = {key[1] for key in left if key[0] == "e" and key not in desk.replica.ring.graph.records}
    for key in picked_keys(desk.replica, only):
        assert key[0] != "l" or newcomers.isdisjoint(key[1:3])


@given(days())
def test_every_name_that_waits_picks_something_and_all_of_them_pick_all(day: list) -> None:
    replica = Office().run(day).desks[0].replica
    waiting = names_waiting(replica)
    assert all(picked_keys(replica, {name}) for name in waiting)
    groups = groups_waiting(replica)
    assert groups.keys() <= waiting
    assert sorted(key for keys in groups.values() for key in keys) == sorted(replica.behind)
    assert picked_keys(replica, waiting) == replica.behind
    assert picked_keys(replica, frozenset({"nobody"})) == set()


# --- what is said of it afterwards


def test_what_was_picked_can_be_deleted_and_stays_deleted_everywhere() -> None:
    found = office(ALICE_TYPE, TEA)
    birch = heard(found, Note(BOB_TYPE), Note(CHESS), Note(OSLO_TYPE))
    pick(birch, "Bob")
    assert birch.file.items() == {ALICE_TYPE, TEA, BOB_TYPE, CHESS}
    birch.serve([Drop(BOB_TYPE)], wait_ms=5 * WINDOW_MS)
    found.settle()
    assert shown(found) == {ALICE_TYPE, TEA, OSLO_TYPE}


def test_a_deletion_that_was_left_out_waits_and_is_not_undone() -> None:
    found = office(ALICE_TYPE, TEA, BOB_TYPE, CHESS)
    birch = heard(found, Drop(BOB_TYPE), Note(OSLO))
    pick(birch, "Alice")
    assert birch.file.items() == {ALICE_TYPE, TEA, OSLO, BOB_TYPE, CHESS}
    assert {key_of(BOB_TYPE)} == birch.replica.behind
    found.settle()
    assert shown(found) == {ALICE_TYPE, TEA, OSLO}


def test_what_was_said_again_elsewhere_and_left_out_outlives_its_twin_here() -> None:
    found = office(ALICE_TYPE, TEA, BOB_TYPE, CHESS)
    birch = heard(found, Drop(CHESS))
    birch = heard(found, Note(CHESS), Note(PAWN), Note(OSLO))
    pick(birch, "Alice")
    birch.serve([Drop(CHESS)], wait_ms=5 * WINDOW_MS)
    found.settle()
    assert shown(found) == {ALICE_TYPE, TEA, OSLO, BOB_TYPE, CHESS, PAWN}, (
        "nobody here had seen it noted anew"
    )


def test_a_type_that_was_left_out_conflicts_with_the_one_written_here() -> None:
    found = office(ALICE_TYPE, TEA, BOB_TYPE, CHESS)
    birch = heard(found, Renew("Bob", "player"), Note(OSLO))
    pick(birch, "Alice")
    birch.serve([Renew("Bob", "robot")], wait_ms=5 * WINDOW_MS)
    found.settle()
    types = {conflict.register for conflict in birch.replica.state.all_conflicts()}
    assert types == {("t", "Bob")}


def test_a_relation_goes_with_the_first_of_its_ends() -> None:
    found = office(ALICE_TYPE, OSLO_TYPE, LIKES, BOB_TYPE)
    birch = heard(found, Drop(ALICE_TYPE), Note(("o", "Oslo", "rains")))
    pick(birch, "Alice")
    assert birch.file.items() == {OSLO_TYPE, BOB_TYPE}


def test_a_relation_waits_for_its_end_and_comes_with_it() -> None:
    found = office(ALICE_TYPE)
    birch = heard(found, Note(OSLO_TYPE), Note(LIKES), Note(TEA))
    pick(birch, "Alice")
    assert birch.file.items() == {ALICE_TYPE, TEA}
    pick(birch, "Oslo")
    assert birch.file.items() == {ALICE_TYPE, TEA, OSLO_TYPE, LIKES}
    assert not birch.replica.behind
