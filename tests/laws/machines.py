"""One machine of ours over in-memory ports: a memory file, a store, a way to the hub, real rounds."""

from __future__ import annotations

from collections.abc import Callable

from memsync_git.local.memory import MemoryFile
from memsync_git.model import Rid
from memsync_git.ports import Displaced, Missing, Occupied, Prepared, Snapshot, Unusable
from memsync_git.remotes.loopback import LoopbackHub, LoopbackRemote
from memsync_git.replica import Replica
from memsync_git.stores.memory import MemoryStore
from memsync_git.sync import RoundReport, Session, World, sync_round
from tests.fakes import CountedChance, QuietClock


class RacedFile(MemoryFile):
    """A memory file to which something happens between our last look at it and the swap."""

    meanwhile: Callable[[], None] | None = None

    def exchange(self, prepared: Prepared, *, over: Snapshot | Missing) -> Displaced | Occupied | Unusable:
        event, self.meanwhile = self.meanwhile, None
        if event is not None:
            event()
        return super().exchange(prepared, over=over)


class Machine:
    """Ours: a memory file, a store and a way to the hub."""

    def __init__(self, name: str, hub: LoopbackHub, clock: QuietClock, data: bytes | None = None) -> None:
        self.clock = clock
        self.file = RacedFile(clock.wall_ms, data)
        self.store = MemoryStore()
        self.remote = LoopbackRemote(hub)
        self.session = self.process(name)
        self.session.begin(Replica(Rid(f"{name}-0001"), name))

    def process(self, name: str) -> Session:
        """One more process of this machine."""
        world = World(self.file, self.store, self.clock, CountedChance(name), [self.remote])
        return Session(world)

    def sync(self) -> RoundReport:
        self.clock.now_ms += 10_000
        return sync_round(self.session)

    def write(self, data: bytes) -> None:
        """A server writes the file."""
        self.clock.now_ms += 10_000
        self.file.writer_rename(data)

    @property
    def data(self) -> bytes:
        reading = self.file.read()
        assert isinstance(reading, Snapshot)
        return reading.data
