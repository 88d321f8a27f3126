"""What a line of the log says, and how it is written: a JSON object of ASCII on a line of its own.

Rule 1: a line begins with its time, and nothing inside a JSON string can look like that beginning: a line
torn by a full disk is found again behind it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from memsync_git.values import dataclass, field

LEVELS: Final = ("debug", "info", "warning", "error", "critical")

_BEGINNING: Final = b'{"time":"'
_CORE: Final = ("time", "level", "logger", "message")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line. `time` is UTC, as `2026-11-20T11:30:00.123Z`; `extras` are whatever else was noted."""

    time: str
    level: str
    logger: str
    message: str
    extras: Mapping[str, Any] = field(default_factory=dict)

    def is_at_least(self, level: str) -> bool:
        """Whether it matters as much as `level`; a level nobody knows matters."""
        return self.level not in LEVELS or LEVELS.index(self.level) >= LEVELS.index(level)


# --- writing


def line_of(entry: LogEntry) -> bytes:
    """The line, its end included."""
    return json.dumps(document_of(entry), separators=(",", ":")).encode("ascii") + b"\n"


def document_of(entry: LogEntry) -> dict[str, Any]:
    """An entry as one JSON object, its time first."""
    core = {"time": entry.time, "level": entry.level, "logger": entry.logger, "message": entry.message}
    return {**core, **entry.extras}


# --- reading


def entries_in(line: bytes) -> Iterator[LogEntry]:
    """The entries of one line: one, or those that can still be read of a torn one."""
    found = _entry(line)
    if found is not None:
        yield found
        return
    for piece in line.split(_BEGINNING)[1:]:
        found = _entry(_BEGINNING + piece)
        if found is not None:
            yield found


def _entry(line: bytes) -> LogEntry | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not all(isinstance(said.get(key), str) for key in _CORE):
        return None
    time, level, logger, message = (said.pop(key) for key in _CORE)
    return LogEntry(time, level, logger, message, said)


def in_words(message: str, extras: Mapping[str, Any]) -> str:
    """`Offline. … (builtins.OSError) ms=41 cause=cron`; what is nested is left to the JSON."""
    noted = [f"{key}={value}" for key, value in extras.items() if not isinstance(value, dict | list)]
    return " ".join([message, *_kind_of_error(extras), *noted])


def _kind_of_error(extras: Mapping[str, Any]) -> list[str]:
    """The type of an exception: the last line of its traces that is no frame."""
    told = extras.get("error")
    lines = told if isinstance(told, list) else []
    return [f"({line})" for line in lines if isinstance(line, str) and not line.startswith(" ")][-1:]
