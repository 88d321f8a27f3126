"""The JSON array: one row per element, everything kept.

Rule 1: written one element per line, so that the official server refuses the file: an array on one line
is a valid line to it, and reads as an empty memory that its next save makes real.
Rule 2: read however it was laid out. What cannot be read ends at the next line that begins with `{`,
as this module writes them, so one bad row never hides another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from operator import attrgetter

import orjson

from memsync_git.filebytes import FileBytes, Pieces
from memsync_git.formats.canonical import MOST_NESTING, WHITESPACE, NotJson, compact, parse, parse_first
from memsync_git.formats.reading import read_rows, rows_between
from memsync_git.formats.rows import Damage, Limits, TooLarge
from memsync_git.formats.standing import Decoded, Rows, known_rows
from memsync_git.model import Projection, Record
from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class Element:
    """The bytes of one element on one line, and the line of the file it begins at."""

    line: int
    raw: bytes


Part = Element | Damage


@dataclass(frozen=True, slots=True)
class ArrayVariant:
    """An array of rows; typed ones keep their official identity."""

    name: str
    projection: Projection
    updates_in_place: bool

    def read(
        self, data: FileBytes, limits: Limits, before: Rows | None, shared: int = 0
    ) -> Decoded | TooLarge:
        del shared  # elements are looked up by what they are, wherever they stand
        known = {} if before is None else known_rows(before.parts)
        raws, lines, damage = [], [], []
        for part in elements(bytes(data), known):
            match part:
                case Element(line, raw):
                    raws.append(raw)
                    lines.append(line)
                case Damage():
                    damage.append(part)
        read = read_rows(raws, lines, self.projection, limits, known)
        if isinstance(read, TooLarge):
            return read
        records, misfits = read
        rows = rows_between(raws, lines, records, misfits, self.projection)
        damage = sorted(damage + misfits, key=attrgetter("line"))
        return Decoded(self.name, rows, rows.graph(), tuple(damage))

    def pieces(self, rows: Rows) -> Pieces:
        return Pieces([self.write(rows)])

    def write(self, rows: Rows) -> bytes:
        texts = [row.raw for row in rows]
        return b"[\n" + b",\n".join(texts) + b"\n]" if texts else b"[\n]"

    def settle(self, rows: Rows, data: bytes) -> None:
        """No row lies in it with its neighbours: there are commas between them."""

    def framed(self, rows: Rows) -> Rows:
        return rows


def elements(data: bytes, known: Mapping[bytes, Record]) -> Iterator[Part]:
    """The elements of an array in any layout, and what stands there instead of one."""
    own = _own_layout(data, known)
    return _Scan(data.decode("utf-8", "surrogateescape")).parts() if own is None else iter(own)


def _own_layout(data: bytes, known: Mapping[bytes, Record]) -> list[Element] | None:
    """The elements of a file as `write` lays it out, found without parsing those that are known."""
    lines = data.split(b"\n")
    if len(lines) < 3 or lines[0] != b"[" or lines[-1] != b"]":
        return None
    *inner, last = lines[1:-1]
    if not all(line.endswith(b",") for line in inner):
        return None
    raws = [line[:-1] for line in inner] + [last]
    if not all(raw in known or _is_value(raw) for raw in raws):
        return None
    return [Element(number, raw) for number, raw in enumerate(raws, 2)]


def _is_value(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False  # perhaps a lone surrogate: the scan decides
    return True


class _Scan:
    """A walk over an array in any layout: its elements, and what lies between them and should not."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.counted = 0

    def parts(self) -> Iterator[Part]:
        if not self._skip_space():
            return
        yield from self._opening()
        while self._skip_space() and self.text[self.at] != "]":
            yield self._element()
            yield from self._separator()
        yield from self._closing()

    def _skip_space(self) -> bool:
        """Go to the next character that says something; whether there is one."""
        found = _SOMETHING.search(self.text, self.at)
        self.at = len(self.text) if found is None else found.start()
        return found is not None

    def _damage(self, end: int, reason: str) -> Damage:
        line, start = self._line(), self.at
        self.at = end
        return Damage(line, _bytes(self.text[start:end]), reason)

    def _line(self) -> int:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def _opening(self) -> Iterator[Damage]:
        if self.text.startswith("\ufeff", self.at):
            yield self._damage(self.at + 1, "it begins with a byte order mark")
            self._skip_space()
        if self.text.startswith("[", self.at):
            self.at += 1
        else:
            yield self._damage(self.at, "no array, where an array was pinned")

    def _element(self) -> Part:
        line, start = self._line(), self.at
        try:
            _, self.at = parse_first(self.text, start, max_nesting=MOST_NESTING)
        except NotJson as error:
            found = self.text.find(ROW_START, start)
            return self._damage(len(self.text) if found < 0 else found, f"not JSON: {error}")
        return Element(line, _on_one_line(_bytes(self.text[start : self.at])))

    def _separator(self) -> Iterator[Damage]:
        if not self._skip_space() or self.text[self.at] == "]":
            return
        if self.text[self.at] != ",":
            yield self._damage(self.at, "a comma is missing")
            return
        self.at += 1
        if self._skip_space() and self.text[self.at] == "]":
            yield self._damage(self.at, "a comma too many")

    def _closing(self) -> Iterator[Damage]:
        if self.at == len(self.text):
            yield self._damage(self.at, "the array has no end")
            return
        self.at += 1
        if self._skip_space():
            yield self._damage(len(self.text), "more text after the array")


def _on_one_line(raw: bytes) -> bytes:
    return compact(parse(raw, max_nesting=MOST_NESTING)).encode("utf-8") if b"\n" in raw else raw


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


ROW_START = "\n{"
_SOMETHING = re.compile(f"[^{WHITESPACE}]")
