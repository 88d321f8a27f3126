"""Conflicts are listed, and a resolution ends them on every machine."""

from __future__ import annotations

import pytest

from memsync_git.errors import Misused
from memsync_git.model import Entity, Relation
from memsync_git.options import Choice, Delete, ResolveOptions, Restore, Take, Write

from .machines import BALLAST, Machine, sync_all


def conflicting(laptop: Machine, desk: Machine) -> None:
    """Both machines create Mercury, with different types."""
    laptop.writes(Entity("Mercury", "planet", ("hot",)))
    desk.writes(Entity("Mercury", "metal", ("liquid",)))
    sync_all(laptop, desk)


def edited_while_deleted(laptop: Machine, desk: Machine) -> None:
    """The laptop deletes Alice with her relation while the desk adds to her."""
    laptop.writes(
        Entity("Alice", "person", ("likes tea", "lives in Oslo")),
        Entity("Bob", "person", BALLAST),
        Relation("Alice", "Bob", "knows"),
    )
    sync_all(laptop, desk)
    laptop.removes("Alice")
    desk.adds(Entity("Alice", "person", ("moved to Bergen",)))
    sync_all(laptop, desk)


def types_of(machine: Machine) -> str:
    return machine.entities()["Mercury"][0]


def resolve(machine: Machine, choice: Choice, name: str | None = "Mercury", field: str | None = None):
    return machine.app.resolve(ResolveOptions(name, choice, field))


def test_every_value_is_listed_with_its_machine_and_the_one_the_file_shows(
    laptop: Machine, desk: Machine
) -> None:
    conflicting(laptop, desk)
    (conflict,) = laptop.app.conflicts()["conflicts"]
    assert (conflict["kind"], conflict["name"], conflict["field"]) == ("written", "Mercury", "type")
    assert {(value["value"], value["host"], value["mine"]) for value in conflict["values"]} == {
        ("planet", "laptop", True),
        ("metal", "desk", False),
    }
    assert [value["value"] for value in conflict["values"] if value["winner"]] == [types_of(laptop)]
    assert {value["id"] for value in conflict["values"]} == {laptop.rid, desk.rid}
    assert all(value["at"] for value in conflict["values"])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [(Take("laptop"), "planet"), (Take("desk"), "metal"), (Take("mine"), "planet"), (Write("god"), "god")],
)
def test_a_resolution_ends_the_conflict_on_both_machines(
    laptop: Machine, desk: Machine, choice: Choice, expected: str
) -> None:
    conflicting(laptop, desk)
    answer = resolve(laptop, choice)
    assert (answer["left"], answer["notices"]) == (0, [])
    assert answer["txn"] is not None
    assert answer["txn"].startswith(laptop.rid)
    assert types_of(laptop) == expected
    desk.sync()
    assert types_of(desk) == expected
    assert desk.app.conflicts()["conflicts"] == []
    assert laptop.sync()["conflicts"] == desk.sync()["conflicts"] == 0


def test_the_newest_value_is_the_one_the_file_shows(laptop: Machine, desk: Machine) -> None:
    conflicting(laptop, desk)
    shown = types_of(laptop)
    assert resolve(laptop, Take("newest"))["left"] == 0
    assert types_of(laptop) == shown


def test_a_value_can_be_taken_by_the_id_of_its_machine(laptop: Machine, desk: Machine) -> None:
    conflicting(laptop, desk)
    assert resolve(laptop, Take(desk.rid))["left"] == 0
    assert types_of(laptop) == "metal"


def test_two_different_resolutions_at_once_are_one_new_conflict_and_end_with_the_next(
    laptop: Machine, desk: Machine
) -> None:
    conflicting(laptop, desk)
    laptop.unplug()
    assert resolve(laptop, Take("laptop"))["left"] == resolve(desk, Take("desk"))["left"] == 0
    laptop.plug()
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        (conflict,) = machine.app.conflicts()["conflicts"]
        assert sorted(value["value"] or "" for value in conflict["values"]) == ["metal", "planet"]
    resolve(desk, Write("god"))
    laptop.sync()
    assert types_of(laptop) == types_of(desk) == "god"
    assert laptop.app.conflicts()["conflicts"] == []


def test_without_a_network_a_resolution_is_saved_and_published_later(laptop: Machine, desk: Machine) -> None:
    conflicting(laptop, desk)
    laptop.unplug()
    answer = resolve(laptop, Take("desk"))
    assert answer["left"] == 0
    assert any("saved" in notice["unharmed"] for notice in answer["notices"])
    assert types_of(laptop) == "metal"
    laptop.plug()
    sync_all(laptop, desk)
    assert types_of(desk) == "metal"


def test_all_conflicts_end_at_once_and_what_does_not_fit_is_left(laptop: Machine, desk: Machine) -> None:
    laptop.writes(Entity("Mercury", "planet"), Entity("Jaguar", "cat"))
    desk.writes(Entity("Mercury", "metal"), Entity("Jaguar", "car"))
    sync_all(laptop, desk)
    assert resolve(laptop, Take("desk"), name=None)["left"] == 0
    assert laptop.entities() == {"Mercury": ("metal", []), "Jaguar": ("car", [])}
    again = resolve(laptop, Take("desk"), name=None)
    assert (again["txn"], again["resolved"]) == (None, [])
    assert [notice["message"] for notice in again["notices"]] == ["There are no conflicts."]


def test_a_record_edited_while_deleted_is_listed_with_what_was_added(laptop: Machine, desk: Machine) -> None:
    edited_while_deleted(laptop, desk)
    for machine in (laptop, desk):
        (conflict,) = machine.app.conflicts("Alice")["conflicts"]
        assert (conflict["kind"], conflict["field"]) == ("deleted", "")
        assert [(value["value"], value["host"]) for value in conflict["values"]] == [
            ("moved to Bergen", "desk")
        ]


@pytest.mark.parametrize("decider", ["laptop", "desk"])
def test_a_restore_brings_back_what_the_delete_took(laptop: Machine, desk: Machine, decider: str) -> None:
    edited_while_deleted(laptop, desk)
    answer = resolve(laptop if decider == "laptop" else desk, Restore(), name="Alice")
    assert (answer["left"], answer["notices"]) == (0, [])
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        kind, observations = machine.entities()["Alice"]
        assert (kind, set(observations)) == ("person", {"likes tea", "lives in Oslo", "moved to Bergen"})
        assert machine.relations() == {("Alice", "Bob", "knows")}
        assert machine.app.conflicts()["conflicts"] == []


def test_a_restore_says_what_came_back_and_not_what_stood_there(laptop: Machine, desk: Machine) -> None:
    edited_while_deleted(laptop, desk)
    resolved = resolve(laptop, Restore(), name="Alice")["resolved"]
    came_back = {part["value"] for part in resolved}
    assert {"likes tea", "lives in Oslo", "knows"} <= came_back
    assert "moved to Bergen" not in came_back


def test_what_this_machine_deleted_is_restored_even_where_main_never_held_it(
    laptop: Machine, desk: Machine
) -> None:
    laptop.writes(Entity("Alice", "person", ("likes tea",)), Entity("Bob", "person", BALLAST))
    sync_all(laptop, desk)
    laptop.unplug()
    laptop.adds(Entity("Alice", "person", ("never published",)))
    laptop.sync()
    laptop.removes("Alice")
    laptop.sync()
    laptop.plug()
    desk.adds(Entity("Alice", "person", ("moved to Bergen",)))
    sync_all(desk, laptop)
    resolve(laptop, Restore(), name="Alice")
    assert set(laptop.entities()["Alice"][1]) == {"likes tea", "never published", "moved to Bergen"}


def test_a_delete_deletes_what_was_kept_everywhere(laptop: Machine, desk: Machine) -> None:
    edited_while_deleted(laptop, desk)
    assert resolve(desk, Delete(), name="Alice")["left"] == 0
    laptop.sync()
    for machine in (laptop, desk):
        assert machine.entities() == {"Bob": ("person", list(BALLAST))}
        assert machine.app.conflicts()["conflicts"] == []


def test_a_restore_and_a_delete_decided_at_once_end_in_the_restored_record(
    laptop: Machine, desk: Machine
) -> None:
    edited_while_deleted(laptop, desk)
    laptop.unplug()
    resolve(laptop, Restore(), name="Alice")
    resolve(desk, Delete(), name="Alice")
    laptop.plug()
    sync_all(laptop, desk, laptop)
    for machine in (laptop, desk):
        assert set(machine.entities()["Alice"][1]) == {"likes tea", "lives in Oslo", "moved to Bergen"}
        assert machine.app.conflicts()["conflicts"] == []


@pytest.mark.parametrize(
    ("name", "choice", "field", "words"),
    [
        ("mercury", Take("newest"), None, "says nothing about 'mercury'"),
        ("Bob", Take("newest"), None, "no conflict about 'Bob'"),
        ("Mercury", Restore(), None, "not deleted anywhere"),
        ("Mercury", Take("newest"), "colour", "no conflict about 'colour'"),
        ("Mercury", Take("tablet"), None, "by 'tablet', only by desk, laptop"),
        (None, Write("planet"), None, "cannot settle every conflict"),
    ],
)
def test_an_order_that_fits_nothing_changes_nothing_and_says_what_there_is(
    laptop: Machine, desk: Machine, name: str | None, choice: Choice, field: str | None, words: str
) -> None:
    conflicting(laptop, desk)
    laptop.adds(Entity("Bob", "person"))
    laptop.sync()
    with pytest.raises(Misused) as caught:
        resolve(laptop, choice, name, field)
    assert words in caught.value.message
    assert caught.value.unharmed == "Nothing was changed."
    assert len(laptop.app.conflicts()["conflicts"]) == 1


def test_a_wrong_name_is_answered_with_the_nearest(laptop: Machine, desk: Machine) -> None:
    conflicting(laptop, desk)
    with pytest.raises(Misused) as caught:
        laptop.app.conflicts("mercry")
    assert caught.value.hint == "memsync-git conflicts Mercury"
    assert laptop.app.conflicts("Mercury")["conflicts"]


def test_of_a_deleted_record_no_value_can_be_taken(laptop: Machine, desk: Machine) -> None:
    edited_while_deleted(laptop, desk)
    with pytest.raises(Misused) as caught:
        resolve(laptop, Take("desk"), name="Alice")
    assert "--restore" in caught.value.hint
    assert "--delete" in caught.value.hint
