r"""The rows of a memory file as they stand in it, in lines that versions share.

    file        {"type":"entity", …}\n{"type":"entity", …}\n …
    Lines       └───── text, and what it says ─────┘ └──── …

Rule 1: the texts of all lines, joined by line feeds, are the file, where nothing in it was damaged.
Rule 2: a version read or written after another one holds the very `Lines` of it that did not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple, overload

from memsync_git.formats.rows import Damage, is_blank
from memsync_git.model import Graph, Record
from memsync_git.stretches import LINES_TOGETHER, Stretch, Stretched
from memsync_git.values import dataclass

FEW_LINES = LINES_TOGETHER // 4
"""Fewer are put together with their neighbours, so that many small changes leave no crumbs."""


class Row(NamedTuple):
    """One readable row: its bytes without the line end, and what it says (None: it stays as it is)."""

    raw: bytes
    record: Record | None


class Lines:
    """Lines that stand together in a file: their bytes, and what each says."""

    __slots__ = ("_blanks", "stretch", "text")

    def __init__(self, text: bytes, stretch: Stretch) -> None:
        self.text = text
        self.stretch = stretch
        self._blanks: int | None = None

    @property
    def raws(self) -> Sequence[bytes]:
        """The bytes of every line."""
        return self.text.split(b"\n")

    @property
    def blanks(self) -> int:
        """How many lines are blank, and so no rows."""
        if self._blanks is None:
            silent = any(record is None for record in self.stretch.records)
            self._blanks = sum(map(_is_blank_row, self._lines())) if silent else 0
        return self._blanks

    def _lines(self) -> Iterator[Row]:
        return map(Row._make, zip(self.raws, self.stretch.records, strict=True))

    def __len__(self) -> int:
        return len(self.stretch.records)

    def __iter__(self) -> Iterator[Row]:
        lines = self._lines()
        return (row for row in lines if not _is_blank_row(row)) if self.blanks else lines


def _is_blank_row(row: Row) -> bool:
    return row.record is None and is_blank(row.raw)


class Gathering:
    """Puts lines together: those that are kept as they are, and new ones between them."""

    def __init__(self) -> None:
        self._parts: list[Lines] = []
        self._raws: list[bytes] = []
        self._records: list[Record | None] = []

    def keep(self, lines: Lines) -> None:
        """Lines that did not change come next."""
        if 0 < len(self._raws) < FEW_LINES:
            self.add(lines.raws, lines.stretch.records)
        else:
            self._close()
            self._parts.append(lines)

    def add(self, raws: Iterable[bytes], records: Iterable[Record | None]) -> None:
        """New lines come next."""
        self._raws += raws
        self._records += records

    def finished(self) -> list[Lines]:
        """All of them."""
        if 0 < len(self._raws) < FEW_LINES and self._parts:
            last = self._parts.pop()
            self._raws[:0], self._records[:0] = last.raws, last.stretch.records
        self._close()
        return self._parts

    def _close(self) -> None:
        count = len(self._raws)
        pieces = max(1, round(count / LINES_TOGETHER))
        bounds = [count * at // pieces for at in range(pieces + 1)] if count else []
        for start, end in pairwise(bounds):
            stretch = Stretch(self._records[start:end])
            self._parts.append(Lines(b"\n".join(self._raws[start:end]), stretch))
        self._raws.clear()
        self._records.clear()


class Rows(Sequence[Row]):
    """The rows of a file; blank lines between them are none."""

    __slots__ = ("_said", "parts")

    def __init__(self, parts: Iterable[Lines] = (), before: Rows | None = None) -> None:
        """Rows of these lines; `before`: a version most of them were taken from."""
        self.parts = tuple(parts)
        self._said = None if before is None else self._stretched(before.said)

    @classmethod
    def of(cls, raws: Iterable[bytes], records: Iterable[Record | None]) -> Rows:
        """Rows nobody shares yet."""
        gathering = Gathering()
        gathering.add(raws, records)
        return cls(gathering.finished())

    def __len__(self) -> int:
        return sum(len(lines) - lines.blanks for lines in self.parts)

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        return tuple(self)[at]

    def __iter__(self) -> Iterator[Row]:
        return chain.from_iterable(self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows | tuple) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Rows({list(self)!r})"

    @property
    def text(self) -> bytes:
        """The lines as they stand, joined by line feeds."""
        return b"\n".join([lines.text for lines in self.parts])

    @property
    def said(self) -> Stretched:
        """What the rows say together, by key, in file order."""
        if self._said is None:
            self._said = self._stretched(None)
        return self._said

    def _stretched(self, before: Stretched | None) -> Stretched:
        return Stretched((lines.stretch for lines in self.parts), before)

    def graph(self) -> Graph:
        """The same, as a graph."""
        return Graph(self.said)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a memory file says. `graph` holds what the readable rows say, in file order."""

    variant: str
    rows: Rows
    graph: Graph
    damage: tuple[Damage, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything in the file was readable."""
        return not self.damage


def known_rows(parts: Iterable[Lines]) -> Mapping[bytes, Record]:
    """Raw row → record, of rows that need not be parsed again."""
    return {
        raw: record
        for lines in parts
        for raw, record in zip(lines.raws, lines.stretch.records, strict=True)
        if record is not None
    }
