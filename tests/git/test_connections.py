"""How many connections a round costs, over real transports: one, unless both sides have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memsync_git.local.memory import MemoryFile
from memsync_git.model import Rid
from memsync_git.ports import Snapshot
from memsync_git.remotes.url import validate
from memsync_git.replica import Replica
from memsync_git.stores.memory import MemoryStore
from memsync_git.sync import RoundOptions, RoundReport, Session, World, sync_round
from memsync_git.sync.order import QUIET_MS
from tests.fakes import CountedChance, QuietClock
from tests.git.hubs import HubFolder
from tests.git.sshd import Sshd
from tests.git.web import Serving

EVENT, POLL = RoundOptions(push_first=True), RoundOptions()
Counting = Callable[[], int]


def row(name: str) -> bytes:
    return f'{{"type":"entity","name":"{name}","entityType":"person","observations":["likes tea"]}}'.encode()


class Machine:
    """A daemon's side of rounds: a session that lives on, over a real clone of a real hub."""

    def __init__(self, name: str, hub: HubFolder, clock: QuietClock, url: str) -> None:
        self.file = MemoryFile(clock.wall_ms, row(f"of {name}"))
        self.remote = hub.remote(name, url=url, clock=clock)
        world = World(self.file, MemoryStore(), clock, CountedChance(name), [self.remote])
        self.session = Session(world)
        self.session.begin(Replica(Rid(f"{name}-0001"), name))

    def round(self, options: RoundOptions) -> RoundReport:
        report = sync_round(self.session, options)
        assert not report.remotes[0].reason, report.remotes[0]
        self.remote.known_digest = report.remotes[0].digest
        return report

    def write(self, name: str) -> None:
        self.file.writer_rename(self.data + b"\n" + row(name))

    @property
    def data(self) -> bytes:
        reading = self.file.read()
        assert isinstance(reading, Snapshot)
        return reading.data


class Fleet:
    """Two machines that agree, long enough after anything was written; `cost` counts what a step takes."""

    def __init__(self, hub: HubFolder, url: str, counted: Counting) -> None:
        self.clock, self._counted, self.url = QuietClock(), counted, url
        self.desk, self.laptop = (Machine(name, hub, self.clock, url) for name in ("desk", "laptop"))
        for machine in (self.desk, self.laptop, self.desk):
            machine.round(POLL)
        self.clock.now_ms += QUIET_MS + 1
        for machine in (self.desk, self.laptop):
            machine.round(POLL)
            machine.remote.upkeep()

    def cost(self, machine: Machine, options: RoundOptions) -> int:
        before = self._counted()
        machine.round(options)
        after = self._counted()
        machine.remote.upkeep()  # as after every round: what was read at a near hub is fetched
        return after - before


@pytest.fixture
def over_http(hub: HubFolder) -> Iterator[tuple[str, Counting]]:
    """Every git process that contacts the hub asks for its refs once."""
    serving = Serving(hub.folder)
    yield serving.url, lambda: sum("info/refs" in each.path for each in serving.requests)
    serving.close()


@pytest.fixture
def over_ssh(hub: HubFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Counting]]:
    server = Sshd(hub.folder / "sshd")
    monkeypatch.setenv("GIT_SSH_COMMAND", server.command)
    yield server.url(hub.path), server.connections
    server.stop()


@pytest.fixture
def over_files(hub: HubFolder, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Counting]:
    """By git's own trace: the two programs at the hub's end of a connection."""
    trace: Path = hub.folder / "trace"
    trace.touch()
    monkeypatch.setenv("GIT_TRACE2_PERF", str(trace))

    def count() -> int:
        lines = [line for line in trace.read_text().splitlines() if "| cmd_name " in line]
        commands = [line.rpartition("|")[2].split()[0] for line in lines]
        return commands.count("upload-pack") + commands.count("receive-pack")

    return str(hub.path), count


@pytest.fixture(params=["over_files", "over_http", "over_ssh"])
def fleet(request: pytest.FixtureRequest, hub: HubFolder) -> Fleet:
    url, counted = request.getfixturevalue(request.param)
    return Fleet(hub, url, counted)


def test_a_round_costs_one_connection_unless_both_sides_have_changed(fleet: Fleet) -> None:
    desk, laptop = fleet.desk, fleet.laptop
    one = 0 if validate(fleet.url).is_local else 1  # a hub on this disk is read and written where it stands
    assert fleet.cost(desk, POLL) == one, "a quiet poll"
    desk.write("Bob")
    assert fleet.cost(desk, EVENT) == one, "only this machine has changed"
    assert fleet.cost(laptop, POLL) == one, "only another machine has changed"
    assert b"Bob" in laptop.data
    desk.write("Carol")
    assert fleet.cost(desk, EVENT) == one
    laptop.write("Dora")
    assert fleet.cost(laptop, POLL) == 2 * one, "both have changed"
    assert b"Carol" in laptop.data
    fleet.clock.now_ms += QUIET_MS + 1
    for machine in (desk, laptop):
        machine.round(POLL)
    fleet.clock.now_ms += QUIET_MS + 1
    for machine in (desk, laptop):
        machine.round(POLL)
    laptop.write("Emil")
    assert fleet.cost(laptop, EVENT) == one
    desk.write("Fay")
    assert fleet.cost(desk, EVENT) == 3 * one, "a lost bet: a push, a fetch, a push"
    assert b"Emil" in desk.data
