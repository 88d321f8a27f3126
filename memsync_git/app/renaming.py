"""`hosts rename`: another label for this machine.

Rule 1: a label is for people; the id, which everything else goes by, never changes.
Rule 2: only a machine itself can say what it is called: nobody writes another one's fragment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsync_git.app.acting import acting, round_notices, whole_round
from memsync_git.app.parts import host_parts
from memsync_git.app.telling import notice
from memsync_git.config.writing import set_value
from memsync_git.crdt.pen import Pen
from memsync_git.documents import HostsDocument
from memsync_git.errors import Misused
from memsync_git.replica import Moment, Replica
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms


def rename(rooms: Rooms, label: str) -> HostsDocument:
    """Call this machine by another label, here and, with a sync, everywhere.

    Raises:
        Misused: this machine was never set up, or the label is none.
        Busy, Offline: as `app.acting.acting`.
    """
    wanted = label.strip()
    if not wanted:
        raise Misused("A label is a word people know this machine by.", unharmed="Nothing was changed.")
    with acting(rooms) as session:
        if session.replica.host == wanted:
            notices = [notice(f"This machine is called {wanted} already.")]
        else:
            set_value(rooms.places.config, "replica.host", wanted)
            session.act(lambda replica, moment: _rename(replica, moment, wanted))
            notices = round_notices(session, whole_round(rooms, session))
        replica = session.replica
        return {
            "schema_version": SCHEMA_VERSION,
            "replica": {"id": replica.rid, "host": replica.host},
            "hosts": host_parts(replica),
            "notices": notices,
        }


def _rename(replica: Replica, moment: Moment, label: str) -> None:
    replica.host = label
    replica.finish(
        Pen(replica.state, replica.header, wall_ms=moment.wall_ms), moment, "hosts rename", host=label
    )
