"""Where the bytes of lines lie: by themselves, among those of a whole file, or among others with new lines.

    place      data [ … start ─────── end … ]
    patched    old bytes │ a new line │ old bytes │ …        put together when somebody looks at them

Rule 1: where bytes lie never changes what they are.
Rule 2: what lies somewhere is copied when a file is put together, and not before.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import NamedTuple, Protocol, TypeAlias

from memsync_git.filebytes import Piece

Span = tuple[int, int]
Lengths: TypeAlias = "array[int]"
"""How long the first of some lines are, as far as anybody has looked."""


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
    """Bytes in pieces, some of which lie among those of a file. new: the new lines, by number."""

    def __init__(self, pieces: Sequence[Piece], new: Mapping[int, bytes]) -> None:
        self.pieces = pieces
        self.new = new

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

    def cut(self, numbers: Iterable[int], lengths: Lengths) -> Cut:
        """Some of the lines there, without looking at what stands behind them.

        To look for line ends up to the last of them is less work than to cut all lines out. `lengths`: those
        that are known; it grows by what is found.
        """
        data, start, end = self
        if not isinstance(data, bytes):
            data, start, end = self.text, 0, self.size
        wanted = sorted(numbers)
        if wanted and wanted[-1] >= len(lengths):
            _measure(lengths, wanted[-1] + 1, data, start, end)
        line, begin = 0, start
        spans: dict[int, Span] = {}
        for number in wanted:
            begin += sum(lengths[line:number]) + number - line
            spans[number] = (begin, begin + lengths[number])
            line = number
        return Cut(data, start, end, spans)


def _measure(lengths: Lengths, many: int, data: bytes, start: int, end: int) -> None:
    """Know how long so many of the lines are that stand there."""
    begin = start + sum(lengths) + len(lengths)
    for _ in range(len(lengths), many):
        stop = data.find(b"\n", begin, end)
        lengths.append((end if stop < 0 else stop) - begin)
        begin += lengths[-1] + 1


class Cut(NamedTuple):
    """Some lines among plain bytes, by their numbers in their order: where each begins and ends."""

    data: bytes
    start: int
    end: int
    spans: Mapping[int, Span]

    @property
    def raws(self) -> dict[int, bytes]:
        """The lines."""
        return {number: self.data[begin:stop] for number, (begin, stop) in self.spans.items()}

    def patched(self, raws: Mapping[int, bytes]) -> Place:
        """The bytes with a new line in the place of each of these."""
        view, at, size = memoryview(self.data), self.start, 0
        pieces: list[Piece] = []
        new: dict[int, bytes] = {}
        for number, (begin, stop) in self.spans.items():
            raw = new[number] = raws[number]
            pieces += [view[at:begin], raw]
            size, at = size + begin - at + len(raw), stop
        pieces.append(view[at : self.end])
        return Place(Patched(pieces, new), 0, size + self.end - at)
