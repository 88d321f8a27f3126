"""`logs`: what was written to the log, by whichever process.

Rule 1: it works where nothing else does: no configuration and no store is opened.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from memsync_git.config import Places
from memsync_git.documents import LogPart, LogsDocument
from memsync_git.logs.entries import LogEntry
from memsync_git.logs.reading import Follower, last
from memsync_git.words import SCHEMA_VERSION

FOLLOW_S: Final = 0.25
"""How often a followed log is looked at: at once, to a person."""


def logs(places: Places, wanted: int, level: str) -> LogsDocument:
    """The last `wanted` entries that matter as much as `level`, oldest first."""
    return {
        "schema_version": SCHEMA_VERSION,
        "path": str(places.log),
        "entries": [_part(entry) for entry in last(places.log, wanted, level)],
    }


def followed(places: Places, wanted: int, level: str) -> Iterator[LogPart]:
    """The last entries, and then every one that is added, for as long as somebody asks."""
    with Follower(places.log) as follower:
        yield from map(_part, last(places.log, wanted, level))
        while True:
            yield from (_part(entry) for entry in follower.news() if entry.is_at_least(level))
            time.sleep(FOLLOW_S)


def _part(entry: LogEntry) -> LogPart:
    return {
        "time": entry.time,
        "level": entry.level,
        "logger": entry.logger,
        "message": entry.message,
        "extras": dict(entry.extras),
    }
