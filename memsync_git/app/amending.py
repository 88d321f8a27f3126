"""What `undo` and `restore` do once it is known what is meant: shown on a copy, and carried out.

Rule 1: the preview is the act itself, carried out on a copy: neither knows more than the other.
Rule 2: it is written as new facts of this machine, so it travels, and can be taken back in turn.
Rule 3: what somebody wrote since is left and told, never written over by an undo.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from memsync_git.app.acting import acting, last_txn, round_notices, whole_round
from memsync_git.app.naming import full_name
from memsync_git.app.parts import (
    MOST_CHANGES_LISTED,
    change_parts,
    in_order,
    item_part,
    preview_of,
    text_of,
)
from memsync_git.app.telling import left_out_notices, notice
from memsync_git.app.times import timestamp
from memsync_git.crdt.state import State
from memsync_git.deeds.amends import Amends, going_back, taking_back
from memsync_git.deeds.deed import Deed
from memsync_git.documents import AmendsDocument, NoticePart, PreviewDocument
from memsync_git.model import Graph, Item, RecordKey, items_of, key_of
from memsync_git.replica import Moment, Replica
from memsync_git.replica.amending import make_amends
from memsync_git.sync.message import shown
from memsync_git.values import dataclass
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms

UNHARMED = "Nothing was changed."
MOST_NOTED = 5


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
    """What has changed in the memory, and what was left; `left_out`: names this machine does not share."""

    added: list[Item]
    removed: list[Item]
    kept: tuple[tuple[Item, Item | None], ...]
    left_out: frozenset[str]


# --- what it changes


def intention(replica: Replica, aim: Undoing | Restoring, action: str) -> Intention:
    outcome = _carried_out(replica, _moment(), aim)
    changes = change_parts(outcome.added, outcome.removed)
    return Intention(aim, action, preview_of(action, changes, notices=_notices(aim, outcome)))


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
        notices = _notices(aim, outcome)
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
    written = make_amends(replica, amends, moment, cause)
    now = _said(replica.state, amends.keys)
    return Outcome(in_order(now - said), in_order(said - now), amends.kept, written.left_out)


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


def _notices(aim: Undoing | Restoring, outcome: Outcome) -> list[NoticePart]:
    is_empty = not (outcome.added or outcome.removed or outcome.kept)
    ended = _ended_notices(aim.deed) if isinstance(aim, Undoing) and is_empty else []
    return ended + _kept_notices(outcome)


def _ended_notices(deed: Deed) -> list[NoticePart]:
    """Why taking back what kept everything as it stood changes nothing."""
    stood = [item_part(item) for item, beaten in deed.kept if beaten]
    if not stood:
        return []
    about = f"{shown(stood[0]['name'])} kept {shown(stood[0]['value'])!r}"
    others = f" and {len(stood) - 1} more" if len(stood) > 1 else ""
    said = f"It only ended a conflict: {about}{others}. An undo brings no conflict back"
    return [notice(said, hint="memsync-git log  lists what can be taken back")]


def _kept_notices(outcome: Outcome) -> list[NoticePart]:
    notices = [notice(_kept_words(*each)) for each in outcome.kept[:MOST_NOTED]]
    if len(outcome.kept) > MOST_NOTED:
        notices.append(
            notice(f"Further places that somebody changed since: {len(outcome.kept) - MOST_NOTED}")
        )
    return notices + left_out_notices(outcome.left_out)


def _kept_words(wanted: Item, now: Item | None) -> str:
    name = shown(full_name(key_of(wanted)))
    if now is None:
        return f"{name} was deleted since, so nothing of it was brought back"
    what = "type" if wanted[0] == "t" else shown(str(wanted[2]))
    if now == wanted:
        return f"{name} was given the same {what} again since, {shown(text_of(now[-1]))!r}; it stays"
    return f"{name} was given another {what} since, {shown(text_of(now[-1]))!r}; it stays"
