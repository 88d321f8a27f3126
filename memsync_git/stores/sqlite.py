"""The replica store in SQLite: what this machine knows, safe against power cuts and shared by processes.

Rule 1: WAL with synchronous=FULL: what was committed survives a power cut; a reader never waits for a writer.
Rule 2: a writing transaction begins with BEGIN IMMEDIATE, so that what it read is still true when it
commits; the generation is raised in the same transaction, so a process knows when another one wrote.
Rule 3: readers see what is committed; what a transaction has written is seen through it alone.

    writer connection ─ BEGIN IMMEDIATE … COMMIT        one at a time, threads and processes alike
    reader connection ─ one SELECT at a time            what is committed, nothing else
    stills            ─ BEGIN, SELECT …                 what was committed when each of them began
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any
from weakref import WeakSet

from memsync_git.errors import StoreDamaged
from memsync_git.stores.connecting import (
    APPLICATION_ID,
    BUSY_S,
    KEYS,
    ROW,
    ROWS,
    ROWS_AMONG,
    SCHEMA,
    TABLES,
    Space,
    busy,
    connect,
    create_file,
    explained,
    generation_of,
    is_blank,
    refuse_strange,
    space_of,
    version_of,
)

RETRY_S = 0.01

FOLDING_MS = 100
"""Of waiting for readers at the end of a compaction. A daemon reads on: the log is folded in later."""

MOST_AT_ONCE = 5000
MOST_BYTES_AT_ONCE = 4 << 20
"""Rows handed to SQLite together: a few MiB of an ordinary memory."""
READ_AT_ONCE = 64
"""Rows taken from SQLite together. Those that hold lines of the memory file have 80 KB each."""
LOOKED_UP_AT_ONCE = 64
"""Keys in one statement: half as dear as one each, and four times as many would cost no less."""

_PUT = """INSERT INTO rows VALUES (?, ?, ?)
          ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"""
"""A row that stands there is changed where it lies: one in its place would be new in the index, too."""
_DROP = "DELETE FROM rows WHERE kind = ? AND key = ?"
_KEY = itemgetter(0)
_RAISE_GENERATION = "UPDATE meta SET value = value + 1 WHERE name = 'generation'"


class SqliteStore:
    """One store file; see `ports.Store`. The threads of a process may share it."""

    def __init__(self, path: Path, *, busy_s: float = BUSY_S) -> None:
        """Open the store, creating it (0600, its folder 0700) where there is none.

        Raises:
            StoreDamaged: what stands there is no store this release can use.
            Busy: another process kept it locked for `busy_s` seconds.
        """
        self._path = path
        self._busy_s = busy_s
        self._turn = threading.Lock()
        self._stills: WeakSet[SqliteStill] = WeakSet()
        with explained(path):
            create_file(path)
            self._writer = connect(path, "mode=rw", busy_s)
        try:
            with explained(path):
                self._prepare()
                self._reader = connect(path, "mode=rw", busy_s)
                self._reader.execute("PRAGMA query_only = ON")
        except BaseException:
            self._writer.close()
            raise

    def _prepare(self) -> None:
        if version_of(self._writer) != (APPLICATION_ID, SCHEMA):
            self._begin_schema()
        self._switch_to_wal()
        self._writer.execute("PRAGMA synchronous = FULL")
        self._writer.execute("PRAGMA secure_delete = FAST")  # some builds fill pages with zeros to free them

    def _begin_schema(self) -> None:
        """Make the tables, or raise the schema of older ones that say the same; unless another process was
        first or the file is somebody else's.
        """
        with _committed(self._writer):
            if is_blank(self._writer):
                for statement in TABLES:
                    self._writer.execute(statement)
            refuse_strange(self._writer, self._path)
            self._writer.execute(f"PRAGMA user_version = {SCHEMA}")

    def _switch_to_wal(self) -> None:
        """SQLite does not wait for this lock itself, so two processes that create one store would collide."""
        deadline_s = time.monotonic() + self._busy_s
        while True:
            try:
                self._writer.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                    raise
                time.sleep(RETRY_S)
            else:
                return

    def rows(self, kind: str, after: str = "") -> Iterator[tuple[str, bytes]]:
        """The committed rows of a kind whose key comes after `after`, by key, read as they are taken."""
        return _rows(self._reader, self._path, kind, after)

    def row(self, kind: str, key: str) -> bytes | None:
        """One committed row, or None."""
        return _row(self._reader, self._path, kind, key)

    def still(self) -> SqliteStill | None:
        """What is committed at this moment, read by a connection of its own; None where none can be had."""
        return _still(self._path, self._stills)

    def generation(self) -> int:
        """How many transactions have been committed, by any process."""
        with explained(self._path):
            return generation_of(self._reader, self._path)

    def space(self) -> Space:
        """How large the store is, and how much of that is free."""
        with explained(self._path):
            return space_of(self._reader)

    def compact(self) -> None:
        """Write the store anew without its free pages; the file stays the same one for whoever has it open.

        Raises:
            Busy: others kept the store locked for `busy_s` seconds.
            StoreDamaged: the store cannot be written.
        """
        with self._turn, explained(self._path):
            self._writer.execute("VACUUM")
            self._writer.execute(f"PRAGMA busy_timeout = {FOLDING_MS}")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._writer.execute(f"PRAGMA busy_timeout = {round(self._busy_s * 1000)}")

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """Begin a writing transaction; each that ends without an exception raises the generation by one.

        Raises:
            Busy: others kept the store locked for `busy_s` seconds.
            StoreDamaged: the store cannot be read or written.
        """
        if not self._turn.acquire(timeout=self._busy_s):
            raise busy(self._path)
        try:
            with explained(self._path):
                self._writer.execute("BEGIN IMMEDIATE")
            yield from self._begun()
        finally:
            self._turn.release()

    def _begun(self) -> Iterator[SqliteTransaction]:
        try:
            with explained(self._path):
                generation = generation_of(self._writer, self._path)
            yield SqliteTransaction(self._writer, self._path, generation, self._stills)
            with explained(self._path):
                self._writer.execute(_RAISE_GENERATION)
                self._writer.execute("COMMIT")
        except BaseException:
            _roll_back(self._writer)
            raise

    def close(self) -> None:
        """Close the connections. The last one out folds the write-ahead log into the file."""
        for still in list(self._stills):
            still.close()
        for connection in (self._reader, self._writer):
            with suppress(sqlite3.Error):
                connection.close()


class SqliteTransaction:
    """Reads and writes of one open transaction; see `ports.Transaction`."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, generation: int, stills: WeakSet[SqliteStill]
    ) -> None:
        self.generation = generation
        self._connection = connection
        self._path = path
        self._stills = stills

    def still(self) -> SqliteStill | None:
        """What was committed before this transaction; None where it cannot be had."""
        return _still(self._path, self._stills)

    def rows(self, kind: str, after: str = "") -> Iterator[tuple[str, bytes]]:
        """The same, those of this transaction included."""
        return _rows(self._connection, self._path, kind, after)

    def row(self, kind: str, key: str) -> bytes | None:
        """One row, or None."""
        return _row(self._connection, self._path, kind, key)

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Write one row, in the place of the one that stands there."""
        with explained(self._path):
            self._connection.execute(_PUT, (kind, key, value))

    def put_all(self, kind: str, rows: Iterable[tuple[str, bytes | None]]) -> None:
        """Write many rows of a kind, in the order of their keys, so that pages fill up; None drops a row.

        SQLite takes `MOST_AT_ONCE` rows with one call, so that memory does not follow the size of the store.
        """
        for some in _handfuls(rows):
            ordered = sorted(dict(some).items())
            gone = [(kind, key) for key, value in ordered if value is None]
            come = [(kind, key, value) for key, value in ordered if value is not None]
            with explained(self._path):
                self._connection.executemany(_DROP, gone)
                self._connection.executemany(_PUT, come)

    def drop(self, kind: str, key: str) -> None:
        """Remove one row; no row is no error."""
        with explained(self._path):
            self._connection.execute(_DROP, (kind, key))


class SqliteStill:
    """A read transaction that is held: SQLite keeps what was written since in its log; see `ports.Still`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Begin with the next read, which is that of the generation."""
        self._connection = connection
        self._path = path
        self._turn = threading.Lock()
        connection.execute("BEGIN")
        self.generation = generation_of(connection, path)

    def rows(self, kind: str, after: str = "") -> Iterator[tuple[str, bytes]]:
        """The rows of a kind whose key comes after `after`, by key, read as they are taken."""
        return chain.from_iterable(self._some(ROWS, kind, after))

    def keys(self, kind: str, after: str = "") -> Iterator[str]:
        """Their keys."""
        return map(_KEY, chain.from_iterable(self._some(KEYS, kind, after)))

    def among(self, kind: str, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The rows of a kind that have one of these keys, looked for in their order."""
        ordered = sorted(keys)
        for at in range(0, len(ordered), LOOKED_UP_AT_ONCE):
            some = ordered[at : at + LOOKED_UP_AT_ONCE]
            statement = ROWS_AMONG.format(",".join("?" * len(some)))
            with explained(self._path), self._turn:
                found = self._connection.execute(statement, (kind, *some)).fetchall()
            yield from found

    def _some(self, statement: str, kind: str, after: str) -> Iterator[list[Any]]:
        """Rows, some at a time. One thread may go through them while another one looks something up."""
        with explained(self._path):
            with self._turn:
                cursor = self._connection.execute(statement, (kind, after))
            while some := self._fetched(cursor):
                yield some

    def _fetched(self, cursor: sqlite3.Cursor) -> list[Any]:
        with self._turn:
            return cursor.fetchmany(READ_AT_ONCE)

    def row(self, kind: str, key: str) -> bytes | None:
        """One row, or None."""
        with self._turn:
            return _row(self._connection, self._path, kind, key)

    def close(self) -> None:
        """Let go of the moment; nothing can be read of it any more."""
        with suppress(sqlite3.Error):
            self._connection.close()

    __del__ = close


def _still(path: Path, stills: WeakSet[SqliteStill]) -> SqliteStill | None:
    """A moment held; it is for economy, so that trouble is for whoever reads or writes next to tell."""
    connection = None
    try:
        connection = connect(path, "mode=rw", 0.0)
        connection.execute("PRAGMA query_only = ON")
        still = SqliteStill(connection, path)
    except (sqlite3.Error, StoreDamaged):
        if connection is not None:
            connection.close()
        return None
    stills.add(still)
    return still


def _handfuls(rows: Iterable[tuple[str, bytes | None]]) -> Iterator[list[tuple[str, bytes | None]]]:
    """Rows as they are handed over together."""
    some: list[tuple[str, bytes | None]] = []
    size = 0
    for key, value in rows:
        some.append((key, value))
        size += 0 if value is None else len(value)
        if len(some) == MOST_AT_ONCE or size >= MOST_BYTES_AT_ONCE:
            yield some
            some, size = [], 0
    yield some


def _rows(connection: sqlite3.Connection, path: Path, kind: str, after: str) -> Iterator[tuple[str, bytes]]:
    """Rows of one moment, some at a time: a list of all would be the store a second time."""
    with explained(path):
        cursor = connection.execute(ROWS, (kind, after))
        while some := cursor.fetchmany(READ_AT_ONCE):
            yield from some


def _row(connection: sqlite3.Connection, path: Path, kind: str, key: str) -> bytes | None:
    with explained(path):
        found = connection.execute(ROW, (kind, key)).fetchone()
    return None if found is None else found[0]


@contextmanager
def _committed(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # SQLite has rolled back by itself where the disk is full
        connection.execute("ROLLBACK")
