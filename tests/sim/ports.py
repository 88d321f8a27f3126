"""The ports of one process, each call a step at which anything else may happen.

Rule 1: a step is taken before a call takes effect, and after one whose effect others can see.
Rule 2: a process that was killed gets nothing done any more: its ports raise `Killed`, whatever it is
still unwinding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from memsync_git.filebytes import Pieces
from memsync_git.local.memory import MemoryFile, PreparingInMemory
from memsync_git.ports import Displaced, Missing, Occupied, Prepared, Reading, Snapshot, Unusable
from memsync_git.stores.memory import MemoryStill, MemoryStore, MemoryTransaction

if TYPE_CHECKING:
    from tests.sim.machine import Process

LOOK_US = 200
RENAME_US = 400
FSYNC_US = 4_000
COMMIT_US = 3_000
LOCKED_POLL_US = 500


class Killed(BaseException):
    """The process is no more."""


class SteppingClock:
    """`ports.Clock` of a process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def wall_ms(self) -> int:
        return self._process.machine.wall_ms()

    def monotonic_s(self) -> float:
        return self._process.machine.scheduler.now_us / 1e6

    def sleep(self, seconds: float) -> None:
        self._process.sleep(round(seconds * 1e6))

    def boot_id(self) -> str:
        return self._process.machine.boot_id


class SeededChance:
    """`ports.Chance` from a seed."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def token(self) -> str:
        return f"{self._rng.getrandbits(64):016x}"


class SteppingFile:
    """`ports.LocalFile` of a process."""

    def __init__(self, process: Process, file: MemoryFile) -> None:
        self._process = process
        self.inner = file

    def _saw(self, snapshot: Snapshot | None) -> None:
        if snapshot is not None:
            self._process.saw(self._process.machine.disk.mask_of(snapshot))

    def read(self) -> Reading:
        self._process.step("read", LOOK_US)
        reading = self.inner.read()
        self._saw(reading if isinstance(reading, Snapshot) else None)
        return reading

    def prepare(self, data: Pieces) -> PreparingInMemory:
        return PreparingInMemory(partial(self._prepared, data))

    def _prepared(self, data: Pieces) -> Prepared | Unusable:
        prepared = self.inner.prepare(data).finished()
        disk = self._process.machine.disk
        disk.prepared[bytes(data)] = (self._process.stands_for(), self._process.hides())
        self._process.step("prepare", FSYNC_US)
        return prepared

    def exchange(self, prepared: Prepared, *, over: Snapshot | Missing) -> Displaced | Occupied | Unusable:
        self._process.step("exchange", RENAME_US)
        outcome = self.inner.exchange(prepared, over=over)
        if isinstance(outcome, Displaced):
            self._process.machine.disk.swapped(bytes(prepared.data), self._process.machine.scheduler.now_us)
            self._saw(outcome.snapshot)
            self._process.machine.changed()
        self._process.step(type(outcome).__name__, RENAME_US)
        return outcome

    def discard(self, prepared: Prepared) -> None:
        self._process.step("discard", LOOK_US)
        self.inner.discard(prepared)

    def look(self, displaced: Displaced) -> Snapshot | None:
        self._process.step("look", LOOK_US)
        snapshot = self.inner.look(displaced)
        self._saw(snapshot)
        return snapshot

    def forget(self, displaced: Displaced) -> None:
        self._process.step("forget", LOOK_US)
        self.inner.forget(displaced)

    def leftovers(self) -> list[Displaced]:
        self._process.step("leftovers", LOOK_US)
        return self.inner.leftovers()

    def protect(self) -> None:
        self.inner.protect()

    def read_witness(self) -> bytes | None:
        self._process.step("read witness", LOOK_US)
        return self.inner.read_witness()

    def write_witness(self, data: bytes) -> Unusable | None:
        self._process.step("write witness", RENAME_US)
        return self.inner.write_witness(data)


class SteppingStill:
    """`ports.Still` of a process: loading takes its time. Single lines that are fetched later take none."""

    def __init__(self, process: Process, still: MemoryStill) -> None:
        self._process = process
        self.inner = still
        self.generation = still.generation

    def rows(self, kind: str, after: str = "") -> list[tuple[str, bytes]]:
        if kind != "facts":
            self._process.step("rows", LOOK_US)
        return self.inner.rows(kind, after)

    def keys(self, kind: str, after: str = "") -> list[str]:
        return self.inner.keys(kind, after)

    def among(self, kind: str, keys: Iterable[str]) -> list[tuple[str, bytes]]:
        return self.inner.among(kind, keys)

    def row(self, kind: str, key: str) -> bytes | None:
        if kind != "facts":
            self._process.step("row", LOOK_US)
        return self.inner.row(kind, key)


class SteppingStore:
    """`ports.Store` of a process; others wait while a transaction is open."""

    def __init__(self, process: Process, store: MemoryStore) -> None:
        self._process = process
        self.inner = store

    def rows(self, kind: str, after: str = "") -> list[tuple[str, bytes]]:
        self._process.step("rows", LOOK_US)
        return self.inner.rows(kind, after)

    def row(self, kind: str, key: str) -> bytes | None:
        self._process.step("row", LOOK_US)
        return self.inner.row(kind, key)

    def still(self) -> SteppingStill:
        self._process.step("still", LOOK_US)
        return SteppingStill(self._process, self.inner.still())

    def generation(self) -> int:
        self._process.step("generation", LOOK_US)
        return self.inner.generation()

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        process, disk = self._process, self._process.machine.disk
        process.step("begin", LOOK_US)
        while disk.is_locked:
            process.sleep(LOCKED_POLL_US)
        disk.is_locked = True
        try:
            with self.inner.transaction() as transaction:
                yield transaction
                process.step("commit", COMMIT_US)
            if transaction.written:
                process.committed()
        finally:
            disk.is_locked = False
        process.step("committed", LOOK_US)

    def close(self) -> None:
        self.inner.close()
