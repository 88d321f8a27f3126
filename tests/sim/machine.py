"""A simulated machine: its disk, its clock, and the processes of ours that come and go.

Rule 1: a process owns nothing that outlives it; what survives a kill is on the disk.
Rule 2: a kill takes one process, a power cut all of them, the servers, and what the kernel had not written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType

from greenlet import getcurrent, greenlet

from memsync_git.local.memory import FileImage, MemoryFile
from memsync_git.ports import Snapshot
from memsync_git.replica import Replica
from memsync_git.replica.picking import picked_keys
from memsync_git.stores.memory import MemoryStore
from memsync_git.sync import RoundOptions, RoundReport, Session, Settings, World, capture, sync_round
from memsync_git.sync.naming import content_hash
from memsync_git.wire.rid import DEFAULT_STORE, new_rid
from tests.sim.ledger import Hidden, Ledger
from tests.sim.network import SteppingRemote
from tests.sim.ports import Killed, SeededChance, SteppingClock, SteppingFile, SteppingStore
from tests.sim.scheduler import MS_US, SECOND_US, Scheduler, Signal

EPOCH_MS = 1_795_000_000_000
"""The true time when a history begins."""
NOTHING_HIDDEN: Hidden = MappingProxyType({})
WINDOW_US = 2 * SECOND_US
"""W of a small file (model page, section 7)."""


@dataclass(slots=True)
class Disk:
    """What survives a kill, and what the ledger knows about it.

    known: events the store can know. masks: events of each version of the memory file. marks: since when
    which events stood there, and were hidden. is_torn: a server is writing in place at this moment.
    prepared: what the store knew when these bytes were made from it, and what they hide.
    hidden: what each version hides. digests: what each remote said last. held: what was joined then.
    """

    store: MemoryStore
    file: MemoryFile
    known: int = 0
    masks: dict[tuple[int, bytes], int] = field(default_factory=dict)
    prepared: dict[bytes, tuple[int, Hidden]] = field(default_factory=dict)
    hidden: dict[tuple[int, bytes], Hidden] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    marks: list[tuple[int, int, Hidden]] = field(default_factory=list)
    is_locked: bool = False
    is_torn: bool = False

    def mask_of(self, snapshot: Snapshot) -> int:
        """The events a version holds."""
        return self.masks.get((snapshot.inode, snapshot.data), 0)

    def standing(self) -> Snapshot | None:
        """What stands in the file."""
        reading = self.file.read()
        return reading if isinstance(reading, Snapshot) else None

    def hidden_in(self, snapshot: Snapshot | None) -> Hidden:
        """The events that a version holds and does not show."""
        if snapshot is None:
            return NOTHING_HIDDEN
        return self.hidden.get((snapshot.inode, snapshot.data), NOTHING_HIDDEN)

    def mark(self, mask: int, now_us: int, hidden: Hidden = NOTHING_HIDDEN) -> None:
        """Say which events the version that stands there now holds, and hides."""
        standing = self.standing()
        if standing is not None:
            self.masks[standing.inode, standing.data] = mask
            self.hidden[standing.inode, standing.data] = hidden
            self.marks.append((now_us, mask, hidden))

    def swapped(self, data: bytes, now_us: int) -> None:
        """A prepared version stands there now."""
        mask, hidden = self.prepared.pop(data, (0, NOTHING_HIDDEN))
        self.mark(mask, now_us, hidden)

    def before(self, at_us: int) -> tuple[int, Hidden]:
        """The events of the version that stood there at some earlier time, and what it hid."""
        found = (marks[1:] for marks in reversed(self.marks) if marks[0] <= at_us)
        return next(found, (0, NOTHING_HIDDEN))

    # --- backups

    def backup(self) -> Backup:
        """Store and file as they are now."""
        standing = self.standing()
        mask = self.mask_of(standing) if standing is not None else 0
        return Backup(self.store.copy(), self.known, self.file.image(), mask)

    def restore_store(self, backup: Backup) -> None:
        """Put the store back."""
        self.store.restore(backup.store)
        self.known = backup.known

    def restore_file(self, backup: Backup, now_us: int, *, is_fresh: bool) -> None:
        """Put the file back, with its old time or with a fresh one; the witness stays as it is."""
        if backup.file.snapshot is None:
            return
        if is_fresh:
            self.file.writer_rename(backup.file.snapshot.data)
        else:
            self.file.restore(backup.file, with_witness=False)
        self.mark(backup.mask, now_us)

    def copy(self, now_ms: Callable[[], int]) -> Disk:
        """The disk of a machine set up as a copy of this one; what the remote said is not believed there."""
        twin = Disk(self.store.copy(), self.file.clone(now_ms), self.known)
        standing = self.standing()
        if standing is not None:
            twin.mark(self.mask_of(standing), self.marks[-1][0] if self.marks else 0)
        return twin


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup of a machine, and the events in it."""

    store: MemoryStore
    known: int
    file: FileImage
    mask: int


@dataclass(frozen=True, slots=True)
class Habits:
    """How memsync-git runs on a machine.

    cron_us: time between runs of a machine without a daemon, None for a daemon. push_first: share of a
    daemon's rounds after a file event in which the push comes first. is_staged: a person does the parts of a
    round one by one, in any order, and nothing runs by itself.
    """

    cron_us: int | None = None
    debounce_us: int = SECOND_US
    poll_us: tuple[int, int] = (2 * SECOND_US, 10 * SECOND_US)
    push_first: float = 0.0
    settings: Settings = field(default_factory=Settings)
    is_staged: bool = False
    store: str = DEFAULT_STORE

    @property
    def options(self) -> RoundOptions:
        return RoundOptions(patient=self.cron_us is not None)


class Machine:
    """One computer of the fleet."""

    def __init__(
        self,
        name: str,
        scheduler: Scheduler,
        ledger: Ledger,
        rng: Random,
        remotes: Sequence[SteppingRemote],
        habits: Habits,
    ) -> None:
        self.name = name
        self.scheduler = scheduler
        self.ledger = ledger
        self.rng = rng
        self.remotes = remotes
        self.habits = habits
        self.skew_ms = 0
        self.boots = 1
        self.is_up = True
        self.disk = Disk(MemoryStore(), MemoryFile(self.wall_ms))
        self.processes: list[Process] = []
        self.on_change: list[Signal] = []
        self.on_report: Callable[[Process, RoundReport], None] = lambda process, report: None
        self.next_run_us: int | None = None

    # --- time

    def wall_ms(self) -> int:
        return EPOCH_MS + self.skew_ms + self.scheduler.now_us // MS_US

    @property
    def boot_id(self) -> str:
        return f"{self.name}-{self.boots}"

    # --- the file

    def changed(self) -> None:
        """The directory of the file changed: whoever watches it is told."""
        for signal in self.on_change:
            self.scheduler.set(signal)

    # --- processes

    def install(self) -> None:
        """What `init` does before the first round."""
        rid = new_rid(self.name, SeededChance(self.rng).token())
        process = self.start()
        process.session.begin(Replica(rid, self.name, self.habits.store))
        process.end()

    def start(self) -> Process:
        """A new process of ours."""
        process = self._process()
        self.processes.append(process)
        return process

    def _process(self) -> Process:
        return Process(self)

    def kill(self, process: Process) -> None:
        """kill -9."""
        self.scheduler.note(self.name, f"killed {process.number}")
        process.end()

    def cut_power(self) -> None:
        """Everything stops; the kernel loses what it had not written back."""
        self.scheduler.note(self.name, "power cut")
        for process in list(self.processes):
            process.end()
        self.is_up = False
        self.disk.file = self.disk.file.power_cut(self.rng.choice)
        self.disk.is_locked = self.disk.is_torn = False

    def boot(self) -> None:
        self.boots += 1
        self.is_up = True


class Process:
    """One process of ours: a session over stepping ports."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.number = 1 + len(machine.processes)
        self.is_alive = True
        self.steps = 0
        self.doom: int | None = None
        self.only: frozenset[str] | None = None
        self.on_doom: Callable[[Process], None] = machine.kill
        self.changed = Signal()
        self._seen: dict[greenlet, int] = {}
        self._file = machine.disk.file.beside()
        self._remotes = [network.of(self) for network in machine.remotes]
        world = World(
            SteppingFile(self, self._file),
            SteppingStore(self, machine.disk.store),
            SteppingClock(self),
            SeededChance(machine.rng),
            self._remotes,
            machine.habits.settings,
            complete_for=machine.disk.held,
        )
        self.session = Session(world)

    # --- steps

    def step(self, what: str, most_us: int) -> None:
        """A port is called: time passes, others run, and this process may not live to see it."""
        machine = self.machine
        self._require_life()
        self.steps += 1
        if self.steps == self.doom:
            self.on_doom(self)
            raise Killed
        machine.scheduler.note(machine.name, what)
        machine.scheduler.pause(int(machine.rng.random() * most_us))
        self._require_life()

    def sleep(self, us: int) -> None:
        """Time passes by the process's own wish."""
        self._require_life()
        self.machine.scheduler.pause(us)
        self._require_life()

    def _require_life(self) -> None:
        if not self.is_alive:
            raise Killed

    def end(self) -> None:
        """The process is gone, with everything it had not made durable."""
        if self.is_alive:
            self.is_alive = False
            self._file.restarted()
            self.machine.processes.remove(self)
            if self.changed in self.machine.on_change:
                self.machine.on_change.remove(self.changed)

    # --- what the ledger may count

    def saw(self, mask: int) -> None:
        """The running actor has read a version with these events."""
        actor = getcurrent()
        self._seen[actor] = self._seen.get(actor, 0) | mask

    def committed(self) -> None:
        """The running actor's transaction is durable, and with it all it had read."""
        disk, ledger = self.machine.disk, self.machine.ledger
        disk.known |= self._seen.pop(getcurrent(), 0)
        replica = self.session._replica
        if replica is None:
            return
        for rid in replica.state.rids:
            header = replica.state.header(rid)
            if header is not None and rid != replica.rid:
                disk.known |= ledger.carried(header)
        ledger.publishes(replica.header, disk.known)
        self._confirmed(replica)

    def _confirmed(self, replica: Replica) -> None:
        """A file that says what the memory says holds all of its events, though no byte of it changed."""
        disk, standing = self.machine.disk, self.machine.disk.standing()
        newest = replica.ring.newest if replica.ring else None
        if newest is None or standing is None or newest.unseen or newest.vv != replica.state.nexts():
            return
        if content_hash(standing.data) == replica.ring.newest.hash and not replica.behind:
            disk.mark(disk.mask_of(standing) | disk.known, self.machine.scheduler.now_us)

    def stands_for(self) -> int:
        """The events that a write holds which is prepared now."""
        return self.machine.disk.known

    def hides(self) -> Hidden:
        """What a write hides that is prepared now: of each record it leaves, what is known and not shown."""
        disk, replica, standing = self.machine.disk, self.session._replica, self.machine.disk.standing()
        if replica is None or self.only is None:
            return NOTHING_HIDDEN
        left = replica.behind - picked_keys(replica, self.only)
        shown = disk.mask_of(standing) if standing is not None else 0
        before = disk.hidden_in(standing)
        return {key: disk.known & ~(shown & ~before.get(key, 0)) for key in left}

    # --- rounds

    def round(self, options: RoundOptions | None = None) -> RoundReport:
        """One sync, and what the app keeps of it."""
        machine = self.machine
        for remote in self._remotes:
            remote.known_digest = machine.disk.digests.get(remote.name, "")
        self.only = options.only if options is not None else None
        report = sync_round(self.session, options or machine.habits.options)
        for line in report.remotes:
            if line.fetched or line.published:
                machine.disk.digests[line.name], machine.disk.held[line.name] = line.digest, line.holds
        machine.scheduler.note(machine.name, told(report))
        machine.on_report(self, report)
        return report

    def capture(self) -> None:
        """What a file event does."""
        capture(self.session, RoundReport())


def told(report: RoundReport) -> str:
    """A report in one line, for the trace."""
    lines = " ".join(f"{line.state}{'+' if line.published else ''}" for line in report.remotes)
    wrote = " wrote file" if report.wrote_file else ""
    return (
        f"round: {report.file}, {lines}{wrote}, local {_tally(report.local)} remote {_tally(report.remote)}"
    )


def _tally(tally: object) -> str:
    return f"+{tally.added}−{tally.removed}~{tally.changed}"
