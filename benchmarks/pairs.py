"""Two memory files that something keeps in step, a server that writes one, and the moment the other shows it.

Rule 1: a write is the official server's: the whole file read, changed, written beside itself and renamed.
Rule 2: an arrival is told by the kernel (inotify), so that waiting for it takes nothing from whoever works.
Rule 3: all moments are of `time.monotonic`, which on Linux is the same clock in every process.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from uuid import uuid4

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

PATIENCE_S = 30.0
"""For what takes a second or two by everybody's own account."""
_WRITTEN = frozenset(["closed", "created", "moved"])


class Lost(Exception):
    """Something did not arrive in time."""


@dataclass(frozen=True)
class Pair:
    """Two memory files that are kept in step. debounce_s: what is waited by intention, and configured so."""

    name: str
    a: Path
    b: Path
    debounce_s: float = 0.0


def row(name: str, observations: int) -> dict[str, object]:
    said = [f"observation {at} about {name}, with a few words to it" for at in range(observations)]
    return {"type": "entity", "name": name, "entityType": "thing", "observations": said}


def written(rows: list[dict[str, object]]) -> bytes:
    """A memory file as the server writes it."""
    return "\n".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in rows).encode()


def memory_of(entities: int) -> bytes:
    return written([row(f"Entity {at}", 5) for at in range(entities)])


def rows_of(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_bytes().split(b"\n") if line]


def saved(file: Path, rows: list[dict[str, object]]) -> float:
    """Save as the server does; the moment before the rename."""
    fresh = file.with_name(f"{file.name}.{uuid4().hex}.tmp")
    fresh.write_bytes(written(rows))
    at_s = time.monotonic()
    fresh.rename(file)
    return at_s


def noted(file: Path, name: str) -> float:
    """The server notes one entity more; the moment before the rename."""
    return saved(file, [*rows_of(file), row(name, 1)])


class Arrivals(FileSystemEventHandler):
    """Wakes whoever waits for a file to hold something."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._events: SimpleQueue[None] = SimpleQueue()

    def dispatch(self, event: FileSystemEvent) -> None:
        if event.event_type in _WRITTEN:
            self._events.put(None)

    def wait(self, *wanted: bytes, within_s: float = PATIENCE_S) -> float:
        """The moment at which all that is wanted was seen in the file.

        Raises:
            Lost: it was not.
        """
        end_s = time.monotonic() + within_s
        while not all(each in self._read() for each in wanted):
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                raise Lost(f"{self.file} does not hold it after {within_s:.0f} s")
            self._until_event(left_s)
        return time.monotonic()

    def _until_event(self, within_s: float) -> None:
        try:
            self._events.get(timeout=within_s)
        except Empty:
            return

    def _read(self) -> bytes:
        try:
            return self.file.read_bytes()
        except FileNotFoundError:
            return b""


@contextmanager
def arrivals(file: Path) -> Iterator[Arrivals]:
    """A watch over the folder of a file."""
    waiting = Arrivals(file)
    observer = Observer()
    observer.schedule(waiting, str(file.parent))
    observer.start()
    try:
        yield waiting
    finally:
        observer.stop()
        observer.join()
