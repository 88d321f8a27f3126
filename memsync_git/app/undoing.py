"""`undo` and `restore`: taking back what was done, and going back to a former memory.

    what is meant ─ what it would change, on a copy ─ consent ─ the same for real ─ one round

Rule 1: the preview is the act itself, carried out on copies: neither knows more than the other.
Rule 2: it is written as new facts of this machine, so it travels, and can be taken back in turn.
Rule 3: what somebody wrote since is left and told, never written over by an undo.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from memsync_git.app.acting import acting, last_txn, round_notices, whole_round
from memsync_git.app.chronicle import transactions
from memsync_git.app.moments import moment_of
from memsync_git.app.naming import full_name, hints, keys_called, names_of, nearest
from memsync_git.app.parts import change_parts, in_order, text_of
from memsync_git.app.past import VIEWS_SEARCHED, host_in, out_of_reach, state_at
from memsync_git.app.revisions import Revision, others_revisions, own_revisions
from memsync_git.app.telling import notice
from memsync_git.app.times import timestamp
from memsync_git.crdt.state import State
from memsync_git.deeds.amends import Amends, going_back, taking_back
from memsync_git.deeds.deed import Deed, together
from memsync_git.documents import AmendsDocument, NoticePart, PreviewDocument
from memsync_git.errors import MemsyncError, Misused
from memsync_git.model import Graph, Item, RecordKey, Rid, items_of, key_of
from memsync_git.options import LOCK_WAIT_S, RestoreOptions, UndoOptions
from memsync_git.replica import Moment, Replica, Txn
from memsync_git.replica.amending import make_amends
from memsync_git.stores.lock import round_lock
from memsync_git.sync.message import shown
from memsync_git.values import dataclass
from memsync_git.wire.rid import is_rid
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms

UNHARMED = "Nothing was changed."
MOST_CHANGES_LISTED = 200
MOST_NOTED = 5
NOTHING_DONE = "This machine has changed nothing yet."


@dataclass(frozen=True, slots=True)
class Undoing:
    """Take back these revisions."""

    deed: Deed
    txns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restoring:
    """Go back to a former memory; `keys`: only for these records and their relations, None for all."""

    then: Graph
    at_ms: int
    keys: tuple[RecordKey, ...] | None
    exactly: bool


@dataclass(frozen=True, slots=True)
class Intention:
    """What a person wants, in words and as it would turn out."""

    aim: Undoing | Restoring
    action: str
    preview: PreviewDocument


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has changed in the memory, and what was left."""

    added: list[Item]
    removed: list[Item]
    kept: tuple[tuple[Item, Item | None], ...]


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
    return _intention(replica, aim, f"take back {_told(meant)}")


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
    return _intention(replica, aim, f"restore {about} as of {timestamp(at_ms)}")


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
    own = own_revisions(replica, [txn for txn in txns if txn.rid == replica.rid], time.time_ns() // 1_000_000)
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
    own = [each for each in own_revisions(replica, txns, now_ms) if (each.rid, each.rev) == (rid, rev)]
    return own or _heard(rooms, replica, rid, rev, now_ms)


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
                wanted=lambda other: other == rid,
                enough=lambda found: any(each.first <= rev for each in found),
                most=VIEWS_SEARCHED,
            )
            found = [each for each in history.revisions if each.first <= rev <= each.rev]
            if found:
                return found[:1]
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


# --- what it changes


def _intention(replica: Replica, aim: Undoing | Restoring, action: str) -> Intention:
    outcome = _carried_out(replica, _moment(), aim)
    changes = change_parts(outcome.added, outcome.removed)
    preview: PreviewDocument = {
        "schema_version": SCHEMA_VERSION,
        "action": action,
        "machines": [],
        "would_add": sum(1 for part in changes if part["change"] == "add"),
        "would_remove": sum(1 for part in changes if part["change"] == "remove"),
        "would_change": sum(1 for part in changes if part["change"] == "change"),
        "changes": changes[:MOST_CHANGES_LISTED],
        "cut": max(0, len(changes) - MOST_CHANGES_LISTED),
        "notices": _kept_notices(outcome),
    }
    return Intention(aim, action, preview)


def _moment() -> Moment:
    """The circumstances of a rehearsal."""
    return Moment(time.time_ns() // 1_000_000, "", "0" * 16, 0)


def amend(rooms: Rooms, intention: Intention) -> AmendsDocument:
    """Carry out what was planned as one revision, then sync.

    Raises:
        Busy, Offline: as `app.acting.acting`.
    """
    aim = intention.aim
    with acting(rooms) as session:
        before = session.replica.header.rev
        outcome = session.act(lambda replica, moment: _carried_out(replica, moment, aim))
        txn = last_txn(session) if session.replica.header.rev > before else None
        notices = _kept_notices(outcome)
        if txn is not None:
            notices += round_notices(session, whole_round(rooms, session))
    changes = change_parts(outcome.added, outcome.removed)
    return {
        "schema_version": SCHEMA_VERSION,
        "action": intention.action,
        "undone": list(aim.txns) if isinstance(aim, Undoing) else [],
        "at": timestamp(aim.at_ms) if isinstance(aim, Restoring) else None,
        "changes": changes[:MOST_CHANGES_LISTED],
        "cut": max(0, len(changes) - MOST_CHANGES_LISTED),
        "txn": txn,
        "notices": notices,
    }


def _carried_out(replica: Replica, moment: Moment, aim: Undoing | Restoring) -> Outcome:
    """Write what is aimed at, and compare what the records touched said before and say after."""
    match aim:
        case Undoing(deed):
            amends, cause = taking_back(replica.state, deed), "undo"
        case Restoring(then, _, keys, exactly):
            amends, cause = _restored(replica, then, keys, exactly=exactly), "restore"
    said = _said(replica.state, amends.keys)
    make_amends(replica, amends, moment, cause)
    now = _said(replica.state, amends.keys)
    return Outcome(in_order(now - said), in_order(said - now), amends.kept)


def _restored(replica: Replica, then: Graph, keys: Sequence[RecordKey] | None, *, exactly: bool) -> Amends:
    is_meant: Callable[[RecordKey], bool] = lambda _: True  # noqa: E731
    if keys is not None:
        ends = {key[1] for key in keys if key[0] == "e"}
        is_meant = lambda key: key in keys or (key[0] == "l" and bool(ends & set(key[1:3])))  # noqa: E731
    return going_back(replica.state, then, replica.rid, exactly=exactly, is_meant=is_meant)


def _said(state: State, keys: Iterable[RecordKey]) -> set[Item]:
    records = (state.record(key) for key in keys)
    return {item for record in records if record is not None for item in items_of(record)}


# --- telling


def _kept_notices(outcome: Outcome) -> list[NoticePart]:
    notices = [notice(_kept_words(*each)) for each in outcome.kept[:MOST_NOTED]]
    if len(outcome.kept) > MOST_NOTED:
        notices.append(
            notice(f"Further places that somebody changed since: {len(outcome.kept) - MOST_NOTED}")
        )
    return notices


def _kept_words(wanted: Item, now: Item | None) -> str:
    name = shown(full_name(key_of(wanted)))
    if now is None:
        return f"{name} was deleted since, so nothing of it was brought back"
    what = "type" if wanted[0] == "t" else shown(str(wanted[2]))
    return f"{name} was given another {what} since, {shown(text_of(now[-1]))!r}; it stays"
