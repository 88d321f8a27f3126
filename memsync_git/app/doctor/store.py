"""Checks of what this machine knows: its stores, its replica, and what waits for a person."""

from __future__ import annotations

from memsync_git.app.doctor.case import Broken, Case
from memsync_git.app.doctor.finding import FIX, Finding, counted, fail, ok, warn
from memsync_git.app.doctor.mending import renew_identity, renew_store
from memsync_git.app.installation import Identity
from memsync_git.app.telling import count_conflicts, count_holds
from memsync_git.errors import Busy
from memsync_git.replica import Replica
from memsync_git.replica.identity import is_retired, is_shared
from memsync_git.stores.checking import complaint

LONG_UNPUBLISHED_MS = 24 * 3600 * 1000
REBUILD = f"{FIX}  sets it aside; the next sync rebuilds it from the memory file and the remote"
SYNC_RENAMES = "memsync-git sync  takes a new id; nothing is lost by it"
NO_REPLICA = "there is no replica to look at"


def store(case: Case) -> Finding:
    """The replica store: SQLite's own check, and whether a replica can be read from it."""
    path = case.rooms.places.store(case.rooms.store.name)
    found = case.replica
    if isinstance(found, Broken) and isinstance(found.error, Busy):
        return warn(found.reason.rstrip("."), "run the command again")
    if isinstance(found, Broken):
        return fail(found.reason.rstrip("."), REBUILD, mend=lambda: renew_store(case.rooms))
    wrong = complaint(path)
    if wrong:
        return fail(f"{path} is damaged: {wrong}", REBUILD, mend=lambda: renew_store(case.rooms))
    if found is None:
        return fail(f"{path} holds no replica", REBUILD, mend=lambda: renew_store(case.rooms))
    return ok(f"{path}, revision {found.header.rev}")


def identity(case: Case) -> Finding:
    """The identity store, and whether it agrees with the replica."""
    path, found = case.rooms.places.identity, case.identity
    wrong = found.reason if isinstance(found, Broken) else complaint(path)
    if wrong:
        return fail(
            f"{path} cannot be used: {wrong}".rstrip("."),
            f"{FIX}  sets it aside and writes it anew",
            mend=lambda: renew_identity(case.rooms, case.replica),
        )
    replica = case.replica if case.rooms.is_first else None
    if isinstance(replica, Replica) and isinstance(found, Identity) and replica.rid != found.rid:
        return warn(f"The store is {replica.rid}, the installation says {found.rid}", "memsync-git sync")
    return ok(str(path))


def witness(case: Case) -> Finding:
    """Whether the store is as new as the memory file."""
    if case.witness is None:
        return ok("the store is as new as the memory file")
    return warn(
        "The replica store is older than the memory file, as after restoring a backup",
        "memsync-git sync  rebuilds it from the remote",
    )


def shared_id(case: Case) -> Finding:
    """Whether another installation writes under the same id."""
    replica = case.replica
    if not isinstance(replica, Replica):
        return ok(NO_REPLICA)
    upstream = [fragment for _, fetched in case.fetched for fragment in fetched.fragments]
    if is_shared(replica, upstream):
        return warn(f"Another installation writes as {replica.rid}: one is a copy of the other", SYNC_RENAMES)
    return ok(f"only this machine writes as {replica.rid}")


def retired(case: Case) -> Finding:
    """Whether somebody has retired this machine."""
    replica = case.replica
    if not isinstance(replica, Replica):
        return ok(NO_REPLICA)
    upstream = (each.header.retired for _, fetched in case.fetched for each in fetched.fragments)
    if is_retired(replica) or any(replica.rid in retired for retired in upstream):
        return warn(f"Another machine has retired {replica.rid}", SYNC_RENAMES)
    return ok("in use")


def holds(case: Case) -> Finding:
    """Deletions that wait for a person."""
    replica = case.replica
    count = count_holds(replica) if isinstance(replica, Replica) else 0
    if not count:
        return ok("none")
    return warn(
        f"{counted(count, 'large deletion waits', 'large deletions wait')} for you", "memsync-git holds"
    )


def conflicts(case: Case) -> Finding:
    """Values people have to choose between."""
    replica = case.replica
    count = count_conflicts(replica) if isinstance(replica, Replica) else 0
    if not count:
        return ok("none")
    return warn(f"{counted(count, 'conflict waits', 'conflicts wait')} for a choice", "memsync-git conflicts")


def unpublished(case: Case) -> Finding:
    """Changes of this machine that nobody else has had for long."""
    replica = case.replica
    waiting = replica.unpublished if isinstance(replica, Replica) else []
    if not waiting:
        return ok("everything is published")
    oldest_ms = case.clock.wall_ms() - waiting[0].at_ms
    told = f"{counted(len(waiting), 'change')} not published yet"
    return (
        warn(f"{told}, for more than a day", "memsync-git sync")
        if oldest_ms > LONG_UNPUBLISHED_MS
        else ok(told)
    )
