"""Where the bytes of lines lie: by themselves, among those of a whole file, or among others with new lines.

    place      data [ … start ─────── end … ]
    patched    old bytes │ a new line │ old bytes │ …        put together when somebody looks at them

Rule 1: where bytes lie never changes what they are.
Rule 2: what lies somewhere is copied when a file is put together, and not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import NamedTuple, Protocol

Piece = bytes | memoryview


class Sliced(Protocol):
    """Bytes, or what pieces of them can be had of."""

    def __getitem__(self, part: slice, /) -> bytes: ...


class Growing:
    """Bytes that are still being written."""

    def __init__(self) -> None:
        self.file = BytesIO()

    def __getitem__(self, part: slice, /) -> bytes:
        return bytes(self.file.getbuffer()[part])


class Patched:
    """Bytes in pieces, some of which lie among those of a file."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def __getitem__(self, part: slice, /) -> bytes:
        return b"".join(self.pieces)[part]


class Place(NamedTuple):
    """Where lines lie: in bytes of their own, or among those of a whole file."""

    data: Sliced
    start: int
    end: int

    @classmethod
    def of(cls, text: bytes) -> Place:
        """Bytes of their own."""
        return cls(text, 0, len(text))

    @property
    def text(self) -> bytes:
        """The bytes that lie there."""
        return self.data[self.start : self.end]

    @property
    def size(self) -> int:
        """How many they are."""
        return self.end - self.start

    def pieces(self) -> Iterable[Piece]:
        """The bytes, to be copied to somewhere else; as they lie there, where that is known."""
        if isinstance(self.data, Patched):
            return self.data.pieces
        return [memoryview(self.data)[self.start : self.end] if isinstance(self.data, bytes) else self.text]

    def raws_at(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """Some of the lines there, without looking at what stands behind them."""
        data, start, end = self._plainly()
        return {number: data[begin:stop] for number, begin, stop in _lines(data, start, end, numbers)}

    def patched(self, new: Mapping[int, bytes]) -> Place:
        """The same bytes with some lines in the place of those that stand there."""
        data, at, end = self._plainly()
        view = memoryview(data)
        pieces: list[Piece] = []
        for number, begin, stop in _lines(data, at, end, new):
            pieces += [view[at:begin], new[number]]
            at = stop
        pieces.append(view[at:end])
        return Place(Patched(pieces), 0, sum(map(len, pieces)))

    def _plainly(self) -> tuple[bytes, int, int]:
        """The same among plain bytes."""
        data, start, end = self
        return (data, start, end) if isinstance(data, bytes) else (self.text, 0, self.size)


def _lines(data: bytes, start: int, end: int, numbers: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """Some of the lines that lie there, in their order, and where each begins and ends.

    To look for line ends up to the last of them is less work than to cut all lines out.
    """
    line, begin = 0, start
    for number in sorted(numbers):
        for _ in range(line, number):
            begin = data.index(b"\n", begin, end) + 1
        line = number
        stop = data.find(b"\n", begin, end)
        yield number, begin, end if stop < 0 else stop
