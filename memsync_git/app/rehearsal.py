"""Rehearsals: whole rounds on copies, for previews and `--test`.

Rule 1: the memory file is copied into memory, the store too; a remote is fetched but never pushed to.
"""

from __future__ import annotations

from collections.abc import Sequence

from memsync_git.app.clocks import SystemChance, SystemClock
from memsync_git.app.opening import Rooms
from memsync_git.app.passing import PassingRemote
from memsync_git.formats import Decoded
from memsync_git.local.memory import MemoryFile
from memsync_git.model import Graph, Item
from memsync_git.ports import (
    Accepted,
    Fetched,
    FetchOutcome,
    Publication,
    PublishOutcome,
    Remote,
    Snapshot,
    Store,
    Unusable,
)
from memsync_git.replica import Replica, rows
from memsync_git.stores.memory import MemoryStore
from memsync_git.stores.reading import SqliteReader
from memsync_git.sync import RoundOptions, RoundReport, Session, World, sync_round
from memsync_git.values import dataclass


class HurriedClock(SystemClock):
    """This machine's clock, for rounds nobody else takes part in: waiting is only pretended."""

    def sleep(self, seconds: float) -> None:
        pass


class ReadOnlyRemote(PassingRemote):
    """A remote that is fetched but not pushed to; what would be pushed counts as accepted.

    known_digest: its own, so that the remote behind it believes what it did before.
    """

    known_digest = ""

    def publish(self, publication: Publication) -> PublishOutcome:
        del publication
        return Accepted(on_main=True)


class ListeningRemote(ReadOnlyRemote):
    """The same; what it answered last, if it read anything, is `heard`."""

    heard: Fetched | None = None

    def fetch(self) -> FetchOutcome:
        found = super().fetch()
        if isinstance(found, Fetched) and not found.unchanged:
            self.heard = found
        return found


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a round would do. `up`: (added, removed) of every own revision it would publish."""

    report: RoundReport
    replica: Replica
    before: Graph
    after: Graph
    up: tuple[tuple[Sequence[Item], Sequence[Item]], ...]


def copied_store(source: Store) -> MemoryStore:
    """A replica store in memory, holding what another holds."""
    copy = MemoryStore()
    with copy.transaction() as transaction:
        for kind in rows.KINDS:
            for key, value in source.rows(kind):
                transaction.put(kind, key, value)
    return copy


def copied_file(rooms: Rooms) -> MemoryFile:
    """The memory file in memory: its bytes and its witness, or what stands in its place."""
    real = rooms.file()
    reading = real.read()
    copy = MemoryFile(SystemClock().wall_ms, bytes(reading.data) if isinstance(reading, Snapshot) else None)
    witness = real.read_witness()
    if witness is not None:
        copy.write_witness(witness)
    if isinstance(reading, Unusable):
        copy.obstruct(reading)
    return copy


def _said_by(file: MemoryFile, session: Session) -> Graph:
    """What can be read of the file as it stands; the replica may know an older version of it."""
    decoded = session.decode(file.writer_read() or b"")
    return decoded.graph if isinstance(decoded, Decoded) else Graph()


def rehearse(rooms: Rooms, options: RoundOptions, fetched_from: Sequence[Remote] | None = None) -> Rehearsed:
    """A whole round on copies of file and store.

    `fetched_from`: the remotes of the configuration, where they were asked already.
    """
    reader = SqliteReader(rooms.places.store(rooms.store.name))
    try:
        store = copied_store(reader)
    finally:
        reader.close()
    asked = rooms.remotes() if fetched_from is None else fetched_from
    remotes = [ReadOnlyRemote(remote) for remote in asked]
    file = copied_file(rooms)
    world = World(file, store, HurriedClock(), SystemChance(), remotes, rooms.settings())
    session = Session(world)
    untold = tuple((txn.added, txn.removed) for txn in session.replica.unpublished)
    noted = {(txn.rid, txn.rev) for txn in rows.transactions(store)}
    before = _said_by(file, session)
    report = sync_round(session, options)
    after = session.replica
    told = tuple(
        (txn.added, txn.removed) for txn in rows.transactions(store) if (txn.rid, txn.rev) not in noted
    )
    return Rehearsed(report, after, before, _said_by(file, session), untold + told)
