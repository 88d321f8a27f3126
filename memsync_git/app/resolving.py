"""`conflicts` and `resolve`: what was written differently at the same time, and ending it.

Rule 1: a choice becomes an ordinary write of everything joined so far (`conflicts.py` says of what), is
durable at once, and travels with the round that follows.
Rule 2: what a choice does not fit is left, counted and told, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from memsync_git.app.acting import acting, last_txn, round_notices, whole_round
from memsync_git.app.choosing import Taken, answer, picked
from memsync_git.app.naming import full_name, is_called, keys_called, unknown
from memsync_git.app.parts import deed_parts, text_of
from memsync_git.app.past import host_in, taken_from, wall_ms
from memsync_git.app.telling import count_conflicts, left_out_notices, notice
from memsync_git.app.times import timestamp
from memsync_git.conflicts import Contest, Survivor, contests, field_of, record_key, together
from memsync_git.crdt.fragment import Stamp
from memsync_git.crdt.pen import Written
from memsync_git.crdt.view import Conflict
from memsync_git.deeds.deed import deed_of
from memsync_git.documents import ConflictPart, ConflictsDocument, NoticePart, ResolvedDocument, ValuePart
from memsync_git.model import Item
from memsync_git.options import ResolveOptions, Restore
from memsync_git.replica import Moment, Replica
from memsync_git.sync.message import shown
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.sync import Session

NO_CONFLICTS = "There are no conflicts."
NONE_FITS = "No conflict fits this choice."
KEPT_AS_IT_STANDS = "What the delete took is not known here any more, so it was kept as it stands"


# --- listing


def conflicts(rooms: Rooms, name: str | None = None) -> ConflictsDocument:
    """Registers with several live values, and records edited while deleted; of one name, or all.

    Raises:
        Misused: this machine was never set up, or the memory does not know the name.
    """
    replica = rooms.replica()
    found = contests(replica.state)
    if name is not None:
        found = [contest for contest in found if is_called(record_key(contest), name)]
        if not found and not keys_called(replica.state, name):
            raise unknown(replica.state, name, "conflicts")
    return {
        "schema_version": SCHEMA_VERSION,
        "conflicts": [_part(replica, contest) for contest in found],
    }


def _part(replica: Replica, contest: Contest) -> ConflictPart:
    match contest:
        case Conflict(_, values):
            texts = [(stamp, None if value is None else text_of(value)) for stamp, value in values]
            winners = {values[0][0]}
        case Survivor(_, kept):
            texts = [(stamp, _words(item)) for stamp, item in kept]
            winners = {stamp for stamp, _ in kept}
        case _:
            assert_never(contest)
    return {
        "store": replica.store,
        "kind": "written" if isinstance(contest, Conflict) else "deleted",
        "name": full_name(record_key(contest)),
        "field": field_of(contest),
        "values": [_value(replica, stamp, text, is_winner=stamp in winners) for stamp, text in texts],
    }


def _words(item: Item) -> str:
    """What was added to a deleted record."""
    return f"{item[2]} = {text_of(item[3])}" if item[0] == "f" else text_of(item[-1])


def _value(replica: Replica, stamp: Stamp, text: str | None, *, is_winner: bool) -> ValuePart:
    rid = stamp[1]
    return {
        "value": text,
        "id": rid,
        "host": host_in(replica.state, rid),
        "at": timestamp(wall_ms(replica.state, stamp)),
        "mine": rid == replica.rid,
        "winner": is_winner,
    }


# --- resolving


def resolve(rooms: Rooms, options: ResolveOptions) -> ResolvedDocument:
    """End conflicts by writing a choice, then sync; without a remote it is published later.

    Raises:
        Misused: the name, the field or the machine fits no conflict, or more than one.
        Busy, Offline: as `app.acting.acting`.
    """
    with acting(rooms) as session:
        taken = _taken(session, options)
        written, notices = session.act(lambda replica, moment: _write(replica, moment, options, taken))
        txn = last_txn(session) if written else None
        report = whole_round(rooms, session)
        return {
            "schema_version": SCHEMA_VERSION,
            "resolved": deed_parts(deed_of(written.added, written.removed, {}, written.beaten)),
            "left": count_conflicts(session.replica),
            "txn": txn,
            "notices": notices + round_notices(session, report),
        }


def _taken(session: Session, options: ResolveOptions) -> Taken:
    """What the deletes took that are to be undone: read before the act, as history may take a while."""
    if not isinstance(options.choice, Restore):
        return {}
    keys = [record_key(contest) for contest in picked(session.replica, options)]
    return {key: taken_from(session, key) for key in keys}


def _write(
    replica: Replica, moment: Moment, options: ResolveOptions, taken: Taken
) -> tuple[Written, list[NoticePart]]:
    meant = picked(replica, options)
    answers = [answer(replica, contest, options, taken) for contest in meant]
    whole = together(each for each in answers if each is not None)
    written = replica.write(whole.removed, whole.added, moment, cause="resolve", anew=True)
    left_out = left_out_notices(written.left_out)
    if not written and not left_out:
        return written, [notice(NONE_FITS if count_conflicts(replica) else NO_CONFLICTS)]
    return written, left_out + _unrestored(meant, taken)


def _unrestored(meant: Sequence[Contest], taken: Taken) -> list[NoticePart]:
    bare = [key for key in map(record_key, meant) if key in taken and not taken[key]]
    return [notice(f"{KEPT_AS_IT_STANDS}: {shown(full_name(key))}") for key in bare]
