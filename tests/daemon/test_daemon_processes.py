"""A daemon among other processes, and what can be done to it as one."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path

from memsync_git.app.pulse import FRESH_FOR_S
from tests.daemon.machines import Home, commits, publishes, shared, until


def test_a_second_daemon_refuses_and_says_why(laptop: Home) -> None:
    laptop.start()
    done = laptop.run("daemon")
    assert done.returncode == 8
    assert done.stderr.startswith(f"Error: A daemon is already being run here by process {laptop.pid}.\n")
    assert laptop.stop() == 0


def test_a_machine_that_was_never_set_up_has_no_daemon(tmp_path: Path) -> None:
    done = Home(tmp_path / "new").run("daemon")
    assert done.returncode == 2
    assert "not set up" in done.stderr
    assert not (tmp_path / "new").exists()


def test_after_a_stop_and_a_start_it_checks_everything(laptop: Home, hub: Path) -> None:
    laptop.start()
    laptop.send(signal.SIGSTOP)
    laptop.add("Alice")
    laptop.send(signal.SIGCONT)
    publishes(hub, "Alice")
    assert laptop.stop() == 0


def age(home: Home, seconds: float) -> None:
    """The daemon's last pulse, and whatever it did, was so long ago."""
    ms = round(seconds * 1000)
    with home.app.rooms.installation() as installation:
        pulse, last = installation.pulse(), installation.last_round()
        assert pulse is not None
        assert last is not None
        installation.note_pulse(replace(pulse, beat_ms=pulse.beat_ms - ms))
        installation.note_round(replace(last, at_ms=last.at_ms - ms))


def test_cron_leaves_it_to_a_daemon_that_lives(laptop: Home, hub: Path) -> None:
    laptop.set(sync__debounce_s=600, sync__max_delay_s=600)
    laptop.start()
    laptop.add("Alice")
    until(lambda: laptop.status()["pending"]["up"] == 2, laptop.status)
    done = laptop.run("sync", "--if-stale", "15", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert shared(hub) == set()


def test_cron_takes_over_from_a_daemon_that_died(laptop: Home, hub: Path) -> None:
    laptop.start()
    laptop.kill()
    laptop.add("Alice")
    age(laptop, FRESH_FOR_S + 1)
    assert laptop.status()["state"] == "stopped"
    assert laptop.run("sync", "--if-stale", "15", "--quiet").returncode == 0
    assert shared(hub) == {"Alice"}
    assert laptop.status()["state"] == "in_sync"


def test_cron_takes_over_from_a_daemon_that_is_stuck_in_a_round(laptop: Home, hub: Path) -> None:
    """It was stopped while the hub kept it waiting, with the lock of the round in its hands."""
    gate, hook = hub.with_name("gate"), hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nwhile test -e {gate}; do touch {gate}.met; sleep 0.1; done\n")
    hook.chmod(0o755)
    laptop.start()
    gate.touch()
    laptop.add("Alice")
    until(lambda: gate.with_name("gate.met").exists(), lambda: laptop.said)
    laptop.send(signal.SIGSTOP)
    gate.unlink()
    age(laptop, FRESH_FOR_S + 1)
    laptop.add("Bob")
    assert laptop.run("sync", "--if-stale", "15", "--quiet").returncode == 0
    assert shared(hub) == {"Alice", "Bob"}
    laptop.send(signal.SIGCONT)
    laptop.add("Carol")
    publishes(hub, "Alice", "Bob", "Carol")
    until(lambda: laptop.status()["state"] == "in_sync", laptop.status)


def test_daemon_cron_and_a_person_at_once_harm_nothing(laptop: Home, desk: Home, hub: Path) -> None:
    laptop.start()
    desk.start()
    names = []
    others = []
    for number in range(6):
        names.append(f"Entity {number}")
        laptop.add(names[-1])
        for arguments in (["sync"], ["sync", "--if-stale", "0"]):
            others.append(
                subprocess.Popen(
                    [*laptop.command, *arguments],
                    env=laptop.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            )
    for other in others:
        _, err = other.communicate(timeout=120)
        assert other.returncode == 0, err
    desk.gets(*names)
    publishes(hub, *names)
    assert sorted(laptop.names()) == sorted(names)


def test_a_daemon_killed_at_any_moment_loses_nothing_and_leaves_nothing_that_blocks(
    laptop: Home, desk: Home, hub: Path
) -> None:
    rng = random.Random(20261128)
    desk.start()
    names: list[str] = []
    for _ in range(5):
        laptop.begin()
        for _ in range(rng.randint(3, 9)):
            names.append(f"Entity {len(names)}")
            laptop.add(names[-1])
            laptop.wait(rng.uniform(0, 0.15))
        laptop.wait(rng.uniform(0, 0.8))
        laptop.kill()
    laptop.start()
    laptop.add("Last")
    desk.gets(*names, "Last")
    assert laptop.stop() == 0
    assert [path.name for path in laptop.path.glob(".memory.json.memsync-*")] == []
    assert set(laptop.names()) == {*names, "Last"}


def test_a_clock_that_is_set_stops_neither_pulse_nor_sync(laptop: Home, desk: Home, hub: Path) -> None:
    desk.start()
    laptop.start(set_clock_by_s=-86_400)
    laptop.add("Alice")
    publishes(hub, "Alice")
    rounds = laptop.said.count("A round ended")
    before = laptop.pulse()
    assert before is not None
    laptop.send(signal.SIGUSR1)
    until(lambda: laptop.said.count("A round ended") > rounds, lambda: laptop.said)
    until(lambda: (pulse := laptop.pulse()) is not None and pulse.beat_ms < before.beat_ms - 80_000_000)
    laptop.add("Bob")
    desk.gets("Alice", "Bob")
    desk.add("Carol")
    laptop.gets("Carol")


def test_a_store_that_was_put_back_from_a_backup_is_noticed(laptop: Home, desk: Home, hub: Path) -> None:
    """The daemon holds the old store open; what it would write there nobody would ever see."""
    laptop.start()
    laptop.add("Alice")
    publishes(hub, "Alice")
    laptop.run("pause")
    until(lambda: "Paused" in laptop.said, lambda: laptop.said)
    store = laptop.path / "state" / "default" / "replica.db"
    copy = sqlite3.connect(store.with_name("backup.db"))
    with sqlite3.connect(store) as source:
        source.backup(copy)
    copy.close()
    for name in ("replica.db-wal", "replica.db-shm"):
        store.with_name(name).unlink(missing_ok=True)
    store.with_name("backup.db").rename(store)
    laptop.run("resume")
    laptop.add("Bob")
    publishes(hub, "Alice", "Bob")
    assert laptop.stop() == 0
    assert laptop.status()["pending"] == {"up": 0, "down": 0}


def test_a_quiet_fleet_makes_no_commits(laptop: Home, desk: Home, hub: Path) -> None:
    laptop.start()
    desk.start()
    laptop.add("Alice")
    desk.gets("Alice")
    until(lambda: laptop.status()["state"] == desk.status()["state"] == "in_sync")
    before = commits(hub)
    rounds = laptop.said.count("A round ended")
    until(lambda: laptop.said.count("A round ended") >= rounds + 3, lambda: laptop.said)
    assert commits(hub) == before
