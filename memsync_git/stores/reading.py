"""A replica store opened for reading only: for `status`, beside whoever writes.

Rule 1: it creates nothing: no file, no folder, no write-ahead log. No store reads as an empty one.
Rule 2: it shows one moment, that of its first read. Open another one to look again.

    write-ahead log beside the file  → a read transaction of SQLite, held until `close`
    none: nobody has the store open  → the bare file without locks; it must not change until `close`
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeVar

from memsync_git.errors import Busy
from memsync_git.stores.connecting import (
    BUSY_S,
    ROW,
    ROWS,
    Space,
    connect,
    explained,
    generation_of,
    is_blank,
    refuse_strange,
    space_of,
)

T = TypeVar("T")

LOGS = ("-wal", "-journal")

Look = tuple[int, int, int, int]
"""Device, inode, size and modification time in ns: equal while nobody wrote the file."""

OPENINGS = 5
"""A writer that comes and goes at this very moment changes the file; none does so five times in a row."""
PAUSE_S = 0.02
"""Longer than a writer takes that comes and goes; what it leaves to be made anew may find a full disk."""
_NO_ROOM = frozenset([sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN])
"""How a write-ahead log without its index is met where none can be made."""


class SqliteReader:
    """One store file as it stood at the first read; a `ports.Store` that cannot write."""

    def __init__(self, path: Path, *, busy_s: float = BUSY_S) -> None:
        self._path = path
        self._busy_s = busy_s
        self._connection: sqlite3.Connection | None = None
        self._unchanged: Look | None = None
        with explained(path):
            self._open()

    def _open(self) -> None:
        """Find a moment to show, or nothing at all."""
        for left in reversed(range(OPENINGS)):
            look = _look(self._path)
            if look is None:
                return
            is_in_use = any(self._path.with_name(self._path.name + log).exists() for log in LOGS)
            try:
                self._connect("mode=ro" if is_in_use else "mode=ro&immutable=1")
            except sqlite3.Error as error:
                if not left or not is_in_use or _kind_of(error) not in _NO_ROOM:
                    raise
                time.sleep(PAUSE_S)
                continue
            if is_in_use:
                return
            if _look(self._path) == look:
                self._unchanged = look
                return
            self.close()
        raise _changing(self._path)

    def _connect(self, mode: str) -> None:
        connection = connect(self._path, mode, self._busy_s)
        if self._begins(connection):
            self._connection = connection
        else:
            connection.close()

    def _begins(self, connection: sqlite3.Connection) -> bool:
        """Hold the moment; whether there is anything in it."""
        try:
            connection.execute("BEGIN")
            if is_blank(connection):
                return False
            refuse_strange(connection, self._path)
        except BaseException:
            connection.close()
            raise
        return True

    def _read(self, work: Callable[[sqlite3.Connection], T], empty: T) -> T:
        if self._connection is None:
            return empty
        with explained(self._path):
            try:
                return work(self._connection)
            finally:
                self._refuse_changed()

    def _refuse_changed(self) -> None:
        if self._unchanged is not None and _look(self._path) != self._unchanged:
            raise _changing(self._path)

    def rows(self, kind: str, after: str = "") -> list[tuple[str, bytes]]:
        """All rows of a kind whose key comes after `after`, ordered by key."""
        return self._read(lambda connection: connection.execute(ROWS, (kind, after)).fetchall(), [])

    def space(self) -> Space:
        """How large the store is, and how much of that is free."""
        return self._read(space_of, Space())

    def row(self, kind: str, key: str) -> bytes | None:
        """One row, or None."""
        found = self._read(lambda connection: connection.execute(ROW, (kind, key)).fetchone(), None)
        return None if found is None else found[0]

    def still(self) -> None:
        """No moment can be held: where nobody has the store open, whoever writes it changes the bare file."""

    def generation(self) -> int:
        """How many transactions had been committed."""
        return self._read(lambda connection: generation_of(connection, self._path), 0)

    def transaction(self) -> NoReturn:
        """Never: whoever writes opens a `SqliteStore`."""
        raise TypeError("a store opened for reading begins no transaction")

    def close(self) -> None:
        """Let go of the moment; afterwards the store reads as an empty one."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _kind_of(error: sqlite3.Error) -> int:
    """SQLite's code for what went wrong, without its details; 0 where it is none of SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _look(path: Path) -> Look | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _changing(path: Path) -> Busy:
    return Busy(
        f"The replica store {path} was written while it was being read.",
        unharmed="Nothing was changed.",
        hint="run the command again",
    )
