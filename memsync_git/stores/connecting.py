"""Opening a store file, knowing it for ours, and saying what is wrong with it.

Rule 1: a store that cannot be read is reported, never replaced: it may be all that is left of a change.
Rule 2: only this module turns errors of SQLite into words.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from memsync_git.errors import Busy, MemsyncError, StoreDamaged
from memsync_git.values import dataclass

SCHEMA = 3
"""Raised when tables change, or what their rows say; a store of another schema is refused, not guessed at."""

UNDERSTOOD = 2
"""The oldest schema whose rows say the same to this release. Who writes such a store raises it first: an
older release would not see the lines that lie beside others (docs/decisions, 87).
"""

APPLICATION_ID = 0x6D656D73
"""`mems` in ASCII: tells our files from any other SQLite file."""

TABLES = (
    """CREATE TABLE rows (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
       PRIMARY KEY (kind, key))""",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('generation', 0)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA}",
)
"""Keys have an index of their own. Where they lie with their values, SQLite reads values of 80 KB whole to
compare the keys before them: hundreds of pages for one small row."""

ROWS = "SELECT key, value FROM rows WHERE kind = ? AND key > ? ORDER BY key"
KEYS = "SELECT key FROM rows WHERE kind = ? AND key > ? ORDER BY key"
ROWS_AMONG = "SELECT key, value FROM rows WHERE kind = ? AND key IN ({})"
ROW = "SELECT value FROM rows WHERE kind = ? AND key = ?"

BUSY_S = 30.0
"""How long a transaction waits for another process: far beyond any honest one, within patience."""

WASTEFUL_SHARE = 0.25
"""Of free pages: below it, copying the whole store gains little; most of what is freed is soon used again."""

_UNHARMED = "The memory file and everything published are untouched."
_DOCTOR = "memsync-git doctor"


@dataclass(frozen=True, slots=True)
class Space:
    """How large a store file is, and how much of it nothing stands on."""

    total_bytes: int = 0
    free_bytes: int = 0

    @property
    def is_wasteful(self) -> bool:
        """Whether it is worth copying the store to give the rest back."""
        return self.free_bytes > WASTEFUL_SHARE * self.total_bytes


def connect(path: Path, parameters: str, busy_s: float) -> sqlite3.Connection:
    """A connection in autocommit mode; `parameters` are those of an SQLite URI."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{parameters}",
        uri=True,
        timeout=busy_s,
        isolation_level=None,
        check_same_thread=False,
    )


def create_file(path: Path) -> None:
    """Make an empty file (0600, its folder 0700) unless one stands there; durable with its name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut, where that can be done."""
    with suppress(OSError):  # a folder cannot be opened on Windows, nor synced on some file systems
        folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def is_blank(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever made in this file."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(tables == 0) and version_of(connection) == (0, 0)


def version_of(connection: sqlite3.Connection) -> tuple[int, int]:
    """Whose file this is, and which schema it has."""
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    return owner, schema


def refuse_strange(connection: sqlite3.Connection, path: Path) -> None:
    """Go on only with a store this release can use.

    Raises:
        StoreDamaged: it is of another release, or somebody else's file.
    """
    owner, schema = version_of(connection)
    if owner != APPLICATION_ID:
        raise StoreDamaged(f"{path} is no replica store of memsync-git.", unharmed=_UNHARMED, hint=_DOCTOR)
    if not UNDERSTOOD <= schema <= SCHEMA:
        raise StoreDamaged(
            f"The replica store {path} has schema {schema}, and this release reads schema {SCHEMA}.",
            unharmed=_UNHARMED,
            hint="pipx upgrade memsync-git" if schema > SCHEMA else _DOCTOR,
        )


def generation_of(connection: sqlite3.Connection, path: Path) -> int:
    """How many transactions were committed, as this connection sees it."""
    found = connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
    if found is None or type(found[0]) is not int:
        raise damaged(path, "its generation is missing")
    return found[0]


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say in words what SQLite or the disk could not do.

    Raises:
        Busy: somebody else kept the store locked.
        StoreDamaged: it cannot be read or written.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # ours: a closed connection, a wrong statement
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in _LOCKED:
            raise busy(path) from error
        raise damaged(path, str(error)) from error
    except OSError as error:
        raise damaged(path, error.strerror or str(error)) from error


_LOCKED = frozenset([sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_BUSY_SNAPSHOT])


def busy(path: Path) -> MemsyncError:
    """The answer to a lock that was not given in time."""
    return Busy(f"Another process is writing the replica store {path}.", unharmed="Nothing was changed.")


def damaged(path: Path, why: str) -> MemsyncError:
    """The answer to a store that cannot be used."""
    return StoreDamaged(f"The replica store {path} cannot be used: {why}.", unharmed=_UNHARMED, hint=_DOCTOR)


def space_of(connection: sqlite3.Connection) -> Space:
    """How much of a store is in use."""
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return Space(size * pages, size * free)
