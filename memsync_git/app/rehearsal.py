"""Rehearsals: whole rounds on copies, for previews and `--test`.

Rule 1: the memory file is copied into memory, the store too; a remote is fetched but never pushed to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memsync_git.app.clocks import SystemChance, SystemClock
from memsync_git.app.opening import Rooms
from memsync_git.crdt.fragment import Fragment
from memsync_git.local.memory import MemoryFile
from memsync_git.model import Graph, Item, Rid
from memsync_git.ports import (
    Accepted,
    FetchOutcome,
    KnownLines,
    PastView,
    Publication,
    PublishOutcome,
    Remote,
    Snapshot,
    Store,
)
from memsync_git.replica import Replica, rows
from memsync_git.stores.memory import MemoryStore
from memsync_git.stores.reading import SqliteReader
from memsync_git.sync import RoundOptions, RoundReport, Session, World, sync_round

KINDS = ("replica", "header", "facts", "file", "state", "pending", "hold", "past", "txn", "version")


class HurriedClock(SystemClock):
    """This machine's clock, for rounds nobody else takes part in: waiting is only pretended."""

    def sleep(self, seconds: float) -> None:
        pass


class ReadOnlyRemote:
    """A remote that is fetched but not pushed to; what would be pushed counts as accepted."""

    def __init__(self, remote: Remote) -> None:
        self.name = remote.name
        self.known_digest = ""
        self._remote = remote

    @property
    def known_lines(self) -> KnownLines:
        return self._remote.known_lines

    @known_lines.setter
    def known_lines(self, lines: KnownLines) -> None:
        self._remote.known_lines = lines

    @property
    def digest(self) -> str:
        return self._remote.digest

    def fetch(self) -> FetchOutcome:
        return self._remote.fetch()

    def publish(self, publication: Publication) -> PublishOutcome:
        del publication
        return Accepted(on_main=True)

    def revision(self, rid: Rid, rev: int) -> Fragment | None:
        return self._remote.revision(rid, rev)

    def past_views(self) -> Iterator[PastView]:
        return self._remote.past_views()


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a round would do. `up`: (added, removed) of every own revision it would publish."""

    report: RoundReport
    replica: Replica
    before: Graph
    after: Graph
    up: tuple[tuple[tuple[Item, ...], tuple[Item, ...]], ...]


def copied_store(source: Store) -> MemoryStore:
    """A replica store in memory, holding what another holds."""
    copy = MemoryStore()
    with copy.transaction() as transaction:
        for kind in KINDS:
            for key, value in source.rows(kind):
                transaction.put(kind, key, value)
    return copy


def copied_file(rooms: Rooms) -> MemoryFile:
    """The memory file in memory."""
    reading = rooms.file().read()
    return MemoryFile(SystemClock().wall_ms, reading.data if isinstance(reading, Snapshot) else None)


def rehearse(rooms: Rooms, options: RoundOptions) -> Rehearsed:
    """A whole round on copies of file and store."""
    reader = SqliteReader(rooms.places.store(rooms.store.name))
    try:
        store = copied_store(reader)
    finally:
        reader.close()
    remotes = [ReadOnlyRemote(remote) for remote in rooms.remotes()]
    world = World(copied_file(rooms), store, HurriedClock(), SystemChance(), remotes, rooms.settings())
    session = Session(world)
    untold = tuple((txn.added, txn.removed) for txn in session.replica.unpublished)
    noted = {(txn.rid, txn.rev) for txn in rows.transactions(store)}
    before = session.replica.ring.graph
    report = sync_round(session, options)
    after = session.replica
    told = tuple(
        (txn.added, txn.removed) for txn in rows.transactions(store) if (txn.rid, txn.rev) not in noted
    )
    return Rehearsed(report, after, before, after.ring.graph, untold + told)
