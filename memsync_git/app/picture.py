"""`status`: one screen, from what is stored; nothing is asked of the network.

Rule 1: a sync that stopped is trouble, however well the last one went (`silence.py`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from memsync_git.app.history import LastRound
from memsync_git.app.installation import RemoteMemory
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.signs import Signs, has_stopped, signs_of
from memsync_git.app.silence import Evidence, Silence, silence_of
from memsync_git.app.summary import Summary
from memsync_git.app.telling import LOCAL_WORK_IS_SAFE, NOTHING_DELETED, notice, remote_notices
from memsync_git.app.times import timestamp
from memsync_git.config import RemoteSettings
from memsync_git.redaction import redacted
from memsync_git.words import SCHEMA_VERSION, StateWord, worst_outcome

if TYPE_CHECKING:
    from memsync_git.documents import LastSyncPart, NoticePart, RemotePart, SilencePart, StatusDocument

ANSWER = "memsync-git sync --recreate  writes it anew\nmemsync-git holds accept  deletes everything it held"

TRY = "memsync-git sync  tries now\nmemsync-git doctor  finds out why"


def status(rooms: Rooms) -> StatusDocument:
    """How things stand, in all stores that are meant.

    Raises:
        Misused: this machine was never set up.
        StoreDamaged: the replica store cannot be read.
    """
    stores = rooms.each()
    if len(stores) == 1 and not rooms.unadopted():
        return _status(stores[0])
    from memsync_git.app.several import status_of_each

    return status_of_each(rooms, _status)


def _status(rooms: Rooms) -> StatusDocument:
    with rooms.reading() as installation:
        identity = installation.identity()
        if identity is None:
            raise not_set_up()
        memories = [installation.remote(each.name) for each in rooms.configuration.remotes]
        last, streak, signs = installation.last_round(), installation.streak(), signs_of(installation)
    summary = rooms.summary()
    evidence = _evidence(rooms, summary, last, streak.succeeded_ms or identity.created_ms)
    silence = _silence(rooms, evidence, signs)
    up_by = summary.get("up_by", {})
    remotes = [
        remote_part(settings, memory, pending=up_by.get(settings.name, summary["up"]))
        for settings, memory in zip(rooms.configuration.remotes, memories, strict=True)
    ]
    pending = summary["up"] + summary["down"]
    outcomes = [memory.outcome for memory in memories if memory.outcome is not None]
    worst = worst_outcome([*outcomes, *([last.outcome] if last is not None else [])]) if outcomes else None
    is_stopped = has_stopped(last, signs, rooms.configuration.sync.cron_interval_min)
    return {
        "schema_version": SCHEMA_VERSION,
        "state": "attention"
        if silence is not None
        else state_word(
            worst, holds=summary["holds"], pending=pending, last=last, signs=signs, is_stopped=is_stopped
        ),
        "store": rooms.store.name,
        "replica": {"id": summary["rid"], "host": summary["host"]},
        "stores": [summary["file"]],
        "remotes": remotes,
        "file": summary["file"],
        "remote": remotes[0] if remotes else None,
        "pending": {"up": summary["up"], "down": summary["down"]},
        "staged": summary.get("up_names", []),
        "waiting": summary.get("down_names", []),
        "conflicts": summary["conflicts"],
        "holds": summary["holds"],
        "hosts": summary["hosts"],
        "daemon": signs.daemon_part(),
        "pause": signs.pause_part(),
        "last_sync": _last(last),
        "last_success": timestamp(streak.succeeded_ms),
        "failing_since": timestamp(streak.failing_ms),
        "silence": _silence_part(silence),
        "next_sync": timestamp(signs.next_ms),
        "outcome": worst,
        "notices": [*_notices(summary, memories), *_silence_notices(silence)],
    }


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


def remote_part(settings: RemoteSettings, memory: RemoteMemory, *, pending: int = 0) -> RemotePart:
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
        "pending": pending,
    }


def _last(last: LastRound | None) -> LastSyncPart | None:
    if last is None:
        return None
    return {"at": timestamp(last.at_ms) or "", "outcome": last.outcome, "ms": last.ms}


# --- silence


def _evidence(rooms: Rooms, summary: Summary, last: LastRound | None, succeeded_ms: int) -> Evidence:
    """What is known of the last success, and of what waits for the next."""
    changed_ms = None
    with suppress(OSError):
        changed_ms = rooms.store.path.stat().st_mtime_ns // 1_000_000
    return Evidence(
        succeeded_ms,
        waiting_ms=summary.get("up_since_ms"),
        looked_ms=last.at_ms if last is not None else None,
        changed_ms=changed_ms,
    )


def _silence(rooms: Rooms, evidence: Evidence, signs: Signs) -> Silence | None:
    """The silence there is; one that a person wished for is none."""
    if signs.is_paused:
        return None
    interval_min = rooms.configuration.sync.cron_interval_min
    return silence_of(evidence, now_ms=signs.now_ms, interval_min=interval_min)


def _silence_part(silence: Silence | None) -> SilencePart | None:
    if silence is None:
        return None
    return {"since": timestamp(silence.since_ms) or "", "waiting": silence.is_waiting}


def _silence_notices(silence: Silence | None) -> list[NoticePart]:
    """Since when it is silent, and what to do."""
    if silence is None:
        return []
    since = timestamp(silence.since_ms)
    if silence.is_waiting:
        told = f"Changes made here wait, and no sync has succeeded since {since}"
        return [notice(told, LOCAL_WORK_IS_SAFE, TRY)]
    return [notice(f"No sync has succeeded since {since}", NOTHING_DELETED, TRY)]


def _notices(summary: Summary, memories: list[RemoteMemory]) -> list[NoticePart]:
    notices = [
        each
        for memory in memories
        for each in remote_notices(memory.name, memory.outcome, memory.reason, memory.hint)
    ]
    if summary["emptied"]:
        notices.append(notice("The memory file is empty or missing.", NOTHING_DELETED, ANSWER))
    return notices
