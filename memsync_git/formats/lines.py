"""Variants with one row per line.

Rule 1: lines end at a line feed and nowhere else; U+2028 and U+0085 stand raw inside strings, and a
carriage return at the end is white space to JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memsync_git.filebytes import FileBytes, Pieces
from memsync_git.formats.canonical import NotJson, canonical, parse
from memsync_git.formats.reading import first_rows, read_rows, rows_between
from memsync_git.formats.rereading import reread
from memsync_git.formats.rows import Limits, TooLarge
from memsync_git.formats.standing import Decoded, Gathering, Lines, Row, Rows
from memsync_git.model import Projection
from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class LineVariant:
    """Rows joined by line feeds. Without its `header`, if there is one, the server refuses the file."""

    name: str
    projection: Projection
    updates_in_place: bool
    header: bytes = b""

    def read(
        self, data: FileBytes, limits: Limits, before: Rows | None, shared: int = 0
    ) -> Decoded | TooLarge:
        again = None if before is None else reread(data, before, shared, self.projection, limits)
        if again is not None and before is not None:
            return Decoded(self.name, again, again.graph(), shared=again.shared_with(before))
        data = bytes(data)
        first = first_rows(data, self.projection, limits)
        if isinstance(first, TooLarge):
            return first
        if first is not None:
            return Decoded(self.name, first, first.graph())
        raws = data.split(b"\n")
        lines = range(1, len(raws) + 1)
        read = read_rows(raws, lines, self.projection, limits, {})
        if isinstance(read, TooLarge):
            return read
        records, damage = read
        rows = rows_between(raws, lines, records, damage, self.projection)
        return Decoded(self.name, rows, rows.graph(), tuple(damage))

    def pieces(self, rows: Rows) -> Pieces:
        return Pieces(rows.pieces())

    def write(self, rows: Rows) -> bytes:
        return rows.gathered()

    def settle(self, rows: Rows, data: bytes) -> None:
        rows.settle_in(data)

    def framed(self, rows: Rows) -> Rows:
        """The rows behind the header, in the spelling that stands there if one does."""
        if not self.header or self._is_headed(rows):
            return rows
        headers = [row for row in _naming_it(rows.parts) if is_header(row.raw, self.header)]
        gathering = Gathering(self.projection)
        first = headers[0] if headers else Row(self.header, None)
        gathering.add([first.raw], [first.record])
        for lines in rows.parts:
            kept = [row for row in lines if row not in headers]
            if len(kept) == len(lines):
                gathering.keep(lines)
            else:
                gathering.add([row.raw for row in kept], [row.record for row in kept])
        return Rows(gathering.finished(), rows)

    def _is_headed(self, rows: Rows) -> bool:
        """Whether the first row is the header, and no other one is."""
        headers = [row for row in _naming_it(rows.parts) if is_header(row.raw, self.header)]
        return len(headers) == 1 and next(iter(rows)) == headers[0]


def _naming_it(parts: Iterable[Lines]) -> Iterator[Row]:
    return (row for lines in parts if NAMED in lines.text for row in lines if NAMED in row.raw)


def is_header(raw: bytes, header: bytes) -> bool:
    """Whether a line says what the header says, however it is spelt."""
    if NAMED not in raw:
        return False
    try:
        return canonical(parse(raw)) == canonical(parse(header))
    except NotJson:
        return False


NAMED = b'"_aim"'
