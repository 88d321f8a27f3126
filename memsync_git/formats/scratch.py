"""Rows that lie out of the way until all of them are there, to be had in order then.

    row ─▶ scratch        held: its place · where it lies · what is told of it
    places in order ─▶ rows

Rule 1: records come in any order and are looked at once. Who looks at each in its turn has to find it first.
Rule 2: where a scratch lies is its maker's business: in memory, or on a disk, so that memory is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from operator import itemgetter
from struct import Struct
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Scratch(Protocol):
    """Bytes that are put somewhere for a moment."""

    def put(self, data: bytes) -> None:
        """Lay bytes behind those that lie there."""
        ...

    def at(self, start: int, size: int) -> bytes:
        """Bytes that were put at once.

        Raises:
            OSError: they cannot be read.
        """
        ...


class ScratchBytes:
    """A scratch in memory."""

    def __init__(self) -> None:
        self._data = bytearray()

    def put(self, data: bytes) -> None:
        self._data += data

    def at(self, start: int, size: int) -> bytes:
        return bytes(self._data[start : start + size])


Scratches = Callable[[], AbstractContextManager[Scratch]]
"""Makes a scratch for the length of a block."""


@contextmanager
def scratch_in_memory() -> Iterator[Scratch]:
    """A scratch in memory, for the length of a block."""
    yield ScratchBytes()


class LooseRow(NamedTuple, Generic[T]):
    """A row, its place, and what was told of it."""

    place: bytes
    raw: bytes
    told: T


class LooseRows(Generic[T]):
    """Rows in a scratch; no two have one place."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._end = 0
        self._rows: list[tuple[bytes, T]] = []

    def put(self, places: Iterable[bytes], raws: Sequence[bytes], told: Iterable[T]) -> None:
        """Some more rows."""
        self._scratch.put(b"".join(raws))
        for place, raw, each in zip(places, raws, told, strict=True):
            self._rows.append((place + _LYING.pack(self._end, len(raw)), each))
            self._end += len(raw)

    def in_order(self, together: int) -> Iterator[list[LooseRow[T]]]:
        """All rows in the order of their places, so many at a time.

        Raises:
            OSError: one cannot be read any more.
        """
        self._rows.sort(key=itemgetter(0))
        for at in range(0, len(self._rows), together):
            yield [self._row(place, told) for place, told in self._rows[at : at + together]]

    def _row(self, place: bytes, told: T) -> LooseRow[T]:
        at = len(place) - _LYING.size
        return LooseRow(place[:at], self._scratch.at(*_LYING.unpack_from(place, at)), told)


_LYING = Struct(">QI")
"""Where a row begins, and its size. It stands behind a place, and decides nothing."""
