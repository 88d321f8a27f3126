"""`memsync-git service` from outside: words, JSON, exit codes, and the commands that lead there."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.machines import Home
from tests.standins import Standin, offer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are the services of Linux")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Standin]:
    """A computer with systemd and cron; the account does not linger."""
    folder, person = tmp_path / "bin", tmp_path / "person"
    person.mkdir()
    monkeypatch.setenv("HOME", str(person))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    found = {name: offer(folder, name) for name in ("systemctl", "loginctl", "crontab")}
    found["systemctl"].set("entered", str(time.monotonic_ns() // 1000))  # its sign of life is on its way
    return found


@pytest.fixture
def laptop(memsync: Command, programs: dict[str, Standin], home: Path) -> Home:
    assert memsync("init", "--host", "laptop", "--no-service").code == 0
    return Home(home)


def test_a_service_is_installed_looked_at_and_removed(memsync: Command, laptop: Home) -> None:
    installed = memsync("service", "install")
    assert installed.code == 0
    assert "memsync-git.service; runs (pid 101); begins when you log in" in installed.out
    assert "loginctl enable-linger" in installed.out
    looked = memsync("service", "status")
    assert (looked.code, looked.err) == (0, "")
    assert memsync("service").out == looked.out
    removed = memsync("service", "uninstall")
    assert removed.code == 0
    assert removed.out.startswith("✓ Nothing of ours syncs by itself any more\n")
    assert memsync("service", "uninstall").out.startswith("✓ There was no service of ours\n")


def test_the_status_is_told_as_json(memsync: Command, laptop: Home) -> None:
    memsync("service", "install")
    document = json.loads(memsync("service", "status", "--json").out)
    assert document["schema_version"] == 1
    assert document["next"] == "loginctl enable-linger"
    systemd, cron = document["services"]
    assert (systemd["name"], systemd["installed"], systemd["running"]) == ("systemd", True, True)
    assert (systemd["begins"], systemd["current"]) == ("login", True)
    assert (cron["name"], cron["installed"], cron["running"]) == ("cron", True, None)


def test_stopping_says_what_goes_on(memsync: Command, laptop: Home) -> None:
    memsync("service", "install")
    assert memsync("service", "stop").out.startswith("✓ The daemon is stopped; cron goes on\n")
    assert memsync("service", "stop").out.startswith("✓ The daemon did not run; cron goes on\n")
    assert memsync("service", "start").code == 0
    assert memsync("service", "restart").code == 0


def test_a_daemon_that_does_not_come_up_is_a_failure_of_install_and_start(
    memsync: Command, laptop: Home, programs: dict[str, Standin]
) -> None:
    programs["systemctl"].set("ends-at-once")
    assert memsync("service", "install").code == 1
    ended = memsync("service", "start")
    assert ended.code == 1
    assert ended.err.startswith("Error: The daemon did not come up: ")
    assert "Hint: memsync-git doctor" in ended.err


def test_cron_alone_is_neither_started_nor_stopped(memsync: Command, laptop: Home) -> None:
    assert memsync("service", "install", "--kind", "cron").code == 0
    ended = memsync("service", "start")
    assert ended.code == 1
    assert "begins a sync every 15 minutes" in ended.err


def test_a_kind_nobody_knows_is_wrong_use(memsync: Command, laptop: Home) -> None:
    ended = memsync("service", "install", "--kind", "upstart")
    assert ended.code == 2
    assert "There is no service 'upstart'" in ended.err
    assert "systemd, cron" in ended.err


def test_installing_before_init_is_wrong_use(memsync: Command, programs: dict[str, Standin]) -> None:
    ended = memsync("service", "install")
    assert ended.code == 2
    assert "Hint: memsync-git init" in ended.err


def test_init_installs_what_the_machine_has_and_a_dry_run_only_tells(
    memsync: Command, programs: dict[str, Standin]
) -> None:
    told = memsync("init", "--dry-run")
    assert "systemd would keep a daemon running, and cron would take over if it dies." in told.err
    assert not programs["systemctl"].knows("loaded")
    done = memsync("init", "--host", "laptop")
    assert done.code == 0
    assert "syncs by itself: " in done.out
    assert programs["systemctl"].knows("active")
    assert (programs["crontab"].state / "spool").exists()


def test_init_on_a_machine_without_a_service_says_so_and_is_done(
    memsync: Command, programs: dict[str, Standin]
) -> None:
    programs["systemctl"].set("off")
    programs["crontab"].set("off")
    done = memsync("init", "--host", "laptop")
    assert done.code == 0
    assert "Nothing syncs by itself yet." in done.err
    assert "Nothing" not in memsync("init", "--no-service").err


def test_a_new_interval_is_written_into_the_cron_line(
    memsync: Command, laptop: Home, programs: dict[str, Standin]
) -> None:
    spool = programs["crontab"].state / "spool"
    assert memsync("config", "set", "sync.cron_interval_min", "20").err == ""
    assert not spool.exists()
    memsync("service", "install")
    told = memsync("config", "set", "sync.cron_interval_min", "30")
    assert told.err.startswith("cron runs this now: */30 ")
    assert "*/30 * * * * " in spool.read_text()
    assert memsync("config", "set", "sync.debounce_s", "2").err == ""


def test_an_edited_interval_is_written_into_the_cron_line(
    memsync: Command, laptop: Home, programs: dict[str, Standin], monkeypatch: pytest.MonkeyPatch
) -> None:
    memsync("config", "set", "sync.cron_interval_min", "20")
    memsync("service", "install")
    monkeypatch.setenv("EDITOR", "sed -i s/cron_interval_min.*/cron_interval_min=12/")
    assert memsync("config", "edit").err.startswith("cron runs this now: */12 ")


def test_the_status_imports_nothing_of_git(laptop: Home) -> None:
    from tests.cli.test_cli_start_up import RUN, _imported

    assert not _imported(RUN.format(arguments=["service", "status"])) & {"git", "memsync_git.sync", "tomlkit"}
