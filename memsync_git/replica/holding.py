"""A person's word on a hold (model page, section 7).

Rule 1: accepting removes exactly the dots that were held and are still live; what came later was not seen.
Rule 2: rejecting loses nothing either way: a local hold only hid what is still live, a deletion from
elsewhere is answered with facts of our own. A register that has another value by now keeps it.
Rule 3: the file follows by itself: what a decision changed is behind, and the next round writes it.
"""

from __future__ import annotations

from memsync_git.crdt.pen import Pen, Written
from memsync_git.crdt.view import record_of
from memsync_git.guards import Hold, records_of
from memsync_git.model import Record, RecordKey
from memsync_git.replica.filtering import without_names
from memsync_git.replica.replica import Replica
from memsync_git.replica.values import Moment
from memsync_git.values import replace


def accept_hold(replica: Replica, hold_id: str, moment: Moment) -> Written:
    """Delete what a hold kept back.

    Raises:
        KeyError: there is no such hold.
    """
    hold = replica.holds.pop(hold_id)
    pen = Pen(replica.state, replica.header, wall_ms=moment.wall_ms)
    is_local = hold.origin == replica.rid
    for item in hold.items if is_local else ():
        pen.remove_held(item, hold.dots)
    return _finished(replica, hold, pen, moment, "holds accept", ok=is_local)


def reject_hold(replica: Replica, hold_id: str, moment: Moment) -> Written:
    """Keep what a hold kept back.

    Raises:
        KeyError: there is no such hold.
    """
    hold = replica.holds.pop(hold_id)
    pen = Pen(replica.state, replica.header, wall_ms=moment.wall_ms)
    again = hold.items if hold.origin != replica.rid else ()
    out = replica.left_out(again)
    for item in without_names(again, out):
        if not pen.entries(item):
            pen.add(item)
    written = _finished(replica, hold, pen, moment, "holds reject", ok=False)
    return replace(written, left_out=out)


def _finished(replica: Replica, hold: Hold, pen: Pen, moment: Moment, cause: str, *, ok: bool) -> Written:
    written = replica.finish(pen, moment, cause, ok=ok)
    replica.recheck(records_of(hold.items))
    return written


def said(replica: Replica, key: RecordKey) -> Record | None:
    """What the memory itself says of a record: nothing a hold hides, nothing a hold alone keeps."""
    return record_of(key, replica.state.live(key, replica.hidden))
