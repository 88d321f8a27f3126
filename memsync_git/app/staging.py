"""The staged way: `stash`, `pull`, `apply` and `push`, each a part of a round and no other.

    stash ─ the file is read, what it says is recorded        pull ─ what the remotes say is joined
    push ─ what was recorded is published                     apply ─ what was joined goes into the file

Rule 1: `pull` and `push` do not even look at the file; what is published is what was recorded before.
Rule 2: `apply` records first: what it writes is merged with what stands there.
Rule 3: each leaves the replica between rounds, as a crash might. So any order is safe, any part may fail, and
the next `sync` goes on from there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memsync_git.app.keeping import keep_small
from memsync_git.app.naming import hints, nearest
from memsync_git.app.noting import noted
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.parts import change_parts, in_order, pending_up, preview_of, staged_items
from memsync_git.app.syncing import document_of, note
from memsync_git.app.telling import notice
from memsync_git.documents import (
    GroupPart,
    PreviewDocument,
    StagedAction,
    StagedDocument,
    StockPart,
    WaitingDocument,
)
from memsync_git.errors import Misused
from memsync_git.options import LOCK_WAIT_S
from memsync_git.replica.picking import changes_to, groups_waiting, names_waiting, picked_keys
from memsync_git.stores.lock import round_lock
from memsync_git.sync import RoundOptions, sync_round
from memsync_git.sync.message import shown
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.model import Item, RecordKey
    from memsync_git.replica import Replica
    from memsync_git.sync import RoundReport, Session

MOST_LISTED = 50
MOST_SUGGESTED = 3
STASH = RoundOptions(fetch=False, publish=False, apply=False)
PULL = RoundOptions(capture=False, publish=False, apply=False)
PUSH = RoundOptions(capture=False, fetch=False, apply=False)
NOT_YET_MET = "The memory file was never synced on this machine; a whole round has to come first."


# --- the parts of a round


def stash(rooms: Rooms) -> StagedDocument:
    """Record what the memory file says, without publishing it.

    Raises:
        Misused, Busy, StoreDamaged: as `app.syncing.sync`.
    """
    return _done(rooms, "stash", STASH)


def pull(rooms: Rooms) -> StagedDocument:
    """Fetch and join what the others say; the memory file is not touched.

    Raises:
        Misused, Busy, StoreDamaged: as `app.syncing.sync`.
    """
    return _done(rooms, "pull", PULL)


def push(rooms: Rooms) -> StagedDocument:
    """Publish what was recorded; the memory file is not looked at.

    Raises:
        Misused, Busy, StoreDamaged: as `app.syncing.sync`.
    """
    return _done(rooms, "push", PUSH)


def apply(rooms: Rooms, names: Collection[str] = ()) -> StagedDocument:
    """Write what was joined into the memory file: all of it, or what these names pick.

    Raises:
        Misused: nothing about one of the names waits, or this machine was never set up.
        Busy, StoreDamaged: as `app.syncing.sync`.
    """
    with _at_work(rooms) as session:
        taken_in = sync_round(session, STASH)
        _require_waiting(session.replica, names)
        before = session.replica.ring.graph.items()
        only = frozenset(names) if names else None
        report = sync_round(session, RoundOptions(fetch=False, publish=False, only=only))
        report.local.add(taken_in.local)
        session.world.file.protect()
        note(rooms, session, report)
        after = session.replica.ring.graph.items()
        return _document(rooms, session.replica, "apply", report, (after - before, before - after))


def _done(rooms: Rooms, action: StagedAction, options: RoundOptions) -> StagedDocument:
    with _at_work(rooms) as session:
        report = sync_round(session, options)
        note(rooms, session, report)
        keep_small(session.world.remotes)
        return _document(rooms, session.replica, action, report)


@contextmanager
def _at_work(rooms: Rooms) -> Iterator[Session]:
    """A session under the round lock."""
    if rooms.identity() is None:
        raise not_set_up()
    with noted(rooms, "command"), round_lock(rooms.lock_path, LOCK_WAIT_S), rooms.session() as session:
        if not session.exists:
            raise not_set_up()
        yield session


# --- looking before


def preview(rooms: Rooms, names: Collection[str] = ()) -> PreviewDocument:
    """What `apply` would change in the memory file, found by doing it on copies.

    Raises:
        Misused: nothing about one of the names waits, or this machine was never set up.
    """
    from memsync_git.app.rehearsal import rehearse

    if rooms.identity() is None:
        raise not_set_up()
    _require_waiting(rooms.replica(), names)
    only = frozenset(names) if names else None
    rehearsed = rehearse(rooms, RoundOptions(fetch=False, publish=False, only=only), fetched_from=())
    before, after = rehearsed.before.items(), rehearsed.after.items()
    changes = change_parts(in_order(after - before), in_order(before - after))
    told = document_of(rehearsed.report, rehearsed.replica, dry_run=True)["notices"]
    action = "apply" if only is None else f"apply {', '.join(sorted(map(shown, only)))}"
    return preview_of(action, changes, notices=told)


def waiting(rooms: Rooms) -> WaitingDocument:
    """What waits to be applied, by name, for a person who picks.

    Raises:
        Misused: this machine was never set up.
    """
    replica = rooms.replica()
    groups = groups_waiting(replica)
    return {
        "schema_version": SCHEMA_VERSION,
        "groups": [_group(replica, name, keys) for name, keys in groups.items()],
    }


def _group(replica: Replica, name: str, keys: Collection[RecordKey]) -> GroupPart:
    come, gone = changes_to(replica, keys)
    return {"name": name, "changes": change_parts(in_order(come), in_order(gone))}


def _require_waiting(replica: Replica, names: Iterable[str]) -> None:
    known = names_waiting(replica)
    for name in names:
        if name not in known and not picked_keys(replica, {name}):
            meant = nearest(known, name) or sorted(known)[:MOST_SUGGESTED]
            raise Misused(
                f"Nothing about {shown(name)!r} waits to be applied.",
                unharmed="Nothing was changed.",
                hint=hints("apply --only", meant) or "memsync-git pull  fetches what is new",
            )


# --- telling


def _document(
    rooms: Rooms,
    replica: Replica,
    action: StagedAction,
    report: RoundReport,
    applied: tuple[Collection[Item], Collection[Item]] = ((), ()),
) -> StagedDocument:
    synced = document_of(report, replica)
    remotes = [each.name for each in rooms.configuration.remotes]
    notices = list(synced["notices"])
    if report.file == "waiting" and not report.file_reason:
        notices.append(notice(NOT_YET_MET, "Nothing was changed.", "memsync-git sync"))
    return {
        "schema_version": SCHEMA_VERSION,
        "action": action,
        "outcome": synced["outcome"],
        "local": synced["local"],
        "remote": synced["remote"],
        "applied": change_parts(*map(in_order, applied)),
        "staged": _stock(*staged_items(remotes, replica), count=pending_up(remotes, replica)),
        "waiting": _stock(*changes_to(replica, replica.behind)),
        "conflicts": synced["conflicts"],
        "holds": synced["holds"],
        "published": synced["published"],
        "wrote_file": synced["wrote_file"],
        "ms": synced["ms"],
        "txn": synced["txn"],
        "remotes": synced["remotes"],
        "notices": notices,
    }


def _stock(come: Collection[Item], gone: Collection[Item], count: int | None = None) -> StockPart:
    parts = change_parts(in_order(come), in_order(gone))
    return {
        "count": len(parts) if count is None else count,
        "changes": parts[:MOST_LISTED],
        "cut": max(0, len(parts) - MOST_LISTED),
    }
