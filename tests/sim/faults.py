"""What goes wrong in a history, drawn from its seed.

Rule 1: each fault draws from a generator of its own, so that leaving one out changes no other.
Rule 2: a fault is something the world does; nothing here reaches into the code under test.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from memsync_git.crdt.pen import Pen
from memsync_git.model import Rid
from memsync_git.replica import Moment, Replica, rows
from tests.sim.machine import EPOCH_MS, Process
from tests.sim.running import guarded
from tests.sim.scheduler import MS_US, SECOND_US

if TYPE_CHECKING:
    from tests.sim.fleet import Fleet, Member

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS
SKEWS_MS = (HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -10 * YEAR_MS, 73 * YEAR_MS, HOUR_MS - EPOCH_MS)
"""An hour and a day off, ten years back, 2099, 1970."""
JUMPS_MS = (-HOUR_MS, HOUR_MS, -10_000, 10_000, -24 * HOUR_MS, 700, -700)
MOST_STEPS = 400
ONE_OF_TWO = 0.7
"""Share of outages that cut off one hub of two."""


def set_clock(fleet: Fleet, member: Member) -> None:
    """Some clocks are wrong from the start."""
    rng = fleet.child("clock", member.machine.name)
    if rng.random() < fleet.cell.trouble.clock:
        member.machine.skew_ms = rng.choice(SKEWS_MS)


def loose(fleet: Fleet) -> None:
    """Let every fault of the cell loose on the fleet."""
    for member in list(fleet.members):
        trouble = fleet.cell.trouble
        for weather in (network.weather for network in member.machine.remotes):
            weather.lost, weather.refused, weather.stale = trouble.lost, trouble.refused, trouble.stale
        for name, act in FAULTS.items():
            rng = fleet.child(name, member.machine.name)
            if rng.random() < getattr(trouble, name):
                at_us = int(rng.uniform(0.1, 0.8) * fleet.cell.length_us)
                fleet.scheduler.spawn(_bound(act, fleet, member, rng), after_us=at_us)


def _bound(act: Fault, fleet: Fleet, member: Member, rng: Random) -> Callable[[], None]:
    return lambda: act(fleet, member, rng)


def jump(fleet: Fleet, member: Member, rng: Random) -> None:
    """The clock jumps in mid-run."""
    member.machine.skew_ms += rng.choice(JUMPS_MS)
    fleet.scheduler.note(member.machine.name, f"clock jumps, now {member.machine.skew_ms} ms off")


def offline(fleet: Fleet, member: Member, rng: Random) -> None:
    """No network for a while, or no way to one of two hubs."""
    away = member.machine.remotes
    if len(away) > 1 and rng.random() < ONE_OF_TWO:
        away = [rng.choice(away)]
    for network in away:
        network.weather.is_offline = True
    fleet.scheduler.pause(int(rng.uniform(0.05, 0.5) * fleet.cell.length_us))
    for network in away:
        network.weather.is_offline = False


def kill(fleet: Fleet, member: Member, rng: Random) -> None:
    """A process of ours dies at some step, and is started again."""
    process = member.newest
    if process is None:
        return
    process.doom = process.steps + rng.randint(1, MOST_STEPS)

    def struck(process: Process) -> None:
        member.machine.kill(process)
        fleet.scheduler.spawn(lambda: fleet.restart(member), after_us=rng.randint(0, 3 * SECOND_US))

    process.on_doom = struck


def power(fleet: Fleet, member: Member, rng: Random) -> None:
    """The power goes at some step of ours, or just so; the machine comes up again."""

    def struck(_process: Process | None = None) -> None:
        member.machine.cut_power()
        fleet.scheduler.spawn(lambda: _boot(fleet, member), after_us=rng.randint(SECOND_US, 8 * SECOND_US))

    process = member.newest
    if process is None or rng.random() < 0.3:
        struck()
    else:
        process.doom = process.steps + rng.randint(1, MOST_STEPS)
        process.on_doom = struck


def _boot(fleet: Fleet, member: Member) -> None:
    member.machine.boot()
    fleet.restart(member)


def clone(fleet: Fleet, member: Member, rng: Random) -> None:
    """Somebody sets up another machine as a copy of this one."""
    fleet.clone(member)


def store_restored(fleet: Fleet, member: Member, rng: Random) -> None:
    """The replica store is put back from a backup, under the running memory file."""
    machine = member.machine
    backup = machine.disk.backup()
    fleet.scheduler.pause(int(rng.uniform(0.1, 0.5) * fleet.cell.length_us))
    _with_nobody_running(fleet, member, lambda: machine.disk.restore_store(backup))
    fleet.scheduler.note(machine.name, "store restored")


def file_restored(fleet: Fleet, member: Member, rng: Random) -> None:
    """The memory file is put back from a backup, with its old times or with fresh ones."""
    machine = member.machine
    backup = machine.disk.backup()
    fleet.scheduler.pause(int(rng.uniform(0.1, 0.5) * fleet.cell.length_us))
    machine.disk.restore_file(backup, machine.scheduler.now_us, is_fresh=rng.random() < 0.3)
    fleet.scheduler.note(machine.name, "file restored")
    machine.changed()


def never_returns(fleet: Fleet, member: Member, rng: Random) -> None:
    """The machine is gone for good; somebody else must remain."""
    if len(fleet.present) > 1:
        member.never_returns = True
        member.machine.is_up = False
        for process in list(member.machine.processes):
            process.end()
        fleet.scheduler.note(member.machine.name, "gone for good")


def second_process(fleet: Fleet, member: Member, rng: Random) -> None:
    """A person runs `sync` again and again beside the daemon, with no lock between them."""
    until_us = fleet.cell.length_us
    while fleet.scheduler.now_us < until_us and member.machine.is_up:
        process = member.machine.start()
        guarded(process.round)
        process.end()
        fleet.scheduler.pause(rng.randint(100 * MS_US, 3 * SECOND_US))


def retired(fleet: Fleet, member: Member, rng: Random) -> None:
    """A person on another machine says that this one will not come back, and is wrong."""
    others = [other for other in fleet.present if other is not member and other.machine.is_up]
    store = rows.load(member.machine.disk.store)
    if not others or store is None:
        return
    process = rng.choice(others).machine.start()
    guarded(lambda: process.session.act(lambda replica, moment: _retire(replica, moment, store.rid)))
    process.end()
    fleet.scheduler.note(member.machine.name, f"{store.rid} was retired")


def _retire(replica: Replica, moment: Moment, rid: Rid) -> None:
    pen = Pen(replica.state, replica.header, wall_ms=moment.wall_ms)
    replica.finish(pen, moment, "hosts retire", retire=[rid])


def _with_nobody_running(fleet: Fleet, member: Member, act: Callable[[], None]) -> None:
    for process in list(member.machine.processes):
        process.end()
    act()
    fleet.restart(member)


Fault = Callable[["Fleet", "Member", Random], None]

FAULTS: dict[str, Fault] = {
    "jump": jump,
    "offline": offline,
    "kill": kill,
    "power": power,
    "clone": clone,
    "store_restored": store_restored,
    "file_restored": file_restored,
    "never_returns": never_returns,
    "second_process": second_process,
    "retired": retired,
}
