"""What the memory said before: from the revisions of this machine, and from what main once held.

Rule 1: main holds a cut for every publish, so it answers to the grain of syncs, not of keystrokes.
Rule 2: nothing is fetched: history is what this machine has heard, deepened only where a clone began shallow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from memsync_git.conflicts import taken_by_delete, touches
from memsync_git.crdt.fragment import Fragment, Stamp
from memsync_git.crdt.state import State
from memsync_git.model import Item, RecordKey, Rid, key_of
from memsync_git.options import LOCK_WAIT_S
from memsync_git.replica import Txn, rows
from memsync_git.stores.lock import round_lock

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.ports import PastView, Remote
    from memsync_git.sync import Session

VIEWS_SEARCHED = 500
"""Cuts looked through for a deletion: weeks of a busy fleet, seconds of reading."""


def host_in(state: State, rid: Rid) -> str:
    """The label of a machine, its rid where none is known."""
    header = state.header(rid)
    return header.host if header is not None else rid


def wall_ms(state: State, stamp: Stamp) -> int:
    """When a fact was noted, by the clock on the wall of its machine."""
    ts, rid, n = stamp
    key = state.home((rid, n))
    entries = state.records_of(rid)[key].entries() if key is not None else ()
    walls = [entry.wall_ms for entry in entries if entry.n == n and entry.wall_ms is not None]
    return walls[0] if walls else ts


# --- the memory at a moment


def state_at(rooms: Rooms, at_ms: int) -> State | None:
    """The newest cut that stood on main at a moment; None if history does not reach back that far.

    Raises:
        Busy: another sync held the lock, and with it the clone, for ten seconds.
    """
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        found = [view for view in (_view_at(remote, at_ms) for remote in rooms.remotes()) if view is not None]
    newest = max(found, key=lambda view: view.at_ms or 0, default=None)
    return State(newest.fragments) if newest is not None else None


def _view_at(remote: Remote, at_ms: int) -> PastView | None:
    views = remote.past_views()
    return next((view for view in views if view.at_ms is not None and view.at_ms <= at_ms), None)


# --- what a delete took


def taken_from(session: Session, key: RecordKey) -> list[Item]:
    """What the delete of a record took that was edited meanwhile; empty where that is not known any more."""
    replica = session.replica
    here = _deletion_here(rows.transactions(session.world.store), key)
    for remote in session.world.remotes:
        step = _deletion_on_main(islice(remote.past_views(), VIEWS_SEARCHED), replica.state, key)
        if step is not None:
            found = dict.fromkeys(taken_by_delete(*step, key))
            if here is not None and here.rev > _own_rev(step[0], here.rid):
                found |= dict.fromkeys(_taken_by(here, key))
            return list(found)
    return _taken_by(here, key) if here is not None else []


def _deletion_on_main(views: Iterable[PastView], now: State, key: RecordKey) -> tuple[State, State] | None:
    """The newest cut that had the record whole, and the one that followed."""
    later: PastView | None = None
    for view in views:
        if _is_anchored(view.fragments, key):
            return State(view.fragments), State(later.fragments) if later is not None else now
        later = view
    return None


def _is_anchored(fragments: Iterable[Fragment], key: RecordKey) -> bool:
    """Whether a record was whole in a cut; nothing else of the cut is looked at."""
    parts = (
        Fragment(each.header, {key: each.records[key]} if key in each.records else {}) for each in fragments
    )
    return State(parts).live(key).anchored


def _own_rev(state: State, rid: Rid) -> int:
    header = state.header(rid)
    return header.rev if header is not None else 0


def _deletion_here(txns: Sequence[Txn], key: RecordKey) -> Txn | None:
    """The revision in which this machine deleted the record last."""
    for txn in reversed(txns):
        if any(item[0] in ("t", "l", "d") and key_of(item) == key for item in txn.removed):
            return txn
    return None


def _taken_by(txn: Txn, key: RecordKey) -> list[Item]:
    return [item for item in txn.removed if touches(item, key)]
