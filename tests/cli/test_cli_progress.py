"""The bar for what takes more than a second: on a terminal, and nowhere else."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from typing import TextIO

import pytest

from memsync_git.cli.progress import STAGES, Bar, progress

LONGEST_S = 20.0
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are a matter of POSIX")


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, int]]:
    """A stream that is a terminal, and where to read what it shows."""
    import pty

    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stream:
        yield stream, master
    os.close(master)


def _shown(master: int, until: str) -> str:
    found = ""
    while until not in found:
        ready, _, _ = select.select([master], [], [], LONGEST_S)
        assert ready, f"{until!r} was never shown: {found!r}"
        found += os.read(master, 4096).decode()
    return found


def test_the_stage_at_work_is_shown_and_wiped_away(terminal: tuple[TextIO, int]) -> None:
    stream, master = terminal
    bar = Bar("Joining", stream, after_s=0.0)
    bar.told("fetch")
    bar.begin()
    assert "Joining: fetching what others wrote" in _shown(master, "2/5")
    bar.told("write")
    assert STAGES["write"] in _shown(master, "5/5")
    bar.end()
    assert _shown(master, "\x1b[?25h").endswith("\r\x1b[2K\x1b[?25h")
    bar.told("read")
    assert not select.select([master], [], [], 0.0)[0]


def test_what_is_soon_done_shows_nothing(terminal: tuple[TextIO, int]) -> None:
    stream, master = terminal
    bar = Bar("Joining", stream, after_s=LONGEST_S)
    bar.begin()
    bar.told("write")
    bar.end()
    assert not select.select([master], [], [], 0.0)[0]


def test_nobody_is_told_where_there_is_no_terminal() -> None:
    with progress("Joining") as told:
        assert told is None
