"""From raw rows to what they say, whatever they were cut out of.

Rule 1: a row that is known is looked up, not parsed: one changed row costs one row.
Rule 2: one bad row never hides another.
Rule 3: rows that JavaScript's `trim` makes empty are passed over, as the servers pass over them.
Rule 4: of a file that is read for the first time only the keys of its records are held, and its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice

from memsync_git.formats.canonical import TooDeep
from memsync_git.formats.rows import (
    NO_LIMITS,
    Damage,
    Limits,
    Misfit,
    TooLarge,
    is_blank,
    largest_observation,
    read_row,
)
from memsync_git.formats.standing import Lines, Rows, evenly
from memsync_git.model import Projection, Record

Said = list[Record | None]
"""What each of some rows says; None for a blank one, damage, and what the variant has no place for."""


def read_rows(
    raws: Sequence[bytes],
    lines: Sequence[int],
    projection: Projection,
    limits: Limits,
    known: Mapping[bytes, Record],
) -> tuple[Said, list[Damage]] | TooLarge:
    """Read raw rows; `lines` says on which line of the file each stands, counted from 1."""
    records: Said = list(map(known.get, raws))
    damage: list[Damage] = []
    for at in [at for at, record in enumerate(records) if record is None]:
        found = _read(raws[at], lines[at], projection, limits) if raws[at] else None
        match found:
            case TooLarge():
                return found
            case Damage(raw=raw):
                damage += [] if is_blank(raw) else [found]
            case _:
                records[at] = found
    return records, damage


def first_rows(data: bytes, projection: Projection, limits: Limits) -> Rows | TooLarge | None:
    """The rows of a file nobody has read before; None if anything in it is damaged.

    They are read some at a time, and what they say is let go: it would be three times the file.
    """
    parts: list[Lines] = []
    number = 1
    for text in _some_lines(data):
        raws = text.split(b"\n")
        read = read_rows(raws, range(number, number + len(raws)), projection, limits, {})
        if isinstance(read, TooLarge):
            return read
        records, damage = read
        if damage:
            return None
        parts.append(Lines(text, records, projection).unread(read_again))
        number += len(raws)
    return Rows(parts)


def _some_lines(data: bytes) -> Iterator[bytes]:
    """A file, cut where stretches of lines end."""
    ends = chain((found.start() for found in re.finditer(b"\n", data)), [len(data)])
    begin = 0
    for first, behind in evenly(data.count(b"\n") + 1):
        end = next(islice(ends, behind - first - 1, None))
        yield data[begin:end]
        begin = end + 1


def rows_between(
    raws: Sequence[bytes],
    lines: Sequence[int],
    records: Said,
    damage: Sequence[Damage],
    projection: Projection,
) -> Rows:
    """The rows of a file without what was damaged in it."""
    if not damage:
        return Rows.of(raws, records, projection)
    damaged = {each.line for each in damage}
    kept = [at for at, line in enumerate(lines) if line not in damaged]
    return Rows.of([raws[at] for at in kept], [records[at] for at in kept], projection)


def read_again(text: bytes, projection: Projection) -> Said:
    """What lines that were read before say.

    Raises:
        ValueError: they cannot be read any more.
    """
    raws = text.split(b"\n")
    read = read_rows(raws, range(1, len(raws) + 1), projection, NO_LIMITS, {})
    if isinstance(read, TooLarge) or read[1]:
        raise ValueError("a line of the memory file")
    return read[0]


def _read(raw: bytes, line: int, projection: Projection, limits: Limits) -> Record | Damage | TooLarge | None:
    if len(raw) > limits.max_line_bytes:
        return TooLarge("a line", line, len(raw), limits.max_line_bytes)
    try:
        record = read_row(raw, projection, limits)
    except TooDeep:
        return TooLarge("nesting", line, limits.max_nesting + 1, limits.max_nesting)
    if isinstance(record, Misfit):
        return Damage(line, raw, record.reason)
    if len(raw) > limits.max_observation_bytes:
        size = largest_observation(record)
        if size > limits.max_observation_bytes:
            return TooLarge("an observation", line, size, limits.max_observation_bytes)
    return record
