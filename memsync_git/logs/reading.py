"""Reading the log: its last entries across rotated files, and what is added while one watches.

Rule 1: nothing is created, and no more is read than is asked for, however large the files.
Rule 2: whoever follows reads a rotated file to its end, and goes on with the one that took its place.
Rule 3: files are rotated while they are looked at. They are taken as they stood together at one moment.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, Final

from memsync_git.logs.entries import LogEntry, entries_in
from memsync_git.logs.writing import is_at, rotated

Inode = tuple[int, int]
"""Device and inode number: the name of a file whatever it is called."""

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
    with ExitStack() as opened:
        for file in [opened.enter_context(each) for each in _standing(path)]:
            yield from _backwards(file)


def _standing(path: Path) -> list[BinaryIO]:
    """The file and its predecessors, the youngest first; each once.

    Whoever goes up through them meets each, though each may move up by one meanwhile. Where more than one
    rotation went by, they are looked at anew.
    """
    while True:
        first = _inode_at(path)
        found: dict[Inode, BinaryIO] = {}
        for file in _going_up(path):
            if found.setdefault(_inode(file), file) is not file:
                file.close()
        if _inode_at(path) == first:
            return [*found.values()]
        _close(found.values())


def _going_up(path: Path) -> Iterator[BinaryIO]:
    """The file, and what stands under the number of a predecessor; one may be between two numbers."""
    number = missing = 0
    while missing < 2:
        file = _opened(rotated(path, number) if number else path)
        number += 1
        missing = missing + 1 if file is None else 0
        if file is not None:
            yield file
    beyond = (rotated(path, each) for each in sorted(_numbers(path)) if each >= number)
    yield from filter(None, map(_opened, beyond))


def _numbers(path: Path) -> Iterator[int]:
    endings = [each.name.removeprefix(f"{path.name}.") for each in path.parent.glob(f"{path.name}.*")]
    return (int(each) for each in endings if each.isdecimal())


def _inode(file: BinaryIO) -> Inode:
    return _inode_in(os.fstat(file.fileno()))


def _inode_at(path: Path) -> Inode | None:
    try:
        return _inode_in(path.lstat())
    except FileNotFoundError:
        return None


def _inode_in(about: os.stat_result) -> Inode:
    return about.st_dev, about.st_ino


def _close(files: Iterable[BinaryIO]) -> None:
    for file in files:
        file.close()


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
        file = _opened(path)
        self._tails = [] if file is None else [_Tail(file, at_end=True)]

    def news(self) -> Iterator[LogEntry]:
        """The entries that were added since the last time.

        A writer may still have had a file in its hands when that was rotated: its last lines are waited
        for until the next rotation.
        """
        for file in self._younger():
            yield from self._added()
            _close(tail.file for tail in self._tails[:-1])
            self._tails = [*self._tails[-1:], _Tail(file)]
        yield from self._added()

    def _added(self) -> Iterator[LogEntry]:
        for tail in self._tails:
            yield from tail.entries()

    def _younger(self) -> list[BinaryIO]:
        """The files that took the place of the one that was read, oldest first."""
        last = self._tails[-1].file if self._tails else None
        if last is not None and (not self._path.exists() or is_at(last.fileno(), self._path)):
            return []
        standing = _standing(self._path)
        names = [*map(_inode, standing), _inode(last) if last is not None else None]
        known = names.index(names[-1])
        _close(standing[known:])
        return standing[:known][::-1]

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        _close(tail.file for tail in self._tails)


class _Tail:
    """The end of one file: whole lines only; the beginning of one waits for its end."""

    def __init__(self, file: BinaryIO, *, at_end: bool = False) -> None:
        self.file = file
        self._rest = b""
        if at_end:
            file.seek(0, os.SEEK_END)

    def entries(self) -> Iterator[LogEntry]:
        """The entries of the lines that were finished since the last time."""
        *lines, self._rest = (self._rest + self.file.read()).split(b"\n")
        for line in lines:
            yield from entries_in(line)
