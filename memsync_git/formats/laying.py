"""A file where nothing stands yet, written from records that come in any order.

Rule 1: each record is looked at once and let go; its row lies in a scratch until all of them are there.
Rule 2: what was written is read back before anybody relies on it (`arranging.py`).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from struct import Struct

from memsync_git.formats.arranging import read_back
from memsync_git.formats.reading import read_again
from memsync_git.formats.rows import Limits, TooLarge
from memsync_git.formats.scratch import LooseRow, LooseRows, Scratch
from memsync_git.formats.standing import KeptLines, Rows
from memsync_git.formats.writing import row_of
from memsync_git.model import Entity, Projection, Record, RecordKey, size_of
from memsync_git.stretches import LINES_TOGETHER, Counts

Placed = Iterable[tuple[bytes, Record]]
"""Records, no two of one key, each with what it is sorted by; entities come first in that order."""

_MUCH = Struct(">II")
"""How many items a record says, and how many of them are observations; it stands behind the place."""


def laid_out(placed: Placed, projection: Projection, limits: Limits, scratch: Scratch) -> Rows | TooLarge:
    """The rows of a file that holds nothing yet, in the order of their places.

    Raises:
        OSError: they cannot be read from the scratch.
    """
    wanted = ((place, held) for place, record in placed if (held := projection.record(record)) is not None)
    rows: LooseRows[RecordKey] = LooseRows(scratch)
    while some := list(islice(wanted, LINES_TOGETHER)):
        records = [record for _, record in some]
        raws = [row_of(record, projection) for record in records]
        said = read_back(raws, records, projection, limits)
        if isinstance(said, TooLarge):
            return said
        places = [place + _much(record) for (place, _), record in zip(some, said, strict=True)]
        rows.put(places, raws, [record.key for record in said])
    return Rows([_lines(together, projection) for together in rows.in_order(LINES_TOGETHER)])


def _much(record: Record) -> bytes:
    return _MUCH.pack(size_of(record), len(record.observations) if isinstance(record, Entity) else 0)


def _lines(rows: Sequence[LooseRow[RecordKey]], projection: Projection) -> KeptLines:
    """Rows that stand together, as a reader keeps them: nobody has asked for what they say."""
    much = [_MUCH.unpack_from(row.place, len(row.place) - _MUCH.size) for row in rows]
    kinds = Counter([row.told[0] for row in rows])
    return KeptLines(
        b"\n".join([row.raw for row in rows]),
        {row.told: at for at, row in enumerate(rows)},
        0,
        projection,
        read_again,
        Counts(kinds["e"], kinds["l"], sum(observations for _, observations in much), kinds["r"]),
        array("L", (items for items, _ in much)),
    )
