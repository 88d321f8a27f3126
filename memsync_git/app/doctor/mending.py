"""Cures that need no decision: what `doctor --fix` does.

Rule 1: nothing is deleted. What is in the way is moved aside, what cannot be read goes to quarantine.
Rule 2: the memory file is only ever written by a round, which loses no write of a server.
Rule 3: the caller holds the lock of the round.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from memsync_git.app.clocks import SystemClock
from memsync_git.app.doctor.finding import counted
from memsync_git.app.installation import Identity, machine_id
from memsync_git.app.joining import found
from memsync_git.app.opening import Rooms
from memsync_git.app.syncing import note
from memsync_git.config.writing import change
from memsync_git.errors import FileUnusable, Misused, Offline
from memsync_git.local.disk import read_regular
from memsync_git.ports import Fetched, Snapshot, Unusable
from memsync_git.remotes.clone import Clone
from memsync_git.replica import Replica
from memsync_git.sync import RoundOptions, RoundReport, sync_round


def mend_file(rooms: Rooms) -> str:
    """Write a damaged memory file clean, after everything unreadable went to quarantine."""
    before = rooms.quarantine().size_bytes()
    report = _round(rooms, RoundOptions(set_aside=rooms.quarantine().keep))
    if not report.wrote_file:
        raise FileUnusable(report.file_reason or "The memory file could not be written.")
    kept = rooms.quarantine().size_bytes() - before
    if not kept:
        return "the file was written clean; all of it could be read"
    return f"the file was written clean; {counted(kept, 'byte')} went to {rooms.quarantine().folder}"


def sweep_file(rooms: Rooms) -> str:
    """Take in and sweep what an interrupted sync left beside the file."""
    _round(rooms, RoundOptions())
    return "what they said was taken in"


def _round(rooms: Rooms, options: RoundOptions) -> RoundReport:
    """One round. A replica that knows its file needs no remote for that; a new one meets the fleet first."""
    from memsync_git.values import replace

    with rooms.session() as session:
        if session.replica.ring:
            options = replace(options, fetch=False, publish=False)
        report = sync_round(session, options)
        session.world.file.protect()
        note(rooms, session, report)
    return report


def pin_format(rooms: Rooms, variant: str) -> str:
    """Pin what the file is."""
    change(rooms.places.config, {f"stores.{rooms.store.name}.format": variant})
    return f"{variant} is pinned now"


def keep_leftovers(rooms: Rooms, paths: Sequence[Path]) -> str:
    """Move unfinished files of a memory server to quarantine."""
    for path in paths:
        reading = read_regular(str(path), rooms.limits.max_file_bytes)
        if not isinstance(reading, Snapshot):
            continue
        refusal = rooms.quarantine().keep([bytes(reading.data)])
        if isinstance(refusal, Unusable):
            raise FileUnusable(refusal.reason, hint=refusal.hint)
        path.unlink(missing_ok=True)
    return f"moved to {rooms.quarantine().folder}"


def tighten(places: Iterable[tuple[Path, int]]) -> str:
    """Take away what others may do."""
    for path, mode in places:
        try:
            path.chmod(mode)
        except OSError as error:
            raise Misused(f"The mode of {path} cannot be changed: {error.strerror}") from error
    return "now for this account alone"


# --- the clone


def sweep_clone(clone: Clone) -> str:
    """Remove locks nobody owns."""
    clone.sweep()
    return "removed"


def renew_clone(rooms: Rooms, clone: Clone) -> str:
    """Set the clone aside and fetch it anew; it is a cache."""
    clone.set_aside()
    for settings in rooms.configuration.remotes:
        outcome = rooms.remote(settings).fetch()
        if not isinstance(outcome, Fetched):
            raise Offline(f"The clone was set aside; {settings.name} could not be fetched: {outcome.reason}")
    return f"set aside as {clone.path}/.git.damaged and fetched anew"


# --- the stores


def renew_store(rooms: Rooms) -> str:
    """Set the replica store aside and begin a new one: the next sync rebuilds it from file and remote."""
    aside = set_aside(rooms.places.store(rooms.store.name))
    with rooms.replica_store() as store:
        found(rooms, store, rooms.host)
    return f"set aside as {aside}; the next sync rebuilds it from the memory file and the remote"


def renew_identity(rooms: Rooms, replica: object) -> str:
    """Set the identity store aside; the replica still knows who this is."""
    aside = set_aside(rooms.places.identity)
    if not isinstance(replica, Replica):
        return f"set aside as {aside}; {renew_store(rooms)}"
    with rooms.installation() as installation:
        installation.set_identity(Identity(replica.rid, machine_id(), SystemClock().wall_ms()))
    return f"set aside as {aside}"


def set_aside(path: Path, why: str = "damaged") -> Path:
    """Move a store out of the way with its logs, under a name that says why and when."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    names = [path.with_name(path.name + log) for log in ("", "-wal", "-shm", "-journal")]
    for name in names:
        if name.exists():
            name.rename(name.with_name(f"{name.name}.{why}-{stamp}"))
    return path.with_name(f"{path.name}.{why}-{stamp}")
