"""`undo` and `restore`: taking back what was done, and going back to a former memory.

    what is meant ─ what it would change, on a copy ─ consent ─ the same for real ─ one round

Rule 1: here is found what is meant; what it changes is found, and done, by `amending.py`.
Rule 2: what a person names is looked for in what this machine has kept, then on main.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from memsync_git.app.amending import UNHARMED, Intention, Restoring, Undoing, intention
from memsync_git.app.chronicle import transactions
from memsync_git.app.moments import moment_of
from memsync_git.app.naming import hints, keys_called, names_of, nearest
from memsync_git.app.past import VIEWS_SEARCHED, host_in, out_of_reach, state_at
from memsync_git.app.revisions import Revision, ordered, others_revisions, own_revisions
from memsync_git.app.times import timestamp
from memsync_git.crdt.state import State
from memsync_git.deeds.deed import together
from memsync_git.errors import MemsyncError, Misused
from memsync_git.model import RecordKey, Rid
from memsync_git.options import LOCK_WAIT_S, RestoreOptions, UndoOptions
from memsync_git.replica import Replica, Txn
from memsync_git.stores.lock import round_lock
from memsync_git.sync.message import shown
from memsync_git.wire.rid import is_rid

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms

NOTHING_DONE = "This machine has changed nothing yet."


# --- what is meant


def plan_undo(rooms: Rooms, options: UndoOptions) -> Intention:
    """What taking back would change; nothing is written.

    Raises:
        Misused: this machine was never set up, or nobody made such a revision.
        MemsyncError: this machine has changed nothing yet.
        Offline: the clone does not reach back to the revision, and older commits could not be fetched.
        Busy: another sync held the clone for ten seconds.
    """
    replica, txns = _now(rooms)
    meant = (
        _last(replica, txns, options.last)
        if options.txn is None
        else _named(rooms, replica, txns, options.txn)
    )
    aim = Undoing(together(each.deed for each in meant), tuple(each.txn for each in meant))
    return intention(replica, aim, f"take back {_told(meant)}")


def plan_restore(rooms: Rooms, options: RestoreOptions) -> Intention:
    """What going back would change; nothing is written.

    Raises:
        Misused: this machine was never set up, `at` names no moment, or a name is known neither then nor now.
        MemsyncError: there was no memory at that moment yet.
        Offline: the clone does not reach back that far, and older commits could not be fetched.
        Busy: another sync held the clone for ten seconds.
    """
    replica, _ = _now(rooms)
    now_ms = time.time_ns() // 1_000_000
    at_ms = moment_of(options.at, now_ms)
    if at_ms > now_ms:
        raise Misused(f"{timestamp(at_ms)} is yet to come", unharmed=UNHARMED)
    then = state_at(rooms, at_ms, now_ms)
    if then is None:
        raise MemsyncError(
            f"There was no memory at {timestamp(at_ms)} yet",
            unharmed=UNHARMED,
            hint="memsync-git log  tells what was changed since",
        )
    keys = _keys(replica.state, then, options.names) if options.names else None
    aim = Restoring(then.graph(), at_ms, keys, options.exactly)
    about = ", ".join(map(shown, options.names)) or "the whole memory"
    return intention(replica, aim, f"restore {about} as of {timestamp(at_ms)}")


def _now(rooms: Rooms) -> tuple[Replica, list[Txn]]:
    """The replica as it will be once its file is taken in, which the act does first, and its revisions."""
    from memsync_git.app.rehearsal import rehearse
    from memsync_git.sync import RoundOptions

    rooms.replica()
    replica = rehearse(rooms, RoundOptions(fetch=False, publish=False, apply=False), ()).replica
    kept = {(txn.rid, txn.rev): txn for txn in (*transactions(rooms), *replica.unpublished)}
    return replica, list(kept.values())


def _last(replica: Replica, txns: Sequence[Txn], count: int) -> list[Revision]:
    """The last own revisions that changed anything, oldest first."""
    under_this_id = own_revisions(replica, [txn for txn in txns if txn.rid == replica.rid])
    own = ordered(under_this_id, (), time.time_ns() // 1_000_000)
    if not own:
        raise MemsyncError(NOTHING_DONE, unharmed=UNHARMED, hint="memsync-git log  tells what others changed")
    return own[-count:]


def _named(rooms: Rooms, replica: Replica, txns: Sequence[Txn], name: str) -> list[Revision]:
    """The revision of that name, of whichever machine; its label will do where only one bears it."""
    machine, _, number = name.rpartition(":")
    rids = _rids(replica.state, machine)
    if len(rids) > 1:
        raise Misused(
            f"Several machines are called {shown(machine)!r}",
            unharmed=UNHARMED,
            hint="\n".join(f"memsync-git undo {rid}:{shown(number)}" for rid in rids),
        )
    if not rids or not number.isascii() or not number.isdigit():
        raise Misused(
            f"{shown(name)!r} names no revision", unharmed=UNHARMED, hint="memsync-git log  lists them"
        )
    now_ms, rid, rev = time.time_ns() // 1_000_000, rids[0], int(number)
    own = ordered(own_revisions(replica, txns), (), now_ms)
    meant = [each for each in own if (each.rid, each.rev) == (rid, rev)]
    return meant or _heard(rooms, replica, rid, rev, now_ms)


def _rids(state: State, machine: str) -> list[Rid]:
    """The machines that are meant by an id or a label."""
    return (
        [Rid(machine)] if is_rid(machine) else [rid for rid in state.rids if host_in(state, rid) == machine]
    )


def _heard(rooms: Rooms, replica: Replica, rid: Rid, rev: int, now_ms: int) -> list[Revision]:
    """What another machine published with that revision in it."""
    is_whole = True
    header = replica.state.header(rid)
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        for remote in rooms.remotes() if header is not None and 0 < rev <= header.rev else ():
            history = others_revisions(
                remote,
                replica,
                now_ms,
                wanted=lambda found: found.rid == rid,
                enough=lambda found, _: any(each.first <= rev for each in found),
                most=VIEWS_SEARCHED,
            )
            found = [each for each in history.revisions if each.first <= rev <= each.rev]
            if found:
                return ordered(found[:1], [history], now_ms)
            is_whole = is_whole and history.is_whole
    if not is_whole:
        raise out_of_reach(f"what {rid}:{rev} changed")
    raise Misused(f"No revision is called {rid}:{rev}", unharmed=UNHARMED, hint="memsync-git log  lists them")


def _told(meant: Sequence[Revision]) -> str:
    """Revisions in words: `desk-91c2:17 (desk, 2026-11-20T11:30:00Z)`."""
    if len(meant) > 1:
        return f"the last {len(meant)} changes of this machine"
    only = meant[0]
    together_ = "" if only.first == only.rev else f", published together since {only.rid}:{only.first}"
    return f"{only.txn} ({only.host}, {timestamp(only.at_ms)}{together_})"


def _keys(now: State, then: State, names: Iterable[str]) -> tuple[RecordKey, ...]:
    found: list[RecordKey] = []
    for name in names:
        keys = dict.fromkeys([*keys_called(now, name), *keys_called(then, name)])
        if not keys:
            known = nearest(names_of(now) | names_of(then), name)
            raise Misused(
                f"The memory says nothing about {shown(name)!r}, and did not then",
                unharmed=UNHARMED,
                hint=hints("log", known),
            )
        found += keys
    return tuple(found)
