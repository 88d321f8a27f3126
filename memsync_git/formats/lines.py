"""Variants with one row per line.

Rule 1: lines end at a line feed and nowhere else; U+2028 and U+0085 stand raw inside strings, and a
carriage return at the end is white space to JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memsync_git.formats.arranging import arranged
from memsync_git.formats.reading import read_rows
from memsync_git.formats.rows import Decoded, Limits, Row, TooLarge
from memsync_git.model import Graph, Projection, Record


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
        if self.header and self.header not in texts[:1]:
            texts = [self.header, *(text for text in texts if text != self.header)]
        return b"\n".join(texts)
