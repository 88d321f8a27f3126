"""A replica store in memory, with the transactions of the real one.

Rule 1: what a transaction writes is seen by itself alone until it ends; if it ends with an exception
nothing was written.
Rule 2: one transaction at a time. A second one could only wait for ever inside one thread, so it is
`Busy` at once.
Rule 3: cheap: a transaction costs what it writes, however much the store holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from weakref import WeakSet

from memsync_git.errors import Busy

_Kinds = dict[str, dict[str, bytes]]


class MemoryStore:
    """Rows in dictionaries; see `ports.Store`. Give the same object to every "process" of one machine."""

    def __init__(self) -> None:
        self._kinds: _Kinds = {}
        self._generation = 0
        self._open = False
        self._stills: WeakSet[MemoryStill] = WeakSet()

    def rows(self, kind: str, after: str = "") -> list[tuple[str, bytes]]:
        """All rows of a kind whose key comes after `after`, ordered by key."""
        return sorted((key, value) for key, value in self._kinds.get(kind, {}).items() if key > after)

    def row(self, kind: str, key: str) -> bytes | None:
        """One row, or None."""
        return self._kinds.get(kind, {}).get(key)

    def generation(self) -> int:
        """How many transactions have been committed."""
        return self._generation

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """Begin a writing transaction.

        Raises:
            Busy: another one is open.
        """
        if self._open:
            raise Busy("Another transaction of this store is open.")
        self._open = True
        try:
            draft = MemoryTransaction(self, self._kinds, self._generation)
            yield draft
            for still in self._stills:
                still.keep(draft.written)
            draft.apply()
            self._generation += 1
        finally:
            self._open = False

    def still(self) -> MemoryStill:
        """What is committed at this moment."""
        still = MemoryStill(self._kinds, self._generation)
        self._stills.add(still)
        return still

    def copy(self) -> MemoryStore:
        """An independent store holding the same: a backup, or the disk of a cloned machine."""
        twin = MemoryStore()
        twin.restore(self)
        return twin

    def restore(self, backup: MemoryStore) -> None:
        """Become what `backup` holds, its generation included, as restoring a file does."""
        self._kinds = {kind: dict(rows) for kind, rows in backup._kinds.items()}
        self._generation = backup._generation
        self._stills = WeakSet()

    def close(self) -> None:
        """Nothing to close; the rows stay, as on a disk."""


class MemoryStill:
    """What stood at one moment: what stands now, under what was written over since; see `ports.Still`."""

    def __init__(self, kinds: _Kinds, generation: int) -> None:
        self.generation = generation
        self._kinds = kinds
        self._stood: dict[str, dict[str, bytes | None]] = {}

    def keep(self, written: Mapping[str, Mapping[str, bytes | None]]) -> None:
        """Some rows are about to be written: keep what stands there, unless it was kept before."""
        for kind, rows in written.items():
            standing, stood = self._kinds.get(kind, {}), self._stood.setdefault(kind, {})
            for key in rows:
                stood.setdefault(key, standing.get(key))

    def rows(self, kind: str, after: str = "") -> list[tuple[str, bytes]]:
        """All rows of a kind whose key comes after `after`, ordered by key."""
        together: dict[str, bytes | None] = {**self._kinds.get(kind, {}), **self._stood.get(kind, {})}
        return sorted((key, value) for key, value in together.items() if value is not None and key > after)

    def keys(self, kind: str, after: str = "") -> list[str]:
        """Their keys."""
        return [key for key, _ in self.rows(kind, after)]

    def among(self, kind: str, keys: Iterable[str]) -> list[tuple[str, bytes]]:
        """The rows that have one of these keys."""
        found = ((key, self.row(kind, key)) for key in keys)
        return [(key, value) for key, value in found if value is not None]

    def row(self, kind: str, key: str) -> bytes | None:
        """One row, or None."""
        stood = self._stood.get(kind, {})
        return stood[key] if key in stood else self._kinds.get(kind, {}).get(key)


class MemoryTransaction:
    """What one transaction has written, over what stood there; see `ports.Transaction`."""

    def __init__(self, store: MemoryStore, kinds: _Kinds, generation: int) -> None:
        self.generation = generation
        self._store = store
        self._kinds = kinds
        self.written: dict[str, dict[str, bytes | None]] = {}

    def still(self) -> MemoryStill:
        """What was committed before this transaction."""
        return self._store.still()

    def rows(self, kind: str, after: str = "") -> list[tuple[str, bytes]]:
        """The same, those of this transaction included."""
        together: dict[str, bytes | None] = {**self._kinds.get(kind, {}), **self.written.get(kind, {})}
        return sorted((key, value) for key, value in together.items() if value is not None and key > after)

    def row(self, kind: str, key: str) -> bytes | None:
        """One row, or None."""
        written = self.written.get(kind)
        if written is not None and key in written:
            return written[key]
        return self._kinds.get(kind, {}).get(key)

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Write one row, in the place of the one that stands there."""
        self.written.setdefault(kind, {})[key] = value

    def put_all(self, kind: str, rows: Iterable[tuple[str, bytes | None]]) -> None:
        """Write many rows of a kind; None drops a row."""
        written = self.written.setdefault(kind, {})
        for key, value in rows:
            written[key] = value

    def drop(self, kind: str, key: str) -> None:
        """Remove one row; no row is no error."""
        self.written.setdefault(kind, {})[key] = None

    def apply(self) -> None:
        """Make everything written part of the store."""
        for kind, written in self.written.items():
            standing = self._kinds.setdefault(kind, {})
            for key, value in written.items():
                if value is None:
                    standing.pop(key, None)
                else:
                    standing[key] = value
