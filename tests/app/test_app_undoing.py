"""Taking back and going back: over real machines, hubs and files."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from memsync_git.documents import AmendsDocument
from memsync_git.errors import MemsyncError, Misused, Offline
from memsync_git.model import Entity, Relation
from memsync_git.options import InitOptions, LogOptions, RestoreOptions, ShowOptions, UndoOptions

from .machines import BALLAST, Machine, sync_all, wait_for_the_next_second

STOCK = (Entity("Zoo", "place", BALLAST), Entity("Ann", "person", ("likes tea", "sings")))


def undo(machine: Machine, txn: str | None = None, last: int = 1) -> AmendsDocument:
    app = machine.app
    return app.amend(app.plan_undo(UndoOptions(txn, last)))


def restore(machine: Machine, at: str, *names: str, exactly: bool = False) -> AmendsDocument:
    app = machine.app
    return app.amend(app.plan_restore(RestoreOptions(at, names, exactly=exactly)))


def newest_txn(machine: Machine, host: str) -> str:
    revisions = machine.app.log(LogOptions()).get("revisions")
    return next(each["txn"] for each in revisions if each["host"] == host)


def a_moment() -> str:
    """Now, and a second in which nothing of it happens: commits know whole seconds.

    `gmtime` without a time asks a coarser clock, which may still be in the second before.
    """
    wait_for_the_next_second()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time()))
    wait_for_the_next_second()
    return now


# --- undo


def test_what_another_machine_deleted_is_taken_back_for_everybody(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK, Relation("Ann", "Zoo", "visits"))
    sync_all(laptop, desk)
    desk.removes("Ann")
    sync_all(desk, laptop)
    assert "Ann" not in laptop.entities()
    undone = undo(laptop, newest_txn(laptop, "desk"))
    assert {part["change"] for part in undone["changes"]} == {"add"}
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        assert machine.entities()["Ann"] == ("person", ["likes tea", "sings"])
        assert machine.relations() == {("Ann", "Zoo", "visits")}


def test_an_undo_is_undone_and_that_again(laptop: Machine) -> None:
    laptop.writes(*STOCK)
    laptop.sync()
    laptop.writes(STOCK[0], Entity("Ann", "singer", ("likes tea", "sings")))
    laptop.sync()
    kinds = [undo(laptop) and laptop.entities()["Ann"][0] for _ in range(4)]
    assert kinds == ["person", "singer", "person", "singer"]


def test_undo_takes_in_what_the_file_says_first_and_takes_that_back(laptop: Machine) -> None:
    laptop.writes(*STOCK)
    laptop.sync()
    laptop.adds(Entity("Bob", "person", ("is new",)))
    intention = laptop.app.plan_undo(UndoOptions())
    assert intention.preview["would_remove"] == 2
    assert "Bob" in laptop.entities(), "a preview changes nothing"
    undone = laptop.app.amend(intention)
    assert [(part["change"], part["name"]) for part in undone["changes"]] == [("remove", "Bob")] * 2
    assert "Bob" not in laptop.entities()


def test_the_last_changes_are_taken_back_as_one(laptop: Machine) -> None:
    laptop.writes(*STOCK)
    laptop.sync()
    for kind in ("singer", "pilot", "baker"):
        laptop.writes(STOCK[0], Entity("Ann", kind, ("likes tea", "sings")))
        laptop.sync()
    undone = undo(laptop, last=3)
    assert [(part["value"], part.get("was")) for part in undone["changes"]] == [("person", "baker")]
    assert len(undone["undone"]) == 3
    undo(laptop)
    assert laptop.entities()["Ann"][0] == "baker"


def test_what_was_written_since_is_kept_and_told(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    bob = Entity("Bob", "person", ("one", "two", "three"))
    laptop.writes(STOCK[0], Entity("Ann", "singer", ("likes tea", "sings")), bob)
    sync_all(laptop, desk)
    first = newest_txn(laptop, "laptop")
    desk.writes(STOCK[0], Entity("Ann", "pilot", ("likes tea", "sings")), bob)
    sync_all(desk, laptop)
    undone = undo(laptop, first)
    assert laptop.entities() == {"Zoo": ("place", list(BALLAST)), "Ann": ("pilot", ["likes tea", "sings"])}
    assert undone["notices"][0]["message"] == "Ann was given another type since, 'pilot'; it stays"


def test_an_entity_stays_while_others_have_added_to_it(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    laptop.adds(Entity("Bob", "person", ("is new",)))
    sync_all(laptop, desk)
    desk.adds(Entity("Bob", "person", ("plays chess",)))
    sync_all(desk, laptop)
    undo(laptop, newest_txn(laptop, "laptop"))
    assert laptop.entities()["Bob"] == ("person", ["plays chess"])
    assert not laptop.app.conflicts()["conflicts"]


def test_a_large_undo_is_not_held_on_other_machines(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    laptop.adds(*(Entity(f"note {number}", "note", ("x",)) for number in range(150)))
    sync_all(laptop, desk)
    undo(laptop)
    desk.sync()
    assert set(desk.entities()) == {"Ann", "Zoo"}
    assert not desk.app.holds()["holds"]


def test_offline_an_undo_is_durable_and_travels_later(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    desk.removes("Ann")
    sync_all(desk, laptop)
    laptop.unplug()
    undone = undo(laptop, newest_txn(laptop, "desk"))
    assert "Ann" in laptop.entities()
    assert any("could not be reached" in each["message"] for each in undone["notices"])
    laptop.plug()
    sync_all(laptop, desk)
    assert "Ann" in desk.entities()


@pytest.mark.parametrize("name", ["nonsense", "desk-00000001", "desk-00000001:x", "desk-00000001:7", "a:²"])
def test_what_names_no_revision_is_refused(laptop: Machine, name: str) -> None:
    laptop.writes(*STOCK)
    laptop.sync()
    with pytest.raises(Misused) as caught:
        undo(laptop, name)
    assert caught.value.hint.startswith("memsync-git log")


def test_revisions_published_together_are_taken_back_together(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    desk.unplug()
    desk.adds(Entity("Bob", "person", ("one",)))
    desk.sync()
    desk.adds(Entity("Cid", "person", ("two",)))
    desk.sync()
    desk.plug()
    sync_all(desk, laptop)
    newest = laptop.app.log(LogOptions())["revisions"][0]
    rid, _, rev = newest["txn"].rpartition(":")
    assert newest["first"] == int(rev) - 1
    intention = laptop.app.plan_undo(UndoOptions(f"{rid}:{newest['first']}"))
    assert f"published together since {rid}:{newest['first']}" in intention.action
    laptop.app.amend(intention)
    assert set(laptop.entities()) == {"Ann", "Zoo"}


def test_a_machine_that_did_nothing_has_nothing_to_take_back(laptop: Machine) -> None:
    with pytest.raises(MemsyncError, match="changed nothing yet") as caught:
        undo(laptop)
    assert caught.value.exit_code == 1


# --- restore


def test_the_whole_memory_goes_back_and_keeps_what_others_added(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    then = a_moment()
    desk.adds(Entity("Bob", "person", ("came later",)))
    sync_all(desk, laptop)
    laptop.removes("Ann")
    laptop.adds(Entity("Cid", "person", ("was a mistake",)))
    sync_all(laptop, desk)
    restore(laptop, then)
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        assert set(machine.entities()) == {"Ann", "Bob", "Zoo"}
        assert machine.entities()["Ann"] == ("person", ["likes tea", "sings"])
    restore(laptop, then, exactly=True)
    sync_all(laptop, desk)
    assert set(desk.entities()) == set(laptop.entities()) == {"Ann", "Zoo"}
    undo(laptop)
    assert set(laptop.entities()) == {"Ann", "Bob", "Zoo"}


def test_only_some_names_go_back(laptop: Machine) -> None:
    laptop.writes(*STOCK, Entity("Bob", "person", ("one",)))
    laptop.sync()
    then = a_moment()
    laptop.writes(STOCK[0], Entity("Ann", "pilot"), Entity("Bob", "baker"))
    laptop.sync()
    restore(laptop, then, "Ann")
    assert laptop.entities()["Ann"] == ("person", ["likes tea", "sings"])
    assert laptop.entities()["Bob"] == ("baker", [])


def test_a_restore_that_changes_nothing_makes_no_revision(laptop: Machine) -> None:
    laptop.writes(*STOCK)
    laptop.sync()
    done = restore(laptop, a_moment())
    assert (done["txn"], done["changes"]) == (None, [])


def test_a_moment_to_come_and_an_unknown_name_are_refused(laptop: Machine) -> None:
    laptop.writes(*STOCK)
    laptop.sync()
    with pytest.raises(Misused, match="yet to come"):
        restore(laptop, "2999-01-01")
    with pytest.raises(Misused) as caught:
        restore(laptop, "now", "Anne")
    assert caught.value.hint == "memsync-git log Ann"
    with pytest.raises(MemsyncError, match="There was no memory"):
        restore(laptop, "2001-01-01")


def test_this_machine_goes_back_to_what_it_had_not_even_published(laptop: Machine) -> None:
    laptop.writes(*STOCK)
    laptop.sync()
    laptop.unplug()
    wait_for_the_next_second()
    laptop.adds(Entity("Bob", "person", ("one",)))
    laptop.sync()
    then = a_moment()
    laptop.removes("Ann")
    laptop.sync()
    restore(laptop, then)
    assert set(laptop.entities()) == {"Ann", "Bob", "Zoo"}


# --- wrong clocks


def git(hub: Path, *arguments: str, given: str = "") -> str:
    command = ["git", "-C", hub, *arguments]
    return subprocess.run(command, input=given, check=True, capture_output=True, text=True).stdout.strip()


def date_the_newest_commit(hub: Path, clock_s: int) -> None:
    """Let main's newest commit be as a machine with such a clock would have made it."""
    head, _, message = git(hub, "cat-file", "commit", "main").partition("\n\n")
    lines = [
        f"{line.rsplit(' ', 2)[0]} {clock_s} +0000" if line.startswith(("author", "committer")) else line
        for line in head.split("\n")
    ]
    raw = "\n".join(lines) + "\n\n" + message
    made = git(hub, "hash-object", "-t", "commit", "-w", "--stdin", given=raw)
    git(hub, "update-ref", "refs/heads/main", made)


@pytest.mark.parametrize("clock_s", [0, 86_400, 4_070_908_800])
def test_a_wrong_clock_of_another_machine_moves_no_moment(
    laptop: Machine, desk: Machine, hub: Path, clock_s: int
) -> None:
    laptop.writes(*STOCK)
    sync_all(laptop, desk)
    desk.adds(Entity("Bob", "person", ("one",)))
    desk.sync()
    date_the_newest_commit(hub, clock_s)
    laptop.adds(Entity("Eve", "person", ("is of a right clock",)))
    laptop.sync()
    then = a_moment()
    laptop.adds(Entity("Cid", "person", ("two",)))
    laptop.sync()
    assert laptop.app.show(ShowOptions("Bob", then))["found"]
    with pytest.raises(MemsyncError, match="says nothing"):
        laptop.app.show(ShowOptions("Cid", then))
    told = [each["host"] for each in laptop.app.log(LogOptions())["revisions"]]
    assert told == ["laptop", "laptop", "desk", "laptop"]


# --- clones without history


def test_a_machine_that_joined_late_reads_older_commits_or_says_that_it_cannot(
    laptop: Machine, tmp_path: Path, hub: Path
) -> None:
    laptop.writes(*STOCK)
    laptop.sync()
    then = a_moment()
    laptop.removes("Ann")
    laptop.sync()
    txn = newest_txn(laptop, "laptop")
    late = Machine(tmp_path / "late", "late", hub)
    late.home.mkdir()
    late.app.join(late.app.plan(InitOptions(remote=f"file://{hub}", host="late")), service=False)
    late.unplug()
    with pytest.raises(Offline, match="does not reach back"):
        late.app.plan_restore(RestoreOptions(then))
    with pytest.raises(Offline, match="does not reach back"):
        late.app.plan_undo(UndoOptions(txn))
    assert not late.app.log(LogOptions())["whole"]
    late.plug()
    restore(late, then)
    assert "Ann" in late.entities()
    undo(late)
    undo(late, txn)
    assert "Ann" in late.entities()
