"""A whole round between two machines, on copies: does what is written here arrive elsewhere, and back?

    this machine (copies of file and store) ─┐
                                             ├─ a hub in memory, holding what was fetched
    a second machine, just made up ──────────┘

Rule 1: nothing real is touched: the file, the store and the hub are copies, the second machine is made up.
Rule 2: each machine writes once, as its server would; then both must say the same, in readable files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from memsync_git.app.clocks import SystemChance
from memsync_git.app.opening import Rooms
from memsync_git.app.rehearsal import HurriedClock, copied_file, copied_store
from memsync_git.crdt.fragment import Fragment
from memsync_git.formats import Decoded, Row, decode, encode
from memsync_git.local.memory import MemoryFile
from memsync_git.model import Entity, Graph, Rid
from memsync_git.remotes.loopback import Folder, HostCommit, LoopbackHub, LoopbackRemote, MainCommit
from memsync_git.replica import Replica
from memsync_git.stores.memory import MemoryStore
from memsync_git.stores.reading import SqliteReader
from memsync_git.sync import Session, World, sync_round
from memsync_git.values import dataclass
from memsync_git.wire.rid import new_rid

HOST = "trial"


@dataclass(frozen=True, slots=True)
class Tried:
    """How it went: what is wrong (empty if nothing is), and how much both machines hold."""

    problem: str
    records: int = 0


class ScratchMachine:
    """One machine of the trial: a session on copies."""

    def __init__(self, rooms: Rooms, hub: LoopbackHub, file: MemoryFile, store: MemoryStore) -> None:
        self._variant = rooms.store.format
        self._limits = rooms.limits
        self.file = file
        name = next((each.name for each in rooms.configuration.remotes), "origin")
        remotes = [LoopbackRemote(hub, name, rooms.store.name)]
        world = World(file, store, HurriedClock(), SystemChance(), remotes, rooms.settings())
        self.session = Session(world)

    def sync(self) -> None:
        """One round."""
        sync_round(self.session)

    def note(self, entity: Entity) -> None:
        """The server adds an entity and saves the whole file."""
        rows, graph = self._said()
        with_it = Graph.of([*graph, entity])
        self.file.writer_rename(encode(rows, with_it, self._variant))

    def _said(self) -> tuple[Sequence[Row], Graph]:
        found = decode(self.file.writer_read() or b"", self._variant, self._limits)
        return (found.rows, found.graph) if isinstance(found, Decoded) else ((), Graph())

    def problem(self, noted: Iterable[Entity]) -> str:
        """What is wrong with the file after the last round, empty if nothing is."""
        found = decode(self.file.writer_read() or b"", self._variant, self._limits)
        if not isinstance(found, Decoded) or not found.whole:
            return "a memory file was left unreadable"
        missing = [entity.name for entity in noted if entity.key not in found.graph]
        return "what one machine wrote did not arrive on the other" if missing else ""


def try_out(rooms: Rooms, fragments: Iterable[Fragment], on_main: Mapping[Rid, tuple[int, str]]) -> Tried:
    """Run the trial on what a remote holds.

    Raises:
        StoreDamaged: the replica store cannot be read.
    """
    hub = seeded_hub(list(fragments), on_main, rooms.store.name)
    here, there = _this_machine(rooms, hub), _second_machine(rooms, hub)
    here.sync()
    there.sync()
    token = SystemChance().token()
    noted = [Entity(f"memsync-git trial {token} {n}", "trial", ("noted on a copy",)) for n in (1, 2)]
    here.note(noted[0])
    there.note(noted[1])
    for machine in (there, here, there):
        machine.sync()
    problems = [problem for machine in (here, there) if (problem := machine.problem(noted))]
    if not problems and here.session.replica.state.graph() != there.session.replica.state.graph():
        problems = ["the two machines do not say the same"]
    return Tried(problems[0] if problems else "", len(there.session.replica.ring.graph) - len(noted))


def seeded_hub(fragments: list[Fragment], on_main: Mapping[Rid, tuple[int, str]], store: str) -> LoopbackHub:
    """A hub in memory that holds what was fetched from a real one."""
    hub = LoopbackHub()
    tree = {each.rid: each for each in fragments if on_main.get(each.rid) == each.version}
    for fragment in sorted(fragments, key=lambda each: each.version):
        hub.hosts[fragment.rid] = HostCommit(fragment)
    if tree:
        hub.main = MainCommit(hub.next_head(), folders={store: Folder(tree)}, at_ms=hub.now_ms())
    return hub


def _this_machine(rooms: Rooms, hub: LoopbackHub) -> ScratchMachine:
    reader = SqliteReader(rooms.places.store(rooms.store.name))
    try:
        store = copied_store(reader)
    finally:
        reader.close()
    return ScratchMachine(rooms, hub, copied_file(rooms), store)


def _second_machine(rooms: Rooms, hub: LoopbackHub) -> ScratchMachine:
    machine = ScratchMachine(rooms, hub, MemoryFile(HurriedClock().wall_ms), MemoryStore())
    rid = new_rid(HOST, SystemChance().token())
    machine.session.begin(Replica(rid, HOST, rooms.store.name))
    return machine
