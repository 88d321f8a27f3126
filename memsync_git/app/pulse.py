"""The daemon's signs of life, as other processes see them.

Rule 1: pure. A pulse is believed only at the boot it was left at, and only while it is fresh: a daemon
that is wedged stops beating, and cron takes over.
Rule 2: a clock that jumped cannot keep a dead daemon alive: a beat from the future is as stale as an old one.
"""

from __future__ import annotations

from memsync_git.values import dataclass
from memsync_git.words import Watching

BEAT_S = 15.0
"""How often the daemon says that it lives."""
FRESH_FOR_S = 4 * BEAT_S
"""Without a beat for this long it is dead or wedged: a long round of a slow remote still beats."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """One beat. Times are wall-clock milliseconds since 1970.

    boot: `Clock.boot_id` when it was left. next_ms: when it means to sync next, None while it does not.
    watching: how it learns of changes to the file. is_syncing: a round was under way.
    """

    pid: int
    boot: str
    started_ms: int
    beat_ms: int
    next_ms: int | None = None
    watching: Watching = "events"
    is_syncing: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """A person's wish that nothing syncs by itself, until a time or (None) until `resume`."""

    until_ms: int | None = None

    def holds_at(self, now_ms: int) -> bool:
        """Whether it still holds."""
        return self.until_ms is None or now_ms < self.until_ms


def is_beating(pulse: Pulse | None, *, boot: str, now_ms: int, fresh_for_s: float = FRESH_FOR_S) -> bool:
    """Whether a daemon left this beat a moment ago."""
    if pulse is None or pulse.boot != boot:
        return False
    return abs(now_ms - pulse.beat_ms) <= fresh_for_s * 1000
