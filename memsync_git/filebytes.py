"""The bytes of a memory file: bytes of their own, or those with which an earlier version begins, and others.

    version 1   [ bytes ………………………………… ]
    version 2   [ the first n of them …… ][ others ]        what is appended is all that is held anew
    version 3   [ some of them ][ others ][ some of them ]  in pieces, until somebody needs it by itself

Rule 1: who compares, measures or cuts them cannot tell how they are held; `bytes(…)` has them by themselves.
Rule 2: a version continues plain bytes, never one that itself continues others.
It knows nothing of lines, nor of where a file lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import TypeVar

Piece = bytes | memoryview
"""Some of them, where they lie."""

MOST_ASIDE = 4
"""A quarter of what two versions share may be held besides, of either; beyond that they are held apart."""
COMPARED_BYTES = 1 << 16
"""So much stays in a processor's cache between reading and comparing, and in memory that is used again."""


class Continued:
    """The first `shared` bytes of `before`, and the `rest` behind them."""

    __slots__ = ("before", "rest", "shared")

    def __init__(self, before: bytes, shared: int, rest: bytes) -> None:
        self.before, self.shared, self.rest = before, shared, rest

    def __len__(self) -> int:
        return self.shared + len(self.rest)

    def __getitem__(self, part: slice) -> bytes:
        start, end, _ = part.indices(len(self))
        if end <= self.shared:
            return self.before[start:end]
        behind = self.rest[max(0, start - self.shared) : end - self.shared]
        return self.before[start : self.shared] + behind if start < self.shared else behind

    def __bytes__(self) -> bytes:
        return self[:]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, bytes | Continued) or len(self) != len(other):
            return False
        starts = range(same_beginning(self, other), len(self), COMPARED_BYTES)
        return all(self[at : at + COMPARED_BYTES] == other[at : at + COMPARED_BYTES] for at in starts)

    def __hash__(self) -> int:
        return hash(bytes(self))

    def startswith(self, prefix: bytes, at: int) -> bool:
        """Whether these bytes stand there."""
        if at + len(prefix) <= self.shared:
            return self.before.startswith(prefix, at)
        return self[at : at + len(prefix)] == prefix

    def find(self, some: bytes, start: int, end: int) -> int:
        """Where they stand first from `start` on and before `end`; -1 where they do not."""
        found = self[start:end].find(some)
        return found if found < 0 else start + found

    def isspace(self) -> bool:
        """Whether they are white space, and any."""
        return self[:1].isspace() and bytes(self).isspace()


class Pieces:
    """A version that nobody needs by itself yet, in what it is made of: pieces of others, and new ones."""

    __slots__ = ("_pieces", "_size")

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = list(pieces)
        self._size = sum(map(len, self._pieces))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)

    def __bytes__(self) -> bytes:
        """By itself from now on, so that nothing of the others is held for it."""
        first, *others = self._pieces or [b""]
        if others or not isinstance(first, bytes):
            room = BytesIO()
            room.writelines(self._pieces)
            self._pieces = [first := room.getvalue()]
        return first

    def every(self, size: int) -> Iterator[list[Piece]]:
        """So many bytes at a time, and what is left."""
        some: list[Piece] = []
        left = size
        for piece in self._pieces:
            rest = memoryview(piece)
            while len(rest) >= left:
                yield [*some, rest[:left]]
                rest, some, left = rest[left:], [], size
            some.append(rest)
            left -= len(rest)
        if left < size:
            yield some


FileBytes = bytes | Continued
Data = TypeVar("Data")


def continued(before: FileBytes, shared: int, rest: bytes) -> FileBytes | None:
    """The first `shared` bytes of an earlier version and `rest` behind; None where they are held apart."""
    if isinstance(before, Continued):
        rest = before[before.shared : shared] + rest
        shared, before = min(shared, before.shared), before.before
    aside = len(before) - shared + len(rest)
    return Continued(before, shared, rest) if MOST_ASIDE * aside <= shared else None


def window(data: FileBytes, start: int, end: int) -> Piece:
    """Some of them for a look, not copied where they lie together."""
    return memoryview(data)[start:end] if isinstance(data, bytes) else data[start:end]


def holder(data: Data, end: int) -> Data | bytes:
    """What holds some of them that end there: the version before, where it holds all up to there."""
    return data.before if isinstance(data, Continued) and end <= data.shared else data


def same_beginning(one: object, other: object) -> int:
    """How many of their first bytes are the very same, without a look; it may be more."""
    (first, shared), (second, also) = _beginning(one), _beginning(other)
    return min(shared, also) if first is second else 0


def _beginning(data: object) -> tuple[object, int]:
    """The bytes with which a version begins, and how many of them it has."""
    if isinstance(data, Continued):
        return data.before, data.shared
    return data, len(data) if isinstance(data, bytes) else 0
