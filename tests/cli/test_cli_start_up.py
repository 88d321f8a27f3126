"""Start-up time is a promise: what a command does not use, it does not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("git", "apscheduler", "watchdog", "tomlkit", "platformdirs", "rich", "importlib.metadata", "sqlite3")


def _imported(script: str) -> set[str]:
    """The modules a fresh interpreter holds after a script."""
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\nimport sys\nprint(*sys.modules, sep='\\n')"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split("\n"))


def test_the_program_imports_nothing_heavy_and_no_command() -> None:
    imported = _imported("import memsync_git.cli.program")
    assert not imported & set(HEAVY)
    commands = {f"memsync_git.cli.{name}" for name in ("status", "sync", "init", "doctor", "config")}
    assert not imported & commands
    assert "memsync_git.app" not in imported


@pytest.mark.parametrize("command", ["status", "sync", "show", "holds", "hosts", "doctor", "init", "config"])
def test_a_command_imports_nothing_heavy_before_it_runs(command: str) -> None:
    assert not _imported(f"import memsync_git.cli.{command}") & set(HEAVY)


def test_reading_the_configuration_imports_nothing_that_writes_it(home: Path) -> None:
    script = "from memsync_git.config import Places, load; load(Places.of())"
    assert not _imported(script) & {"tomlkit", "platformdirs", "git", "memsync_git.app"}


def test_the_version_needs_no_click(home: Path) -> None:
    script = "import sys; sys.argv[1:] = ['--version']\nfrom memsync_git.__main__ import main; main()"
    assert not _imported(script) & {"click", "orjson", "dataclasses", *HEAVY}
