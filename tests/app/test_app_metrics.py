"""Metrics of a machine: true figures, and a textfile in one step."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from memsync_git.app import measuring
from memsync_git.app.clocks import SystemClock
from memsync_git.app.pulse import Pulse
from memsync_git.errors import Misused
from memsync_git.model import Entity, Relation
from tests.laws.test_exposition import Samples, parsed

from .machines import Machine


def samples(machine: Machine) -> Samples:
    return parsed(machine.app.metrics())


# --- the figures


def test_the_figures_are_those_of_the_machine(laptop: Machine, desk: Machine) -> None:
    laptop.adds(Entity("Alice", "person", ("likes tea", "sings")), Entity("Oslo", "city", ()))
    laptop.adds(Relation("Alice", "Oslo", "lives in"))
    laptop.sync()
    laptop.sync()
    found = samples(laptop)
    assert found["memsync_entities", 'store="default"'] == 2
    assert found["memsync_observations", 'store="default"'] == 2
    assert found["memsync_relations", 'store="default"'] == 1
    assert found["memsync_state", 'state="in_sync"'] == 1
    assert found["memsync_rounds_total", 'outcome="nothing"'] >= 1
    assert found["memsync_rounds_total", 'outcome="accepted"'] >= 1
    assert found["memsync_pending_items", 'direction="up"'] == 0
    assert found["memsync_clone_bytes", ""] > 1000
    assert found["memsync_store_bytes", 'store="default"'] > 1000
    assert (
        found["memsync_last_success_timestamp_seconds", ""]
        == found["memsync_last_round_timestamp_seconds", ""]
    )
    assert found["memsync_daemon_up", ""] == 0


def test_a_failing_machine_shows_since_when(laptop: Machine) -> None:
    laptop.unplug()
    laptop.adds(Entity("Alice", "person", ("likes tea",)))
    laptop.sync()
    found = samples(laptop)
    success = found["memsync_last_success_timestamp_seconds", ""]
    assert found["memsync_failing_since_timestamp_seconds", ""] > success
    assert found["memsync_pending_items", 'direction="up"'] == 2
    assert found["memsync_remote_outcome", 'remote="origin",outcome="offline"'] == 1
    assert found["memsync_rounds_total", 'outcome="offline"'] == 1


def test_nothing_a_memory_says_is_in_it(laptop: Machine) -> None:
    laptop.adds(Entity("Alice", "person", ("likes tea",)))
    laptop.sync()
    assert not {"Alice", "person", "tea"} & set(laptop.app.metrics().replace('"', " ").split())


def test_a_daemon_that_beats_is_up(laptop: Machine) -> None:
    now_ms = SystemClock().wall_ms()
    with laptop.app.rooms.installation() as installation:
        installation.note_pulse(Pulse(1, SystemClock().boot_id(), now_ms, now_ms))
    found = samples(laptop)
    assert found["memsync_daemon_up", ""] == 1
    assert found["memsync_daemon_heartbeat_timestamp_seconds", ""] == now_ms / 1000


# --- the textfile


def test_the_textfile_is_whole_readable_for_all_and_leaves_nothing_about(tmp_path: Path) -> None:
    path = tmp_path / "memsync.prom"
    for text in ("old 1\n", "new 2\n"):
        measuring.write_textfile(path, text)
        assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["memsync.prom"]


def test_a_textfile_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "memsync.prom"
    path.mkdir()
    with pytest.raises(Misused, match="cannot be written"):
        measuring.write_textfile(path, "x 1\n")
    assert [each.name for each in tmp_path.iterdir()] == ["memsync.prom"]
    with pytest.raises(Misused, match="No such file"):
        measuring.write_textfile(tmp_path / "none" / "x.prom", "x 1\n")


# --- the command


def test_the_command_prints_them_and_writes_them(laptop: Machine, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "memsync_git", "metrics"]
    environment = {**os.environ, "MEMSYNC_HOME": str(laptop.home)}
    printed = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert parsed(printed)
    path = tmp_path / "memsync.prom"
    done = subprocess.run(
        [*command, "--textfile", path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert parsed(path.read_text()).keys() == parsed(printed).keys()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
