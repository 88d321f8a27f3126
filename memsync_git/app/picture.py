"""`status`: one screen, from what is stored; nothing is asked of the network."""

from __future__ import annotations

from memsync_git.app.installation import LastRound, RemoteMemory
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.parts import host_parts, timestamp
from memsync_git.app.syncing import count_conflicts, count_holds
from memsync_git.app.telling import LEFT_ALONE, notice
from memsync_git.config import RemoteSettings, StoreSettings
from memsync_git.documents import (
    SCHEMA_VERSION,
    FilePart,
    LastSyncPart,
    NoticePart,
    RemotePart,
    StateWord,
    StatusDocument,
    worst_outcome,
)
from memsync_git.model import Entity
from memsync_git.remotes.url import redacted
from memsync_git.replica import Replica


def status(rooms: Rooms) -> StatusDocument:
    """How things stand.

    Raises:
        Misused: this machine was never set up.
        StoreDamaged: the replica store cannot be read.
    """
    with rooms.reading() as installation:
        identity = installation.identity()
        if identity is None:
            raise not_set_up()
        memories = [installation.remote(each.name) for each in rooms.configuration.remotes]
        last = installation.last_round()
    replica = rooms.replica()
    remotes = [remote_part(*pair) for pair in zip(rooms.configuration.remotes, memories, strict=True)]
    files = [file_part(rooms.store, replica)]
    holds, conflicts = count_holds(replica), count_conflicts(replica)
    up, down = pending_up(rooms, replica), len(replica.behind)
    outcomes = [memory.outcome for memory in memories if memory.outcome is not None]
    worst = worst_outcome([*outcomes, *([last.outcome] if last is not None else [])]) if outcomes else None
    return {
        "schema_version": SCHEMA_VERSION,
        "state": state_word(worst, holds=holds, pending=up + down, last=last),
        "store": rooms.store.name,
        "replica": {"id": replica.rid, "host": replica.host},
        "stores": files,
        "remotes": remotes,
        "file": files[0],
        "remote": remotes[0] if remotes else None,
        "pending": {"up": up, "down": down},
        "conflicts": conflicts,
        "holds": holds,
        "hosts": host_parts(replica),
        "daemon": {"running": False, "pid": None, "heartbeat": None},
        "last_sync": _last(last),
        "next_sync": None,
        "outcome": worst,
        "notices": _notices(replica, memories, holds=holds),
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


def file_part(store: StoreSettings, replica: Replica) -> FilePart:
    """What the memory file holds, by its newest state."""
    records = replica.ring.graph.records
    entities = [record for record in records.values() if isinstance(record, Entity)]
    return {
        "store": store.name,
        "path": str(store.path),
        "format": store.format,
        "entities": len(entities),
        "relations": sum(1 for key in records if key[0] == "l"),
        "observations": sum(len(entity.observations) for entity in entities),
        "other": sum(1 for key in records if key[0] == "r"),
    }


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


def pending_up(rooms: Rooms, replica: Replica) -> int:
    """Items that some remote has not accepted yet."""
    waiting = 0
    for remote in rooms.configuration.remotes:
        mark = replica.accepted.get(remote.name)
        untold = [txn for txn in replica.unpublished if mark is None or txn.rev > mark.rev]
        waiting = max(waiting, sum(len(txn.added) + len(txn.removed) for txn in untold))
    return waiting


def _last(last: LastRound | None) -> LastSyncPart | None:
    if last is None:
        return None
    return {"at": timestamp(last.at_ms) or "", "outcome": last.outcome, "ms": last.ms}


def _notices(replica: Replica, memories: list[RemoteMemory], *, holds: int) -> list[NoticePart]:
    notices = [
        notice(memory.reason, "Local work is saved.", "memsync-git --test")
        for memory in memories
        if memory.reason and memory.outcome in ("offline", "refused")
    ]
    if replica.emptied:
        notices.append(
            notice("The memory file is empty or missing.", LEFT_ALONE, "memsync-git sync --recreate")
        )
    if holds:
        notices.append(
            notice("Deletions wait for your word.", "Nothing of it was deleted.", "memsync-git holds")
        )
    return notices
