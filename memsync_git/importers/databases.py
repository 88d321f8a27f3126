"""Reading a SQLite database that somebody else wrote, from its bytes.

Rule 1: it is read in memory: no file is opened, none is made beside it, nothing of it is run.
Rule 2: only ordinary tables are read, and only their columns; a view, a virtual table or a column that is
computed could run anything, for ever.
Rule 3: every step is counted, so a database made to keep the reader busy ends in an error.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from math import isfinite

from memsync_git.formats.canonical import Json, Number

MAGIC = b"SQLite format 3\x00"
MOST_VALUE_BYTES = 64 << 20
"""As large as a memory file may be: a larger text could never stand in one."""
MOST_STEPS = 2_000_000_000
"""Instructions of SQLite's machine; a hundred thousand memories need about ten million."""
STEPS_AT_A_TIME = 1_000_000

_JOURNAL_VERSIONS = slice(18, 20)
_ROLLBACK = b"\x01\x01"
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})

Value = str | int | float | bytes | None
Row = dict[str, Value]


class NotADatabase(ValueError):
    """It cannot be read as a database, or not within bounds; the message says why."""


def is_database(data: bytes) -> bool:
    """Whether the bytes begin as a SQLite database does."""
    return data.startswith(MAGIC)


class Database:
    """An open database; `columns` of a table that is not there are empty."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns.

        Raises:
            NotADatabase: the database is damaged.
        """
        with _told():
            if not self._is_plain(table):
                return frozenset()
            described = self._connection.execute(f'SELECT * FROM "{table}" LIMIT 0').description  # noqa: S608
            return frozenset(column[0] for column in described)

    def rows(self, table: str, wanted: Sequence[str]) -> Iterator[Row]:
        """Every row of a table, with those of the wanted columns that are there, as it lies there.

        Raises:
            NotADatabase: the database is damaged, or busies the reader without end.
        """
        there = self.columns(table)
        names = [name for name in wanted if name in there]
        if not names:
            return
        listed = ", ".join(f'"{name}"' for name in names)
        with _told():
            for row in self._connection.execute(f'SELECT {listed} FROM "{table}"'):  # noqa: S608
                yield dict(zip(names, row, strict=True))

    def _is_plain(self, table: str) -> bool:
        found = self._connection.execute(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,)
        ).fetchone()
        return found is not None and isinstance(found[0], str) and _is_plain(found[0])


def _is_plain(sql: str) -> bool:
    return sql.upper().split()[:2] == ["CREATE", "TABLE"]


@contextmanager
def opened(data: bytes, *, most_steps: int = MOST_STEPS) -> Iterator[Database]:
    """A database in memory, to be read only.

    Raises:
        NotADatabase: the bytes are none.
    """
    with _told(), closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(_without_log(data))
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES)
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"):
            connection.execute(f"PRAGMA {setting}")
        connection.set_authorizer(_only_reading)
        connection.set_progress_handler(_Patience(most_steps // STEPS_AT_A_TIME), STEPS_AT_A_TIME)
        yield Database(connection)


def _without_log(data: bytes) -> bytes:
    """The same database, said to have no write-ahead log (SQLite file format, 1.3.3)."""
    whole = bytearray(data)
    whole[_JOURNAL_VERSIONS] = _ROLLBACK
    return bytes(whole)


def _only_reading(action: int, *_about: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


class _Patience:
    """Says stop when it was asked often enough."""

    def __init__(self, questions: int) -> None:
        self._left = questions

    def __call__(self) -> int:
        self._left -= 1
        return int(self._left < 0)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OverflowError, MemoryError) as error:
        raise NotADatabase(str(error) or type(error).__name__) from error


def json_of(value: Value) -> Json:
    """A value of a column as JSON; bytes, which are embeddings, have no place there."""
    match value:
        case bytes():
            return None
        case float():
            return Number(repr(value)) if isfinite(value) else None
        case _:
            return value
