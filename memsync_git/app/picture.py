"""`status`: one screen, from what is stored; nothing is asked of the network."""

from __future__ import annotations

from dataclasses import dataclass

from memsync_git.app.clocks import SystemClock
from memsync_git.app.installation import Installation, LastRound, RemoteMemory
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.pulse import FRESH_FOR_S, Pause, Pulse, is_beating
from memsync_git.app.summary import Summary
from memsync_git.app.telling import NOTHING_DELETED, notice, remote_notices
from memsync_git.app.times import timestamp
from memsync_git.config import RemoteSettings
from memsync_git.documents import (
    SCHEMA_VERSION,
    DaemonPart,
    LastSyncPart,
    NoticePart,
    PausePart,
    RemotePart,
    StateWord,
    StatusDocument,
    worst_outcome,
)
from memsync_git.remotes.url import redacted

MISSED_RUNS = 2
"""Runs of cron that may be missed, one when the clock changes and one to a long round."""

ANSWER = "memsync-git sync --recreate  writes it anew\nmemsync-git holds accept  deletes everything it held"


def status(rooms: Rooms) -> StatusDocument:
    """How things stand.

    Raises:
        Misused: this machine was never set up.
        StoreDamaged: the replica store cannot be read.
    """
    with rooms.reading() as installation:
        if installation.identity() is None:
            raise not_set_up()
        memories = [installation.remote(each.name) for each in rooms.configuration.remotes]
        last = installation.last_round()
        signs = signs_of(installation)
    summary = rooms.summary()
    remotes = [remote_part(*pair) for pair in zip(rooms.configuration.remotes, memories, strict=True)]
    pending = summary["up"] + summary["down"]
    outcomes = [memory.outcome for memory in memories if memory.outcome is not None]
    worst = worst_outcome([*outcomes, *([last.outcome] if last is not None else [])]) if outcomes else None
    is_stopped = has_stopped(last, signs, rooms.configuration.sync.cron_interval_min)
    return {
        "schema_version": SCHEMA_VERSION,
        "state": state_word(
            worst, holds=summary["holds"], pending=pending, last=last, signs=signs, is_stopped=is_stopped
        ),
        "store": rooms.store.name,
        "replica": {"id": summary["rid"], "host": summary["host"]},
        "stores": [summary["file"]],
        "remotes": remotes,
        "file": summary["file"],
        "remote": remotes[0] if remotes else None,
        "pending": {"up": summary["up"], "down": summary["down"]},
        "conflicts": summary["conflicts"],
        "holds": summary["holds"],
        "hosts": summary["hosts"],
        "daemon": signs.daemon_part(),
        "pause": signs.pause_part(),
        "last_sync": _last(last),
        "next_sync": timestamp(signs.next_ms),
        "outcome": worst,
        "notices": _notices(summary, memories),
    }


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
    if signs.pulse is not None and last.at_ms <= signs.pulse.beat_ms:
        return True
    return abs(signs.now_ms - last.at_ms) > (1 + MISSED_RUNS) * cron_interval_min * 60_000


def state_word(
    outcome: str | None, *, holds: int, pending: int, last: LastRound | None, signs: Signs, is_stopped: bool
) -> StateWord:
    """One word for how things stand, the one that asks most of a person first."""
    if holds or outcome in ("unusable", "held", "refused", "failed"):
        return "attention"
    if signs.is_paused:
        return "paused"
    if is_stopped:
        return "stopped"
    if signs.is_syncing:
        return "syncing"
    if outcome == "offline":
        return "offline"
    if pending or last is None:
        return "pending"
    return "in_sync"


def remote_part(settings: RemoteSettings, memory: RemoteMemory) -> RemotePart:
    """A remote, and how it last went."""
    return {
        "name": settings.name,
        "kind": settings.kind,
        "url": redacted(settings.url),
        "branch": settings.branch,
        "head": memory.head or None,
        "last_fetch": timestamp(memory.fetched_ms),
        "last_push": timestamp(memory.published_ms),
        "outcome": memory.outcome,
    }


def _last(last: LastRound | None) -> LastSyncPart | None:
    if last is None:
        return None
    return {"at": timestamp(last.at_ms) or "", "outcome": last.outcome, "ms": last.ms}


def _notices(summary: Summary, memories: list[RemoteMemory]) -> list[NoticePart]:
    notices = [
        each
        for memory in memories
        for each in remote_notices(memory.name, memory.outcome, memory.reason, memory.hint)
    ]
    if summary["emptied"]:
        notices.append(notice("The memory file is empty or missing.", NOTHING_DELETED, ANSWER))
    return notices
