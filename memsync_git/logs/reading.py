"""Reading the log: its last entries across rotated files, and what is added while one watches.

Rule 1: nothing is created, and no more is read than is asked for, however large the files.
Rule 2: whoever follows reads a rotated file to its end, and goes on with the one that took its place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from memsync_git.logs.entries import LogEntry, entries_in

BLOCK_BYTES: Final = 64 << 10


def last(path: Path, wanted: int, level: str) -> list[LogEntry]:
    """The last `wanted` entries that matter as much as `level`, oldest first."""
    found: list[LogEntry] = []
    for line in _lines_backwards(path):
        if len(found) >= wanted:
            break
        found += [entry for entry in reversed([*entries_in(line)]) if entry.is_at_least(level)]
    return found[:wanted][::-1]


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Every line of the log, newest first."""
    for each in [path, *_predecessors(path)]:
        file = _opened(each)
        if file is not None:
            with file:
                yield from _backwards(file)


def _predecessors(path: Path) -> list[Path]:
    """The rotated files, the youngest first."""
    numbers = [each.name.removeprefix(f"{path.name}.") for each in path.parent.glob(f"{path.name}.*")]
    return [
        path.with_name(f"{path.name}.{number}") for number in sorted(map(int, filter(str.isdecimal, numbers)))
    ]


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    at = file.seek(0, os.SEEK_END)
    rest = b""
    while at > 0:
        size = min(BLOCK_BYTES, at)
        at = file.seek(at - size)
        rest, *lines = (file.read(size) + rest).split(b"\n")
        yield from filter(None, reversed(lines))
    if rest:
        yield rest


def _opened(path: Path) -> BinaryIO | None:
    """A regular file, to be read; None for anything else, or nothing."""
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return os.fdopen(fd, "rb")
        os.close(fd)
    return None


class Follower:
    """What is added to the log from now on. A context manager; `news` is asked again and again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _opened(path)
        self._previous: BinaryIO | None = None
        self._rest = b""
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)

    def news(self) -> Iterator[LogEntry]:
        """The entries that were added since the last time.

        A writer may still have had a file in its hands when that was rotated: its last lines are waited
        for until the next rotation.
        """
        if self._previous is not None:
            yield from self._read(self._previous)
        if self._file is not None:
            yield from self._read(self._file)
        if self._has_moved_on():
            self._let_go(self._previous)
            self._previous, self._file, self._rest = self._file, _opened(self._path), b""
            if self._file is not None:
                yield from self._read(self._file)

    def _read(self, file: BinaryIO) -> Iterator[LogEntry]:
        """Whole lines only; the beginning of one waits for its end."""
        *lines, self._rest = (self._rest + file.read()).split(b"\n")
        for line in lines:
            yield from entries_in(line)

    def _has_moved_on(self) -> bool:
        try:
            there = self._path.lstat()
        except FileNotFoundError:
            return False
        if self._file is None:
            return True
        here = os.fstat(self._file.fileno())
        return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go(self._file)
        self._let_go(self._previous)

    @staticmethod
    def _let_go(file: BinaryIO | None) -> None:
        if file is not None:
            file.close()
