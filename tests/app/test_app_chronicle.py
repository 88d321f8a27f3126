"""Who changed what: over real machines, hubs and files."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from memsync_git.app.chronicle import history_of, transactions
from memsync_git.app.revisions import ordered, own_revisions
from memsync_git.errors import MemsyncError
from memsync_git.model import Entity, Relation, Rid
from memsync_git.options import LogOptions, ResolveOptions, ShowOptions, UndoOptions, Write
from memsync_git.replica import Replica, Txn

from .machines import BALLAST, Machine, sync_all, wait_for_the_next_second

STOCK = (Entity("Zoo", "place", BALLAST), Entity("Ann", "person", ("likes tea", "sings")))


def test_a_deleted_entity_still_has_a_past(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK, Relation("Ann", "Zoo", "visits"))
    sync_all(laptop, desk)
    desk.removes("Ann")
    sync_all(desk, laptop)
    gone, come = laptop.app.log(LogOptions("Ann"))["revisions"]
    assert (gone["host"], gone["mine"], come["host"], come["mine"]) == ("desk", False, "laptop", True)
    assert {part["change"] for part in gone["changes"]} == {"remove"}
    told = {(part["kind"], part["value"]) for part in gone["changes"]}
    assert told == {
        ("entity", "person"),
        ("observation", "likes tea"),
        ("observation", "sings"),
        ("relation", "visits"),
    }
    with pytest.raises(MemsyncError) as caught:
        laptop.app.log(LogOptions("Anne"))
    assert caught.value.exit_code == 1


def test_only_so_many_changes_are_told_and_that_there_are_more(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    for number in range(3):
        desk.adds(Entity("Ann", "person", (f"note {number}",)))
        desk.sync()
    laptop.sync()
    some, every = laptop.app.log(LogOptions(last=2)), laptop.app.log(LogOptions())
    assert [part["changes"][0]["value"] for part in some["revisions"]] == ["note 2", "note 1"]
    assert (some["whole"], every["whole"], len(every["revisions"])) == (False, True, 4)


def test_what_was_published_late_does_not_stand_for_what_is_newer(
    laptop: Machine, desk: Machine, tmp_path: Path, hub: Path
) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    desk.unplug()
    desk.adds(Entity("Ann", "person", ("long ago",)))
    desk.sync()
    desk.plug()
    for number in range(3):
        wait_for_the_next_second()
        laptop.adds(Entity("Ann", "person", (f"note {number}",)))
        laptop.sync()
    desk.sync()
    third = Machine(tmp_path / "third", "third", hub)
    third.join()
    told = third.app.log(LogOptions(last=2))["revisions"]
    assert [part["changes"][0]["value"] for part in told] == ["note 2", "note 1"]


def test_sums_count_every_machine(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    desk.removes("Ann")
    sync_all(desk, laptop)
    stats = laptop.app.log_stats()
    assert [(part["host"], part["added"], part["removed"]) for part in stats["machines"]] == [
        ("laptop", 16, 0),
        ("desk", 0, 3),
    ]
    assert sum(stats["rounds"].values()) >= 3
    assert stats["whole"]


def test_blame_tells_who_said_what_and_every_value_of_a_conflict(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK, Relation("Ann", "Zoo", "visits"))
    sync_all(laptop, desk)
    desk.adds(Entity("Ann", "person", ("plays chess",)))
    desk.sync()
    laptop.sync()
    lines = laptop.app.blame("Ann")["lines"]
    assert [(line["kind"], line["value"], line["host"]) for line in lines] == [
        ("entity", "person", "laptop"),
        ("observation", "likes tea", "laptop"),
        ("observation", "plays chess", "desk"),
        ("observation", "sings", "laptop"),
        ("relation", "visits", "laptop"),
    ]
    assert not any(line["doubtful"] for line in lines)


def test_what_two_said_at_once_names_both(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        machine.adds(Entity("Ann", "person", ("plays chess",)))
    sync_all(laptop, desk)
    line = next(each for each in laptop.app.blame("Ann")["lines"] if each["value"] == "plays chess")
    assert {line["host"], *line["others"]} == {"laptop", "desk"}


def test_an_undo_of_one_of_two_leaves_what_the_other_said(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        machine.adds(Entity("Ann", "person", ("plays chess",)))
    sync_all(laptop, desk)
    undone = laptop.app.amend(laptop.app.plan_undo(UndoOptions()))
    assert undone["changes"] == []
    assert laptop.entities()["Ann"][1] == ["likes tea", "sings", "plays chess"]
    line = next(each for each in laptop.app.blame("Ann")["lines"] if each["value"] == "plays chess")
    assert (line["host"], line["others"]) == ("desk", [])


def test_changes_of_one_second_stand_in_the_order_in_which_they_were_seen(
    laptop: Machine, desk: Machine
) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    wanted = []
    for number in range(4):
        for machine, other in ((laptop, desk), (desk, laptop)):
            machine.adds(Entity("Ann", "person", (f"{machine.host} {number}",)))
            machine.sync()
            other.sync()
            wanted.append(f"{machine.host} {number}")
    for machine in (laptop, desk):
        told = machine.app.log(LogOptions(last=8))["revisions"]
        assert [part["changes"][0]["value"] for part in told] == wanted[::-1]
        assert [part["at"] for part in told] == sorted((part["at"] for part in told), reverse=True)
        assert is_of_what_was_seen(machine, 8)
        lines = machine.app.show(ShowOptions("Ann", history=True))["found"][0]["history"]
        assert [part["value"] for part in lines if part["value"] in wanted] == wanted


def is_of_what_was_seen(machine: Machine, last: int) -> bool:
    """Whether each of the last revisions is known to have seen the one before it."""
    rooms = machine.app.rooms
    found = history_of(
        rooms, rooms.replica(), transactions(rooms), is_meant=lambda _: True, last=last
    ).revisions
    return all(later.seen.get(earlier.rid) == earlier.rev for later, earlier in pairwise(found))


def test_a_conflict_that_ended_as_it_stood_is_told_by_everybody(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    for machine, kind in ((laptop, "singer"), (desk, "pilot")):
        machine.writes(STOCK[0], Entity("Ann", kind, ("likes tea", "sings")))
    sync_all(laptop, desk)
    shown = laptop.entities()["Ann"][0]
    beaten = {"singer": "pilot", "pilot": "singer"}[shown]
    resolved = laptop.app.resolve(ResolveOptions("Ann", Write(shown)))
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        newest = machine.app.log(LogOptions("Ann"))["revisions"][0]
        assert (newest["host"], newest["txn"]) == ("laptop", resolved["txn"])
        assert [(part["change"], part["value"], part["beat"]) for part in newest["changes"]] == [
            ("keep", shown, [beaten])
        ]
        ended = machine.app.show(ShowOptions("Ann", history=True))["found"][0]["history"][-1]
        assert (ended["change"], ended["value"]) == ("keep", shown)
        undone = machine.app.amend(machine.app.plan_undo(UndoOptions(resolved["txn"])))
        assert (undone["txn"], undone["changes"]) == (None, [])
        assert f"Ann kept '{shown}'" in undone["notices"][0]["message"]
    writer = {"singer": laptop, "pilot": desk}[shown]
    theirs = next(
        part["txn"]
        for part in writer.app.log(LogOptions("Ann"))["revisions"]
        if ("change", shown) in [(each["change"], each["value"]) for each in part["changes"]]
    )
    kept = writer.app.plan_undo(UndoOptions(theirs)).preview["notices"][0]["message"]
    assert kept == f"Ann was given the same type again since, '{shown}'; it stays"
    assert laptop.app.plan_undo(UndoOptions()).aim.txns == (resolved["txn"],), "it is the last change"


def test_what_the_original_of_a_copied_machine_did_later_is_told(
    laptop: Machine, desk: Machine, tmp_path: Path, hub: Path
) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    desk.adds(Entity("Ann", "person", ("before the copy",)))
    desk.sync()
    copy = Machine(tmp_path / "copy", "copy", hub)
    shutil.copytree(desk.home, copy.home)
    configuration = copy.home / "config.toml"
    configuration.write_text(configuration.read_text().replace(str(desk.home), str(copy.home)))
    desk.adds(Entity("Ann", "person", ("after the copy",)))
    desk.sync()
    copy.adds(Entity("Ann", "person", ("on the copy",)))
    sync_all(copy, desk)
    assert copy.rid != desk.rid
    for machine in (copy, desk, laptop):
        machine.sync()
        told = {part["changes"][0]["value"] for part in machine.app.log(LogOptions("Ann"))["revisions"]}
        assert told >= {"after the copy", "before the copy", "on the copy"}


def test_revisions_under_two_ids_are_dated_each_by_its_own_order() -> None:
    """A machine that had to take another id; ids are in no order."""

    def txn(rid: str, rev: int, at_ms: int) -> Txn:
        return Txn(Rid(rid), rev, at_ms, "edit", (("o", "Ann", f"{rid}{rev}"),), ())

    start_ms = 1_763_637_000_000
    kept = [txn("a-0001", 1, start_ms + 900), txn("b-0001", 1, start_ms), txn("b-0001", 2, start_ms + 100)]
    found = ordered(own_revisions(Replica(Rid("a-0001"), "laptop"), kept), (), start_ms + 1000)
    assert [(revision.txn, revision.at_ms - start_ms) for revision in found] == [
        ("b-0001:1", 0),
        ("b-0001:2", 100),
        ("a-0001:1", 900),
    ]
