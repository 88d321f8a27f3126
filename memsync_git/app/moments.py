"""Moments as people write them, in milliseconds and by this machine's clock; how they are read: `moments.py`.

Rule 1: what bears no zone is of this machine's zone, as it was on that day.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import assert_never

from memsync_git.errors import Misused
from memsync_git.moments import Ago, Instant, Wall, length_in, moment_in
from memsync_git.sync.message import shown

EXAMPLES = "2026-11-20\n2026-11-20T11:30\nyesterday 14:00\nlast friday\n3h"


def moment_of(text: str, now_ms: int) -> int:
    """The moment a person means, in milliseconds since 1970.

    Raises:
        Misused: it cannot be told.
    """
    now = datetime.fromtimestamp(now_ms / 1000)  # noqa: DTZ006 - what the clock on the wall shows
    with suppress(ValueError, OverflowError, OSError):
        found_ms = _ms_of(text, now, now_ms)
        if found_ms is not None and found_ms >= 0:
            return found_ms
    raise Misused(f"{shown(text)!r} names no moment", hint=EXAMPLES)


def _ms_of(text: str, now: datetime, now_ms: int) -> int | None:
    moment = moment_in(text, now)
    match moment:
        case Ago(length):
            return now_ms - length // timedelta(milliseconds=1)
        case Wall(reading):
            return int(reading.astimezone().timestamp() * 1000)
        case Instant(at):
            return int(at.timestamp() * 1000)
        case None:
            return None
        case _:
            assert_never(moment)


def span_of(text: str) -> timedelta:
    """How long a person means: `2h`, `30 minutes`.

    Raises:
        Misused: it cannot be told.
    """
    found = length_in(text)
    if found is None:
        raise Misused(f"{shown(text)!r} names no length of time", hint="30min\n2h\n1 day")
    return found
