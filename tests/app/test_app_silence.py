"""`status` of a machine where sync fails or has stopped: since when, and what to do."""

from __future__ import annotations

import os
import time

import pytest

from memsync_git.app.history import LastRound
from memsync_git.app.pulse import Pause
from memsync_git.app.times import timestamp
from memsync_git.errors import StoreDamaged
from memsync_git.model import Entity
from memsync_git.options import SyncOptions

from .machines import Machine

HOUR_MS = 3_600_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def lay_still(machine: Machine, hours: float) -> int:
    """The last success was so long ago, and nothing has run since; when it was."""
    at_ms = now_ms() - int(hours * HOUR_MS)
    with machine.app.rooms.installation() as installation:
        installation.note_round(LastRound(at_ms, "nothing", 1, went="well"))
    os.utime(machine.file, (at_ms / 1000 - 60, at_ms / 1000 - 60))
    return at_ms


def test_a_machine_that_has_just_synced_says_when_and_nothing_else(laptop: Machine) -> None:
    laptop.sync()
    document = laptop.app.status()
    assert document["last_success"] == document["last_sync"]["at"]  # type: ignore[index]
    assert (document["failing_since"], document["silence"]) == (None, None)
    assert document["notices"] == []


def test_failing_says_when_it_last_went_well_and_when_it_began(laptop: Machine) -> None:
    success = laptop.app.status()["last_success"]
    laptop.unplug()
    laptop.adds(Entity("Alice", "person", ("likes tea",)))
    laptop.sync()
    first = laptop.app.status()["last_sync"]["at"]  # type: ignore[index]
    laptop.sync()
    document = laptop.app.status()
    assert (document["last_success"], document["failing_since"]) == (success, first)
    assert document["state"] == "offline"
    laptop.plug()
    laptop.sync()
    document = laptop.app.status()
    assert document["failing_since"] is None
    assert document["last_success"] == document["last_sync"]["at"]  # type: ignore[index]


def test_a_round_that_asks_no_remote_is_no_success(laptop: Machine) -> None:
    at_ms = lay_still(laptop, 2)
    laptop.app.sync(SyncOptions(fetch=False, push=False))
    assert laptop.app.status()["last_success"] == timestamp(at_ms)


def test_a_day_without_a_success_needs_a_person(laptop: Machine) -> None:
    at_ms = lay_still(laptop, 25)
    document = laptop.app.status()
    assert document["state"] == "attention"
    assert document["silence"] == {"since": timestamp(at_ms), "waiting": False}
    (notice,) = document["notices"]
    assert str(timestamp(at_ms)) in notice["message"]
    assert notice["hint"].startswith("memsync-git sync ")
    laptop.sync()
    document = laptop.app.status()
    assert (document["state"], document["silence"]) == ("in_sync", None)


def test_changes_that_were_noted_and_do_not_leave_need_a_person_after_an_hour(laptop: Machine) -> None:
    laptop.unplug()
    laptop.adds(Entity("Alice", "person", ("likes tea",)))
    laptop.sync()
    assert laptop.app.status()["state"] == "offline"
    summary = laptop.app.rooms.current_summary()
    assert summary is not None
    lay_still(laptop, 3)
    since_ms = now_ms() - 2 * HOUR_MS
    with laptop.app.rooms.installation() as installation:
        installation.note_summary("default", {**summary, "up_since_ms": since_ms})
    document = laptop.app.status()
    assert document["state"] == "attention"
    assert document["silence"] == {"since": timestamp(since_ms), "waiting": True}


def test_how_long_changes_have_waited_is_known(laptop: Machine) -> None:
    began_ms = now_ms()
    laptop.unplug()
    for text in ("likes tea", "sings"):
        laptop.adds(Entity("Alice", "person", (text,)))
        laptop.sync()
    summary = laptop.app.rooms.summary()
    since_ms = summary["up_since_ms"]
    assert since_ms is not None
    assert began_ms <= since_ms <= now_ms()
    laptop.plug()
    laptop.sync()
    assert laptop.app.rooms.summary()["up_since_ms"] is None


def test_a_file_that_nothing_has_looked_at_for_an_hour_needs_a_person(laptop: Machine) -> None:
    """The daemon is dead and there is no cron: nothing knows of the change but the file."""
    lay_still(laptop, 3)
    laptop.adds(Entity("Alice", "person", ("likes tea",)))
    assert laptop.app.status()["state"] != "attention"
    changed_s = time.time() - 2 * 3600
    os.utime(laptop.file, (changed_s, changed_s))
    document = laptop.app.status()
    assert document["state"] == "attention"
    assert document["silence"] == {"since": timestamp(int(changed_s * 1000)), "waiting": True}


def test_who_wished_for_a_pause_is_not_told_that_it_is_quiet(laptop: Machine) -> None:
    lay_still(laptop, 25)
    with laptop.app.rooms.installation() as installation:
        installation.note_pause(Pause())
    assert laptop.app.status()["silence"] is None


def test_an_hour_is_not_enough_where_cron_runs_every_three(laptop: Machine) -> None:
    laptop.app.rooms.places.config.write_text(
        laptop.app.rooms.places.config.read_text() + "\n[sync]\ncron_interval_min = 180\n"
    )
    lay_still(laptop, 5)
    changed_s = time.time() - 2 * 3600
    os.utime(laptop.file, (changed_s, changed_s))
    assert laptop.app.status()["silence"] is None


def test_a_sync_that_ended_with_an_error_is_remembered_as_failed(laptop: Machine) -> None:
    success = laptop.app.status()["last_success"]
    store = laptop.app.rooms.places.store("default")
    kept = {each: each.read_bytes() for each in store.parent.iterdir()}
    for each in kept:
        each.write_bytes(b"this is no database, however long one looks at it" * 100)
    laptop.adds(Entity("Alice", "person", ("likes tea",)))
    with pytest.raises(StoreDamaged):
        laptop.sync()
    for each, data in kept.items():
        each.write_bytes(data)
    document = laptop.app.status()
    assert document["last_sync"]["outcome"] == "failed"  # type: ignore[index]
    assert document["last_success"] == success
    assert document["failing_since"] == document["last_sync"]["at"]  # type: ignore[index]
    assert "Failed. The replica store" in laptop.app.rooms.places.log.read_text()
