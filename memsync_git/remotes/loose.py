"""Loose objects: one file an object, written and read without a program.

    objects/ab/cdef…    zlib( "blob 12" NUL bytes ),  named by the SHA-1 of what is compressed

Rule 1: an object is durable before it has its name, as git does it with `core.fsync=loose-object`.
Rule 2: what is read is what its name says: other bytes are no object, and git may say what is wrong.
Rule 3: the size is looked at before anything is unpacked.
Source of the format: gitformat-loose(5). A kill leaves what git's own writer leaves, a `tmp_obj_*`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

from memsync_git.remotes.objects import SLACK_BYTES, Objects, Step, Unfit, of_another_kind, too_large
from memsync_git.remotes.packs import Packs
from memsync_git.remotes.trees import Kind, NewObject, Oid

LONGEST_HEADER = 32
"""A kind, a size in decimal digits and NUL."""
LEVEL = 6
"""Git's own is 1. A millisecond more for a fragment of 1 000 entities saves one of its five disk blocks."""
MOST = 32
"""Objects stored as a file each by ourselves, one change and then some; more are git's to store."""
LARGEST_BYTES = 8 << 20
"""A pack is taken as it is; loose objects are compressed a second time and, to be pushed, a third."""
_MODE = 0o444
"""Less the umask, as git does it."""


def are_few(objects: Sequence[NewObject]) -> bool:
    """Whether some objects are to be stored as a file each."""
    return len(objects) <= MOST and sum(item.size for item in objects) <= LARGEST_BYTES


def write(objects_dir: Path, objects: Sequence[NewObject]) -> None:
    """Store objects, each durably; one that is there already is left as it is.

    Raises:
        OSError: the folder cannot be written.
    """
    for item in objects:
        path = _path(objects_dir, item.oid)
        try:
            os.utime(path)  # so young that no collection takes it before a ref names it
        except FileNotFoundError:
            _write(path, zlib.compress(b"%s %d\0%s" % (item.kind.encode(), len(item.data), item.data), LEVEL))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    with synced(path.parent, "obj", data, _MODE) as fresh:
        os.replace(fresh, path)


@contextmanager
def synced(folder: Path, kind: str, data: bytes, mode: int) -> Iterator[Path]:
    """A durable file under a name git knows for temporary, to be given its own in the `with` block."""
    fresh = folder / f"tmp_{kind}_{secrets.token_hex(8)}"
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield fresh
    finally:
        with contextlib.suppress(OSError):
            os.unlink(fresh)


def copy(objects_dir: Path, other_dir: Path, objects: Sequence[NewObject]) -> None:
    """Store objects in another folder as well. They get files of their own: a damaged one is not both.

    Raises:
        OSError: a folder cannot be read or written.
    """
    for item in objects:
        path = _path(other_dir, item.oid)
        if not path.exists():
            _write(path, _path(objects_dir, item.oid).read_bytes())


def is_there(objects_dir: Path, oid: Oid) -> bool:
    """Whether an object has a file of its own."""
    return _path(objects_dir, oid).is_file()


class LooseFirst(Objects):
    """Objects read from files in some folders; `begin` opens the way to those that are in none."""

    def __init__(
        self, folders: Sequence[Path], begin: AbstractContextManager[Objects], open_: ExitStack
    ) -> None:
        self._folders = folders
        self._begin = begin
        self._open = open_
        self._others: Objects | None = None
        self._packs = open_.enter_context(closing(Packs(folders)))

    def each(self, oids: Sequence[Oid], kind: Kind, *, limit: int) -> Iterator[bytes | Unfit | None]:
        """From files, as far as they are there; from the first that is in none on through git."""
        for at, oid in enumerate(oids):
            data = self._loose(oid, kind, limit)
            if data is None:
                yield from self._through_git().each(oids[at:], kind, limit=limit)
                return
            limit -= len(data) if isinstance(data, bytes) else 0
            yield data

    def deltas(self, steps: Sequence[Step]) -> list[bytes | None]:
        """From the packs of these folders."""
        return self._packs.deltas(steps)

    def _loose(self, oid: Oid, kind: Kind, limit: int) -> bytes | Unfit | None:
        tried = (read(folder, oid, kind, limit=limit) for folder in self._folders)
        return next((data for data in tried if data is not None), None)

    def _through_git(self) -> Objects:
        if self._others is None:
            self._others = self._open.enter_context(self._begin)
        return self._others


@contextmanager
def loose_first(folders: Sequence[Path], begin: AbstractContextManager[Objects]) -> Iterator[Objects]:
    """Objects for the length of the block; no program is started unless one is in no file."""
    with ExitStack() as open_:
        yield LooseFirst(folders, begin, open_)


def read(objects_dir: Path, oid: Oid, kind: Kind, *, limit: int) -> bytes | Unfit | None:
    """A loose object of the kind expected, at most `limit` bytes; None where there is no sound file of it."""
    try:
        with open(_name(objects_dir, oid), "rb") as file:
            if os.fstat(file.fileno()).st_size > limit + SLACK_BYTES:
                return None
            return _unpacked(file.read(), oid, kind, limit)
    except (OSError, ValueError, zlib.error):
        return None


def _unpacked(data: bytes, oid: Oid, kind: Kind, limit: int) -> bytes | Unfit | None:
    """Raises `ValueError` or `zlib.error` where the bytes are no object."""
    inflating = zlib.decompressobj()
    start = inflating.decompress(data, LONGEST_HEADER)
    header, nul, content = start.partition(b"\0")
    word, _, digits = header.decode("ascii").partition(" ")
    size = int(digits)
    if word != kind:
        return of_another_kind(word, kind)
    if size > limit:
        return too_large(size, limit)
    content += inflating.decompress(inflating.unconsumed_tail, size + 1)
    name = hashlib.sha1(header + nul + content, usedforsecurity=False).hexdigest()
    return content if len(content) == size and name == oid else None


def _path(objects_dir: Path, oid: Oid) -> Path:
    return Path(_name(objects_dir, oid))


def _name(objects_dir: Path, oid: Oid) -> str:
    """As text: a look at a fleet opens hundreds, and making a path costs as much as opening one."""
    return f"{objects_dir}/{oid[:2]}/{oid[2:]}"
