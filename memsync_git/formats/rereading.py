"""Reading a file after another version of it: only lines that changed are cut out and read.

    before   [ a ][ b ][ c ][ d ][ e ]
    now      [ a ][ b ] … … [ d ][ e ]        found by comparing bytes, from both ends and then between

Rule 1: what is found is what reading the file from scratch finds. What looks odd is read from scratch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memsync_git.filebytes import FileBytes
from memsync_git.formats.reading import read_rows
from memsync_git.formats.rows import Limits
from memsync_git.formats.standing import Gathering, Lines, Rows, known_rows
from memsync_git.model import Projection

FURTHEST_BYTES = 1 << 20
"""How far behind its place lines are looked for. A file that was rearranged is read again instead."""

Place = tuple[int, int]
"""Lines of the version before, by number, and where they begin in the new one."""


def reread(data: FileBytes, before: Rows, shared: int, projection: Projection, limits: Limits) -> Rows | None:
    """The rows of a file, or None if anything in what is new of it is out of order.

    shared: so many of its first bytes are known to be those of the version before.
    """
    parts = before.parts
    gathering = Gathering(projection)
    at, number = 0, 0
    for found, begin in [*_shared(data, parts, shared), (len(parts), len(data) + 1)]:
        if begin > at:
            raws = data[at : begin - 1].split(b"\n")
            known = known_rows(parts[number:found])
            read = read_rows(raws, range(len(raws)), projection, limits, known)
            if not isinstance(read, tuple) or read[1]:
                return None
            gathering.add(raws, read[0])
        if found < len(parts):
            gathering.keep(parts[found])
            parts[found].lie_in(data, begin)
            at, number = begin + parts[found].size + 1, found + 1
    return Rows(gathering.finished(), before)


def _shared(data: FileBytes, parts: Sequence[Lines], shared: int) -> list[Place]:
    """The lines of the version before that stand in the new one, in their order."""
    head = list(_from_start(data, parts, shared))
    number, at = (head[-1][0] + 1, _behind(parts, head[-1])) if head else (0, 0)
    tail = list(_from_end(data, parts, number, at))
    last, end = tail[-1] if tail else (len(parts), len(data) + 1)
    return [*head, *_between(data, parts, (number, at), (last, end)), *reversed(tail)]


def _behind(parts: Sequence[Lines], place: Place) -> int:
    return place[1] + parts[place[0]].size + 1


def _stands(data: FileBytes, lines: Lines, at: int) -> bool:
    """Whether these are the lines that begin here: up to a line's end."""
    end = at + lines.size
    return lines.stands_in(data, at) and data[end : end + 1] in (LINE_FEED, b"")


def _from_start(data: FileBytes, parts: Sequence[Lines], shared: int) -> Iterator[Place]:
    at = 0
    for number, lines in enumerate(parts):
        if at + lines.size >= shared and not _stands(data, lines, at):
            return
        yield number, at
        at += lines.size + 1


def _from_end(data: FileBytes, parts: Sequence[Lines], number: int, at: int) -> Iterator[Place]:
    """Those at the end, last first, not before line `number` of the old version and place `at` of the new."""
    end = len(data)
    for last in range(len(parts) - 1, number - 1, -1):
        begin = end - parts[last].size
        if begin < at or not (_begins_line(data, begin) and parts[last].stands_in(data, begin)):
            return
        yield last, begin
        end = begin - 1


def _begins_line(data: FileBytes, at: int) -> bool:
    return at == 0 or data[at - 1 : at] == LINE_FEED


def _between(data: FileBytes, parts: Sequence[Lines], start: Place, stop: Place) -> Iterator[Place]:
    """Those in the middle that stand near where they stood."""
    (number, at), (last, end) = start, stop
    passed = 0
    for between in range(number, last):
        text = parts[between].text
        furthest = min(end, at + passed + len(text) + FURTHEST_BYTES)
        found = data.find(text, at, furthest)
        is_there = found >= 0 and found + len(text) < end
        if is_there and _begins_line(data, found) and _stands(data, parts[between], found):
            yield between, found
            at, passed = found + len(text) + 1, 0
        else:
            passed += len(text) + 1


LINE_FEED = b"\n"
