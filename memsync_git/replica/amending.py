"""Carrying out amends: a person takes back what was done, or goes back to a former memory.

Rule 1: it is one revision of this replica like any other, so it travels, and can be taken back itself.
Rule 2: a person has seen what goes, so no machine need ask about it again.
"""

from __future__ import annotations

from memsync_git.crdt.pen import Pen, Written
from memsync_git.deeds.amends import Amends
from memsync_git.guards import INBOUND, is_large_deletion, weight
from memsync_git.replica.replica import Replica
from memsync_git.replica.values import Moment


def make_amends(replica: Replica, amends: Amends, moment: Moment, cause: str) -> Written:
    """Remove and say what amends ask for; no hold keeps it back."""
    pen = Pen(replica.state, replica.header, wall_ms=moment.wall_ms)
    records = replica.state.size
    for item, dots in amends.removed:
        pen.remove_held(item, dots)
        replica.leave_holds(item, pen)
    for item in amends.added:
        replica.leave_holds(item, pen)
        pen.add(item)
    taken = weight((item for item, _ in amends.removed), {item[:-1] for item in amends.added})
    ok = is_large_deletion(taken, records, INBOUND, nothing_left=taken >= records)
    return replica.finish(pen, moment, cause, ok=ok)
