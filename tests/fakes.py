"""Clocks, chances and shelves for tests: the world's protocols, without the world.

Remotes, stores and memory files have shipped twins that keep the same contracts: `remotes/loopback.py`,
`stores/memory.py`, `local/memory.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from zlib import crc32

from memsync_git.crdt.unread import Unread
from memsync_git.filebytes import Pieces
from memsync_git.ports import LocalFile, Prepared, Unusable


class QuietClock:
    """A clock that moves only when somebody waits."""

    def __init__(self) -> None:
        self.now_ms = 1_763_637_000_000

    def wall_ms(self) -> int:
        return self.now_ms

    def monotonic_s(self) -> float:
        return self.now_ms / 1000

    def sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)

    def boot_id(self) -> str:
        return "boot"


class EventfulClock(QuietClock):
    """Something may happen as soon as somebody waits, once."""

    meanwhile: Callable[[], None] | None = None

    def sleep(self, seconds: float) -> None:
        event, self.meanwhile = self.meanwhile, None
        if event is not None:
            event()
        super().sleep(seconds)


class CountedChance:
    """Tokens, one after the other."""

    def __init__(self, name: str) -> None:
        self._name, self._counter = name, count(1)

    def token(self) -> str:
        return f"{crc32(self._name.encode()):08x}{next(self._counter):08x}"


class Lying:
    """Lines that lie elsewhere; see `crdt.unread.Shelf`."""

    weight = 0

    def __init__(self, lines: Mapping[str, bytes]) -> None:
        self._lines = dict(sorted(lines.items()))

    def line(self, name: str) -> bytes | None:
        return self._lines.get(name)

    def lines(self) -> Iterable[tuple[str, bytes]]:
        return self._lines.items()

    def among(self, names: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        return ((name, self._lines[name]) for name in names if name in self._lines)

    def names(self) -> Iterable[str]:
        return self._lines

    def rested_on(self, by: Unread) -> None:
        """It never moves."""

    def __len__(self) -> int:
        return len(self._lines)


def prepared(file: LocalFile, data: bytes) -> Prepared | Unusable:
    """A new version of a memory file, as it stands beside it."""
    with file.prepare(Pieces([data])) as preparing:
        return preparing.finished()
