"""Alerts of a machine: told once by whichever process is first, and only if somebody took the note."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memsync_git.alerts import ADVICE, CALM_MS, REST_MS
from memsync_git.app.alerting import Alerts, text_of
from memsync_git.model import Entity
from memsync_git.options import SyncOptions
from memsync_git.ports import Told, Untold

from .machines import Machine

BY_CRON = SyncOptions(if_stale_min=0, cause="cron")


@dataclass
class Desk:
    """A notifier that keeps its notes; `is_open`: whether anybody is there to take them."""

    notes: list[str] = field(default_factory=list)
    is_open: bool = True
    name: str = "desk"

    def tell(self, title: str, text: str) -> Told | Untold:
        if not self.is_open:
            return Untold("Nobody is there.")
        self.notes.append(f"{title}: {text}")
        return Told()


def refused(machine: Machine) -> None:
    """The hub refuses from now on."""
    hook = machine.hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'Alice ghp_0123456789abcdef' >&2\nexit 1\n")
    hook.chmod(0o755)


def changes(machine: Machine, text: str) -> None:
    machine.adds(Entity("Alice", "person", (text,)))
    machine.sync()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_refusal_is_told_once_by_several_processes_without_what_the_remote_said(laptop: Machine) -> None:
    refused(laptop)
    changes(laptop, "likes tea")
    desk = Desk()
    for _ in range(3):
        Alerts(laptop.app.rooms, desk).consider(laptop.app.status())
    assert desk.notes == ["memsync-git: The remote refuses this machine. memsync-git --test"]


def test_a_machine_that_is_well_is_not_written_to(laptop: Machine) -> None:
    desk = Desk()
    before = laptop.app.rooms.places.identity.read_bytes()
    assert Alerts(laptop.app.rooms, desk).look() == ()
    assert laptop.app.rooms.places.identity.read_bytes() == before
    assert desk.notes == []


def test_being_offline_is_not_told(laptop: Machine) -> None:
    laptop.unplug()
    changes(laptop, "likes tea")
    assert laptop.app.status()["state"] == "offline"
    assert Alerts(laptop.app.rooms, Desk()).look() == ()


def test_what_nobody_took_is_told_when_somebody_is_there(laptop: Machine) -> None:
    refused(laptop)
    changes(laptop, "likes tea")
    desk = Desk(is_open=False)
    assert Alerts(laptop.app.rooms, desk).look() == ()
    desk.is_open = True
    assert Alerts(laptop.app.rooms, desk).look() == ("refused",)


def test_trouble_that_was_over_is_told_again_when_it_comes_back(laptop: Machine) -> None:
    desk = Desk()
    alerts = Alerts(laptop.app.rooms, desk)
    well = laptop.app.status()
    refused(laptop)
    changes(laptop, "likes tea")
    bad = laptop.app.status()
    began_ms = now_ms()
    assert alerts.consider(bad, began_ms) == ("refused",)
    assert alerts.consider(well, began_ms + 1) == ()
    assert alerts.consider(bad, began_ms + CALM_MS // 2) == ()
    assert alerts.consider(well, began_ms + CALM_MS) == ()
    assert alerts.consider(well, began_ms + REST_MS + CALM_MS) == ()
    assert alerts.consider(bad, began_ms + REST_MS + 2 * CALM_MS) == ("refused",)
    assert len(desk.notes) == 2


def test_a_store_that_cannot_be_read_is_trouble(laptop: Machine) -> None:
    store = laptop.app.rooms.places.store("default")
    for each in store.parent.iterdir():
        each.write_bytes(b"this is no database, however long one looks at it" * 100)
    desk = Desk()
    assert Alerts(laptop.app.rooms, desk).look() == ("store",)
    assert Alerts(laptop.app.rooms, desk).look() == ()
    assert desk.notes == [f"memsync-git: {text_of(['store'])}"]


def test_several_troubles_are_one_note(laptop: Machine) -> None:
    assert text_of(["held", "refused"]).split("\n") == [
        f"{ADVICE['held'].sentence} {ADVICE['held'].command}",
        f"{ADVICE['refused'].sentence} {ADVICE['refused'].command}",
    ]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What notify-send was told on this machine."""
    program = tmp_path / "bin" / "notify-send"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >>"$0.said"\n')
    program.chmod(0o755)
    notes = program.with_name("notify-send.said")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    return lambda: notes.read_text() if notes.exists() else ""


def test_cron_tells_once_and_a_person_at_the_keyboard_is_not_told_twice(
    laptop: Machine, said: Callable[[], str]
) -> None:
    refused(laptop)
    changes(laptop, "likes tea")
    assert said() == ""
    for _ in range(2):
        laptop.app.sync(BY_CRON)
    assert said().count(ADVICE["refused"].sentence) == 1
    assert "Alice" not in said()
