"""A daemon serves every store: those it began with, and those it is told of while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from memsync_git.app.clocks import SystemClock
from memsync_git.app.opening import Rooms
from memsync_git.daemon.stores import Stores, together
from memsync_git.documents import SyncDocument
from memsync_git.pacing import Outcome, RoundEnded, Sync
from tests.daemon.machines import Home, publishes, until


def work(home: Home) -> Home:
    """The same machine, seen from its second file."""
    return Home(home.path, home.hub, elsewhere=home.path / "work.jsonl")


def adopt(home: Home) -> None:
    done = home.run("stores", "add", "work", "--file", str(home.path / "work.jsonl"), "--yes")
    assert done.returncode == 0, done.stderr


def test_notes_in_two_files_travel_at_once_and_apart(laptop: Home, desk: Home, hub: Path) -> None:
    adopt(laptop)
    adopt(desk)
    laptop.start()
    desk.start()
    work(laptop).add("Plan")
    work(desk).gets("Plan", within_s=15)
    desk.add("Alice")
    laptop.gets("Alice", within_s=15)
    assert "Plan" not in laptop.file.read_text("utf-8")
    assert (laptop.stop(), desk.stop()) == (0, 0)


def test_a_daemon_that_runs_takes_up_a_store_that_is_added_and_lets_go_of_one_that_is_left(
    laptop: Home, desk: Home, hub: Path
) -> None:
    adopt(desk)
    laptop.start()
    desk.start()
    adopt(laptop)
    work(laptop).add("Plan")
    work(desk).gets("Plan", within_s=15)

    assert laptop.run("stores", "remove", "work").returncode == 0
    until(lambda: len(laptop.status()["stores"]) == 1)
    work(desk).add("Budget")
    laptop.add("Alice")
    publishes(hub, "Alice")
    desk.gets("Alice", within_s=15)
    assert "Budget" not in work(laptop).file.read_text("utf-8")
    assert not [last for last in laptop.rounds() if last.outcome == "failed"]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("well", "offline", "offline"),
        ("stale", "refused", "refused"),
        ("failed", "well", "well"),
        ("failed", "failed", "failed"),
        ("busy", "well", "busy"),
    ],
)
def test_the_pacer_hears_the_worst_that_is_said_of_a_remote(
    first: Outcome, second: Outcome, told: Outcome
) -> None:
    ended = [RoundEnded({"origin": first}), RoundEnded({"origin": second}, active=True)]
    assert together(ended) == RoundEnded({"origin": told}, active=True)


class Listening:
    """A listener with a notebook."""

    def __init__(self) -> None:
        self.heard: list[tuple[SyncDocument, Rooms]] = []

    def round_ended(self, document: SyncDocument, rooms: Rooms) -> None:
        self.heard.append((document, rooms))


def test_who_listens_is_told_once_of_all_stores_by_the_newest_configuration(laptop: Home) -> None:
    adopt(laptop)
    listener = Listening()
    rooms, reread = laptop.app.rooms, laptop.app.rooms
    served = Stores(
        rooms,
        [listener],
        aside=lambda job: job(),
        expect=lambda _: None,
        clock=SystemClock(),
        changed=lambda: None,
        hub_changed=lambda _: None,
    )
    try:
        laptop.add("Alice")
        work(laptop).add("Plan")
        served.run(Sync("full", ("origin",)))
        served.go_by(reread.each())
        served.run(Sync("poll", ("origin",)))
        served.flush()
    finally:
        served.close()
    (first, by), (second, by_then) = listener.heard
    assert [store["store"] for store in first["stores"]] == ["default", "work"]
    assert [store["outcome"] for store in first["stores"]] == ["accepted", "accepted"]
    assert [first["local"]["added"], second["outcome"]] == [4, "nothing"]
    assert by.configuration is rooms.configuration
    assert by_then.configuration is reread.configuration
    assert (by.picked, by_then.picked) == ("", "")
