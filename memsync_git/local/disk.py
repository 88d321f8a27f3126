"""Single steps on the disk: one regular file read, one written for good, one mode set.

Rule 1: a thing is opened without following links and without waiting, and judged by its inode (`fstat`)
before a byte is read.
Rule 2: what was not fsynced was not written.
It knows no names and no order of steps; `file.py` tells the story.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from memsync_git.filebytes import COMPARED_BYTES, MOST_ASIDE, FileBytes, Piece, continued
from memsync_git.local import refusals
from memsync_git.ports import Missing, Reading, Snapshot, Unusable

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700

_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SHARED_WRITE = stat.S_IWGRP | stat.S_IWOTH
_CHUNK_BYTES = 1 << 20
_PIECES_AT_ONCE = 1024
"""IOV_MAX of Linux and macOS."""


def read_regular(path: str, max_bytes: int, like: FileBytes = b"") -> Reading:
    """Read a regular file of this account, at once and whole, unless it is beyond `max_bytes`.

    `like`: what it probably holds, or begins with. As far as it does, these very bytes are the answer: they
    are not held twice.
    """
    try:
        fd = os.open(path, _READ_FLAGS)
    except FileNotFoundError:
        return Missing()
    except OSError as error:
        return _unopened(path, error)
    try:
        return _read_open(path, fd, max_bytes, like)
    except OSError as error:
        return refusals.failed(path, error)
    finally:
        os.close(fd)


class Stamp(NamedTuple):
    """Which inode it is, whose, and what every write into it changes."""

    device: int
    inode: int
    mode: int
    owner: int
    size: int
    written_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """The stamp of what was looked at."""
        inode = status.st_dev, status.st_ino, status.st_mode, status.st_uid
        return cls(*inode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    @classmethod
    def at(cls, path: str) -> Stamp | None:
        """The stamp of what stands at a path, links not followed; None where nothing can be seen there."""
        with suppress(OSError):
            return cls.of(os.lstat(path))
        return None

    def tells_writes_from(self, wall_ms: int) -> bool:
        """Whether a write at that moment or later gives it another stamp: its times are no longer now."""
        return max(self.written_ns, self.changed_ns) // 1_000_000 < wall_ms - COARSEST_MS


COARSEST_MS = 2000
"""FAT keeps times to two seconds; other file systems, to the kernel's tick of some milliseconds."""


def refusal_of_inode(path: str, status: os.stat_result, max_bytes: int) -> Unusable | None:
    """Why this inode must not be read or swapped, or None."""
    if not stat.S_ISREG(status.st_mode):
        return refusals.irregular(path, status.st_mode)
    if status.st_uid != os.geteuid():
        return refusals.foreign_owner(path, status.st_uid)
    if status.st_size > max_bytes:
        return refusals.too_large(path, status.st_size, max_bytes)
    return None


def refusal_of_directory(directory: str) -> Unusable | None:
    """Why nothing in this directory can be trusted, or None: ssh's rule, a sticky bit excepted."""
    try:
        status = os.stat(directory)
    except FileNotFoundError:
        return None
    except OSError as error:
        return refusals.failed(directory, error)
    if is_open_to_others(status.st_mode, owner=status.st_uid, account=os.geteuid()):
        return refusals.open_directory(directory, status.st_mode)
    return None


def is_open_to_others(mode: int, *, owner: int, account: int) -> bool:
    """Whether a directory that is not `account`'s lets others put files in place of ours."""
    return owner != account and bool(mode & _SHARED_WRITE) and not mode & stat.S_ISVTX


def write_durably(path: str, data: bytes) -> None:
    """Create `path`, mode 0600, and fsync `data` into it.

    Raises:
        OSError: it exists, or could not be written; nothing was left behind.
    """
    new = NewFile(path, [data])
    new.sync()
    new.close()


class NewFile:
    """A file of ours that is written under one name and stands under another once it is durable."""

    def __init__(self, path: str, pieces: Sequence[Piece]) -> None:
        """Create `path`, mode 0600, and write these into it, one behind the other.

        Raises:
            OSError: it exists, or could not be written; nothing was left behind.
        """
        self._path = path
        self._fd = os.open(path, _WRITE_FLAGS, PRIVATE_FILE)
        try:
            for at in range(0, len(pieces), _PIECES_AT_ONCE):
                _write(self._fd, pieces[at : at + _PIECES_AT_ONCE])
        except BaseException:
            self.leave()
            raise

    def sync(self) -> None:
        """Wait until the disk has all of it.

        Raises:
            OSError: it may not have; nothing was left behind.
        """
        try:
            os.fsync(self._fd)
        except BaseException:
            self.leave()
            raise

    def stand_at(self, final: str) -> None:
        """Stand there from now on.

        Raises:
            OSError: it does not; nothing was left behind.
        """
        try:
            Path(self._path).rename(final)
        except OSError:
            self.leave()
            raise
        self.close()

    def close(self) -> None:
        """It stands where it is from now on."""
        os.close(self._fd)

    def leave(self) -> None:
        """Nothing stays of it."""
        self.close()
        unlink_if_there(self._path)


def _write(fd: int, pieces: Sequence[Piece]) -> None:
    """Write them all; where the disk takes some of them only, what is left follows in one piece."""
    written = os.writev(fd, pieces)
    rest = memoryview(b"".join(pieces))[written:] if written < sum(map(len, pieces)) else b""
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync_directory(directory: str) -> None:
    """Make the names in a directory survive a power cut.

    Raises:
        OSError: they may not.
    """
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def tighten(path: str, mode: int) -> None:
    """Set the mode of a file, or with `PRIVATE_DIRECTORY` of a directory, where it differs.

    What stands in its place instead, or belongs to another account, is left as it is. A failure costs
    privacy, not data.
    """
    is_meant = stat.S_ISDIR if mode == PRIVATE_DIRECTORY else stat.S_ISREG
    with suppress(OSError):
        fd = os.open(path, _READ_FLAGS)
        try:
            status = os.fstat(fd)
            is_ours = is_meant(status.st_mode) and status.st_uid == os.geteuid()
            if is_ours and stat.S_IMODE(status.st_mode) != mode:
                os.fchmod(fd, mode)
        finally:
            os.close(fd)


def unlink_if_there(path: str) -> None:
    """Unlink a file of ours; what cannot be unlinked now is a leftover later."""
    with suppress(OSError):
        os.unlink(path)


def _unopened(path: str, error: OSError) -> Unusable:
    """Why opening failed: links and sockets show only here."""
    if error.errno in (errno.ELOOP, errno.ENXIO, errno.EMLINK):
        with suppress(OSError):
            mode = Path(path).lstat().st_mode
            return refusals.linked(path) if stat.S_ISLNK(mode) else refusals.irregular(path, mode)
    return refusals.failed(path, error)


def _read_open(path: str, fd: int, max_bytes: int, like: FileBytes) -> Snapshot | Unusable:
    status = os.fstat(fd)
    refusal = refusal_of_inode(path, status, max_bytes)
    if refusal is not None:
        return refusal
    data = _read_after(fd, like, status) if like else None
    if data is None:
        os.lseek(fd, 0, os.SEEK_SET)
        data = _read_up_to(fd, status.st_size, max_bytes)
    if len(data) > max_bytes:
        return refusals.too_large(path, len(data), max_bytes)
    return Snapshot(data, status.st_mtime_ns // 1_000_000, status.st_ino)


def _read_after(fd: int, like: FileBytes, status: os.stat_result) -> FileBytes | None:
    """What a file holds, compared with `like` piece by piece; None where it is to be read by itself.

    That is where it shares too little, or was written meanwhile: its beginning may be of one version then and
    its end of the next.
    """
    at = 0
    while (piece := os.read(fd, COMPARED_BYTES)) and like.startswith(piece, at):
        at += len(piece)
    if not piece and at == len(like):
        return like
    left = status.st_size - at
    if not 0 <= MOST_ASIDE * left <= at:
        return None
    rest = piece + os.read(fd, left)
    is_as_it_was = len(rest) == left and Stamp.of(os.fstat(fd)) == Stamp.of(status)
    return continued(like, at, rest) if is_as_it_was else None


def _read_up_to(fd: int, expected: int, limit: int) -> bytes:
    """Everything behind `fd`, but never more than `limit` + 1 bytes; one call where the size is right."""
    data = os.read(fd, expected + 1)
    if len(data) == expected:
        return data
    chunks = [data]
    total = len(data)
    while chunks[-1] and total <= limit:
        chunks.append(os.read(fd, min(_CHUNK_BYTES, limit + 1 - total)))
        total += len(chunks[-1])
    return b"".join(chunks)
