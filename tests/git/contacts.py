"""Which git commands contacted a hub, by git's own trace."""

from __future__ import annotations

from pathlib import Path

import pytest


def traced(trace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let git write its trace here from now on."""
    trace.touch()
    monkeypatch.setenv("GIT_TRACE2_PERF", str(trace))
    return trace


def seen(trace: Path) -> list[str]:
    """The commands since the last time this was asked."""
    rows = [[cell.strip() for cell in line.split("|")] for line in trace.read_text().splitlines()]
    trace.write_text("")
    commands = [row[8].split()[0] for row in rows if row[1] == "d0" and row[3] == "cmd_name"]
    return [command for command in commands if command in ("fetch", "push", "ls-remote")]
