"""Carrying out amends: a person takes back what was done, or goes back to a former memory.

Rule 1: it is one revision of this replica like any other, so it travels, and can be taken back itself.
Rule 2: a person has seen what goes, so no machine need ask about it again.
"""

from __future__ import annotations

from memsync_git.crdt.pen import Pen, Written
from memsync_git.deeds.amends import Amends
from memsync_git.guards import INBOUND, is_large_deletion, weight
from memsync_git.replica.filtering import without_names
from memsync_git.replica.replica import Replica
from memsync_git.replica.values import Moment
from memsync_git.values import replace


def make_amends(replica: Replica, amends: Amends, moment: Moment, cause: str) -> Written:
    """Remove and say what amends ask for, but for names left out; no hold keeps it back."""
    out = replica.left_out([*(item for item, _ in amends.removed), *amends.added])
    dots = dict(amends.removed)
    removed, added = without_names(dots, out), without_names(amends.added, out)
    pen = Pen(replica.state, replica.header, wall_ms=moment.wall_ms)
    records = replica.state.size
    for item in removed:
        pen.remove_held(item, dots[item])
        replica.leave_holds(item, pen)
    for item in added:
        replica.leave_holds(item, pen)
        pen.add(item)
    taken = weight(removed, {item[:-1] for item in added})
    ok = is_large_deletion(taken, records, INBOUND, nothing_left=taken >= records)
    return replace(replica.finish(pen, moment, cause, ok=ok), left_out=out)
