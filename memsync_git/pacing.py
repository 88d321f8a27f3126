"""When to capture and when to sync. Events go in, actions come out.

    the file changed ──▶ capture, at once ──▶ it said something new ──▶ a little quiet ──▶ sync
    a hub changed ─────▶ sync, almost at once
    time passes ───────▶ poll each remote: quick after activity here or there, backing off to slow
    a remote failed ───▶ that remote alone waits, longer each time, never exactly as long as others do
    time has a gap ────▶ the machine slept or the clock was set: capture, and one full check

Rule 1: pure. It is told the time, and never asks; chance is a number it is told too.
Rule 2: capture waits for nothing, a pause or a round under way included.
Rule 3: one round at a time. What happens meanwhile is remembered.
Rule 4: whatever fails, time passes before it is tried again.
It knows no files, no remotes and no threads; `daemon/` feeds it and obeys it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from memsync_git.values import dataclass, replace

Reason = Literal["local", "poll", "full"]
"""Why to sync: something changed here only; to see what changed elsewhere; to believe nothing."""
Outcome = Literal["well", "busy", "stale", "offline", "refused", "failed"]
"""How it went with a remote. busy: another process was at it. failed: the round itself broke."""

GAP_S = 10.0
"""The daemon looks at the clock every second; ten seconds unseen are a sleep, a stop or a clock set."""
HUB_SETTLE_S = 0.01
"""A push moves two refs, one after the other, within milliseconds."""
GROWTH = 1.5
"""Of the time between quiet polls: from 2 to 60 seconds in nine polls, about three minutes."""
SHORTEST_RETRY_S = 1.0
"""Between attempts at an unreachable remote, however often the file changes."""
REFUSED_S = (30.0, 900.0)
"""A person has to mend it, and services lock out who knocks too often."""
FAILED_S = (5.0, 900.0)
BUSY_S = (0.25, 5.0)
"""A round of another process takes well under a second; one that lingers, a few."""
STALE_S = (0.5, 30.0)


@dataclass(frozen=True, slots=True)
class Pace:
    """What the configuration says about time, in seconds; see `SyncSettings`."""

    debounce_s: float = 1.0
    max_delay_s: float = 10.0
    quick_s: float = 2.0
    slow_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Now:
    """s: seconds that never go back and go on while the machine sleeps. chance: from [0, 1)."""

    s: float
    wall_ms: int
    chance: float = 0.5


# --- events


@dataclass(frozen=True, slots=True)
class FileChanged:
    """Something may have happened to the memory file."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The file was read. news: it says what no round has seen yet, or is not as it should be."""

    news: bool


@dataclass(frozen=True, slots=True)
class HubChanged:
    """A hub on this disk moved."""

    remote: str


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """The round that was asked for is over. active: something came in or went out."""

    outcomes: Mapping[str, Outcome]
    active: bool = False


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing is to sync by itself until then (None: until `Resumed`)."""

    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """The pause is over."""


@dataclass(frozen=True, slots=True)
class CheckDue:
    """It is time to believe nothing and look at everything."""


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """The configuration was read again."""

    pace: Pace
    remotes: tuple[str, ...]


Event = FileChanged | Captured | HubChanged | Ticked | RoundEnded | Paused | Resumed | CheckDue | Reconfigured

# --- actions


@dataclass(frozen=True, slots=True)
class Capture:
    """Read the file now, and save what it says."""


@dataclass(frozen=True, slots=True)
class Sync:
    """Run a round with these remotes now."""

    reason: Reason
    remotes: tuple[str, ...]


Action = Capture | Sync

# --- what is remembered


@dataclass(frozen=True, slots=True)
class Lane:
    """One remote: when to speak to it next, and how it went lately."""

    due_s: float
    outcome: Outcome = "well"
    failures: int = 0
    tried_s: float = -SHORTEST_RETRY_S

    def ended(self, outcome: Outcome, now: Now, pace: Pace, interval_s: float) -> Lane:
        """The same after a round that went so."""
        if outcome == "well":
            return Lane(now.s + interval_s, tried_s=self.tried_s)
        failures = self.failures + 1 if outcome == self.outcome else 1
        wait_s = backoff_s(outcome, failures, now.chance, pace)
        return Lane(now.s + wait_s, outcome, failures, self.tried_s)

    def ready_s(self, pace: Pace) -> float:
        """When a change of the file may be brought to it: earlier than a poll, and than the end of an outage
        nobody was told of."""
        if self.outcome == "well":
            return self.tried_s
        if self.outcome in ("offline", "stale"):
            return min(self.due_s, self.tried_s + max(pace.max_delay_s, SHORTEST_RETRY_S))
        return self.due_s


def backoff_s(outcome: Outcome, failures: int, chance: float, pace: Pace) -> float:
    """How long to wait after so many failures of one kind in a row; `chance` takes up to half of it."""
    offline = (max(pace.quick_s, SHORTEST_RETRY_S), max(pace.slow_s, SHORTEST_RETRY_S))
    limits = {"offline": offline, "refused": REFUSED_S, "failed": FAILED_S, "busy": BUSY_S, "stale": STALE_S}
    first_s, most_s = limits[outcome]
    doubled_s = first_s * 2.0 ** min(failures - 1, 32)
    return min(most_s, doubled_s) * (1 - chance / 2)


@dataclass(frozen=True, slots=True)
class Pacer:
    """Everything the next decision depends on.

    at: when it was last told anything. touched_s: when the file last may have changed, if it was not captured
    since. changed: the first and the last change of the file that no round has taken along, in seconds.
    check_s: when to run a full check, None if none is due.
    """

    pace: Pace
    at: Now
    lanes: Mapping[str, Lane]
    interval_s: float
    check_s: float | None
    touched_s: float | None = None
    changed: tuple[float, float] | None = None
    running: Sync | None = None
    paused: Paused | None = None

    @classmethod
    def begin(cls, pace: Pace, remotes: Iterable[str], now: Now) -> Pacer:
        """At start nothing is known of what happened meanwhile, so a full check is due."""
        lanes = {name: Lane(now.s) for name in remotes}
        return cls(pace, now, lanes, pace.quick_s, check_s=now.s)

    def told(self, event: Event, now: Now) -> tuple[Pacer, tuple[Action, ...]]:
        """What is remembered after an event, and what to do now."""
        woken, has_gap = _woken(self, now)
        pacer = _with(woken, event)
        captures = (Capture(),) if has_gap or isinstance(event, FileChanged) else ()
        sync = _next_sync(pacer)
        return (pacer, captures) if sync is None else (_begun(pacer, sync), (*captures, sync))

    @property
    def wake_s(self) -> float | None:
        """When to tell it the time next; None if only an event can lead to anything."""
        if self.running is not None:
            return None
        if self.paused is not None:
            return self._expiry_s(self.paused)
        local_s = self.local_s
        times = [lane.due_s for lane in self.lanes.values()] if local_s is None else [local_s]
        return min(times if self.check_s is None else [*times, self.check_s], default=None)

    def _expiry_s(self, paused: Paused) -> float | None:
        if paused.until_ms is None:
            return None
        return self.at.s + max(0.0, (paused.until_ms - self.at.wall_ms) / 1000)

    @property
    def local_s(self) -> float | None:
        """When to bring a change of the file to a remote. Polls wait for it: they would part a burst."""
        if self.changed is None:
            return None
        first_s, last_s = self.changed
        rested_s = min(last_s + self.pace.debounce_s, first_s + self.pace.max_delay_s)
        ready_s = [lane.ready_s(self.pace) for lane in self.lanes.values()]
        return max(rested_s, min(ready_s, default=rested_s))


# --- time


def _woken(pacer: Pacer, now: Now) -> tuple[Pacer, bool]:
    """The same at a later time; whether time has a gap, after which nothing known is believed."""
    now = replace(now, s=max(now.s, pacer.at.s))
    passed_s = now.s - pacer.at.s
    jumped_s = abs((now.wall_ms - pacer.at.wall_ms) / 1000 - passed_s)
    later = replace(pacer, at=now)
    if later.paused is not None and _is_over(later.paused, now):
        later = _resumed(later)
    if passed_s <= GAP_S and jumped_s <= GAP_S:
        return later, False
    return replace(later, check_s=now.s), True


# --- events


def _with(pacer: Pacer, event: Event) -> Pacer:
    match event:
        case Ticked():
            return pacer
        case FileChanged():
            return replace(pacer, touched_s=pacer.at.s)
        case Captured(news):
            return replace(_noted(pacer) if news else pacer, touched_s=None)
        case HubChanged(remote):
            return _stirred(pacer, remote)
        case RoundEnded(outcomes, active):
            return _ended(pacer, outcomes, active=active)
        case Paused():
            return pacer if _is_over(event, pacer.at) else replace(pacer, paused=event)
        case Resumed():
            return _resumed(pacer) if pacer.paused is not None else pacer
        case CheckDue():
            return replace(pacer, check_s=pacer.at.s)
        case Reconfigured(pace, remotes):
            return _reconfigured(pacer, pace, remotes)


def _noted(pacer: Pacer) -> Pacer:
    """The file has been quiet since it was touched, not since it was captured."""
    last_s = pacer.at.s if pacer.touched_s is None else pacer.touched_s
    first_s = pacer.changed[0] if pacer.changed is not None else last_s
    return replace(pacer, changed=(first_s, last_s), interval_s=pacer.pace.quick_s)


def _stirred(pacer: Pacer, remote: str) -> Pacer:
    """A hub that refuses, or breaks our rounds, may be moving because of what we do to it."""
    lane = pacer.lanes.get(remote)
    if lane is None or lane.outcome in ("refused", "failed"):
        return pacer
    soon_s = max(pacer.at.s + HUB_SETTLE_S, lane.ready_s(pacer.pace) if lane.failures else 0.0)
    return replace(pacer, lanes={**pacer.lanes, remote: replace(lane, due_s=min(lane.due_s, soon_s))})


def _ended(pacer: Pacer, outcomes: Mapping[str, Outcome], *, active: bool) -> Pacer:
    asked, now, pace = pacer.running, pacer.at, pacer.pace
    interval_s = pace.quick_s if active else min(pacer.interval_s * GROWTH, pace.slow_s)
    lanes = {
        name: lane.ended(outcomes[name], now, pace, interval_s) if name in outcomes else lane
        for name, lane in pacer.lanes.items()
    }
    check_s = pacer.check_s
    if asked is not None and asked.reason == "full" and "busy" in outcomes.values():
        check_s = max(lane.due_s for lane in lanes.values()) if lanes else now.s + BUSY_S[1]
    return replace(pacer, running=None, lanes=lanes, interval_s=interval_s, check_s=check_s)


def _resumed(pacer: Pacer) -> Pacer:
    """Whatever was put off is due."""
    lanes = {name: replace(lane, due_s=min(lane.due_s, pacer.at.s)) for name, lane in pacer.lanes.items()}
    return replace(pacer, paused=None, lanes=lanes, interval_s=pacer.pace.quick_s)


def _reconfigured(pacer: Pacer, pace: Pace, remotes: tuple[str, ...]) -> Pacer:
    lanes = {name: Lane(pacer.at.s) for name in remotes}
    return replace(pacer, pace=pace, lanes=lanes, interval_s=pace.quick_s, check_s=pacer.at.s)


# --- the decision


def _next_sync(pacer: Pacer) -> Sync | None:
    if pacer.running is not None or pacer.paused is not None:
        return None
    now_s = pacer.at.s
    if pacer.check_s is not None and now_s >= pacer.check_s:
        return Sync("full", tuple(pacer.lanes))
    local_s = pacer.local_s
    if local_s is None:
        due = tuple(name for name, lane in pacer.lanes.items() if now_s >= lane.due_s)
        return Sync("poll", due) if due else None
    if now_s < local_s:
        return None
    ready = (name for name, lane in pacer.lanes.items() if now_s >= lane.ready_s(pacer.pace))
    return Sync("local", tuple(ready))


def _begun(pacer: Pacer, sync: Sync) -> Pacer:
    """A round takes along whatever the file said until now."""
    lanes = {
        name: replace(lane, tried_s=pacer.at.s) if name in sync.remotes else lane
        for name, lane in pacer.lanes.items()
    }
    check_s = None if sync.reason == "full" else pacer.check_s
    return replace(pacer, running=sync, lanes=lanes, changed=None, check_s=check_s)


def _is_over(paused: Paused, now: Now) -> bool:
    return paused.until_ms is not None and now.wall_ms >= paused.until_ms
