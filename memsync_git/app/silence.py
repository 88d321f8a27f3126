"""Whether sync has stopped without anybody saying so.

Rule 1: pure. Only a success counts as a sign of life: a daemon that beats and reaches nobody is silent too.
Rule 2: a machine is silent for as long as something waits, or nothing succeeds; one that slept wakes up
silent until its next round, which is true.
Rule 3: a clock that was set back makes nothing silent: what lies ahead of now has just happened.
"""

from __future__ import annotations

from typing import Final

from memsync_git.values import dataclass

WAITING_SILENCE_MIN: Final = 60
"""Changes that waited for an hour: four runs of cron at its usual interval, and more than a train ride."""
IDLE_SILENCE_MIN: Final = 24 * 60
"""Nothing waits, but nothing would arrive either: a day, so that a machine used daily is asked daily."""
MISSED_RUNS: Final = 2
"""Where cron runs less often than that, so many of its intervals."""
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Silence:
    """Since when no sync has succeeded that should have. `is_waiting`: changes made here wait for one."""

    since_ms: int
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when silence is judged. Times are wall-clock milliseconds since 1970.

    succeeded_ms: the last success, or where there was none, when this machine was set up.
    waiting_ms: the oldest change no remote has accepted, None where all are.
    looked_ms: the last round of any process. changed_ms: when the memory file was last written.
    """

    succeeded_ms: int
    waiting_ms: int | None = None
    looked_ms: int | None = None
    changed_ms: int | None = None


def silence_of(evidence: Evidence, *, now_ms: int, interval_min: int) -> Silence | None:
    """The silence there is, or None. `interval_min`: how often cron runs here."""
    waiting_ms = _waiting_since(evidence)
    if waiting_ms is not None:
        since_ms = max(waiting_ms, evidence.succeeded_ms)
        if _is_over(now_ms - since_ms, WAITING_SILENCE_MIN, interval_min):
            return Silence(since_ms, is_waiting=True)
    if _is_over(now_ms - evidence.succeeded_ms, IDLE_SILENCE_MIN, interval_min):
        return Silence(evidence.succeeded_ms, is_waiting=False)
    return None


def _waiting_since(evidence: Evidence) -> int | None:
    """The oldest change that has not left: noted and not accepted, or in the file and not looked at."""
    unseen_ms = evidence.changed_ms
    if unseen_ms is not None and evidence.looked_ms is not None and unseen_ms <= evidence.looked_ms:
        unseen_ms = None
    return min((ms for ms in (evidence.waiting_ms, unseen_ms) if ms is not None), default=None)


def _is_over(elapsed_ms: int, limit_min: int, interval_min: int) -> bool:
    return elapsed_ms >= max(limit_min, MISSED_RUNS * interval_min) * _MINUTE_MS
