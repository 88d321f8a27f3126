"""The race that loses memories elsewhere: a server that writes all the time beside a sync that never rests.

The server reads its file, changes it in memory and writes all of it back, without a lock; meanwhile rows of
another machine are put into that very file. Every write that the server acknowledged must be on both machines
in the end, and everything it deleted must be gone.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .machines import Machine, let_the_window_pass, sync_all
from .servers import IN_PLACE, RENAMING, MemoryServer, entity

WRITES = 300
"""Acknowledged writes of the racing server, per kind of writer."""
SWAPS = 8
"""Rounds of the same machine that really wrote into the server's file meanwhile."""
RACE_LIMIT_S = 360
"""Half a minute is the rule; a machine that does other work too may take long."""
BURST = 5
"""Calls in a row without a pause: an assistant creates, relates and adds in one breath."""
LONGEST_PAUSE_S = 0.2
SEEDED = 40


@dataclass
class Writer:
    """An assistant that notes and forgets through one server, and remembers what it was told is done."""

    server: MemoryServer
    label: str
    chance: random.Random
    forgettable: list[str] = field(default_factory=list)
    noted: set[tuple[str, ...]] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    writes: int = 0

    def write(self) -> None:
        """One call of the server, recorded once it is acknowledged."""
        name = f"{self.label} {self.writes}"
        match self.writes % 8:
            case 3 | 5:
                self.server.add_observations(self.label, name)
                self.noted.add(("observation", self.label, name))
            case 6:
                self.server.create_relations((self.label, name, "noted"))
                self.noted.add(("relation", self.label, "noted", name))
            case 7 if self.forgettable:
                gone = self.forgettable.pop()
                self.server.delete_entities(gone)
                self.forgotten.add(gone)
            case _:
                self.server.create_entities(entity(name, "note", f"text of {name}"))
                self.noted |= {("entity", name, "note"), ("observation", name, f"text of {name}")}
        self.writes += 1

    def write_until(self, ended: threading.Event) -> None:
        while not ended.is_set():
            for _ in range(BURST):
                self.write()
            ended.wait(self.chance.uniform(0, LONGEST_PAUSE_S))


def sync_busily(machine: Machine) -> bool:
    """One round while the server writes; whether it put something into the server's file."""
    done = machine.start("sync", "--json")
    assert done.returncode == 0, f"sync ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return bool(json.loads(done.stdout)["wrote_file"])


def note_and_sync_until(machine: Machine, writer: Writer, ended: threading.Event) -> None:
    """The other machine: it notes something and syncs, again and again."""
    while not ended.is_set():
        writer.write()
        machine.sync()


def race(laptop: Machine, here: Writer, desk: Machine, there: Writer) -> int:
    """Both machines at once until enough was written; how often the laptop's file was swapped meanwhile."""
    ended, swaps, deadline = threading.Event(), 0, time.monotonic() + RACE_LIMIT_S
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(here.write_until, ended), pool.submit(note_and_sync_until, desk, there, ended)]
        try:
            while (here.writes < WRITES or swaps < SWAPS) and time.monotonic() < deadline:
                assert not any(each.done() for each in running), "a writer ended early"
                swaps += sync_busily(laptop)
        finally:
            ended.set()
            for each in running:
                each.result()
    return swaps


@pytest.mark.parametrize("version", [RENAMING, IN_PLACE])
def test_no_write_of_a_busy_server_is_lost_and_nothing_it_deleted_comes_back(
    machine: Callable[[str, str], Machine], hub: Path, version: str
) -> None:
    laptop, desk = machine("laptop", version), machine("desk", RENAMING)
    laptop.join(hub)
    desk.join(hub)
    seeds = [f"seed {number}" for number in range(SEEDED)]
    laptop.server.create_entities(*(entity(seed, "seed", "to be forgotten") for seed in seeds))
    laptop.server.create_entities(entity("laptop", "machine"))
    desk.server.create_entities(entity("desk", "machine"))
    sync_all(laptop, desk)
    let_the_window_pass()

    here = Writer(laptop.server, "laptop", random.Random(1), forgettable=seeds)
    there = Writer(desk.server, "desk", random.Random(2))
    swaps = race(laptop, here, desk, there)
    assert here.writes >= WRITES, "the race did not take place"
    assert swaps >= SWAPS, "the race did not take place"

    let_the_window_pass()
    sync_all(laptop, desk)
    for each in (laptop, desk):
        memory = each.memory()
        assert (here.noted | there.noted) - memory == set(), f"lost on {each.host}"
        assert {name for kind, name, *_ in memory if kind == "entity"} & here.forgotten == set()
