"""A file that holds something for a moment, so that memory does not have to.

Rule 1: it is ours alone, has no name, ends with the block it was made for, and nothing in it is durable.
Rule 2: what a disk has no room for lies in memory: nothing fails for want of a scratch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


class ScratchFile:
    """Bytes put one behind the other; see `formats.scratch.Scratch`.

    descriptor: of an empty file; None where none could be made.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._size = 0
        self._beside = bytearray()

    def put(self, data: bytes) -> None:
        """Lay bytes behind those that lie there."""
        if self._beside or not self._has_taken(data):
            self._beside += data
        else:
            self._size += len(data)

    def _has_taken(self, data: bytes) -> bool:
        """Whether the disk had room."""
        rest = memoryview(data)
        try:
            while rest and self._descriptor is not None:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            return False
        return not rest

    def at(self, start: int, size: int) -> bytes:
        """Bytes that were put at once.

        Raises:
            OSError: the disk cannot read them.
        """
        if start >= self._size:
            return bytes(self._beside[start - self._size : start - self._size + size])
        assert self._descriptor is not None
        return os.pread(self._descriptor, size, start)


@contextmanager
def scratch_in(folder: Path) -> Iterator[ScratchFile]:
    """A scratch on the disk of a folder, for the length of a block."""
    import tempfile

    with ExitStack() as closing:
        try:
            file = closing.enter_context(tempfile.TemporaryFile(dir=folder, buffering=0))
        except OSError:
            yield ScratchFile(None)
        else:
            yield ScratchFile(file.fileno())
