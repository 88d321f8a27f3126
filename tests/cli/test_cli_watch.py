"""`status --watch`: looks again and again, on a terminal and in a pipe, until Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.machines import Home, entity

WAIT_S = 30.0
CLEAR = b"\x1b[H\x1b[2J"


@pytest.fixture
def machine(memsync: Command, home: Path) -> Path:
    home.mkdir()
    Home(home).write(entity("Alice", "likes tea"))
    assert memsync("init", "--no-service").code == 0
    return home


def watching(stdout: int, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "memsync_git", "status", "--watch", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm", **variables},
        start_new_session=True,
    )


def read_until(source: int, mark: bytes, times: int) -> bytes:
    """What is said until `mark` was said so often; a failure after a while."""
    said = b""
    while said.count(mark) < times:
        ready, _, _ = select.select([source], [], [], WAIT_S)
        assert ready, said
        said += os.read(source, 65536)
    return said


def interrupted(child: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """How it ends after Ctrl-C."""
    os.killpg(child.pid, signal.SIGINT)
    _, err = child.communicate(timeout=WAIT_S)
    return child.returncode, err


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}])
def test_on_a_terminal_the_screen_is_drawn_anew_with_colour_only_where_it_is_wanted(
    machine: Path, variables: dict[str, str]
) -> None:
    main, end = pty.openpty()
    child = watching(end, **variables)
    os.close(end)
    said = read_until(main, b"in sync", 3)
    assert interrupted(child) == (130, b"")
    os.close(main)
    assert said.count(CLEAR) >= 2
    assert (b"\x1b[32m" in said) is (not variables)


def test_in_a_pipe_there_is_a_document_each_time_and_no_escape_code(machine: Path) -> None:
    source, end = os.pipe()
    child = watching(end, "--json")
    os.close(end)
    said = read_until(source, b"\n", 2)
    assert interrupted(child) == (130, b"")
    os.close(source)
    assert b"\x1b" not in said
    states = [json.loads(line)["state"] for line in said.split(b"\n")[:2]]
    assert states == ["in_sync", "in_sync"]


def test_a_reader_that_left_ends_it(machine: Path) -> None:
    source, end = os.pipe()
    child = watching(end)
    os.close(end)
    read_until(source, b"in sync", 1)
    os.close(source)
    _, err = child.communicate(timeout=WAIT_S)
    assert (child.returncode, err) == (0, b"")
