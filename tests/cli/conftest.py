"""A machine of its own for every test: a folder, no variables of whoever runs the tests."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from memsync_git.cli.running import run
from tests.cli.machines import Home, entity, new_hub
from tests.standins.people import new_person


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """MEMSYNC_HOME of this test, not made yet."""
    for name in os.environ:
        if name.startswith("MEMSYNC_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("MEMSYNC_HOME", str(folder))
    new_person(tmp_path_factory.mktemp("person"), monkeypatch)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    return folder


@pytest.fixture
def memsync(home: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command line in this process; there is no terminal."""

    def memsync_git(*arguments: str) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with redirect_stdout(out), redirect_stderr(err):
            code = run(arguments)
        return Ended(code, out.getvalue(), err.getvalue())

    return memsync_git


@pytest.fixture
def process(home: Path) -> Command:
    """Run a command line as a process of its own."""

    def memsync_git(*arguments: str, **variables: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "memsync_git", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return memsync_git


@pytest.fixture
def written(home: Path) -> Callable[[str], Path]:
    """Write a configuration file."""

    def write(text: str) -> Path:
        home.mkdir(exist_ok=True)
        path = home / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """An empty repository to share."""
    return new_hub(tmp_path / "hub.git")


@pytest.fixture
def laptop(memsync: Command, home: Path, hub: Path) -> Home:
    """A machine that has joined the hub and noted Alice."""
    machine = Home(home)
    home.mkdir()
    machine.write(entity("Alice", "likes tea"))
    assert memsync("init", str(hub), "--host", "laptop", "--no-service").code == 0
    return machine
