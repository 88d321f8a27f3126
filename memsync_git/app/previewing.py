"""What carrying out a plan of `init` would change, found by doing it on copies."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from memsync_git.app.clocks import SystemChance, SystemClock
from memsync_git.app.opening import Rooms
from memsync_git.app.parts import change_parts, host_parts, in_order
from memsync_git.app.planning import Plan, configured, is_there, legacy
from memsync_git.app.telling import notice
from memsync_git.documents import PreviewDocument
from memsync_git.formats import Decoded, decode
from memsync_git.model import Item
from memsync_git.ports import Snapshot
from memsync_git.replica import Replica
from memsync_git.replica.rows import transactions
from memsync_git.wire.rid import new_rid
from memsync_git.words import SCHEMA_VERSION

MOST_CHANGES_LISTED = 200


def preview(plan: Plan) -> PreviewDocument:
    """What joining would change, found by doing it on copies."""
    from memsync_git.app.rehearsal import HurriedClock, ReadOnlyRemote
    from memsync_git.local.memory import MemoryFile
    from memsync_git.remotes.git import GitRemote
    from memsync_git.stores.memory import MemoryStore
    from memsync_git.sync import RoundOptions, Session, World, sync_round

    rooms = configured(plan)
    reading = rooms.file().read()
    file = MemoryFile(SystemClock().wall_ms, reading.data if isinstance(reading, Snapshot) else None)
    with tempfile.TemporaryDirectory(prefix="memsync-git-preview-") as folder:
        remotes = []
        if not plan.is_hub or is_there(plan.remote):
            remote = GitRemote(
                Path(folder) / "clone",
                plan.remote.url,
                clock=SystemClock(),
                branch=plan.remote.branch,
                store=plan.store.name,
                timeout_s=plan.remote.timeout_s,
            )
            remotes = [ReadOnlyRemote(remote)]
        store = MemoryStore()
        world = World(file, store, HurriedClock(), SystemChance(), remotes, rooms.settings())
        session = Session(world)
        session.begin(Replica(new_rid(plan.host, SystemChance().token()), plan.host, plan.store.name))
        older = legacy(plan) if plan.kind == "older tool" else ()
        sync_round(session, RoundOptions(drop=plan.drop, legacy=older, set_aside=_only_pretended))
    replica = session.replica
    up = [item for txn in transactions(store) for item in txn.added]
    after = replica.ring.graph.items()
    before = _items_of(rooms, reading)
    return _preview(plan, replica, up, list(after - before), list(before - after))


def _only_pretended(pieces: Sequence[bytes]) -> None:
    """In a rehearsal nothing is quarantined: the file is only a copy."""
    del pieces


def _items_of(rooms: Rooms, reading: object) -> set[Item]:
    if not isinstance(reading, Snapshot):
        return set()
    decoded = decode(reading.data, rooms.store.format, rooms.limits)
    return decoded.graph.items() if isinstance(decoded, Decoded) else set()


def _preview(
    plan: Plan, replica: Replica, up: list[Item], come: list[Item], gone: list[Item]
) -> PreviewDocument:
    changes = change_parts(in_order(come), in_order(gone))
    shared = change_parts(up, ())
    notices = list(plan.notices)
    if shared:
        items = "1 item" if len(shared) == 1 else f"{len(shared)} items"
        notices.append(notice(f"{items} would be added to the shared memory."))
    return {
        "schema_version": SCHEMA_VERSION,
        "action": f"join {plan.remote.url} as {plan.host}",
        "machines": [part for part in host_parts(replica) if part["id"] != replica.rid],
        "would_add": sum(1 for part in changes if part["change"] == "add"),
        "would_remove": sum(1 for part in changes if part["change"] == "remove"),
        "would_change": sum(1 for part in changes if part["change"] == "change"),
        "changes": changes[:MOST_CHANGES_LISTED],
        "cut": max(0, len(changes) - MOST_CHANGES_LISTED),
        "notices": notices,
    }
