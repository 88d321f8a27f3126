"""Appending to the log file, together with other processes, and rotating it.

    append   open the file that stands there ─ one write at its end (O_APPEND: the kernel puts writes of all
             processes one after another) ─ was it unlinked meanwhile? again
    rotate   try the lock ─ still too large? ─ .4 → .5 … .1 → .2, file → .1

Rule 1: nobody waits for anybody: who does not get the lock leaves rotating to the one who has it and
appends; a process that was stopped while it held the lock holds up nothing.
Rule 2: a line that went to a file which has just been rotated is in its predecessor, not lost.
Rule 3: the file is for this account alone, and nothing but a regular file is opened.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from os.path import samestat
from pathlib import Path
from typing import Final

PRIVATE_FILE: Final = 0o600
PRIVATE_DIRECTORY: Final = 0o700
TRIES: Final = 3
"""A file is unlinked between opening and writing once in a blue moon, never three times in a row."""

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class RotatingFile:
    """One log file, shared with other processes. Its caller lets one thread at a time in."""

    def __init__(self, path: Path, *, max_bytes: int, keep: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._fd: int | None = None
        self._is_torn = False

    def append(self, line: bytes) -> None:
        """Write one line, whole.

        Raises:
            OSError: it could not be written, or not whole; the next line begins on a line of its own.
        """
        for _ in range(TRIES):
            fd = self._opened()
            size = os.fstat(fd).st_size
            if size and size + len(line) > self._max_bytes:
                self._rotate()
                fd = self._opened()
            self._write(fd, line)
            if os.fstat(fd).st_nlink:
                return

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def _write(self, fd: int, line: bytes) -> None:
        whole = b"\n" + line if self._is_torn else line
        written = os.write(fd, whole)
        self._is_torn = written < len(whole)
        if self._is_torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def _opened(self) -> int:
        """The file that stands under the name now."""
        if self._fd is not None and not is_at(self._fd, self._path):
            self.close()
        if self._fd is None:
            self._path.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
            self._fd = _opened_private(self._path)
        return self._fd

    def _rotate(self) -> None:
        """Move the file and its predecessors one on; the oldest goes."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._path.with_name(self._path.name + ".lock"), mode=PRIVATE_FILE)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            return
        try:
            if self._is_still_large():
                self.close()  # some systems rename no file that is open
                with suppress(OSError):  # the file then grows, and the next line tries again
                    self._shift()
        finally:
            lock.release()

    def _is_still_large(self) -> bool:
        """Whether nobody has rotated it since it was looked at."""
        return self._fd is not None and is_at(self._fd, self._path)

    def _shift(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            with suppress(FileNotFoundError):
                rotated(self._path, number).replace(rotated(self._path, number + 1))
        self._path.replace(rotated(self._path, 1))


def rotated(path: Path, number: int) -> Path:
    """A predecessor of the file, 1 the youngest."""
    return path.with_name(f"{path.name}.{number}")


def is_at(fd: int, path: Path) -> bool:
    """Whether the open file is the one that stands at `path`."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return samestat(os.fstat(fd), there)


def _opened_private(path: Path) -> int:
    fd = os.open(path, _FLAGS, PRIVATE_FILE)
    try:
        _make_private(fd, path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _make_private(fd: int, path: Path) -> None:
    about = os.fstat(fd)
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "It is not a regular file", str(path))
    if stat.S_IMODE(about.st_mode) != PRIVATE_FILE:
        os.fchmod(fd, PRIVATE_FILE)
