"""Records of `logging` as entries.

Rule 1: every text passes the redactor before it is written, whoever wrote it: the message with its
arguments, what was noted besides, the frames of an exception.
Rule 2: messages of exceptions can hold what a memory says: they are written only where DEBUG was asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from memsync_git.logs.entries import LogEntry
from memsync_git.redaction import redacted
from memsync_git.traces import traces

MAX_TEXT_CHARS: Final = 4000
"""As much as is kept of what git says; a line stays within one append."""
MAX_FRAMES: Final = 60
"""Lines of a traceback; a recursion that went too deep has a thousand, all alike."""

_OWN: Final = frozenset([*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"])
"""What `logging` itself puts on a record."""
_CORE: Final = frozenset(["time", "level", "logger", "error"])
"""What an entry says itself."""


def entry_of(record: logging.LogRecord, *, with_messages: bool) -> LogEntry:
    """A record as an entry, redacted. `with_messages`: those of exceptions too."""
    noted = {_text(key): _plain(value) for key, value in vars(record).items() if key not in _OWN | _CORE}
    if record.exc_info is not None and record.exc_info[1] is not None:
        error = record.exc_info[1]
        noted["error"] = [_text(line) for line in [*traces(error)][-MAX_FRAMES:]]
        if with_messages:
            noted["error_message"] = _text(str(error))
    level = record.levelname.lower()
    return LogEntry(stamp(record.created), level, record.name, _text(record.getMessage()), noted)


def malformed(record: logging.LogRecord, error: Exception) -> LogEntry:
    """What is written of a record that cannot be put into words."""
    said = f"A log record is malformed: {type(error).__name__}"
    return LogEntry(stamp(record.created), "error", record.name, said)


def stamp(created_s: float) -> str:
    """Seconds since 1970 as an entry writes them."""
    return datetime.fromtimestamp(created_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _plain(value: object) -> Any:
    """A value every reader of JSON takes, its texts redacted."""
    match value:
        case None | bool() | int():
            return value
        case float() if isfinite(value):
            return value
        case Mapping():
            return {_text(str(key)): _plain(member) for key, member in value.items()}
        case list() | tuple():
            return [_plain(member) for member in value]
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    """Cut after the redaction: half an address would not be known for one."""
    return redacted(text[: 2 * MAX_TEXT_CHARS])[:MAX_TEXT_CHARS]
