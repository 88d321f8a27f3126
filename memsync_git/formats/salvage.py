"""Repairing a damaged memory file: what `doctor --fix` and `init` write, and what they set aside.

Rule 1: every readable row is kept; what cannot be read is handed back to be quarantined, never dropped.
Rule 2: both sides of a conflict are joined. Their common ancestor is on neither side: quarantined.
Rule 3: a byte order mark, padding of NUL bytes and conflict markers say nothing and go without trace.
Rule 4: limits do not apply: what is large but readable is not damage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memsync_git.formats.array import Element, elements
from memsync_git.formats.canonical import MOST_NESTING, Json, NotJson, compact, parse, parse_first
from memsync_git.formats.rows import BOM, NO_LIMITS, Damage, Misfit, is_blank, read_row
from memsync_git.formats.standing import Decoded, Row
from memsync_git.formats.variants import VARIANTS, Variant, decode, encode
from memsync_git.formats.wholegraph import rows_of_graph
from memsync_git.model import Graph, Projection, Record, RecordKey
from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What a damaged file says, what could not be read, and the bytes to put in its place."""

    graph: Graph
    quarantined: tuple[Damage, ...]
    clean: bytes


def salvage(data: bytes, variant: str) -> Salvaged:
    """Read as much as can be read of a file of a pinned variant. A whole file comes back as it is."""
    match decode(data, variant, NO_LIMITS):
        case Decoded(damage=()) as whole:
            return Salvaged(whole.graph, (), data)
        case _:
            return _mended(data, VARIANTS[variant])


def _mended(data: bytes, variant: Variant) -> Salvaged:
    rows: list[Row] = []
    quarantined: list[Damage] = []
    for found in _found(data, variant.projection):
        if isinstance(found, Row):
            rows.append(found)
        else:
            quarantined.append(found)
    graph = Graph.of(row.record for row in rows if row.record is not None)
    return Salvaged(graph, tuple(quarantined), encode(list(_first_of_each(rows)), graph, variant.name))


def _first_of_each(rows: list[Row]) -> Iterator[Row]:
    """One row per record, so that writing joins into it what both sides of a conflict say."""
    seen: set[RecordKey] = set()
    for row in rows:
        key = None if row.record is None else row.record.key
        if key is None or key not in seen:
            yield row
        if key is not None:
            seen.add(key)


def _found(data: bytes, projection: Projection) -> Iterator[Row | Damage]:
    text, ancestors = _unmarked(data.removeprefix(BOM))
    yield from ancestors
    for stretch in _stretches(text):
        yield from _Pieces(stretch.line, stretch.raw, projection).parts()


def _stretches(data: bytes) -> Iterator[Element | Damage]:
    """The parts of a file that ought to be rows, in whatever layout it is."""
    graph = _whole_graph(data)
    if graph is not None:
        return (Element(1, compact(row).encode("utf-8")) for row in graph)
    if data.lstrip().startswith(b"["):
        return elements(data, {})
    return (Element(line, raw) for line, raw in enumerate(data.split(b"\n"), 1))


def _whole_graph(data: bytes) -> list[Json] | None:
    try:
        return rows_of_graph(parse(data, max_nesting=MOST_NESTING))
    except NotJson:
        return None


def _unmarked(data: bytes) -> tuple[bytes, list[Damage]]:
    """A file without conflict markers, its lines where they were, and what was common to both sides.

    An ancestor without the marker that ends it is no ancestor: its lines stay rows.
    """
    lines = data.split(b"\n")
    ancestors: list[Damage] = []
    open_section: list[Damage] | None = None
    for at, raw in enumerate(lines):
        marker = MARKER.match(raw)
        if marker:
            ancestors += open_section or []
            open_section = [] if marker[1].startswith(b"|") else None
            lines[at] = b""
        elif open_section is not None:
            open_section.append(Damage(at + 1, raw, ANCESTOR))
    for ancestor in ancestors:
        lines[ancestor.line - 1] = b""
    return b"\n".join(lines), ancestors


class _Pieces:
    """What can be read of one line that ought to be a row: itself, or the rows torn or run together in it."""

    def __init__(self, line: int, raw: bytes, projection: Projection) -> None:
        self.line = line
        self.raw = raw.strip(b" \t\r")
        self.projection = projection

    def parts(self) -> Iterator[Row | Damage]:
        record = self._record(self.raw)
        if not isinstance(record, Misfit):
            yield Row(self.raw, record)
        elif not is_blank(self.raw):
            yield from self._torn(record.reason)

    def _torn(self, reason: str) -> Iterator[Row | Damage]:
        text = self.raw.decode("utf-8", "surrogateescape")
        at = 0
        while found := SOMETHING.search(text, at):
            start, at = found.start(), _end_of_value(text, found.start())
            record = self._record(_bytes(text[start:at])) if at > start else Misfit(reason)
            if at == start:
                following = ROW_START.search(text, start + 1)
                at = len(text) if following is None else following.start()
            piece = _bytes(text[start:at])
            yield (
                Damage(self.line, piece, record.reason) if isinstance(record, Misfit) else Row(piece, record)
            )

    def _record(self, raw: bytes) -> Record | Misfit | None:
        try:
            return read_row(raw, self.projection, NO_LIMITS)
        except NotJson as error:
            return Misfit(str(error))


def _end_of_value(text: str, start: int) -> int:
    """Where the value that begins here ends; `start` itself if none does."""
    try:
        return parse_first(text, start, max_nesting=MOST_NESTING)[1]
    except NotJson:
        return start


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


ANCESTOR = "the common ancestor in a conflict, on neither of its sides"
MARKER = re.compile(rb"(<{7}|\|{7}|={7}|>{7})(?: .*)?\r?$", re.DOTALL)
ROW_START = re.compile(r'\{\s*"(?:type|id)"\s*:')
"""Cannot occur inside a JSON string, where the quotes would be escaped."""
SOMETHING = re.compile("[^ \\t\\n\\r\\0\ufeff,]")
