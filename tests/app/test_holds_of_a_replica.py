"""A word on a hold does what it says to the very facts that were held, and to no others."""

from __future__ import annotations

import pytest

from memsync_git.guards import DeletionLimits
from memsync_git.model import Entity, Relation, items_of
from memsync_git.replica import Replica
from memsync_git.replica.filtering import Rules
from memsync_git.replica.holding import accept_hold, reject_hold, said

from .replicas import CLOCKWORK, items, replica, saves, tells, wanted

CAREFUL = DeletionLimits(over=0, share=0.0)
ALICE = Entity("Alice", "person", ("likes tea",))
BOB = Entity("Bob", "person", ("tall", "plays go"))
KNOWS = Relation("Alice", "Bob", "knows")


def held_locally() -> tuple[Replica, str]:
    laptop = replica("laptop", ALICE, BOB, KNOWS)
    hold = saves(laptop, BOB, limits=CAREFUL).hold
    assert hold is not None
    return laptop, hold.id


def held_from_elsewhere() -> tuple[Replica, Replica, str]:
    laptop, desk = replica("laptop", ALICE, BOB, KNOWS), replica("desk")
    tells(laptop, desk)
    desk.write([*items_of(ALICE), *items_of(KNOWS)], (), CLOCKWORK.moment(), cause="edit")
    tells(desk, laptop, limits=CAREFUL)
    (hold,) = laptop.holds.values()
    return laptop, desk, hold.id


def test_a_local_hold_hides_and_deletes_nothing() -> None:
    laptop, _ = held_locally()
    assert items(laptop) >= {*items_of(ALICE), *items_of(KNOWS)}
    assert wanted(laptop) == set(items_of(BOB))
    assert said(laptop, ALICE.key) is None
    assert said(laptop, BOB.key) == BOB


def test_accepting_removes_what_was_held_and_marks_the_revision() -> None:
    laptop, identity = held_locally()
    written = accept_hold(laptop, identity, CLOCKWORK.moment())
    assert set(written.removed) == {*items_of(ALICE), *items_of(KNOWS)}
    assert items(laptop) == wanted(laptop) == set(items_of(BOB))
    assert laptop.header.ok == laptop.header.rev
    assert (laptop.holds, laptop.behind) == ({}, set())


def test_accepting_spares_facts_that_came_after_the_hold() -> None:
    laptop, identity = held_locally()
    desk = replica("desk")
    tells(laptop, desk)
    saves(desk, Entity("Alice", "person", ("likes tea", "moved to Bergen")), BOB, KNOWS)
    tells(desk, laptop)
    accept_hold(laptop, identity, CLOCKWORK.moment())
    assert laptop.state.record(ALICE.key) == Entity("Alice", "person", ("moved to Bergen",))


def test_rejecting_a_local_hold_writes_nothing_and_shows_all_again() -> None:
    laptop, identity = held_locally()
    rev = laptop.header.rev
    assert not reject_hold(laptop, identity, CLOCKWORK.moment())
    assert (laptop.header.rev, laptop.header.ok) == (rev, 0)
    assert wanted(laptop) == {*items_of(ALICE), *items_of(BOB), *items_of(KNOWS)}
    assert laptop.behind == {ALICE.key, KNOWS.key}


def test_a_deletion_from_elsewhere_is_joined_and_its_items_stay_in_the_file() -> None:
    laptop, _, _ = held_from_elsewhere()
    assert items(laptop) == set(items_of(BOB))
    assert wanted(laptop) == {*items_of(ALICE), *items_of(BOB), *items_of(KNOWS)}
    assert said(laptop, ALICE.key) is None


def test_accepting_a_deletion_from_elsewhere_writes_nothing_of_our_own() -> None:
    laptop, _, identity = held_from_elsewhere()
    rev = laptop.header.rev
    assert not accept_hold(laptop, identity, CLOCKWORK.moment())
    assert laptop.header.rev == rev
    assert wanted(laptop) == set(items_of(BOB))
    assert laptop.behind == {ALICE.key, KNOWS.key}


def test_rejecting_a_deletion_from_elsewhere_says_it_again_for_everybody() -> None:
    laptop, desk, identity = held_from_elsewhere()
    written = reject_hold(laptop, identity, CLOCKWORK.moment())
    assert set(written.added) == {*items_of(ALICE), *items_of(KNOWS)}
    tells(laptop, desk)
    assert items(laptop) == items(desk) == wanted(laptop)
    assert laptop.behind == set()
    assert list(desk.state.unanchored()) == []


def test_rejecting_keeps_a_type_given_meanwhile_and_says_nothing_twice() -> None:
    laptop, desk, identity = held_from_elsewhere()
    robot = Entity("Alice", "robot", ("likes tea",))
    desk.write((), items_of(robot), CLOCKWORK.moment(), cause="edit")
    tells(desk, laptop)
    written = reject_hold(laptop, identity, CLOCKWORK.moment())
    assert set(written.added) == set(items_of(KNOWS))
    assert laptop.state.record(ALICE.key) == robot
    assert list(laptop.state.all_conflicts()) == []


def test_rejecting_gives_an_edited_record_its_type_back_for_good() -> None:
    laptop, _, identity = held_from_elsewhere()
    tablet = replica("tablet")
    tells(laptop, tablet)
    tablet.write((), [("o", "Alice", "sings")], CLOCKWORK.moment(), cause="edit")
    tells(tablet, laptop)
    reject_hold(laptop, identity, CLOCKWORK.moment())
    assert list(laptop.state.unanchored()) == []
    record = laptop.state.record(ALICE.key)
    assert isinstance(record, Entity)
    assert (record.type, set(record.observations)) == ("person", {"likes tea", "sings"})


def test_rows_put_back_leave_the_hold_even_if_they_are_an_old_state_word_for_word() -> None:
    laptop, _ = held_locally()
    saves(laptop, ALICE, BOB, KNOWS, limits=CAREFUL)
    assert laptop.holds == {}
    assert items(laptop) == wanted(laptop) == {*items_of(ALICE), *items_of(BOB), *items_of(KNOWS)}


def test_an_own_write_of_a_held_item_takes_it_out_of_its_hold() -> None:
    laptop, identity = held_locally()
    laptop.write((), items_of(ALICE), CLOCKWORK.moment(), cause="import")
    assert said(laptop, ALICE.key) == ALICE
    accept_hold(laptop, identity, CLOCKWORK.moment())
    assert items(laptop) == {*items_of(ALICE), *items_of(BOB)}


def test_there_is_no_word_on_a_hold_that_is_not() -> None:
    laptop, _ = held_locally()
    for decide in (accept_hold, reject_hold):
        with pytest.raises(KeyError):
            decide(laptop, "nothing", CLOCKWORK.moment())


def test_rejecting_says_nothing_under_a_name_this_machine_leaves_out() -> None:
    laptop, _, identity = held_from_elsewhere()
    laptop.rules = Rules(exclude=("Alice",))
    written = reject_hold(laptop, identity, CLOCKWORK.moment())
    assert (written.left_out, list(written.added)) == ({"Alice"}, [])
    assert laptop.holds == {}
