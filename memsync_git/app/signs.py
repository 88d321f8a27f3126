"""The signs of life a daemon left, and a person's wish, as every other process reads them.

Rule 1: this is the only place where a pulse is judged: for `status`, `pause`, `service`, figures and cron.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsync_git.app.clocks import SystemClock
from memsync_git.app.history import LastRound
from memsync_git.app.installation import Installation
from memsync_git.app.pulse import FRESH_FOR_S, Pause, Pulse, is_beating
from memsync_git.app.times import timestamp
from memsync_git.values import dataclass

if TYPE_CHECKING:
    from memsync_git.documents import DaemonPart, PausePart

MISSED_RUNS = 2
"""Runs of cron that may be missed, one when the clock changes and one to a long round."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The daemon as it is seen from outside, and a person's wish, at one moment."""

    pulse: Pulse | None
    pause: Pause | None
    is_running: bool
    now_ms: int

    @property
    def is_paused(self) -> bool:
        return self.pause is not None and self.pause.holds_at(self.now_ms)

    @property
    def is_syncing(self) -> bool:
        return self.is_running and self.pulse is not None and self.pulse.is_syncing

    @property
    def next_ms(self) -> int | None:
        """When the daemon means to sync next."""
        if not self.is_running or self.is_paused or self.pulse is None:
            return None
        return self.pulse.next_ms

    def daemon_part(self) -> DaemonPart:
        """What is told of the daemon; of one that ended without a word, when it was last alive."""
        return {
            "running": self.is_running,
            "pid": self.pulse.pid if self.pulse is not None else None,
            "heartbeat": timestamp(self.pulse.beat_ms) if self.pulse is not None else None,
            "watching": self.pulse.watching if self.is_running and self.pulse is not None else None,
        }

    def pause_part(self) -> PausePart | None:
        return {"until": timestamp(self.pause.until_ms)} if self.is_paused and self.pause else None


def signs_of(installation: Installation, *, fresh_for_s: float = FRESH_FOR_S) -> Signs:
    """What the daemon left, as it looks now."""
    clock = SystemClock()
    pulse, now_ms = installation.pulse(), clock.wall_ms()
    is_running = is_beating(pulse, boot=clock.boot_id(), now_ms=now_ms, fresh_for_s=fresh_for_s)
    return Signs(pulse, installation.pause(), is_running, now_ms)


def has_stopped(last: LastRound | None, signs: Signs, cron_interval_min: int) -> bool:
    """Whether nothing syncs by itself: a daemon ended without a word and nobody took over, or no round came
    that cron should have run."""
    if signs.is_running or last is None:
        return False
    if signs.pulse is not None and (last.cause == "daemon" or last.at_ms <= signs.pulse.beat_ms):
        return True
    return abs(signs.now_ms - last.at_ms) > (1 + MISSED_RUNS) * cron_interval_min * 60_000
