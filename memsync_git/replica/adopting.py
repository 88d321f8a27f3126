"""The first version of a memory file that a replica meets (guard 4), and a store older than its file.

Rule 1: a file equal to a view the fleet once had was written from that view: a reinstall resurrects nothing.
Rule 2: otherwise the file and the memory are united; what both say gets no new facts, and registers take
the file's own time, so that an old copy does not beat newer values.
Rule 3: a store older than its file (the witness knows revisions the store lacks) infers nothing until it
holds what the file was written from; then it is a new replica with that view as its base.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set

from memsync_git.crdt.fragment import Fragment
from memsync_git.crdt.pen import Pen
from memsync_git.crdt.state import State
from memsync_git.inference import FileState, Kind, Ring
from memsync_git.model import Graph, Item, RecordKey, Rid, items_of, key_of
from memsync_git.replica.observing import observe
from memsync_git.replica.replica import Replica
from memsync_git.replica.values import Moment, Observed, Version
from memsync_git.stretches import Order, entity_order


def order_of(graph: Graph) -> Order:
    """The entity names of a graph, in row order."""
    return entity_order(graph.records)


def adopt(replica: Replica, version: Version, moment: Moment, *, without: Collection[Item] = ()) -> Observed:
    """Unite a file with the memory, as its first version.

    `without`: items of the file the fleet has deleted and that are to stay deleted (`--join drop`).
    """
    replica.project(version.projection)
    replica.compare()
    pen = Pen(replica.state, replica.header, wall_ms=moment.wall_ms)
    ts = min(version.mtime_ms, moment.wall_ms)
    said = version.graph.records
    spoken_of = said.keys() if without else pen.add_new(said, ts=ts)
    for record in version.graph if spoken_of else ():
        for item in items_of(record) if record.key in spoken_of else ():
            if item not in without:
                pen.add(item, ts=ts if item[0] in ("t", "f") else None)
    written = replica.finish(pen, moment, "adopt")
    known = dict(replica.state.nexts())
    enter_first(replica, version, moment, known=known, doubtful={*spoken_of, *replica.withheld.keys})
    rev = replica.header.rev if written else None
    return Observed(written.added, (), rev=rev)


def adopt_from(replica: Replica, cut: Iterable[Fragment], version: Version, moment: Moment) -> Observed:
    """Take a file as written from a past cut of the fleet: what it lacks of that view, it deleted."""
    past = State(cut)
    base = Version(
        Graph({record.key: record for record in version.projection.graph(past.graph())}),
        Order(),
        "",
        min(version.mtime_ms, moment.wall_ms),
        version.projection,
        version.types_fixed,
    )
    enter_first(replica, base, moment, known=past.nexts())
    return observe(replica, version, moment)


def enter_first(
    replica: Replica,
    version: Version,
    moment: Moment,
    *,
    known: dict[Rid, int],
    doubtful: Set[RecordKey] | None = None,
) -> None:
    """Make a version the only state of the ring. `doubtful`: its records that may not be what is shown; None:
    all of them.
    """
    seen_ms = min(version.mtime_ms, moment.wall_ms)
    state = FileState(version.hash, seen_ms, None, known, version.order, Kind.OBSERVED)
    replica.boot = moment.boot
    before = replica.ring.graph.records
    replica.fresh.file = True
    replica.ring = Ring()
    replica.file_changed(replica.ring.push(state, version.graph), doubtful)
    replica.recheck(before)
    replica.remember(version.hash)


def deleted_by_fleet(replica: Replica, version: Version, past: Iterable[Iterable[Fragment]]) -> set[Item]:
    """The items of a file that the fleet once had and has no longer."""
    strange = {item for item in version.graph.items() if not _is_shown(replica.state, item)}
    found: set[Item] = set()
    for cut in past:
        if not strange - found:
            break
        view = State(cut)
        found |= {item for item in strange - found if _is_shown(view, item)}
    return found


def _is_shown(state: State, item: Item) -> bool:
    record = state.record(key_of(item))
    return record is not None and item in set(items_of(record))
