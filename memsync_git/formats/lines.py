"""Variants with one row per line.

Rule 1: lines end at a line feed and nowhere else; U+2028 and U+0085 stand raw inside strings.
Rule 2: one bad line never hides another.
Rule 3: lines that JavaScript's `trim` makes empty are skipped, as the servers skip them. A carriage
return at the end is white space to JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memsync_git.formats.arranging import arranged
from memsync_git.formats.canonical import TooDeep
from memsync_git.formats.rows import Damage, Decoded, Limits, Misfit, Row, TooLarge, oversized, read_row
from memsync_git.model import Graph, Projection, Record

JS_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What `String.prototype.trim` removes (ECMA-262, WhiteSpace and LineTerminator)."""


@dataclass(frozen=True, slots=True)
class LineVariant:
    """Rows joined by line feeds. Without its `header`, if there is one, the server refuses the file."""

    name: str
    projection: Projection
    updates_in_place: bool
    header: bytes = b""

    def read(self, data: bytes, limits: Limits, known: Mapping[bytes, Record]) -> Decoded | TooLarge:
        rows: list[Row] = []
        damage: list[Damage] = []
        for number, raw in enumerate(data.split(b"\n"), 1):
            record = known.get(raw)
            if record is not None:
                rows.append(Row(raw, record))
                continue
            match read_line(raw, number, self.projection, limits):
                case Row() as row:
                    rows.append(row)
                case Damage() as bad:
                    damage.append(bad)
                case TooLarge() as beyond:
                    return beyond
                case None:
                    pass
        graph = Graph.of(row.record for row in rows if row.record is not None)
        return Decoded(self.name, tuple(rows), graph, tuple(damage))

    def write(self, rows: Sequence[Row], graph: Graph) -> bytes:
        texts = arranged(rows, graph, self.projection)
        if self.header and self.header not in texts[:1]:
            texts = [self.header, *(text for text in texts if text != self.header)]
        return b"\n".join(texts)


def read_line(
    raw: bytes, number: int, projection: Projection, limits: Limits
) -> Row | Damage | TooLarge | None:
    """One line as a row; None for a blank one. `number` counts from 1."""
    if not raw:
        return None
    if len(raw) > limits.max_line_bytes:
        return TooLarge("a line", number, len(raw), limits.max_line_bytes)
    try:
        record = read_row(raw, projection, limits)
    except TooDeep:
        return TooLarge("nesting", number, limits.max_nesting + 1, limits.max_nesting)
    if isinstance(record, Misfit):
        blank = not raw.decode("utf-8", "replace").strip(JS_SPACE)
        return None if blank else Damage(number, raw, record.reason)
    size = oversized(record, len(raw), limits)
    return (
        TooLarge("an observation", number, size, limits.max_observation_bytes) if size else Row(raw, record)
    )
