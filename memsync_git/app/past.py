"""What the memory said before: from the revisions of this machine, and from what main once held.

Rule 1: main holds a cut for every publish, so it answers to the grain of syncs, not of keystrokes; of this
machine every revision is kept.
Rule 2: nothing is fetched: history is what this machine has heard, deepened only where a clone began shallow.
Rule 3: the order of main is true and its times are claims: they are believed as far as they agree with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from memsync_git.app.times import timestamp
from memsync_git.conflicts import taken_by_delete, touches
from memsync_git.crdt.fragment import Fragment, Stamp
from memsync_git.crdt.state import State
from memsync_git.deeds.dating import dated
from memsync_git.deeds.replaying import Kept, replayed
from memsync_git.errors import Offline
from memsync_git.model import Item, RecordKey, Rid, key_of
from memsync_git.options import LOCK_WAIT_S
from memsync_git.ports import PastHead, PastView
from memsync_git.replica import Txn, rows
from memsync_git.stores.lock import round_lock
from memsync_git.values import dataclass, replace

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.ports import Remote
    from memsync_git.sync import Session

VIEWS_SEARCHED = 500
"""Cuts looked through for a deletion: weeks of a busy fleet, seconds of reading."""
HEADS_BEYOND = 64
"""Commits read beyond a moment: a wrong clock is told by the right ones about it."""


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


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """Older commits exist, and cannot be had now."""


def state_at(rooms: Rooms, at_ms: int, now_ms: int) -> State | None:
    """The memory at a moment: a cut of main, and what this machine had done beyond it; None before both.

    Raises:
        Misused: this machine was never set up.
        Busy: another sync held the lock, and with it the clone, for ten seconds.
        Offline: the clone does not reach back that far, and older commits could not be fetched.
    """
    replica = rooms.replica()
    if at_ms >= now_ms:
        return replica.state
    with rooms.store_reader() as reader:
        txns = [txn for txn in rows.transactions(reader) if txn.rid == replica.rid]
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        found = [_cut_at(remote, at_ms, now_ms) for remote in rooms.remotes()]
    cuts = [cut for cut in found if isinstance(cut, PastView)]
    if not cuts and any(isinstance(cut, OutOfReach) for cut in found):
        raise out_of_reach(f"what the memory was at {timestamp(at_ms)}")
    newest = max(cuts, key=lambda cut: cut.at_ms or 0, default=None)
    kept = [revision for revision in _revisions(txns, now_ms) if revision.at_ms <= at_ms]
    if newest is None and not kept:
        return None
    return replayed(newest.fragments if newest is not None else (), replica.header, kept)


def out_of_reach(what: str) -> Offline:
    """The answer where older commits exist, and cannot be had."""
    return Offline(
        f"The clone on this machine does not reach back far enough to tell {what}.",
        unharmed="Older commits could not be fetched. Nothing was changed.",
        hint="memsync-git --test",
    )


def _revisions(txns: Sequence[Txn], now_ms: int) -> list[Kept]:
    """The own revisions, each at the time its place among them allows."""
    times = dated([txn.at_ms for txn in txns], now_ms)
    return [Kept(txn.rev, at_ms, txn.added, txn.removed) for txn, at_ms in zip(txns, times, strict=True)]


def _cut_at(remote: Remote, at_ms: int, now_ms: int) -> PastView | OutOfReach | None:
    """The newest cut on main at a moment, with the time the chain gives it; None before the first."""
    heads = _heads_around(remote.past_heads(), at_ms, now_ms)
    times = reversed(dated([head.at_ms for head in reversed(heads)], now_ms))
    for head, dated_ms in zip(heads, times, strict=True):
        if dated_ms <= at_ms:
            view = next(remote.past_views(head.head), None)
            return OutOfReach() if view is None else replace(view, at_ms=dated_ms)
    return OutOfReach() if heads and not heads[-1].is_first else None


def _heads_around(heads: Iterator[PastHead], at_ms: int, now_ms: int) -> list[PastHead]:
    """The commits of main back to a moment, and enough beyond it to tell wrong clocks by."""
    found: list[PastHead] = []
    while batch := list(islice(heads, HEADS_BEYOND)):
        found += batch
        times = dated([head.at_ms for head in reversed(found)], now_ms)
        if sum(dated_ms <= at_ms for dated_ms in times) >= HEADS_BEYOND:
            break
    return found


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
