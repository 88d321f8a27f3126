"""What people get from a daemon: notes travel at once, and commands tell the truth about it."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.daemon.machines import Home, commits, publishes, shared, until


def test_a_note_on_one_machine_is_in_the_file_of_the_other_within_seconds(
    laptop: Home, desk: Home, hub: Path
) -> None:
    laptop.start()
    desk.start()
    laptop.add("Alice")
    desk.gets("Alice", within_s=10)
    desk.add("Bob")
    laptop.gets("Alice", "Bob", within_s=10)
    assert (laptop.stop(), desk.stop()) == (0, 0)
    assert shared(hub) == {"Alice", "Bob"}


def test_a_burst_arrives_whole_and_in_few_commits(laptop: Home, desk: Home, hub: Path) -> None:
    laptop.start()
    desk.start()
    before = commits(hub)
    names = [f"Entity {number}" for number in range(60)]
    for name in names:
        laptop.add(name)
    desk.gets(*names)
    assert commits(hub) - before <= 6


def test_writes_in_place_are_taken_in_as_well(laptop: Home, hub: Path) -> None:
    laptop.start()
    laptop.add("Alice")
    publishes(hub, "Alice")
    with laptop.file.open("a", encoding="utf-8") as file:
        file.write('\n{"type":"entity","name":"Bob","entityType":"person","observations":[]}')
    publishes(hub, "Bob")


def test_status_tells_what_the_daemon_does(laptop: Home, hub: Path) -> None:
    assert laptop.status()["daemon"]["running"] is False
    laptop.start()
    laptop.add("Alice")
    publishes(hub, "Alice")
    until(lambda: laptop.status()["state"] == "in_sync", laptop.status)
    status = laptop.status()
    assert status["daemon"]["pid"] == laptop.pid
    assert status["daemon"]["watching"] == "events"
    assert status["next_sync"] is not None
    laptop.stop()
    status = laptop.status()
    assert status["daemon"] == {"running": False, "pid": None, "heartbeat": None, "watching": None}
    assert status["state"] == "in_sync"


def test_a_pause_holds_back_syncs_and_nothing_else(laptop: Home, desk: Home, hub: Path) -> None:
    laptop.start()
    desk.start()
    done = laptop.run("pause")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "! Paused: nothing syncs by itself.")
    until(lambda: "Paused" in laptop.said, lambda: laptop.said)
    laptop.add("Alice")
    until(lambda: laptop.status()["pending"]["up"] == 2, laptop.status)
    status = laptop.status()
    assert (status["state"], status["next_sync"]) == ("paused", None)
    desk.add("Bob")
    publishes(hub, "Bob")
    assert laptop.run("sync", "--if-stale", "15", "--quiet").returncode == 0
    assert shared(hub) == {"Bob"}
    assert laptop.run("sync").returncode == 0
    assert shared(hub) == {"Alice", "Bob"}
    laptop.add("Carol")
    assert laptop.run("resume").returncode == 0
    publishes(hub, "Carol", within_s=10)


def test_a_daemon_that_begins_in_a_pause_takes_in_and_does_not_sync(laptop: Home, hub: Path) -> None:
    laptop.app.pause()
    laptop.begin()
    laptop.add("Alice")
    until(lambda: laptop.status()["pending"]["up"] == 2, laptop.status)
    assert "A round ended" not in laptop.said
    assert laptop.stop() == 0
    assert shared(hub) == set()


def test_a_pause_for_a_while_ends_by_itself(laptop: Home, hub: Path) -> None:
    laptop.start()
    assert laptop.run("pause", "--for", "6s").returncode == 0
    until(lambda: "Paused" in laptop.said, lambda: laptop.said)
    assert laptop.status()["state"] == "paused"
    laptop.add("Alice")
    publishes(hub, "Alice")
    assert laptop.status()["pause"] is None


def test_a_new_configuration_is_obeyed_and_a_wrong_one_is_not(
    laptop: Home, hub: Path, tmp_path: Path
) -> None:
    laptop.start()
    config = laptop.path / "config.toml"
    good = config.read_text()
    config.write_text(good + "\n[nonsense]\n")
    laptop.send(signal.SIGHUP)
    until(lambda: "The configuration stays as it was" in laptop.said, lambda: laptop.said)
    laptop.add("Alice")
    publishes(hub, "Alice")
    other = tmp_path / "other.json"
    other.write_text(laptop.file.read_text())
    config.write_text(good.replace(str(laptop.file), str(other)))
    laptop.send(signal.SIGHUP)
    until(lambda: "The configuration was read again" in laptop.said, lambda: laptop.said)
    with other.open("a") as file:
        file.write('\n{"type":"entity","name":"Bob","entityType":"person","observations":[]}')
    publishes(hub, "Bob")


def test_at_the_end_what_was_just_noted_is_published(laptop: Home, hub: Path) -> None:
    laptop.set(sync__debounce_s=600, sync__max_delay_s=600)
    laptop.start()
    laptop.add("Alice")
    assert laptop.stop() == 0
    assert shared(hub) == {"Alice"}
    assert laptop.pulse() is None


def test_interrupt_ends_it_in_order_too(laptop: Home) -> None:
    laptop.start()
    assert laptop.stop(signal.SIGINT) == 0
    assert laptop.pulse() is None
