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
    """The commands since the last time this was asked; a fetch of older commits alone is a `deepen`."""
    rows = [[cell.strip() for cell in line.split("|")] for line in trace.read_text().splitlines()]
    trace.write_text("")
    started = [row[8].split() for row in rows if row[1] == "d0" and row[3] == "start"]
    return [contact for words in started if (contact := _contact(words)) is not None]


def _contact(words: list[str]) -> str | None:
    """What one invocation of git asks of a hub, None if nothing."""
    if any(word.startswith("--deepen=") for word in words):
        return "deepen"
    return next((word for word in words if word in ("fetch", "push", "ls-remote")), None)
