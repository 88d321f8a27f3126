"""What follows a sync, however it ended: its failure is remembered, and a person is told about trouble.

Rule 1: nothing here changes how the sync itself ended.
Rule 2: meeting another sync is no failure.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from memsync_git.app.history import LONGEST_REASON_CHARS, LastRound
from memsync_git.app.logbook import log_round
from memsync_git.errors import Busy, MemsyncError
from memsync_git.options import Cause
from memsync_git.redaction import redacted
from memsync_git.values import replace

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms


@contextmanager
def noted(rooms: Rooms, cause: Cause) -> Iterator[None]:
    """Run a sync of this machine in the block."""
    began_s = time.monotonic()
    try:
        yield
    except Busy:
        raise
    except MemsyncError as error:
        note_failure(rooms, error.message, cause, ms=round((time.monotonic() - began_s) * 1000))
        raise


def note_failure(rooms: Rooms, reason: str, cause: Cause, *, ms: int) -> None:
    """Remember a round that ended with an error, and log it; where even that fails, only log it."""
    now_ms = time.time_ns() // 1_000_000
    last = LastRound(now_ms, "failed", ms, cause, "badly", reason=redacted(reason)[:LONGEST_REASON_CHARS])
    with suppress(MemsyncError, OSError), rooms.installation() as installation:
        last = installation.note_round(last)
    log_round(rooms, last)


def tell_of_trouble(rooms: Rooms) -> None:
    """Put a note on the screen if there is trouble nobody was told of; never raises for a store."""
    with suppress(MemsyncError):
        if is_calm(replace(rooms, picked="")):
            return
        from memsync_git.app.alerting import Alerts

        Alerts(rooms).look()


def is_calm(rooms: Rooms) -> bool:
    """Whether the last rounds found all well and no trouble is remembered: nobody looks further then."""
    with rooms.reading() as installation:
        if installation.marks():
            return False
    return all(_went_well(one) for one in rooms.each())


def _went_well(rooms: Rooms) -> bool:
    with rooms.reading() as installation:
        last = installation.last_round()
    return last is not None and last.is_quiet and last.went == "well"
