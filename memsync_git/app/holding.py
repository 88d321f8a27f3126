"""`holds`: what waits for a person's word, and giving it.

Rule 1: an emptied or missing memory file is one hold of everything it held, called `file`.
Rule 2: a word is given about what was shown: what comes to be held meanwhile waits for another.
Rule 3: what stands in the file again, or was deleted there again, has been decided by its owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from memsync_git.app.acting import acting, round_notices, whole_round
from memsync_git.app.parts import item_part
from memsync_git.app.past import host_in
from memsync_git.app.telling import left_out_notices, notice
from memsync_git.app.times import timestamp
from memsync_git.documents import HoldPart, HoldsDocument, NoticePart
from memsync_git.errors import Misused
from memsync_git.guards import Hold
from memsync_git.model import Item
from memsync_git.replica import Replica
from memsync_git.replica.holding import accept_hold, reject_hold
from memsync_git.sync.capture import EMPTIED
from memsync_git.sync.message import shown
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.sync import RoundOptions, Session

FILE = "file"
MOST_LISTED = 20
UNHARMED = "Nothing was changed."
NOTHING_HELD = "Nothing is held."
DELETED_HERE = "One version of the memory file deletes this much at once."
_ORDER = {"t": 0, "d": 1, "l": 2, "o": 3, "f": 4}


# --- listing


def holds(rooms: Rooms) -> HoldsDocument:
    """Deletions that wait for a person, oldest first.

    Raises:
        Misused: this machine was never set up.
    """
    return _document(rooms.replica())


def _document(
    replica: Replica, decided: Iterable[str] = (), notices: Iterable[NoticePart] = ()
) -> HoldsDocument:
    waiting = sorted(replica.holds.values(), key=lambda hold: (hold.at_ms, hold.id))
    return {
        "schema_version": SCHEMA_VERSION,
        "holds": [*_emptied(replica), *(_part(replica, hold) for hold in waiting)],
        "decided": list(decided),
        "notices": list(notices),
    }


def _emptied(replica: Replica) -> list[HoldPart]:
    """The hold of everything, while the file lies empty or missing."""
    if replica.emptied_ms is None:
        return []
    items = replica.ring.graph.items()
    return [_hold_part(replica, FILE, FILE, replica.emptied_ms, EMPTIED, items)]


def _part(replica: Replica, hold: Hold) -> HoldPart:
    if hold.origin == replica.rid:
        return _hold_part(replica, hold.id, FILE, hold.at_ms, DELETED_HERE, hold.items)
    host = host_in(replica.state, hold.origin)
    reason = f"{shown(host)} deleted this much at once."
    return _hold_part(replica, hold.id, host, hold.at_ms, reason, hold.items)


def _hold_part(
    replica: Replica, identity: str, source: str, at_ms: int, reason: str, items: Collection[Item]
) -> HoldPart:
    ordered = sorted(items, key=lambda item: (_ORDER[item[0]], str(item[1:])))
    return {
        "id": identity,
        "store": replica.store,
        "source": source,
        "at": timestamp(at_ms) or "",
        "reason": reason,
        "entities": sum(1 for item in items if item[0] == "t"),
        "relations": sum(1 for item in items if item[0] == "l"),
        "observations": sum(1 for item in items if item[0] == "o"),
        "items": [item_part(item) for item in ordered[:MOST_LISTED]],
        "cut": max(0, len(ordered) - MOST_LISTED),
    }


# --- deciding


def decide(rooms: Rooms, ids: tuple[str, ...], *, accept: bool) -> HoldsDocument:
    """Delete (accept) or keep (reject) what is held, then sync. No ids means all that wait.

    Raises:
        Misused: none of them has such an id.
        Busy, Offline: as `app.acting.acting`.
    """
    before = [part["id"] for part in holds(rooms)["holds"]]
    wanted = list(dict.fromkeys(ids)) or before
    with acting(rooms) as session:
        standing = [*before, *_ids(session.replica)]
        _require_known(wanted, standing)
        decided, notices = _decided(session, wanted, accept=accept)
        recreate = FILE in decided and not accept
        report = whole_round(rooms, session, _options(recreate=recreate))
        return _document(session.replica, decided, notices + round_notices(session, report))


def _ids(replica: Replica) -> list[str]:
    return [*([FILE] if replica.emptied else []), *replica.holds]


def _require_known(wanted: Iterable[str], known: Collection[str]) -> None:
    for identity in wanted:
        if identity not in known:
            raise Misused(
                f"No hold has the id {shown(identity)!r}", unharmed=UNHARMED, hint="memsync-git holds"
            )


def _options(*, recreate: bool) -> RoundOptions:
    from memsync_git.sync import RoundOptions

    return RoundOptions(recreate=recreate)


def _decided(session: Session, wanted: Iterable[str], *, accept: bool) -> tuple[list[str], list[NoticePart]]:
    """Carry out one word about several holds; what has dissolved meanwhile is told."""
    decided: list[str] = []
    notices: list[NoticePart] = []
    for identity in wanted:
        if identity not in _ids(session.replica):
            notices.append(_dissolved(identity))
            continue
        notices += left_out_notices(_carry_out(session, identity, accept=accept))
        decided.append(identity)
    return decided, notices or ([] if decided else [notice(NOTHING_HELD)])


def _dissolved(identity: str) -> NoticePart:
    if identity == FILE:
        return notice("The memory file is there again, so what it held is held no longer.")
    return notice(f"What {identity} held stands in the memory file again, or was deleted there again.")


def _carry_out(session: Session, identity: str, *, accept: bool) -> frozenset[str]:
    """Do what a person decided; return the names left out of it."""
    if identity != FILE:
        decision = accept_hold if accept else reject_hold
        return session.act(lambda replica, moment: decision(replica, identity, moment)).left_out
    if accept:
        from memsync_git.sync import RoundReport, capture

        capture(session, RoundReport(), accepted=True)
    return frozenset()
