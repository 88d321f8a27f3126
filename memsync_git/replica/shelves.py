"""Where the record lines of a loaded replica lie: in its store, as it stood at one moment.

    store      ── written on and on ──▶
    moment         │ what stood when the replica was loaded, or last let go of what it held
    shelves        ├─ ash-0001: its lines       ◀── rest on it: the state, and every copy of a fragment
                   └─ birch-0002: …

Rule 1: what a replica says never changes because a store does. A moment is held until nobody rests on it.
Rule 2: a replica that has saved much lets go of it and rests on a newer moment, and so do the copies that
were taken of it before; else an old one would be held for as long as somebody keeps an old fragment.
Rule 3: what no moment can be had of is held in memory, as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from threading import Lock
from typing import Protocol
from weakref import WeakSet

from memsync_git.crdt.unread import Unread
from memsync_git.model import Rid

FACTS = "facts"

MOST_HELD = 1000
"""Lines, facts and records shown that stay in memory after an act: a megabyte or two."""
MOST_SHOWN = 5000
"""Records the file is about to show that are remembered meanwhile: some MiB."""
WRITTEN_NEXT = 4
"""So many times as much may be held of a change that is about to be written, some MiB."""
MOST_ACTS = 64
"""After so many acts a newer moment is rested on: SQLite keeps all that was written since the older one."""


class Still(Protocol):
    """A store as it stood at one moment, whatever is written to it; see `ports.Still`."""

    generation: int

    def rows(self, kind: str, after: str = "") -> Iterable[tuple[str, bytes]]: ...

    def row(self, kind: str, key: str) -> bytes | None: ...

    def keys(self, kind: str, after: str = "") -> Iterable[str]: ...

    def among(self, kind: str, keys: Iterable[str]) -> Iterable[tuple[str, bytes]]: ...


class FactShelf:
    """The record lines of one replica; see `crdt.unread.Shelf`. changed: by name, what was written since."""

    def __init__(self, still: Still, rid: Rid, size: int) -> None:
        self._still = still if size else None
        self._prefix = f"{rid}:"
        self._size = size
        self._resting: WeakSet[Unread] = WeakSet()
        self._turn = Lock()  # one thread may copy a fragment while another hands over
        self.changed: dict[str, bytes | None] = {}

    def line(self, name: str) -> bytes | None:
        """One line, or None."""
        return None if self._still is None else self._still.row(FACTS, self._prefix + name)

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """All of them by name, fetched as they are taken."""
        prefix, start = self._prefix, len(self._prefix)
        for key, line in () if self._still is None else self._still.rows(FACTS, prefix):
            if not key.startswith(prefix):
                return
            yield key[start:], line

    def among(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Those under some names, looked for together."""
        if self._still is None:
            return
        prefix, start = self._prefix, len(self._prefix)
        for key, line in self._still.among(FACTS, [prefix + name for name in names]):
            yield key[start:], line

    def names(self) -> Iterator[str]:
        """Their names alone."""
        prefix, start = self._prefix, len(self._prefix)
        keys = () if self._still is None else self._still.keys(FACTS, prefix)
        return (key[start:] for key in takewhile(lambda key: key.startswith(prefix), keys))

    @property
    def weight(self) -> int:
        """Nothing: it lies in the store."""
        return 0

    def rested_on(self, by: Unread) -> None:
        """Remember who is to be moved to a newer shelf. On an empty one nothing rests."""
        if self._size:
            with self._turn:
                self._resting.add(by)

    @property
    def is_rested_on(self) -> bool:
        """Whether anybody has a line here."""
        return bool(self._resting)

    def note_written(self, name: str, line: bytes | None) -> None:
        """What lies under a name here is no longer what the store holds, which is this; None: nothing."""
        if self._size:
            self.changed[name] = line

    def hand_over(self, newer: FactShelf) -> None:
        """Move whoever rests here to a newer shelf of the same replica."""
        with self._turn:
            resting = list(self._resting)
        for each in resting:
            each.move(newer, self.changed)

    def compare(self, newer: FactShelf) -> None:
        """Find out what was written since by others."""
        if self._resting:
            lines = Unread(shelf=self).differing(Unread(shelf=newer))
            self.changed = {name: lying for name, (_, lying) in lines.items()}

    def __len__(self) -> int:
        return self._size


class Shelves:
    """The shelves of one moment, and how many acts ago that was.

    left_behind: those of moments before another process wrote, on which somebody may still rest.
    """

    def __init__(self, still: Still, sizes: Mapping[Rid, int]) -> None:
        self.still = still
        self.by_rid = {rid: FactShelf(still, rid, size) for rid, size in sizes.items()}
        self.acts = 0
        self.left_behind: tuple[Shelves, ...] = ()

    @property
    def is_rested_on(self) -> bool:
        """Whether anybody still needs this moment."""
        return any(shelf.is_rested_on for shelf in self.by_rid.values())

    def leave_behind(self, older: Shelves) -> None:
        """Another process has written since an older moment, on which copies may rest."""
        before = (each for each in older.left_behind if each.is_rested_on)
        self.left_behind = (older, *before)

    def note_written(self, rid: Rid, name: str, line: bytes | None) -> None:
        """What lies under a name is no longer what the store holds."""
        shelf = self.by_rid.get(rid)
        if shelf is not None:
            shelf.note_written(name, line)

    def hand_over(self, newer: Shelves) -> None:
        """Move whoever rests here, or on what was left behind, to the shelves of a newer moment."""
        for shelves in (self, *self.left_behind):
            for rid, shelf in shelves.by_rid.items():
                there = newer.by_rid.get(rid) or FactShelf(newer.still, rid, 0)
                if shelves is not self:
                    shelf.compare(there)
                shelf.hand_over(there)
