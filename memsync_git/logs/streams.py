"""The log on stderr: for the journal, for a terminal, or not at all.

Rule 1: whatever a record says, it is one line there without control characters.
Rule 2: the journal adds the time itself and reads the priority from `<N>` (sd-daemon(3)).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TextIO

from memsync_git.logs.entries import LogEntry, in_words

Manner = Literal["journal", "terminal", "silent"]

JOURNAL_VARIABLE: Final = "JOURNAL_STREAM"
_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""syslog's severities, <syslog.h>."""


def manner_of(stream: TextIO, environment: Mapping[str, str]) -> Manner:
    """How to speak on a stream: systemd says which one its journal reads, `device:inode`."""
    try:
        about = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return "silent"
    if environment.get(JOURNAL_VARIABLE) == f"{about.st_dev}:{about.st_ino}":
        return "journal"
    return "terminal" if stream.isatty() else "silent"


def words_for(manner: Manner, entry: LogEntry) -> str:
    """An entry as it stands on stderr, without its line end."""
    said = _one_line(in_words(entry.message, entry.extras))
    match manner:
        case "journal":
            return f"<{_PRIORITIES.get(entry.level, _PRIORITIES['error'])}>{said}"
        case "terminal":
            return f"{_clock(entry.time)} {entry.level:<7} {said}"
        case "silent":
            return said


def _clock(time: str) -> str:
    """A time of day as the clock on the wall shows it."""
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in text)
