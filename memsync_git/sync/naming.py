"""Names of versions: digests of all their bytes, gone on with where a version leaves the one before.

    before   [ 1 MiB ][ 1 MiB ][ 1 MiB ][ … ]
    now      [ 1 MiB ][ 1 MiB ][ new …            what was hashed so far is known after every MiB

Rule 1: a name is a function of the bytes alone. What is remembered on the way saves work, and nothing else.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from memsync_git.filebytes import FileBytes, window

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

NAME_CHARS = 32
MARK_BYTES = 1 << 20
"""Half of it is hashed in vain for each version; a mark is a few hundred bytes."""


def content_hash(data: bytes) -> str:
    """A short name for some bytes."""
    return sha256(data).hexdigest()[:NAME_CHARS]


class Named:
    """A version and its name. marks: how far hashing was at its beginning, after every MiB, at its end."""

    __slots__ = ("data", "marks", "name")

    def __init__(self, data: FileBytes, before: Named | None = None, shared: int = 0) -> None:
        """Name a version. `shared`: so many of its first bytes are those of the one `before`."""
        self.marks: list[Hash] = [sha256()] if before is None else before.marks[: shared // MARK_BYTES + 1]
        for begin in range((len(self.marks) - 1) * MARK_BYTES, len(data), MARK_BYTES):
            mark = self.marks[-1].copy()
            mark.update(window(data, begin, begin + MARK_BYTES))
            self.marks.append(mark)
        self.data = data
        self.name = self.marks[-1].hexdigest()[:NAME_CHARS]
