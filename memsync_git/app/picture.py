"""`status`: one screen, from what is stored; nothing is asked of the network."""

from __future__ import annotations

from memsync_git.app.installation import LastRound, RemoteMemory
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.summary import Summary
from memsync_git.app.telling import NOTHING_DELETED, notice, remote_notices
from memsync_git.app.times import timestamp
from memsync_git.config import RemoteSettings
from memsync_git.documents import (
    SCHEMA_VERSION,
    LastSyncPart,
    NoticePart,
    RemotePart,
    StateWord,
    StatusDocument,
    worst_outcome,
)
from memsync_git.redaction import redacted

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
    summary = rooms.summary()
    remotes = [remote_part(*pair) for pair in zip(rooms.configuration.remotes, memories, strict=True)]
    pending = summary["up"] + summary["down"]
    outcomes = [memory.outcome for memory in memories if memory.outcome is not None]
    worst = worst_outcome([*outcomes, *([last.outcome] if last is not None else [])]) if outcomes else None
    return {
        "schema_version": SCHEMA_VERSION,
        "state": state_word(worst, holds=summary["holds"], pending=pending, last=last),
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
        "daemon": {"running": False, "pid": None, "heartbeat": None},
        "last_sync": _last(last),
        "next_sync": None,
        "outcome": worst,
        "notices": _notices(summary, memories),
    }


def state_word(outcome: str | None, *, holds: int, pending: int, last: LastRound | None) -> StateWord:
    """One word for how things stand."""
    if holds or outcome in ("unusable", "held", "refused", "failed"):
        return "attention"
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
        each for memory in memories for each in remote_notices(memory.name, memory.outcome, memory.reason)
    ]
    if summary["emptied"]:
        notices.append(notice("The memory file is empty or missing.", NOTHING_DELETED, ANSWER))
    return notices
