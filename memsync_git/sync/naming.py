"""Names of versions: digests of all their bytes, gone on with where a version leaves the one before.

    before   [ 1 MiB ][ 1 MiB ][ 1 MiB ][ … ]
    now      [ 1 MiB ][ 1 MiB ][ new …            what was hashed so far is known after every MiB

Rule 1: a name is a function of the bytes alone. What is remembered on the way saves work, and nothing else.
Rule 2: the names of its first MiB, its first two, and so on are kept with a version: its trail. As far as the
trails of two versions are the same, so are they: a process that starts hashes the file once, to name it, and
knows how far it is what the store holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from itertools import islice, takewhile
from typing import TYPE_CHECKING, NamedTuple

from memsync_git.filebytes import FileBytes, Piece, Pieces, window

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

NAME_CHARS = 32
SUFFIX_CHARS = 8
MARK_BYTES = 1 << 20
"""Half of it is hashed in vain for each version; a mark is a few hundred bytes."""


def content_hash(data: bytes) -> str:
    """A short name for some bytes."""
    return _name(sha256(data))


def suffix(data: bytes) -> str:
    """What tells apart two readings of one version; it stands behind its name."""
    return f"-{content_hash(data)[:SUFFIX_CHARS]}"


def bare(name: str) -> str:
    """The name of a version, however it was read."""
    return name.partition("-")[0]


class Named:
    """A version and its name. marks: how far hashing was at its beginning, after every MiB, at its end."""

    __slots__ = ("data", "marks", "name")

    def __init__(self, data: FileBytes | Pieces, before: Named | None = None, shared: int = 0) -> None:
        """Name a version. `shared`: so many of its first bytes are those of the one `before`."""
        self.marks: list[Hash] = [sha256()] if before is None else before.marks[: shared // MARK_BYTES + 1]
        for some in islice(_every_mark(data), len(self.marks) - 1, None):
            mark = self.marks[-1].copy()
            for piece in some:
                mark.update(piece)
            self.marks.append(mark)
        self.data = data
        self.name = _name(self.marks[-1])

    @property
    def trail(self) -> Trail:
        """What names its bytes, whole and up to every MiB."""
        whole = len(self.data) // MARK_BYTES
        return Trail(self.name, len(self.data), tuple(map(_name, self.marks[1 : whole + 1])))


class Trail(NamedTuple):
    """The name of a version, its size, and the names of its first MiB, its first two, and so on."""

    name: str = ""
    size: int = 0
    names: tuple[str, ...] = ()

    def shared_with(self, other: Trail) -> int:
        """How many first bytes two versions share, in whole MiB; it may be more."""
        both = takewhile(lambda pair: pair[0] == pair[1], zip(self.names, other.names, strict=False))
        return MARK_BYTES * len(list(both))

    def line(self) -> bytes:
        """The same to be kept."""
        return " ".join((self.name, str(self.size), *self.names)).encode()

    @classmethod
    def read(cls, line: bytes) -> Trail:
        """What `line` wrote; no version's where it is anything else."""
        match line.decode("ascii", "replace").split(" "):
            case [name, size, *names] if size.isdecimal():
                return cls(name, int(size), tuple(names))
            case _:
                return cls()


def _every_mark(data: FileBytes | Pieces) -> Iterable[Iterable[Piece]]:
    """What lies between two marks, in pieces."""
    if isinstance(data, Pieces):
        return data.every(MARK_BYTES)
    return ([window(data, at, at + MARK_BYTES)] for at in range(0, len(data), MARK_BYTES))


def _name(mark: Hash) -> str:
    return mark.hexdigest()[:NAME_CHARS]
