"""Where rows go when a file is written back.

Rule 1: rows that say what the graph says keep their bytes and their place.
Rule 2: changed rows are rewritten where they stand, rows that are gone are dropped, rows that say
nothing in this variant stay. Duplicates that changed become one row, at the first one's place.
Rule 3: new entities go behind the last entity, new relations and generic records to the end: the
servers append what they create, and readers tell re-creation by row order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memsync_git.formats.rows import Row
from memsync_git.formats.writing import row_of
from memsync_git.model import Entity, Graph, Projection, Record, RecordKey, Relation, same_items


def arranged(rows: Sequence[Row], graph: Graph, projection: Projection) -> list[bytes]:
    """The rows of the new file: those of `rows` as far as they hold, with `graph` as what they say."""
    wanted = projection.graph(graph)
    standing = Graph.of(row.record for row in rows if row.record is not None)
    changed = {key for key, record in standing.records.items() if _differs(record, wanted.records.get(key))}
    kept = list(_kept(rows, wanted, changed, projection))
    new = [record for record in wanted if record.key not in standing]
    entities = [row_of(record, projection) for record in new if isinstance(record, Entity)]
    others = [row_of(record, projection) for record in new if not isinstance(record, Entity)]
    at = _behind_entities(kept)
    texts = [row.raw for row in kept]
    return texts[:at] + entities + texts[at:] + others


def _differs(record: Record, wanted: Record | None) -> bool:
    return wanted is not None and wanted is not record and not same_items(record, wanted)


def _kept(
    rows: Sequence[Row], wanted: Graph, changed: set[RecordKey], projection: Projection
) -> Iterator[Row]:
    rewritten: set[RecordKey] = set()
    for row in rows:
        key = None if row.record is None else row.record.key
        if key is None:
            yield row
        elif key in changed and key not in rewritten:
            rewritten.add(key)
            yield _rewritten(row, wanted.records[key], projection)
        elif key not in changed and key in wanted.records:
            yield row


def _rewritten(row: Row, record: Record, projection: Projection) -> Row:
    return Row(row_of(record, projection, row.raw), record)


def _behind_entities(rows: Sequence[Row]) -> int:
    for at in range(len(rows) - 1, -1, -1):
        if isinstance(rows[at].record, Entity):
            return at + 1
    for at, row in enumerate(rows):
        if isinstance(row.record, Relation):
            return at
    return len(rows)
