"""What the memory says about a name, by whom, and what it said before."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from memsync_git.errors import MemsyncError, Misused
from memsync_git.model import Entity, Relation
from memsync_git.options import ShowOptions

from .machines import BALLAST, Machine, sync_all


def show(machine: Machine, name: str, at: str | None = None, *, history: bool = False):
    return machine.app.show(ShowOptions(name, at, history=history))


def noted_by_both(laptop: Machine, desk: Machine) -> None:
    laptop.writes(
        Entity("Alice", "person", ("likes tea",)),
        Entity("Bob", "person", BALLAST),
        Relation("Bob", "Alice", "knows"),
    )
    sync_all(laptop, desk)
    desk.adds(Entity("Alice", "person", ("moved to Bergen",)), Relation("Alice", "Oslo", "lived in"))
    sync_all(desk, laptop)


def test_every_observation_bears_its_machine_its_time_and_its_dot(laptop: Machine, desk: Machine) -> None:
    noted_by_both(laptop, desk)
    (shown,) = show(laptop, "Alice")["found"]
    assert (shown["name"], shown["type"], shown["store"], shown["fields"]) == (
        "Alice",
        "person",
        "default",
        {},
    )
    assert [(said["value"], said["host"]) for said in shown["observations"]] == [
        ("likes tea", "laptop"),
        ("moved to Bergen", "desk"),
    ]
    assert [said["id"].rpartition(":")[0] for said in shown["observations"]] == [laptop.rid, desk.rid]
    assert all(said["at"] for said in shown["observations"])
    assert {(each["source"], each["type"], each["target"]) for each in shown["relations"]} == {
        ("Bob", "knows", "Alice"),
        ("Alice", "lived in", "Oslo"),
    }
    assert "history" not in shown


def test_history_tells_the_own_revisions_and_what_others_said(laptop: Machine, desk: Machine) -> None:
    noted_by_both(laptop, desk)
    laptop.writes(*(record for record in laptop_without_tea(laptop)))
    laptop.sync()
    (shown,) = show(laptop, "Alice", history=True)["found"]
    told = [
        (moment["change"], moment["kind"], moment["value"], moment["host"]) for moment in shown["history"]
    ]
    assert told[:2] == [
        ("add", "entity", "person", "laptop"),
        ("add", "observation", "likes tea", "laptop"),
    ]
    assert told[-1] == ("remove", "observation", "likes tea", "laptop")
    assert ("add", "observation", "moved to Bergen", "desk") in told
    assert ("add", "relation", "lived in", "desk") in told
    times = [moment["at"] for moment in shown["history"]]
    assert times == sorted(times)
    own = {moment["txn"] for moment in shown["history"] if moment["host"] == "laptop"}
    assert {txn.rpartition(":")[0] for txn in own} == {laptop.rid}


def laptop_without_tea(laptop: Machine) -> list:
    return [
        Entity("Alice", "person", ("moved to Bergen",)) if record.key == ("e", "Alice") else record
        for record in laptop.records()
    ]


@pytest.mark.parametrize("name", ["alice", "Alic", "lice"])
def test_an_unknown_name_is_answered_with_the_nearest_and_exit_one(laptop: Machine, name: str) -> None:
    laptop.writes(Entity("Alice", "person"), Entity("Zoo", "place"))
    laptop.sync()
    with pytest.raises(MemsyncError) as caught:
        show(laptop, name)
    assert caught.value.exit_code == 1
    assert caught.value.hint.splitlines()[0] == "memsync-git show Alice"


def test_a_name_with_a_space_is_suggested_as_one_word_of_a_shell(laptop: Machine) -> None:
    laptop.writes(Entity("Project X", "project"))
    laptop.sync()
    with pytest.raises(MemsyncError) as caught:
        show(laptop, "project x")
    assert caught.value.hint == "memsync-git show 'Project X'"


def commit_times(hub: Path) -> list[int]:
    """The times of main's commits, oldest first, in seconds."""
    log = subprocess.run(
        ["git", "-C", hub, "log", "--reverse", "--format=%ct", "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(line) for line in log.stdout.split()]


def test_a_past_moment_shows_what_main_held_then(laptop: Machine, desk: Machine, hub: Path) -> None:
    laptop.writes(Entity("Alice", "person", ("likes tea",)), Entity("Bob", "person", BALLAST))
    sync_all(laptop, desk)
    until_the_next_second(commit_times(hub)[-1])
    desk.adds(Entity("Alice", "person", ("moved to Bergen",)))
    sync_all(desk, laptop)
    then = commit_times(hub)[-2]
    past = show(laptop, "Alice", iso(then))
    assert [said["value"] for said in past["found"][0]["observations"]] == ["likes tea"]
    assert past["at"] == iso(then)
    now = show(laptop, "Alice", "now")
    assert [said["value"] for said in now["found"][0]["observations"]] == ["likes tea", "moved to Bergen"]


def until_the_next_second(after_s: int) -> None:
    """Commits know whole seconds; wait until the next one cannot share its second with the last."""
    while time.time() < after_s + 1:
        time.sleep(0.05)


def iso(at_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def test_a_moment_before_all_history_says_so(laptop: Machine) -> None:
    laptop.writes(Entity("Alice", "person"))
    laptop.sync()
    with pytest.raises(MemsyncError, match="nothing from before 2001-01-01"):
        show(laptop, "Alice", "2001-01-01T00:00:00Z")


def test_a_moment_nobody_can_tell_is_refused(laptop: Machine) -> None:
    laptop.writes(Entity("Alice", "person"))
    laptop.sync()
    with pytest.raises(Misused, match="names no moment"):
        show(laptop, "Alice", "when it rained")


def test_before_init_nothing_is_shown(tmp_path: Path) -> None:
    stranger = Machine(tmp_path / "stranger", "stranger", tmp_path / "hub.git")
    for ask in (lambda: show(stranger, "Alice"), stranger.app.hosts, stranger.app.holds):
        with pytest.raises(Misused, match="not set up"):
            ask()
    assert not stranger.home.exists()


def test_a_name_that_is_left_out_here_is_said_to_be(laptop: Machine) -> None:
    configuration = laptop.home / "config.toml"
    with_rule = configuration.read_text().replace("[[stores]]", '[[stores]]\nexclude = ["Secret*"]')
    configuration.write_text(with_rule)
    laptop.writes(Entity("Secret plan", "draft", ("rob the bank",)))
    laptop.sync()
    for ask in (laptop.app.show, lambda options: laptop.app.blame(options.name)):
        with pytest.raises(MemsyncError, match="'Secret plan' is left out") as caught:
            ask(ShowOptions("Secret plan"))
        assert caught.value.exit_code == 1
    assert laptop.app.status()["file"]["left_out"] == 1
    with pytest.raises(MemsyncError, match="says nothing about 'Secret plans'"):
        laptop.app.show(ShowOptions("Secret plans"))
