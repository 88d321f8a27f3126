"""Which processes are about: by what their command lines say."""

from __future__ import annotations

import os
import time
from pathlib import Path

GOING_S = 5.0
"""KILL is delivered a moment after it was sent, and a master says goodbye."""


def processes_about(text: str) -> list[tuple[int, str]]:
    """The running processes whose command line mentions `text`, with their ids."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in command:
            found.append((int(path.parent.name), command))
    return found


def nothing_left_of(text: str) -> bool:
    """Whether the processes about `text` are gone, or go within a moment."""
    until_s = time.monotonic() + GOING_S
    while processes_about(text) and time.monotonic() < until_s:
        os.sched_yield()
    return not processes_about(text)


def children() -> list[str]:
    """The processes this one has started and not yet ended."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [pid for task in tasks for pid in task.read_text().split()]
