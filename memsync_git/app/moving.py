"""`import`: what another tool or an old copy says, added to the memory.

Rule 1: an import adds and never deletes: where the memory has another type or field value, it keeps it.
Rule 2: what is there already is not said again, so importing twice adds nothing.
Rule 3: who wrote a foreign row, and when, is counted for people and never taken over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsync_git.app.acting import acting, last_txn, round_notices, whole_round
from memsync_git.app.foreign import Foreign, foreign_at, foreign_of
from memsync_git.app.naming import full_name
from memsync_git.app.parts import change_parts, preview_of, text_of
from memsync_git.app.telling import count_of, left_out_notices, notice
from memsync_git.documents import CountPart, ImportDocument, NoticePart, PreviewDocument
from memsync_git.formats import VARIANTS
from memsync_git.model import Graph, Item, Record, items_of
from memsync_git.replica import Moment, Replica
from memsync_git.replica.filtering import names_in
from memsync_git.replica.holding import said
from memsync_git.sync.message import shown
from memsync_git.values import dataclass
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.crdt.pen import Written

MOST_NOTED = 5


@dataclass(frozen=True, slots=True)
class Gain:
    """What an import means for a memory.

    removed: registers without a value that get one. known: items that stand there already.
    kept: (imported item, value the memory keeps) where the two differ. left_out: names this machine does not
    share, of which nothing is added.
    """

    added: tuple[Item, ...]
    removed: tuple[Item, ...]
    known: int
    kept: tuple[tuple[Item, str], ...]
    left_out: frozenset[str]


# --- what the app offers


def preview_import(rooms: Rooms, path: str, *, as_entities: bool = False) -> PreviewDocument:
    """What importing a file or a folder would add; nothing is written.

    With `as_entities` memories that are no rows of a graph come as entities, not as generic records.

    Raises:
        Misused: this machine was never set up, or the file cannot be read or says nothing.
    """
    return _preview(rooms, foreign_at(rooms, path, as_entities=as_entities))


def preview_data(rooms: Rooms, data: bytes, source: str) -> PreviewDocument:
    """The same for bytes from anywhere; `source` is what people call them."""
    return _preview(rooms, foreign_of(rooms, data, source))


def _preview(rooms: Rooms, foreign: Foreign) -> PreviewDocument:
    gain = gain_of(replica_of_now(rooms), foreign.imported.graph)
    changes = change_parts(gain.added, gain.removed)
    action = f"import {foreign.source} ({foreign.format})"
    return preview_of(action, changes, notices=_notices(rooms, foreign, gain))


def replica_of_now(rooms: Rooms) -> Replica:
    """The replica as it will be once the memory file is taken in, which an import does first."""
    from memsync_git.app.rehearsal import rehearse
    from memsync_git.sync import RoundOptions

    rooms.replica()
    return rehearse(rooms, RoundOptions(fetch=False, publish=False, apply=False), ()).replica


def import_file(rooms: Rooms, path: str, *, as_entities: bool = False) -> ImportDocument:
    """Add what a file or a folder says as one revision, then sync; `as_entities` as in the preview.

    Raises:
        Misused: this machine was never set up, or the file cannot be read or says nothing.
        Busy, Offline: as `app.acting.acting`.
    """
    return _import(rooms, foreign_at(rooms, path, as_entities=as_entities))


def import_under_lock(rooms: Rooms, path: str) -> ImportDocument:
    """`import_file` for a caller that holds the lock of the round."""
    return _import(rooms, foreign_at(rooms, path), has_lock=True)


def import_data(rooms: Rooms, data: bytes, source: str) -> ImportDocument:
    """The same for bytes from anywhere; `source` is what people call them."""
    return _import(rooms, foreign_of(rooms, data, source))


def _import(rooms: Rooms, foreign: Foreign, *, has_lock: bool = False) -> ImportDocument:
    with acting(rooms, has_lock=has_lock) as session:
        gain, written = session.act(lambda replica, moment: _write(replica, moment, foreign))
        txn = last_txn(session) if written else None
        notices = _notices(rooms, foreign, gain)
        if written:
            notices += round_notices(session, whole_round(rooms, session))
    return {
        "schema_version": SCHEMA_VERSION,
        "source": foreign.source,
        "format": foreign.format,
        "imported": _counted(written),
        "known": gain.known,
        "unreadable": len(foreign.imported.unreadable),
        "txn": txn,
        "notices": notices,
    }


def _write(replica: Replica, moment: Moment, foreign: Foreign) -> tuple[Gain, Written]:
    gain = gain_of(replica, foreign.imported.graph)
    return gain, replica.write(gain.removed, gain.added, moment, cause="import")


def _counted(written: Written) -> CountPart:
    from memsync_git.sync.report import Tally

    tally = Tally()
    tally.count(written.added, written.removed)
    return count_of(tally)


# --- what is new


def gain_of(replica: Replica, graph: Graph) -> Gain:
    """What a graph says that the memory does not; what only a hold keeps or hides counts as new."""
    added: list[Item] = []
    removed: list[Item] = []
    kept: list[tuple[Item, str]] = []
    known = 0
    out = replica.left_out([item for record in graph for item in items_of(record)] if replica.rules else ())
    for record in graph:
        if not out.isdisjoint(names_in(record.key)):
            continue
        standing = _values_of(said(replica, record.key))
        for item in items_of(record):
            place, value = _place_of(item)
            if place not in standing:
                added.append(item)
            elif standing[place] == value or value is None:
                known += 1
            elif standing[place] is None:
                removed.append((*place, None))
                added.append(item)
            else:
                kept.append((item, text_of(standing[place])))
    return Gain(tuple(added), tuple(removed), known, tuple(kept), out)


def _values_of(record: Record | None) -> dict[Item, object]:
    return dict(map(_place_of, items_of(record))) if record is not None else {}


def _place_of(item: Item) -> tuple[Item, object]:
    """A register and its value; of anything else the item itself, which is there or not."""
    return (item[:-1], item[-1]) if item[0] in ("t", "f") else (item, True)


# --- telling


def _notices(rooms: Rooms, foreign: Foreign, gain: Gain) -> list[NoticePart]:
    imported = foreign.imported
    notices = [notice(_kept_words(item, value)) for item, value in gain.kept[:MOST_NOTED]]
    if len(gain.kept) > MOST_NOTED:
        notices.append(notice(f"Further values that are kept as they are: {len(gain.kept) - MOST_NOTED}"))
    notices += [
        notice(f"{imported.counts} {damage.line} cannot be read: {damage.reason}")
        for damage in imported.unreadable[:MOST_NOTED]
    ]
    if imported.notes:
        stamped = f"Rows that say who wrote them and when: {len(imported.notes)}"
        notices.append(notice(f"{stamped}; that is not taken over."))
    notices += left_out_notices(gain.left_out)
    if imported.deleted:
        notices.append(notice(f"Deleted there, and left out: {imported.deleted}"))
    homeless = _homeless(rooms, gain)
    if homeless:
        outside = f"Items that cannot stand in a file of the format {rooms.store.format}: {homeless}"
        hint = "" if foreign.as_entities or not _generics(gain) else "add --as entities to see them there"
        notices.append(notice(f"{outside}; the shared memory keeps them.", hint=hint))
    return notices


def _homeless(rooms: Rooms, gain: Gain) -> int:
    projection = VARIANTS[rooms.store.format].projection
    return sum(1 for item in gain.added if not projection.holds(item))


def _generics(gain: Gain) -> bool:
    """Whether memories come that are no rows of a graph."""
    return any(item[0] == "d" for item in gain.added)


def _kept_words(item: Item, value: str) -> str:
    if item[0] == "t":
        return f"{shown(item[1])} keeps its type {shown(value)}; the file says {shown(text_of(item[2]))}"
    name, said_there = shown(full_name(item[1])), shown(text_of(item[3]))
    return f"{name} keeps {shown(str(item[2]))} = {shown(value)}; the file says {said_there}"
