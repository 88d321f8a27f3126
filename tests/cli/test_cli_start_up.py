"""Start-up time is a promise: what a command does not use, it does not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.machines import Home, entity

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


@pytest.mark.parametrize(
    "command",
    [
        *("status", "sync", "daemon", "pause", "show", "holds", "hosts", "doctor", "init", "config"),
        *("service", "logs", "metrics", "hook", "gc", "imports", "export", "log", "blame", "undo", "restore"),
        *("verify", "completion"),
    ],
)
def test_a_command_imports_nothing_heavy_before_it_runs(command: str) -> None:
    assert not _imported(f"import memsync_git.cli.{command}") & set(HEAVY)


def test_reading_the_configuration_imports_nothing_that_writes_it(home: Path) -> None:
    script = "from memsync_git.config import Places, load; load(Places.of())"
    assert not _imported(script) & {"tomlkit", "platformdirs", "git", "memsync_git.app"}


def test_the_version_needs_no_click(home: Path) -> None:
    script = "import sys; sys.argv[1:] = ['--version']\nfrom memsync_git.__main__ import main; main()"
    assert not _imported(script) & {"click", "orjson", "dataclasses", *HEAVY}


ROUNDS = {
    "tomlkit",
    "memsync_git.sync",
    "memsync_git.formats",
    "memsync_git.replica",
    "memsync_git.crdt",
}
"""A sync asks git where the hub stands, so `git` is not among them; `status` asks nobody."""
NEEDLESS = {
    *("click", "inspect", "uuid", "gettext", "hashlib", "random", "secrets", "difflib", "logging", "http"),
    *("subprocess", "shutil", "decimal", "memsync_git.stores.sqlite"),
}
"""Several milliseconds each, for nothing a look needs; click forty."""
RUN = "from memsync_git.cli.running import run; assert run({arguments!r}) == 0"


@pytest.fixture
def at_rest(memsync: Command, home: Path) -> Path:
    """A machine with a memory, and nothing left to do."""
    home.mkdir()
    Home(home).write(entity("Alice", "likes tea"))
    assert memsync("init", "--no-service").code == 0
    assert memsync("sync").code == 0
    return home


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["hook", "session-start"], ["logs"]])
def test_status_imports_no_round_and_no_git(at_rest: Path, arguments: list[str]) -> None:
    imported = _imported(RUN.format(arguments=arguments))
    assert sorted(imported & {"git", *ROUNDS}) == []
    if arguments != ["logs"]:
        assert sorted(imported & NEEDLESS) == [], "a look takes at most 100 ms"


@pytest.mark.parametrize("arguments", [["sync", "--quiet"], ["sync"], ["sync", "--if-stale", "15"]])
def test_a_sync_that_finds_nothing_new_imports_no_round(at_rest: Path, arguments: list[str]) -> None:
    assert sorted(_imported(RUN.format(arguments=arguments)) & ROUNDS) == []


def test_a_sync_that_asks_no_remote_imports_none(at_rest: Path) -> None:
    Home(at_rest).write(entity("Alice", "likes tea", "sings"))
    imported = _imported(RUN.format(arguments=["sync", "--no-fetch", "--no-push"]))
    assert sorted(imported & {"memsync_git.remotes.git", "subprocess", "click", "filelock"}) == []


MAIN = """
import sys
from memsync_git.__main__ import main
sys.argv[1:] = {arguments!r}
try:
    main()
except SystemExit as ended:
    assert not ended.code
"""


@pytest.mark.parametrize("arguments", [["status"], ["sync", "--no-fetch", "--no-push"]])
def test_what_packages_load_and_do_not_use_is_not_loaded(at_rest: Path, arguments: list[str]) -> None:
    Home(at_rest).write(entity("Alice", "likes tea", "sings"))
    imported = _imported(MAIN.format(arguments=arguments))
    assert sorted(imported & {"ast", "dis", "textwrap"}) == [], "inspect and traceback bring them"


def test_the_modules_of_a_round_are_imported_by_one(at_rest: Path) -> None:
    Home(at_rest).write(entity("Alice", "likes tea", "sings"))
    found = _imported(RUN.format(arguments=["sync", "--quiet"]))
    assert {"memsync_git.sync", "memsync_git.formats", "memsync_git.replica"} <= found


def test_status_imports_no_round_when_something_waits(at_rest: Path, memsync: Command) -> None:
    Home(at_rest).write(entity("Alice", "likes tea", "sings"))
    assert memsync("sync", "--no-push").code == 0
    assert sorted(_imported(RUN.format(arguments=["status"])) & {"git", *ROUNDS}) == []
