"""How memsync-git runs on a machine: as a daemon, or from cron.

Rule 1: a daemon captures at every file event, at once, while a round may be under way; a round follows
after a rest, and at every poll. It captures nothing before a first round has found the store current.
Some of the rounds that a file event causes push before they fetch.
Rule 2: a cron run is a process of its own, and patient: nobody looks again soon.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random

from memsync_git.sync import RoundOptions, RoundReport, capture
from tests.sim.machine import Machine, Process
from tests.sim.ports import Killed
from tests.sim.scheduler import MS_US, SECOND_US, Signal
from tests.sim.writer import Style

PARTS = {
    "stash": RoundOptions(fetch=False, publish=False, apply=False),
    "pull": RoundOptions(capture=False, publish=False, apply=False),
    "push": RoundOptions(capture=False, fetch=False, apply=False),
}
APPLY = RoundOptions(fetch=False, publish=False)
BETWEEN_PARTS_US = (50 * MS_US, 2 * SECOND_US)
NAMES = tuple(f"e{number}" for number in range(Style().names))
WHOLE, PICKED = 0.25, 0.4
"""Share of applies that pick nothing out, and of names that the others pick."""
NO_EVENT_US = 3_600 * SECOND_US


def guarded(act: Callable[[], object]) -> None:
    """Run an actor's work until it ends or its process is killed."""
    with suppress(Killed):
        act()


class Daemon:
    """Two actors in one process: one watches the file, one syncs."""

    def __init__(self, machine: Machine) -> None:
        self.process = machine.start()
        self.is_asked_to_stop = False
        self._machine = machine
        self._bets = Random(f"{machine.name}:{self.process.number}:{machine.boots}:bets")
        self._dirty = Signal()
        self._is_current = Signal()
        self._running = 2
        machine.on_change.append(self.process.changed)
        for act in (self._sync, self._watch):
            machine.scheduler.spawn(self._counted(act))

    @property
    def is_running(self) -> bool:
        return self._running > 0 and self.process.is_alive

    def stop(self) -> None:
        """Ask it to end after what it is doing."""
        self.is_asked_to_stop = True
        for signal in (self.process.changed, self._dirty, self._is_current):
            self._machine.scheduler.set(signal)

    def _counted(self, act: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            guarded(act)
            self._running -= 1

        return run

    @property
    def _goes_on(self) -> bool:
        return self.process.is_alive and not self.is_asked_to_stop

    def _watch(self) -> None:
        process, scheduler = self.process, self._machine.scheduler
        while self._goes_on and not self._is_current.is_set:
            scheduler.wait(self._is_current, SECOND_US)
        while self._goes_on:
            scheduler.wait(process.changed, NO_EVENT_US)
            process.changed.is_set = False
            if self._goes_on:
                process.step("file event", 20 * MS_US)
                capture(process.session, RoundReport())
                scheduler.set(self._dirty)

    def _sync(self) -> None:
        process, machine = self.process, self._machine
        habits, scheduler = machine.habits, machine.scheduler
        while self._goes_on:
            options = self._options(is_dirty=self._dirty.is_set)
            self._dirty.is_set = False
            report = process.round(options)
            if report.file != "waiting" and not self._is_current.is_set:
                scheduler.set(self._is_current)
            if self._goes_on:
                scheduler.wait(self._dirty, machine.rng.randint(*habits.poll_us))
            if self._goes_on and self._dirty.is_set:
                process.sleep(habits.debounce_us)

    def _options(self, *, is_dirty: bool) -> RoundOptions:
        """What a file event or a poll asks of a round."""
        habits = self._machine.habits
        return replace(habits.options, push_first=is_dirty and self._bets.random() < habits.push_first)


class Person:
    """Nobody but a person: the parts of a round one by one, each a process of its own, in any order.

    The first time of all is a whole round: a file that was never met is adopted in one.
    """

    def __init__(self, machine: Machine) -> None:
        self.is_asked_to_stop = False
        self._machine = machine
        self._wishes = Random(f"{machine.name}:{machine.boots}:wishes")
        self._is_running = True
        machine.scheduler.spawn(self._run)

    @property
    def is_running(self) -> bool:
        return self._is_running

    def stop(self) -> None:
        """No part after the one that is under way."""
        self.is_asked_to_stop = True

    def _run(self) -> None:
        machine = self._machine
        while not self.is_asked_to_stop:
            if machine.is_up:
                self._once()
            machine.scheduler.pause(self._wishes.randint(*BETWEEN_PARTS_US))
        self._is_running = False

    def _once(self) -> None:
        process = self._machine.start()
        guarded(lambda: process.round(self._part(process)))
        process.end()

    def _part(self, process: Process) -> RoundOptions:
        if not process.session.replica.ring:
            return RoundOptions()
        part = self._wishes.choice(("stash", "pull", "push", "apply", "apply"))
        return PARTS[part] if part != "apply" else replace(APPLY, only=self._picked())

    def _picked(self) -> frozenset[str] | None:
        if self._wishes.random() < WHOLE:
            return None
        return frozenset(name for name in NAMES if self._wishes.random() < PICKED)


class Cron:
    """A fresh process every so often."""

    def __init__(self, machine: Machine) -> None:
        self.is_asked_to_stop = False
        self._machine = machine
        self._cron_us = machine.habits.cron_us or NO_EVENT_US
        self._is_running = True
        machine.scheduler.spawn(self._run)

    @property
    def is_running(self) -> bool:
        return self._is_running

    def stop(self) -> None:
        """No run after the one that is under way."""
        self.is_asked_to_stop = True

    def _run(self) -> None:
        machine, scheduler = self._machine, self._machine.scheduler
        machine.next_run_us = scheduler.now_us + machine.rng.randint(0, self._cron_us // 4)
        while not self.is_asked_to_stop:
            scheduler.pause(max(machine.next_run_us - scheduler.now_us, SECOND_US))
            machine.next_run_us += self._cron_us
            if machine.is_up and not self.is_asked_to_stop:
                self._once()
        self._is_running = False

    def _once(self) -> None:
        process = self._machine.start()
        guarded(process.round)
        process.end()
