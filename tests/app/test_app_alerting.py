"""Alerts of a machine: told once by whichever process is first, and only if somebody took the note."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memsync_git.alerts import ADVICE, CALM_MS, REST_MS
from memsync_git.app import App
from memsync_git.app.alerting import Alerts, text_of
from memsync_git.app.troubles import troubles
from memsync_git.config import Places
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
        Alerts(laptop.app.rooms, desk).consider(troubles(laptop.app.rooms))
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
    well = troubles(laptop.app.rooms)
    refused(laptop)
    changes(laptop, "likes tea")
    bad = troubles(laptop.app.rooms)
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
    assert Alerts(laptop.app.rooms, desk).look() == ("store/default",)
    assert Alerts(laptop.app.rooms, desk).look() == ()
    assert desk.notes == [f"memsync-git: {text_of([ADVICE['store']])}"]


def test_several_troubles_are_one_note(laptop: Machine) -> None:
    assert text_of([ADVICE["held"], ADVICE["refused"]]).split("\n") == [
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


# --- several stores


@pytest.fixture
def office(laptop: Machine) -> Path:
    """The file of a second store of the laptop."""
    file = laptop.home / "office.jsonl"
    file.write_text('{"type":"entity","name":"Plan","entityType":"project","observations":[]}')
    app = laptop.app
    app.add_stores(app.store_candidates({"office": str(file)}))
    return file


def test_a_hub_that_refuses_every_store_is_told_once_and_names_none(laptop: Machine, office: Path) -> None:
    refused(laptop)
    office.write_text('{"type":"entity","name":"Plan","entityType":"project","observations":["x"]}')
    changes(laptop, "likes tea")
    desk = Desk()
    for _ in range(2):
        assert set(troubles(laptop.app.rooms)) == {"default", "office"}
        Alerts(laptop.app.rooms, desk).look()
    assert desk.notes == ["memsync-git: The remote refuses this machine. memsync-git --test"]


def test_the_trouble_of_one_store_is_told_with_its_name_and_that_of_another_too(
    laptop: Machine, office: Path
) -> None:
    office.write_bytes(b"{broken")
    laptop.sync()
    desk = Desk()
    for _ in range(2):
        Alerts(laptop.app.rooms, desk).look()
    sentence = ADVICE["unusable"].sentence
    assert desk.notes == [f"memsync-git: office: {sentence} memsync-git doctor --store office"]
    laptop.file.write_bytes(b"{broken")
    laptop.sync()
    assert Alerts(laptop.app.rooms, desk).look() == ("unusable/default",)
    assert desk.notes[1:] == [f"memsync-git: default: {sentence} memsync-git doctor --store default"]


def test_cron_tells_once_of_all_stores_and_of_one_alone_too(
    laptop: Machine, office: Path, said: Callable[[], str]
) -> None:
    refused(laptop)
    changes(laptop, "likes tea")
    office.write_text('{"type":"entity","name":"Plan","entityType":"project","observations":["x"]}')
    laptop.app.sync(BY_CRON)
    assert said().count(ADVICE["refused"].sentence) == 1
    assert "office" not in said()
    App.open(Places.of({"MEMSYNC_HOME": str(laptop.home)}), store="office").sync(BY_CRON)
    assert said().count(ADVICE["refused"].sentence) == 1
