"""One history from its seed to its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from memsync_git.model import Graph
from memsync_git.remotes.loopback import LoopbackHub
from memsync_git.sync import RoundReport
from memsync_git.sync.pushing import unified_bytes
from tests.sim.cells import Cell
from tests.sim.faults import loose
from tests.sim.ledger import Ledger
from tests.sim.machine import EPOCH_MS, Daemon, Habits, Machine, Process
from tests.sim.network import SteppingRemote, Weather
from tests.sim.oracle import Tally, judge, missing
from tests.sim.scheduler import MS_US, SECOND_US, Scheduler
from tests.sim.writer import Sentences, Writer

MOST_SWEEPS = 12
SETTLING_US = 30 * SECOND_US


@dataclass(slots=True)
class Member:
    """A machine with what runs on it."""

    machine: Machine
    writers: list[Writer] = field(default_factory=list)
    daemon: Daemon | None = None
    never_returns: bool = False


class Fleet:
    """Everything of one history."""

    def __init__(self, cell: Cell, seed: int, *, keep_trace: bool = False) -> None:
        self.cell = cell
        self.seed = seed
        self.rng = Random(f"{cell.name}:{seed}")
        self.scheduler = Scheduler(keep_trace=keep_trace)
        self.ledger = Ledger()
        self.hub = LoopbackHub(lambda: EPOCH_MS + self.scheduler.now_us // MS_US)
        self.sentences = Sentences()
        self.tally = Tally()
        self.members = [self._member(n) for n in range(self.rng.randint(*cell.machines))]

    # --- building

    def _member(self, n: int) -> Member:
        network = SteppingRemote(self.hub, self._child("network", n), Weather())
        habits = Habits()
        machine = Machine(f"m{n}", self.scheduler, self.ledger, self._child("machine", n), network, habits)
        machine.on_report = self._check_report
        writers = [self._writer(machine, n, w) for w in range(self.cell.writers)]
        return Member(machine, writers)

    def _writer(self, machine: Machine, n: int, w: int) -> Writer:
        rng = self._child("writer", n, w)
        return Writer(machine, rng, self.cell.style, self.sentences, f"w{w}")

    def _child(self, *path: object) -> Random:
        return Random(f"{self.cell.name}:{self.seed}:{path}")

    # --- living

    def run(self) -> Tally:
        """The whole history."""
        for member in self.members:
            self.scheduler.run_to_end(member.machine.install)
        for member in self.members:
            member.daemon = Daemon(member.machine)
            for writer in member.writers:
                self.scheduler.spawn(writer.run)
        loose(self)
        self.scheduler.run(self.cell.length_us)
        self._stop()
        self._settle()
        return self._verdict()

    def _stop(self) -> None:
        for member in self.members:
            for writer in member.writers:
                writer.is_asked_to_stop = True
            member.machine.remote.weather = Weather()
        self.scheduler.run(self.scheduler.now_us + SETTLING_US)
        for member in self.members:
            if member.daemon is not None:
                member.daemon.stop()
        while any(member.daemon is not None and member.daemon.is_running for member in self.members):
            self.scheduler.run(self.scheduler.now_us + SECOND_US)

    # --- checking

    def _check_report(self, machine: Machine, report: RoundReport) -> None:
        """What a report calls published is on the hub."""
        if not report.published:
            return
        mark = None
        for process in machine.processes:
            if process.session.exists:
                mark = process.session.replica.accepted_mark
        tip = None
        for rid, commit in self.hub.hosts.items():
            if mark is not None and commit.fragment.rev >= mark.rev and rid.startswith(machine.name):
                tip = commit
        self.tally.lies += tip is None

    def _settle(self) -> None:
        """Rounds on every machine until a whole sweep does nothing; then one more, which must do nothing."""
        self._processes = [member.machine.start() for member in self._present()]
        while self.tally.sweeps < MOST_SWEEPS:
            self.tally.sweeps += 1
            if not self._sweep():
                break
        else:
            self.tally.unsettled = 1
        self.tally.noisy = int(self._sweep())

    def _present(self) -> list[Member]:
        return [member for member in self.members if not member.never_returns]

    def _sweep(self) -> bool:
        """One round on every machine; whether any of them did anything."""
        before = self.hub.digest()
        busy = [self._final_round(process) for process in self._processes]
        return any(busy) or self.hub.digest() != before

    def _final_round(self, process: Process) -> bool:
        reports: list[RoundReport] = []
        rev = process.session.replica.header.rev if False else None
        self.scheduler.run_to_end(lambda: reports.append(process.round()))
        report = reports[0]
        return report.published or report.wrote_file or bool(report.local) or bool(report.remote)

    def _verdict(self) -> Tally:
        sessions = [process.session for process in self._processes]
        replicas = [session._replica for session in sessions]
        views = {unified_bytes(replica.state, due=True) for replica in replicas}
        known = 0
        for member in self._present():
            known |= member.machine.disk.known
        replica = replicas[0]
        conflicts = [c.register[1] for c in replica.state.all_conflicts() if c.register[0] == "t"]
        tally = judge(self.ledger, known, replica.state.graph(), conflicts)
        tally += self.tally
        tally.calls = sum(writer.calls for member in self.members for writer in member.writers)
        files = [_items_of_file(process) for process in self._processes]
        tally.diverged = int(len(views) > 1 or any(items != replica.state.graph().items() for items in files))
        tally.holds = sum(len(r.holds) for r in replicas)
        self.known = known
        for what, item in missing(self.ledger, known, replica.state.graph()):
            self.scheduler.note("oracle", f"{what} {':'.join(item)}")
        return tally


def _items_of_file(process: Process) -> set[tuple[object, ...]]:
    standing = process.machine.disk.standing()
    decoded = process.session.decode(standing.data if standing is not None else b"")
    graph: Graph = decoded.graph
    return graph.items()
