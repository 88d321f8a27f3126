"""Reading what somebody else wrote: a file or a folder that a person named, to be imported.

Rule 1: nothing there is changed, and nothing is made beside it.
Rule 2: the path a person named may be a link; what stands in a folder may not, for whoever made the folder
chose it. Only regular files are read, at once and within a limit.
Rule 3: of a database its log belongs to it: what was written last stands only there. Both are copied, and
put together in a private folder.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from memsync_git.importers.databases import MAGIC
from memsync_git.ports import Missing, Snapshot, Unusable

MOST_DATABASE_BYTES = 256 << 20
"""A hundred thousand memories with an embedding each; it is held in memory twice."""
MOST_FILES = 1000
"""Files of one folder; the older tool wrote one a machine and one a day."""
COPY_ATTEMPTS = 3
"""A database that is being written is copied again; one that never rests is refused."""

RAISE_LIMIT = "memsync-git config set guards.max_file_mib 128"

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read_named(path: Path, max_bytes: int) -> Snapshot | Missing | Unusable:
    """Read a file that a person named; a database whole, with its log."""
    head = _read(path, len(MAGIC), cut=True)
    if not isinstance(head, Snapshot):
        return head
    if head.data != MAGIC:
        return _read(path, max_bytes)
    return _read_database(path)


def read_folder(
    folder: Path, inner: str, is_wanted: Callable[[str], bool], max_bytes: int
) -> dict[str, bytes] | Unusable:
    """The wanted files of a folder and of the folder `inner` in it, by their path relative to it.

    The limit is for all of them together.

    Raises:
        OSError: a folder cannot be looked into.
    """
    files: dict[str, bytes] = {}
    left = max_bytes
    for path in sorted(_names(folder, inner)):
        if not is_wanted(path):
            continue
        found = _read(folder / path, left, follow=False)
        if isinstance(found, Unusable):
            return Unusable(f"{path}: {found.reason}", found.hint)
        if isinstance(found, Snapshot):
            files[path] = bytes(found.data)
            left -= len(found.data)
        if len(files) > MOST_FILES:
            return Unusable(f"{folder} holds more than {MOST_FILES} memory files")
    return files


def _names(folder: Path, inner: str) -> Iterator[str]:
    """The paths of what lies in both folders; a link to a folder is not entered."""
    for entry in os.scandir(folder):
        if not entry.is_dir(follow_symlinks=False):
            yield entry.name
        elif entry.name == inner:
            yield from (f"{inner}/{each.name}" for each in os.scandir(entry.path))


def _read(path: Path, limit: int, *, cut: bool = False, follow: bool = True) -> Snapshot | Missing | Unusable:
    """A regular file; with `cut` only its beginning, else an error where it is beyond the limit."""
    try:
        fd = os.open(path, _FLAGS if follow else _FLAGS | os.O_NOFOLLOW)
    except FileNotFoundError:
        return Missing()
    except OSError as error:
        return Unusable(_reason(error))
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return Unusable("it is no regular file")
        with open(fd, "rb", closefd=False) as stream:
            data = stream.read(limit if cut else limit + 1)
    except OSError as error:
        return Unusable(_reason(error))
    finally:
        os.close(fd)
    if len(data) > limit:
        return Unusable(f"it has more than {limit} bytes", RAISE_LIMIT if limit < MOST_DATABASE_BYTES else "")
    return Snapshot(data, status.st_mtime_ns // 1_000_000, status.st_ino)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


# --- databases


def _read_database(path: Path) -> Snapshot | Missing | Unusable:
    log = path.with_name(path.name + "-wal")
    for _ in range(COPY_ATTEMPTS):
        before = _signs(path, log)
        main, written = _read(path, MOST_DATABASE_BYTES), _read(log, MOST_DATABASE_BYTES)
        if not isinstance(main, Snapshot):
            return main
        if isinstance(written, Unusable):
            return Unusable(f"its log {log.name} cannot be read: {written.reason}")
        if before == _signs(path, log):
            return main if isinstance(written, Missing) or not written.data else _whole(main, written)
    return Unusable("it is being written all the time", "stop what writes it, then import it again")


def _signs(*paths: Path) -> list[tuple[int, int] | None]:
    """What changes when a file is written: size and time, None where there is none."""
    return [_sign(path) for path in paths]


def _sign(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _whole(main: Snapshot, log: Snapshot) -> Snapshot | Unusable:
    """The database with everything that stands in its log, put together on a copy."""
    with tempfile.TemporaryDirectory(prefix="memsync-git-import-") as folder:
        copy = Path(folder) / "copy.db"
        copy.write_bytes(bytes(main.data))
        copy.with_name("copy.db-wal").write_bytes(bytes(log.data))
        try:
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            return Unusable(f"its log cannot be read: {error}")
        return Snapshot(copy.read_bytes(), main.mtime_ms, main.inode)
