"""One history from its seed to its verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random

from memsync_git.formats import Decoded
from memsync_git.guards import Hold
from memsync_git.remotes.loopback import LoopbackHub
from memsync_git.replica import Mark, Replica
from memsync_git.replica.holding import accept_hold, reject_hold
from memsync_git.sync import RoundOptions, RoundReport, Settings
from memsync_git.sync.pushing import MAIN_BEHIND_MS, unified_view
from memsync_git.wire.rid import DEFAULT_STORE
from tests.sim.cells import CACHED_US, Cell
from tests.sim.faults import loose, set_clock
from tests.sim.ledger import Ledger
from tests.sim.machine import EPOCH_MS, Habits, Machine, Process
from tests.sim.network import SteppingRemote, Weather
from tests.sim.oracle import Tally, judge, missing
from tests.sim.running import Cron, Daemon, Person
from tests.sim.scheduler import MS_US, SECOND_US, Scheduler
from tests.sim.writer import Sentences, Writer

MOST_SWEEPS = 12
HUBS = ("origin", "backup")
OF_A_MACHINE = ("size", "machine", "clock", "hubs", "cron", "staged")
"""What is drawn for a machine, whatever store it is about: how many there are, their ids, their clocks."""
NEVER_QUIET_MS = 0
"""In half a minute some machine has always just written: here a push may come first all the same."""
MAIN_BEHIND_US = (MAIN_BEHIND_MS + 1000) * MS_US
"""So long main may lack what somebody else is about to bring there, and a second."""
SETTLING_US = 12 * SECOND_US
"""Longer than any offline time, restart or poll that is still under way when the writers stop."""


@dataclass(slots=True)
class Member:
    """A machine with what runs on it."""

    machine: Machine
    writers: list[Writer] = field(default_factory=list)
    service: Daemon | Cron | Person | None = None
    never_returns: bool = False

    @property
    def newest(self) -> Process | None:
        """The process that was started last, if it runs."""
        return self.machine.processes[-1] if self.machine.processes else None


class World:
    """What all machines of a history have in common: time, hubs, and texts nobody has written before."""

    def __init__(self, cell: Cell, *, keep_trace: bool) -> None:
        self.scheduler = Scheduler(keep_trace=keep_trace)
        self.hubs = {name: LoopbackHub(self._wall_ms) for name in HUBS[: cell.hubs]}
        self.sentences = Sentences()

    def _wall_ms(self) -> int:
        return EPOCH_MS + self.scheduler.now_us // MS_US


class Fleet:
    """Everything of one history. `store`: the one its machines share; `world`: where others share theirs."""

    machine_type = Machine

    def __init__(
        self,
        cell: Cell,
        seed: int,
        *,
        keep_trace: bool = False,
        store: str = DEFAULT_STORE,
        world: World | None = None,
    ) -> None:
        self.cell = cell
        self.seed = seed
        self.store = store
        world = world or World(cell, keep_trace=keep_trace)
        self.scheduler, self.hubs, self.sentences = world.scheduler, world.hubs, world.sentences
        self.ledger = self._ledger()
        self.tally = Tally()
        self.known = 0
        self.processes: list[Process] = []
        self.members: list[Member] = []
        self._is_over = False
        for _ in range(self.child("size").randint(*cell.machines)):
            self.members.append(self._member())

    def child(self, *path: object) -> Random:
        """A generator of its own for one purpose; what belongs to a machine is the same in all its stores."""
        if self.store != DEFAULT_STORE and path[0] not in OF_A_MACHINE:
            path = (*path, self.store)
        return Random(f"{self.cell.name}:{self.seed}:{path}")

    @property
    def present(self) -> list[Member]:
        """The machines that are not gone for good."""
        return [member for member in self.members if not member.never_returns]

    # --- building

    def _ledger(self) -> Ledger:
        return Ledger()

    def _known_hubs(self, name: str) -> tuple[str, ...]:
        """The hubs a machine talks to; the first machine talks to all."""
        every = tuple(self.hubs)
        if not self.members or len(every) == 1:
            return every
        return self.child("hubs", name).choice([every, *((hub,) for hub in every)])

    def _member(self, hubs: Iterable[str] = ()) -> Member:
        name = f"m{len(self.members)}"
        rng = self.child("network", name)
        networks = [
            SteppingRemote(self.hubs[hub], rng, Weather(), hub, self.store)
            for hub in hubs or self._known_hubs(name)
        ]
        machine = self.machine_type(
            name, self.scheduler, self.ledger, self.child("machine", name), networks, self._habits(name)
        )
        machine.on_report = self._check_report
        return Member(machine, [self._writer(machine, n) for n in range(self.cell.writers)])

    def _habits(self, name: str) -> Habits:
        cron_us = self.cell.cron_us if self.child("cron", name).random() < self.cell.cron else None
        return Habits(
            cron_us=cron_us,
            poll_us=self.cell.poll_us,
            push_first=self.cell.push_first,
            is_staged=self.child("staged", name).random() < self.cell.staged,
            settings=Settings(writer_caches=self.cell.writer_caches, quiet_ms=NEVER_QUIET_MS),
            store=self.store,
        )

    def _writer(self, machine: Machine, n: int) -> Writer:
        rng = self.child("writer", machine.name, n)
        style = replace(self.cell.style, in_place=rng.random() < self.cell.in_place)
        if rng.random() < self.cell.slow:
            style = replace(style, window_us=CACHED_US)
        return Writer(machine, rng, style, self.sentences, f"w{n}")

    # --- living

    def run(self) -> Tally:
        """The whole history."""
        self.begin()
        self.scheduler.run(self.scheduler.now_us + self.cell.length_us)
        self.stop()
        self.settle()
        return self.verdict()

    def begin(self) -> None:
        """Set the machines up, and let servers, services and faults loose."""
        for member in self.members:
            set_clock(self, member)
            self.scheduler.run_to_end(member.machine.install)
        self.scheduler.run_to_end(self.members[0].writers[0].stock)
        for member in self.members:
            self._begin(member)
        loose(self)

    def _begin(self, member: Member) -> None:
        self.restart(member)
        for writer in member.writers:
            self.scheduler.spawn(writer.run)

    def restart(self, member: Member) -> None:
        """Start what runs on a machine, unless it is gone or the history is over."""
        if member.never_returns or self._is_over or not member.machine.is_up:
            return
        if isinstance(member.service, Cron | Person):
            return
        if member.machine.habits.is_staged:
            member.service = Person(member.machine)
            return
        is_cron = member.machine.habits.cron_us is not None
        member.service = Cron(member.machine) if is_cron else Daemon(member.machine)

    def clone(self, member: Member) -> None:
        """Set up another machine as a copy of one, servers included."""
        twin = self._member([network.name for network in member.machine.remotes])
        twin.machine.disk = member.machine.disk.copy(twin.machine.wall_ms)
        self.scheduler.note(twin.machine.name, f"is a copy of {member.machine.name}")
        self.members.append(twin)
        self._begin(twin)

    def stop(self) -> None:
        """Let everybody finish what they are doing."""
        for member in self.members:
            for network in member.machine.remotes:
                network.weather = Weather()
            for writer in member.writers:
                writer.is_asked_to_stop = True
        self.scheduler.run(self.scheduler.now_us + SETTLING_US)
        self._is_over = True
        services = [member.service for member in self.present if member.service is not None]
        for service in services:
            service.stop()
        while any(service.is_running for service in services):
            self.scheduler.run(self.scheduler.now_us + SECOND_US)

    # --- checking

    def _check_report(self, process: Process, report: RoundReport) -> None:
        """What a report calls published is on the hub."""
        replica = process.session._replica
        for line in report.remotes if replica is not None else ():
            mark = replica.accepted.get(line.name, Mark())
            if line.published and mark.rev:
                commit = self.hubs[line.name].hosts.get(replica.rid)
                while commit is not None and commit.fragment.version != (mark.rev, mark.tok):
                    commit = commit.parent
                self.tally.lies += commit is None

    def settle(self) -> None:
        """Rounds on every machine until a whole sweep does nothing; then one more, which must do nothing.

        Where main lacks what a machine had published that has another id by now, nobody brings it there for a
        quarter of an hour.
        """
        for member in self.present:
            for process in list(member.machine.processes):
                process.end()
            member.machine.is_up = True
            self.processes.append(member.machine.start())
        self._sweep_until_quiet()
        if any(map(self._is_behind, self.hubs.values())):
            self.scheduler.run(self.scheduler.now_us + MAIN_BEHIND_US)
            self._sweep_until_quiet()
        self.tally.noisy = int(self.sweep())

    def _sweep_until_quiet(self) -> None:
        while not self.tally.unsettled and self.sweep():
            self.tally.sweeps += 1
            self.tally.unsettled = int(self.tally.sweeps == MOST_SWEEPS)

    def _is_behind(self, hub: LoopbackHub) -> bool:
        """Whether main lacks a revision that lies on the ref of its machine."""
        there = hub.main.of(self.store).tree if hub.main is not None else {}
        found = [commit.of(self.store) for commit in hub.hosts.values()]
        return any(
            each is not None and each.rev > (there[each.rid].rev if each.rid in there else 0)
            for each in found
        )

    def sweep(self) -> bool:
        """One round on every machine; whether any of them did anything."""
        before = [hub.digest() for hub in self.hubs.values()]
        busy = [self._final_round(process) for process in self.processes]
        return any(busy) or [hub.digest() for hub in self.hubs.values()] != before

    def _final_round(self, process: Process) -> bool:
        """A round with a person at hand, who decides what is held and has a damaged file mended."""
        reports: list[RoundReport] = []
        options = RoundOptions(set_aside=lambda pieces: None, recreate=True)

        def act() -> None:
            for hold in list(process.session.replica.holds.values()):
                self._decide(process, hold)
            reports.append(process.round(options))

        self.scheduler.run_to_end(act)
        report = reports[0]
        return report.published or report.wrote_file or bool(report.local) or bool(report.remote)

    def _decide(self, process: Process, hold: Hold) -> None:
        """Say what a person knows: whether most of it was meant to be forgotten."""
        known = 0
        for member in self.present:
            known |= member.machine.disk.known
        kept = sum(self.ledger.is_alive(item, known) for item in hold.items)
        decide = reject_hold if 2 * kept > len(hold.items) else accept_hold
        self.tally.holds += 1
        self.scheduler.note(
            process.machine.name, f"{decide.__name__}, {kept} of {len(hold.items)} are wanted"
        )
        process.session.act(lambda replica, moment: decide(replica, hold.id, moment))

    def verdict(self) -> Tally:
        """What came of it."""
        replicas = [process.session._replica for process in self.processes]
        first = replicas[0]
        for member in self.present:
            self.known |= member.machine.disk.known
        conflicts = [each.register[1] for each in first.state.all_conflicts() if each.register[0] == "t"]
        view = first.state.graph()
        tally = judge(self.ledger, self.known, view, conflicts)
        tally += self.tally
        tally.calls = sum(writer.calls for member in self.members for writer in member.writers)
        tally.diverged = int(not self._agree(replicas))
        for what, item in missing(self.ledger, self.known, view):
            self.scheduler.note("oracle", f"{what} {':'.join(item)}")
        return tally

    def _agree(self, replicas: Iterable[Replica]) -> bool:
        """Whether every view has the same bytes, the hubs' too, and every file says the same."""
        views = {b"".join(unified_view(replica.state, due=True) or ()) for replica in replicas}
        views |= {hub.main.of(self.store).unified for hub in self.hubs.values() if hub.main is not None}
        items = _items_of_file(self.processes[0])
        return len(views) == 1 and all(_items_of_file(process) == items for process in self.processes)


def _items_of_file(process: Process) -> set[tuple[object, ...]]:
    standing = process.machine.disk.standing()
    decoded = process.session.decode(standing.data if standing is not None else b"")
    return decoded.graph.items() if isinstance(decoded, Decoded) else set()
