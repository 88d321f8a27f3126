"""`hosts`: the machines of the fleet; marking one as gone, and another label for this one.

Rule 1: a label is for people; the id, which everything else goes by, never changes.
Rule 2: only a machine itself can say what it is called: nobody writes another one's fragment.
Rule 3: what is said of a machine is said in every store that is meant, of which it may take part in a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from memsync_git.app.acting import acting, round_notices, whole_round
from memsync_git.app.naming import nearest
from memsync_git.app.opening import not_set_up
from memsync_git.app.parts import host_parts, machines
from memsync_git.app.several import Told, in_each, notices_together
from memsync_git.app.telling import notice
from memsync_git.config.writing import set_value
from memsync_git.crdt.pen import Pen
from memsync_git.documents import HostPart, HostsDocument, NoticePart
from memsync_git.errors import Misused
from memsync_git.model import Rid
from memsync_git.options import LOCK_WAIT_S
from memsync_git.replica import Moment, Replica
from memsync_git.stores.lock import round_lock
from memsync_git.sync.message import shown
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms

UNHARMED = "Nothing was changed."
HEARD_LATER = notice("The other machines will hear of it with the next sync.", "", "memsync-git sync")


def hosts(rooms: Rooms) -> HostsDocument:
    """Every machine that has said something, this one first.

    Raises:
        Misused: this machine was never set up.
    """
    return _together(in_each(rooms, lambda one: _document(one.replica())))


def _document(replica: Replica, notices: Iterable[NoticePart] = ()) -> HostsDocument:
    document: HostsDocument = {
        "schema_version": SCHEMA_VERSION,
        "replica": {"id": replica.rid, "host": replica.host},
        "hosts": host_parts(replica),
    }
    told = list(notices)
    return {**document, "notices": told} if told else document


def _together(told: Sequence[Told[HostsDocument]]) -> HostsDocument:
    """The machines of several stores as one list; who this is is told by the first."""
    first = told[0][1]
    if len(told) == 1:
        return first
    notices = notices_together((name, document.get("notices", ())) for name, document in told)
    together: HostsDocument = {
        "schema_version": first["schema_version"],
        "replica": first["replica"],
        "hosts": machines(host for _, document in told for host in document["hosts"]),
    }
    return {**together, "notices": notices} if notices else together


# --- retiring


def retire(rooms: Rooms, name: str) -> HostsDocument:
    """Mark a machine as gone for good, by its id or by a label only it bears. What it noted stays.

    Raises:
        Misused: it is this machine, nobody has that name, or several have.
        Busy, Offline: as `app.acting.acting`.
    """
    if rooms.identity() is None:
        raise not_set_up()
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        own = {one.replica().rid for one in rooms.each()}
        machine = _meant(hosts(rooms)["hosts"], own, name)
        rid = Rid(machine["id"])
        document = _together(in_each(rooms, partial(_retired_in, rid=rid)))
    was = notice(f"{shown(machine['host'])} was retired already.")
    return {**document, "notices": [was if machine["retired"] else HEARD_LATER]}


def _retired_in(rooms: Rooms, rid: Rid) -> HostsDocument:
    """Mark a machine in one store, if it takes part in it and was not marked there."""
    known = _document(rooms.replica())
    if all(host["id"] != rid or host["retired"] for host in known["hosts"]):
        return known
    with acting(rooms, has_lock=True) as session:
        session.act(lambda replica, moment: _retire(replica, moment, rid))
        return _document(session.replica)


def _retire(replica: Replica, moment: Moment, rid: Rid) -> None:
    pen = Pen(replica.state, replica.header, wall_ms=moment.wall_ms)
    replica.finish(pen, moment, "hosts retire", retire=[rid])


def _meant(machines: list[HostPart], own: set[Rid], name: str) -> HostPart:
    found = [machine for machine in machines if name == machine["id"]]
    found = found or [machine for machine in machines if name == machine["host"]]
    if len(found) > 1:
        raise Misused(
            f"Several machines are called {shown(name)!r}",
            unharmed=UNHARMED,
            hint="\n".join(f"memsync-git hosts retire {machine['id']}" for machine in found),
        )
    if not found:
        others = [machine for machine in machines if machine["id"] not in own]
        known = nearest([text for machine in others for text in (machine["id"], machine["host"])], name)
        raise Misused(
            f"No machine is called {shown(name)!r}",
            unharmed=UNHARMED,
            hint="\n".join(f"memsync-git hosts retire {each}" for each in known) or "memsync-git hosts",
        )
    if found[0]["id"] in own:
        raise Misused(
            "This machine cannot retire itself.",
            unharmed=UNHARMED,
            hint="on another machine: memsync-git hosts retire " + found[0]["id"],
        )
    return found[0]


# --- renaming


def rename(rooms: Rooms, label: str) -> HostsDocument:
    """Call this machine by another label, here and, with a sync, everywhere.

    Raises:
        Misused: this machine was never set up, or the label is none.
        Busy, Offline: as `app.acting.acting`.
    """
    wanted = label.strip()
    if not wanted:
        raise Misused("A label is a word people know this machine by.", unharmed=UNHARMED)
    if rooms.identity() is None:
        raise not_set_up()
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        return _together(in_each(rooms, partial(_renamed_in, label=wanted)))


def _renamed_in(rooms: Rooms, label: str) -> HostsDocument:
    with acting(rooms, has_lock=True) as session:
        if session.replica.host == label:
            return _document(session.replica, [notice(f"This machine is called {label} already.")])
        set_value(rooms.places.config, "replica.host", label)
        session.act(lambda replica, moment: _rename(replica, moment, label))
        notices = round_notices(session, whole_round(rooms, session))
        return _document(session.replica, notices)


def _rename(replica: Replica, moment: Moment, label: str) -> None:
    replica.host = label
    replica.finish(
        Pen(replica.state, replica.header, wall_ms=moment.wall_ms), moment, "hosts rename", host=label
    )
