"""The unit under a real user's systemd, in namespaces of its own: nothing of this machine's is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.under_systemd import HOME, SYSTEMD

NAMESPACES = ["unshare", "--mount", "--pid", "--cgroup", "--fork", "--kill-child", "--mount-proc"]


def missing() -> str:
    """What keeps a user's systemd from being run here, empty where nothing does."""
    if os.geteuid() != 0:
        return "only root can give it namespaces of its own"
    absent = [name for name in ("unshare", "dbus-daemon", SYSTEMD) if not shutil.which(name)]
    if absent:
        return f"not installed: {', '.join(absent)}"
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True, check=False)
    return f"no namespaces: {tried.stderr.strip()}" if tried.returncode else ""


def asked(folder: Path, way: str) -> dict[str, Any]:
    """What each step answered."""
    reason = missing()
    if reason:
        pytest.skip(f"a user's systemd cannot be run here: {reason}")
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if "no-service" not in part)
    done = subprocess.run(
        [*NAMESPACES, sys.executable, "-m", "tests.e2e.under_systemd", str(folder), way],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PATH": path},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if found["manager"] != "answers":
        pytest.skip("a user's systemd cannot be run here: it does not come up")
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """With a small program for a daemon."""
    return asked(tmp_path_factory.mktemp("person"), "program")


def test_a_real_systemd_runs_the_program_and_hands_it_its_home(answers: dict[str, Any]) -> None:
    assert answers["before"] == "Removed(changed=False)"
    assert "changed=True" in answers["install"]
    assert "changed=False, is_current=True" in answers["again"]
    assert answers["again"] == answers["status"]
    assert answers["running"] == ["Running", False, True, True]
    assert answers["seen"][0] == f"daemon {HOME}"


def test_a_real_systemd_reloads_restarts_stops_and_starts_it(answers: dict[str, Any]) -> None:
    assert answers["reload"] is True
    assert answers["restart"] == ["Running", True, True, True]
    assert answers["stop"] == ["Stopped", True, ""]
    assert answers["stopped"] == ["Stopped", False, ""]
    assert answers["start"] == ["Running", True, True, True]
    assert answers["seen"][:6] == [
        f"daemon {HOME}",
        "hup",
        "term",
        f"daemon {HOME}",
        "term",
        f"daemon {HOME}",
    ]


def test_a_program_that_fails_under_a_real_systemd_says_how_and_can_be_started_again(
    answers: dict[str, Any],
) -> None:
    assert answers["failing"] == ["Stopped", False, "it ended with exit-code"]
    assert answers["mended"] == ["Running", True, True, True]


def test_a_real_systemd_lets_go_of_it(answers: dict[str, Any]) -> None:
    assert answers["remove"] == "Removed(changed=True)"
    assert answers["gone"] == "Removed(changed=False)"
    assert answers["left"] == []


def test_the_daemon_itself_is_ready_published_and_brought_back_by_a_real_systemd(tmp_path: Path) -> None:
    found = asked(tmp_path, "daemon")
    assert found["init"] == 0
    assert found["began"] == ["ok", True, True]
    assert found["published"]
    assert found["again"]
    assert found["beats"]
    assert found["stop"] == [0, "warn", False, False]
    assert found["start"] == [0, "ok", True, True]
    assert found["uninstall"] == [0, 0]
