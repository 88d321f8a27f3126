"""`gc`: what lies where, what would be done, and what was gained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from memsync_git.app.keeping import COLLECT_EVERY_MS
from memsync_git.cli.gc import render_gc, size_words
from memsync_git.errors import Misused
from memsync_git.model import Entity
from memsync_git.options import SyncOptions
from tests.cli.test_cli_words import SCREEN

from .machines import Machine


def grown(machine: Machine, *, notes: int = 6) -> None:
    """A machine whose clone and store hold what was replaced since."""
    for at in range(notes):
        machine.writes(*(Entity(f"n{each}", "thing", (f"said {at} " * 400,)) for each in range(10)))
        machine.sync()
    machine.writes(
        Entity("n1", "thing", ("still here",)), *(Entity(f"n{at}", "thing", ()) for at in range(2, 10))
    )
    machine.sync()


def test_a_preview_changes_nothing_and_the_deed_is_told_as_it_was(laptop: Machine) -> None:
    grown(laptop)
    preview = laptop.app.gc(do=False)
    assert preview == laptop.app.gc(do=False)
    assert not preview["done"]
    assert {part["kind"] for part in preview["places"]} == {"clone", "store"}
    clone = next(part for part in preview["places"] if part["kind"] == "clone")
    assert clone["would"] == "collect"
    assert clone["loose"] > 0
    done = laptop.app.gc(do=True)
    assert done["done"]
    assert done["gained_bytes"] is not None
    assert done["gained_bytes"] > 0
    left = laptop.app.gc(do=False)
    assert next(part for part in left["places"] if part["kind"] == "clone")["would"] == "nothing"
    assert left["bytes"] == preview["bytes"] - done["gained_bytes"]
    assert laptop.sync()["outcome"] == "nothing"
    assert "still here" in laptop.entities()["n1"][1]


def test_the_embedded_hub_is_kept_too(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "MEMSYNC_HOME": str(tmp_path / "home")}
    program = [sys.executable, "-m", "memsync_git"]
    subprocess.run(
        [*program, "init", "--yes", "--no-service", "--host", "laptop"],
        env=environment,
        check=True,
        capture_output=True,
    )
    (tmp_path / "home" / "memory.json").write_text(
        '{"type":"entity","name":"Alice","entityType":"person","observations":["likes tea"]}'
    )
    subprocess.run([*program, "sync"], env=environment, check=True, capture_output=True)
    refused = subprocess.run(
        [*program, "gc"], env=environment, check=False, capture_output=True, stdin=subprocess.DEVNULL
    )
    assert refused.returncode == 2
    assert b"Nothing was changed." in refused.stderr
    done = subprocess.run(
        [*program, "gc", "--yes", "--json"], env=environment, check=True, capture_output=True
    )
    document = json.loads(done.stdout)
    assert [part["kind"] for part in document["places"]] == ["clone", "hub", "store"]
    assert all(part["after_bytes"] <= part["bytes"] for part in document["places"])
    again = subprocess.run([*program, "gc"], env=environment, check=True, capture_output=True)
    assert b"nothing to do" in again.stdout


def test_a_machine_that_was_never_set_up_has_nothing_to_collect(tmp_path: Path, hub: Path) -> None:
    with pytest.raises(Misused):
        Machine(tmp_path / "new", "new", hub).app.gc(do=False)


def test_cron_collects_once_a_month(laptop: Machine) -> None:
    def collected_ms() -> int:
        with laptop.app.rooms.reading() as installation:
            return installation.collected_ms()

    grown(laptop, notes=1)
    assert collected_ms() == 0, "a person's sync waits for no collection"
    laptop.writes(Entity("Bob", "person", ()), Entity("n1", "thing", ("still here",)))
    laptop.app.sync(SyncOptions(if_stale_min=15, cause="cron"))
    first_ms = collected_ms()
    assert first_ms > 0
    with laptop.app.rooms.installation() as installation:
        installation.note_collected(first_ms - COLLECT_EVERY_MS - 1)
    laptop.writes(Entity("Carol", "person", ()), Entity("Bob", "person", ()))
    laptop.app.sync(SyncOptions(if_stale_min=15, cause="cron"))
    assert collected_ms() >= first_ms


def test_sizes_and_sums_are_said_as_people_say_them(laptop: Machine) -> None:
    assert (size_words(0), size_words(1536), size_words(3 << 20)) == ("0 KiB", "2 KiB", "3.0 MiB")
    grown(laptop, notes=1)
    told = render_gc(laptop.app.gc(do=True), SCREEN)
    assert "less now." in told
    assert str(laptop.home / "memory-backup-repo" / ".git") in told
