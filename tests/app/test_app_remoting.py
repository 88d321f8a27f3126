"""Several repositories: added, moved to, left and checked, over real bare repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from memsync_git.documents import RemotesDocument
from memsync_git.errors import MemsyncError, Misused, Offline
from memsync_git.model import Entity
from memsync_git.options import LogOptions

from .machines import BALLAST, Machine, new_hub, sync_all

ALICE = Entity("Alice", "person", BALLAST)
BOB = Entity("Bob", "person", ("plays chess",))
CAROL = Entity("Carol", "person", ("runs",))


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return new_hub(tmp_path / "other.git")


def git(hub: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", hub, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def add(machine: Machine, name: str, hub: Path) -> RemotesDocument:
    return machine.app.add_remote(machine.app.candidate(name, str(hub), None))


def move(machine: Machine, hub: Path, name: str = "origin") -> RemotesDocument:
    return machine.app.move_remote(machine.app.candidate(name, str(hub), None, moves=True))


def urls(machine: Machine) -> dict[str, str]:
    return {each["name"]: each["url"] for each in machine.app.remotes()["remotes"]}


def names_on(hub: Path) -> set[str]:
    shown = git(hub, "show", "main:memory.json")
    return {name for name in ("Alice", "Bob", "Carol") if f'"{name}"' in shown}


# --- moving


def test_everything_moves_what_others_noted_too_and_the_old_one_stays_as_it_is(
    laptop: Machine, desk: Machine, other: Path
) -> None:
    laptop.writes(ALICE)
    sync_all(laptop, desk)
    desk.adds(BOB)
    desk.sync()
    document = move(laptop, other)
    before = git(laptop.hub, "for-each-ref")
    assert urls(laptop) == {"origin": str(other)}
    assert names_on(other) == {"Alice", "Bob"}
    assert git(other, "for-each-ref", "refs/memsync/").count("\n") == 1
    assert document["sync"] is not None
    assert document["remotes"][0]["pending"] == 0
    laptop.adds(CAROL)
    laptop.sync()
    assert git(laptop.hub, "for-each-ref") == before
    assert names_on(other) == {"Alice", "Bob", "Carol"}


def test_who_follows_later_brings_what_it_noted_meanwhile(
    laptop: Machine, desk: Machine, other: Path
) -> None:
    laptop.writes(ALICE)
    sync_all(laptop, desk)
    move(laptop, other)
    desk.adds(BOB)
    desk.sync()
    laptop.adds(CAROL)
    laptop.sync()
    move(desk, other)
    laptop.sync()
    for machine in (laptop, desk):
        assert set(machine.entities()) == {"Alice", "Bob", "Carol"}
        assert machine.sync()["outcome"] == "nothing"


def test_what_waited_for_the_old_one_goes_to_the_new_one(laptop: Machine, other: Path) -> None:
    laptop.writes(ALICE)
    laptop.sync()
    laptop.unplug()
    laptop.adds(BOB)
    laptop.sync()
    document = move(laptop, other)
    assert any("could not be reached" in each["message"] for each in document["notices"])
    assert names_on(other) == {"Alice", "Bob"}
    assert laptop.app.status()["pending"] == {"up": 0, "down": 0}


def test_a_new_one_that_does_not_take_main_is_not_switched_to(
    laptop: Machine, desk: Machine, other: Path
) -> None:
    laptop.writes(ALICE)
    sync_all(laptop, desk)
    desk.adds(BOB)
    desk.sync()
    hook = other / "hooks" / "update"
    hook.write_text('#!/bin/sh\ntest "$1" != refs/heads/main\n')
    hook.chmod(0o755)
    with pytest.raises(MemsyncError, match="does not hold what desk") as refused:
        move(laptop, other)
    assert "goes on with the old one" in refused.value.unharmed
    assert urls(laptop) == {"origin": str(laptop.hub)}
    assert laptop.sync()["outcome"] == "nothing"
    hook.unlink()
    move(laptop, other)
    assert names_on(other) == {"Alice", "Bob"}


def test_the_embedded_hub_is_left_for_a_real_one(tmp_path: Path, other: Path) -> None:
    from memsync_git.options import InitOptions

    machine = Machine(tmp_path / "alone", "alone", other)
    machine.home.mkdir()
    machine.writes(ALICE)
    machine.app.join(machine.app.plan(InitOptions(host="alone")), service=False)
    assert urls(machine) == {"origin": str(machine.home / "hub.git")}
    move(machine, other)
    assert names_on(other) == {"Alice"}


def test_no_history_of_the_old_one_comes_along(laptop: Machine, other: Path) -> None:
    for number in range(3):
        laptop.writes(ALICE, Entity(f"e{number}", "person", ()))
        laptop.sync()
    old = set(git(laptop.hub, "rev-list", "--all").split())
    move(laptop, other)
    laptop.adds(BOB)
    laptop.sync()
    assert old.isdisjoint(git(other, "rev-list", "--all").split())


def test_an_address_that_is_used_already_is_refused(laptop: Machine, other: Path) -> None:
    with pytest.raises(Misused, match="already, as origin"):
        move(laptop, laptop.hub)
    add(laptop, "backup", other)
    with pytest.raises(Misused, match="as backup"):
        move(laptop, other)


def test_a_new_one_that_is_not_there_changes_nothing(laptop: Machine, tmp_path: Path) -> None:
    before = (laptop.home / "config.toml").read_bytes()
    with pytest.raises(Offline):
        move(laptop, tmp_path / "nowhere.git")
    assert (laptop.home / "config.toml").read_bytes() == before


# --- several


def test_each_has_its_own_outcome_and_its_own_pending_count(laptop: Machine, other: Path) -> None:
    add(laptop, "backup", other)
    laptop.unplug()
    laptop.writes(ALICE)
    assert laptop.sync()["outcome"] == "offline"
    found = {each["name"]: each for each in laptop.app.status()["remotes"]}
    assert (found["origin"]["outcome"], found["origin"]["pending"]) == ("offline", 1 + len(BALLAST))
    assert (found["backup"]["outcome"], found["backup"]["pending"]) == ("accepted", 0)
    laptop.plug()
    laptop.sync()
    assert all(each["pending"] == 0 for each in laptop.app.status()["remotes"])


def test_what_one_brings_is_carried_to_the_other_both_ways(
    laptop: Machine, desk: Machine, tmp_path: Path, other: Path
) -> None:
    laptop.writes(ALICE)
    sync_all(laptop, desk)
    add(laptop, "backup", other)
    attic = Machine(tmp_path / "attic", "attic", other)
    attic.join()
    assert set(attic.entities()) == {"Alice"}
    desk.adds(BOB)
    desk.sync()
    laptop.sync()
    attic.sync()
    assert set(attic.entities()) == {"Alice", "Bob"}
    attic.adds(CAROL)
    attic.sync()
    laptop.sync()
    desk.sync()
    assert set(desk.entities()) == {"Alice", "Bob", "Carol"}
    for machine in (laptop, desk, attic):
        assert machine.sync()["outcome"] == "nothing"


def test_what_came_while_the_other_was_away_is_carried_when_it_is_back(
    laptop: Machine, desk: Machine, other: Path
) -> None:
    laptop.writes(ALICE)
    sync_all(laptop, desk)
    add(laptop, "backup", other)
    laptop.sync()
    desk.adds(BOB)
    desk.sync()
    other.rename(other.with_name("away.git"))
    assert laptop.sync()["outcome"] == "offline"
    other.with_name("away.git").rename(other)
    laptop.sync()
    assert names_on(other) == {"Alice", "Bob"}
    assert laptop.sync()["outcome"] == "nothing"


def test_joining_a_shared_one_shows_what_it_would_bring(laptop: Machine, tmp_path: Path, other: Path) -> None:
    guest = Machine(tmp_path / "guest", "guest", other)
    guest.join()
    guest.writes(BOB)
    guest.sync()
    wanted = laptop.app.candidate("club", str(other), None)
    assert wanted.needs_consent
    preview = laptop.app.preview_remote(wanted)
    assert ([each["host"] for each in preview["machines"]], preview["would_add"]) == (["guest"], 2)
    assert urls(laptop) == {"origin": str(laptop.hub)}
    laptop.app.add_remote(wanted)
    assert set(laptop.entities()) == {"Bob"}


def test_one_that_is_left_keeps_what_it_has_and_nothing_waits_for_it(laptop: Machine, other: Path) -> None:
    add(laptop, "backup", other)
    laptop.writes(ALICE)
    laptop.sync()
    other.rename(other.with_name("away.git"))
    laptop.adds(BOB)
    laptop.sync()
    laptop.app.remove_remote("backup")
    assert urls(laptop) == {"origin": str(laptop.hub)}
    assert laptop.app.status()["pending"] == {"up": 0, "down": 0}
    assert names_on(other.with_name("away.git")) == {"Alice"}


def test_the_same_name_for_another_repository_begins_anew(
    laptop: Machine, other: Path, tmp_path: Path
) -> None:
    add(laptop, "backup", other)
    laptop.writes(ALICE)
    laptop.sync()
    laptop.app.remove_remote("backup")
    third = new_hub(tmp_path / "third.git")
    add(laptop, "backup", third)
    assert names_on(third) == {"Alice"}
    shared = set(git(other, "rev-list", "--all").split()) & set(git(third, "rev-list", "--all").split())
    assert not shared


def test_the_last_one_cannot_be_left(laptop: Machine) -> None:
    with pytest.raises(Misused, match="only remote"):
        laptop.app.remove_remote("origin")


# --- checking


def test_a_check_tells_each_apart_and_publishes_nothing(laptop: Machine, other: Path) -> None:
    add(laptop, "backup", other)
    hook = laptop.hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    other.rename(other.with_name("away.git"))
    laptop.writes(ALICE)
    found = {each["name"]: each for each in laptop.app.check_remotes()["remotes"]}
    assert found["origin"]["fetch"] == "ok"
    assert (found["backup"]["fetch"], found["backup"]["push"]) == ("offline", None)
    assert found["backup"]["reason"]
    assert [each["name"] for each in laptop.app.check_remotes(("origin",))["remotes"]] == ["origin"]
    with pytest.raises(Misused, match="No remote is called"):
        laptop.app.check_remotes(("nobody",))


def test_what_two_repositories_tell_of_a_change_is_told_once(
    laptop: Machine, desk: Machine, other: Path
) -> None:
    """One of them was away while the desk changed things, and holds together what the other tells apart."""
    laptop.writes(ALICE)
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        add(machine, "backup", other)
    away = other.with_name("away.git")
    other.rename(away)
    for added in (BOB, CAROL):
        desk.adds(added)
        desk.sync()
    away.rename(other)
    sync_all(desk, laptop)
    told = [part for part in laptop.app.log(LogOptions())["revisions"] if part["host"] == "desk"]
    assert [{change["name"] for change in part["changes"]} for part in told] == [{"Carol"}, {"Bob"}]
