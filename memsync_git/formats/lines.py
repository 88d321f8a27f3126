"""Variants with one row per line.

Rule 1: lines end at a line feed and nowhere else; U+2028 and U+0085 stand raw inside strings, and a
carriage return at the end is white space to JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memsync_git.formats.arranging import arranged
from memsync_git.formats.canonical import NotJson, canonical, parse
from memsync_git.formats.reading import read_rows
from memsync_git.formats.rows import Decoded, Limits, Row, TooLarge
from memsync_git.model import Graph, Projection, Record
from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class LineVariant:
    """Rows joined by line feeds. Without its `header`, if there is one, the server refuses the file."""

    name: str
    projection: Projection
    updates_in_place: bool
    header: bytes = b""

    def read(self, data: bytes, limits: Limits, known: Mapping[bytes, Record]) -> Decoded | TooLarge:
        raws = data.split(b"\n")
        read = read_rows(raws, range(1, len(raws) + 1), self.projection, limits, known)
        if isinstance(read, TooLarge):
            return read
        rows, damage = read
        return Decoded(self.name, rows, rows.graph(), tuple(damage))

    def write(self, rows: Sequence[Row], graph: Graph) -> bytes:
        texts = arranged(rows, graph, self.projection)
        return b"\n".join(self._headed(texts))

    def _headed(self, texts: list[bytes]) -> list[bytes]:
        """The rows behind the header, in the spelling that stands there if one does."""
        if not self.header:
            return texts
        standing = [text for text in texts if is_header(text, self.header)]
        rows = [text for text in texts if text not in standing]
        return [*(standing[:1] or [self.header]), *rows]


def is_header(raw: bytes, header: bytes) -> bool:
    """Whether a line says what the header says, however it is spelt."""
    if b'"_aim"' not in raw:
        return False
    try:
        return canonical(parse(raw)) == canonical(parse(header))
    except NotJson:
        return False
