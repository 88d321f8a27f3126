"""Memory servers at work: each reads the file, thinks, and writes all of it back, with no lock.

Rule 1: every sentence is written once in the whole fleet, relations included.
Rule 2: what a call does is decided on what that call read.
Rule 3: a server never empties the file, and none reads what another has half written: both have tests of
their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.sim import memory_server as server
from tests.sim.ledger import Hidden, Shown
from tests.sim.machine import WINDOW_US, Machine
from tests.sim.memory_server import Memory, Node, Triple
from tests.sim.scheduler import MS_US, SECOND_US

KINDS = ("person", "project", "place")
TEAR_US = 300
AROUND_A_RUN = 0.4
STOCK = 4


@dataclass(frozen=True, slots=True)
class Style:
    """How a server behaves.

    think_us: mean time between calls. window_us: between reading and writing. retype: share of calls that
    delete an entity and create it again. in_place: it truncates and writes instead of renaming.
    """

    think_us: int = 3 * SECOND_US
    window_us: tuple[int, int] = (5 * MS_US, 60 * MS_US)
    retype: float = 0.02
    in_place: bool = False
    names: int = 5


class Sentences:
    """Where texts come from that nobody has written before."""

    def __init__(self) -> None:
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"s{self._count}"


class Writer:
    """One memory server, and the assistant that calls it."""

    def __init__(self, machine: Machine, rng: Random, style: Style, sentences: Sentences, label: str) -> None:
        self.machine = machine
        self.rng = rng
        self.style = style
        self.sentences = sentences
        self.label = label
        self.calls = 0
        self.is_asked_to_stop = False

    # --- life

    def run(self) -> None:
        """Call after call, until asked to stop; a machine without power does nothing."""
        scheduler = self.machine.scheduler
        while True:
            scheduler.pause(self._thinking_us())
            if self.is_asked_to_stop:
                return
            if self.machine.is_up:
                self.act()

    def _thinking_us(self) -> int:
        """A while; sometimes until just around the next cron run, where trouble is."""
        run_us, now_us = self.machine.next_run_us, self.machine.scheduler.now_us
        if run_us is not None and self.rng.random() < AROUND_A_RUN:
            return max(run_us - now_us + self.rng.randint(-SECOND_US, 3 * SECOND_US), 0)
        return int(min(self.rng.expovariate(1.0), 4.0) * self.style.think_us)

    def act(self) -> None:
        """One thing an assistant does: usually one call, two to give an entity another type."""
        if self.rng.random() < self.style.retype:
            self._retype()
        else:
            self.call(self._anything)

    def stock(self) -> None:
        """What the assistant has noted before anybody synced."""
        for _ in range(STOCK):
            self.call(self._create)
            self.call(self._add)

    # --- one call

    def call(self, decide: server.Call) -> bool:
        """Read, think, write; False if the power went meanwhile or the file could not be read."""
        machine, boots = self.machine, self.machine.boots
        if machine.disk.is_torn:
            return False
        standing = machine.disk.standing()
        data, past = (standing.data, machine.disk.mask_of(standing)) if standing is not None else (b"", 0)
        hidden = machine.disk.hidden_in(standing)
        before = server.read(data)
        if before is None:
            return False
        machine.scheduler.pause(self.rng.randint(*self.style.window_us))
        if not self._lives(boots):
            return False
        after = decide(before)
        shown = Shown(past, hidden, *machine.disk.before(machine.scheduler.now_us - WINDOW_US))
        mask = machine.ledger.enter(before, after, shown)
        self._write(server.written(after), mask, hidden)
        self.calls += 1
        machine.scheduler.note(f"{machine.name}/{self.label}", described(before, after))
        return True

    def _lives(self, boots: int) -> bool:
        return self.machine.is_up and self.machine.boots == boots

    def _write(self, data: bytes, mask: int, hidden: Hidden) -> None:
        if self.style.in_place:
            self._write_in_place(data, mask, hidden)
        else:
            self.machine.disk.file.writer_rename(data)
            self.machine.disk.mark(mask, self.machine.scheduler.now_us, hidden)
        self.machine.changed()

    def _write_in_place(self, data: bytes, mask: int, hidden: Hidden) -> None:
        """Truncate, then write piece by piece into whatever inode the path led to."""
        disk, boots = self.machine.disk, self.machine.boots
        handle = disk.file.writer_open()
        disk.is_torn = True
        for torn in (b"", data[: len(data) // 2]):
            handle.commit(torn)
            self.machine.changed()
            self.machine.scheduler.pause(TEAR_US)
            if not self._lives(boots):
                return
        handle.commit(data)
        disk.is_torn = False
        disk.masks[handle._inode.number, data] = mask
        disk.hidden[handle._inode.number, data] = hidden
        standing = disk.standing()
        if standing is not None:
            disk.mark(disk.mask_of(standing), self.machine.scheduler.now_us, disk.hidden_in(standing))

    # --- what to do

    def _anything(self, memory: Memory) -> Memory:
        deed = self.rng.choices(*DEEDS)[0]
        return deed(self, memory)

    def _create(self, memory: Memory) -> Memory:
        name = f"e{self.rng.randrange(self.style.names)}"
        return server.create_entity(memory, name, self.rng.choice(KINDS), self._texts(3))

    def _add(self, memory: Memory) -> Memory:
        name = self._one_of(memory)
        return self._create(memory) if name is None else server.add_observations(memory, name, self._texts(2))

    def _forget(self, memory: Memory) -> Memory:
        name = self._one_of(memory)
        texts = memory.entities[name].observations if name is not None else ()
        if name is None or not texts:
            return self._add(memory)
        return server.delete_observations(
            memory, name, self.rng.sample(texts, min(len(texts), self.rng.randint(1, 2)))
        )

    def _delete(self, memory: Memory) -> Memory:
        name = self._one_of(memory)
        if name is None or len(memory.entities) < 2:
            return self._create(memory)
        return server.delete_entity(memory, name)

    def _relate(self, memory: Memory) -> Memory:
        if len(memory.entities) < 2:
            return self._add(memory)
        source, target = self.rng.sample(list(memory.entities), 2)
        return server.create_relation(memory, (source, target, f"knows {self.sentences.next()}"))

    def _unrelate(self, memory: Memory) -> Memory:
        if not memory.relations:
            return self._relate(memory)
        return server.delete_relation(memory, self.rng.choice(memory.relations))

    def _retype(self) -> None:
        """Delete and create again: the official server's only way to another type."""
        kept: list[tuple[str, Node, list[Triple]]] = []

        def delete(memory: Memory) -> Memory:
            name = self._one_of(memory)
            if name is None or len(memory.entities) < 2:
                return memory
            kept.append((name, memory.entities[name], [t for t in memory.relations if name in t[:2]]))
            return server.delete_entity(memory, name)

        if not self.call(delete) or not kept:
            return
        (name, node, triples) = kept[0]
        kind = self.rng.choice(KINDS)
        self.machine.scheduler.pause(self.rng.randint(20 * MS_US, 800 * MS_US))
        if not self.machine.is_up:
            return
        self.call(lambda memory: server.create_entity(memory, name, kind, node.observations))
        if triples and self.rng.random() < 0.5:
            self.machine.scheduler.pause(self.rng.randint(20 * MS_US, 400 * MS_US))
            if self.machine.is_up:
                self.call(lambda memory: _related(memory, triples))

    def _one_of(self, memory: Memory) -> str | None:
        return self.rng.choice(list(memory.entities)) if memory.entities else None

    def _texts(self, most: int) -> list[str]:
        return [self.sentences.next() for _ in range(self.rng.randint(1, most))]


def _related(memory: Memory, triples: list[Triple]) -> Memory:
    for triple in triples:
        memory = server.create_relation(memory, triple)
    return memory


DEEDS: tuple[tuple[Callable[[Writer, Memory], Memory], ...], tuple[int, ...]] = (
    (Writer._create, Writer._add, Writer._forget, Writer._delete, Writer._relate, Writer._unrelate),
    (13, 48, 17, 6, 10, 6),
)


def described(before: Memory, after: Memory) -> str:
    """What a call changed, in one line, for the trace."""
    old, new = before.items(), after.items()
    come = " ".join(sorted("+" + ":".join(item) for item in new - old))
    gone = " ".join(sorted("−" + ":".join(item) for item in old - new))
    return f"{come} {gone}".strip() or "wrote what it had read"
