"""Where rows go when a file is written back.

Rule 1: rows that say what they are to say keep their bytes and their place; lines without any other
are taken over as they are, never looked into.
Rule 2: changed rows are rewritten where they stand, rows that are gone are dropped, rows that say
nothing in this variant stay. Duplicates that changed become one row, at the first one's place.
Rule 3: new entities go behind the last entity, new relations and generic records to the end: the
servers append what they create, and readers tell re-creation by row order.
Rule 4: what was written is read back before anybody relies on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from memsync_git.formats.reading import read_rows
from memsync_git.formats.rows import Limits, TooLarge
from memsync_git.formats.standing import Gathering, Lines, Row, Rows
from memsync_git.formats.writing import row_of
from memsync_git.model import Entity, Graph, Projection, Record, RecordKey, Relation, same_items
from memsync_git.stretches import Step, whole

Laid = list[Lines | list[Row]]
"""The new file from top to bottom: lines taken over, and rows of others."""


def step_to(rows: Rows, graph: Graph) -> Step:
    """The step that makes the rows say what a graph says, and nothing else."""
    return {**dict.fromkeys(rows.said), **whole(graph.records)}


def arranged(rows: Rows, step: Step, projection: Projection, limits: Limits) -> Rows | TooLarge:
    """The rows of the new file: those of `rows`, changed by a step as far as the projection holds it."""
    changes = _changes(rows, step, projection)
    come = [record for key, record in changes.items() if record is not None and key not in rows.said]
    laid = list(_standing(rows.parts, changes, projection))
    _insert(laid, [Row(row_of(record, projection), record) for record in come])
    gathering = Gathering()
    for some in laid:
        if isinstance(some, Lines):
            gathering.keep(some)
            continue
        read = _read_back(some, changes, projection, limits)
        if isinstance(read, TooLarge):
            return read
        gathering.add([row.raw for row in some], read)
    return Rows(gathering.finished(), rows)


def _changes(rows: Rows, step: Step, projection: Projection) -> dict[RecordKey, Record | None]:
    """What a step changes in what the rows say, in its order."""
    found: dict[RecordKey, Record | None] = {}
    said = rows.said if len(step) < len(rows.parts) else rows.said.whole()
    for key, wanted in step.items():
        record, standing = None if wanted is None else projection.record(wanted), said.get(key)
        if record is None or standing is None:
            if record is not standing:
                found[key] = record
        elif record is not standing and not same_items(standing, record):
            found[key] = record
    return found


def _standing(
    parts: Iterable[Lines], changes: dict[RecordKey, Record | None], projection: Projection
) -> Iterator[Lines | list[Row]]:
    """What stands there, without what is gone and with what says something else now."""
    rewritten: set[RecordKey] = set()
    for lines in parts:
        if lines.blanks or not changes.keys().isdisjoint(lines.stretch.by_key):
            yield [kept for row in lines for kept in _kept(row, changes, rewritten, projection)]
        else:
            yield lines


def _kept(
    row: Row, changes: dict[RecordKey, Record | None], rewritten: set[RecordKey], projection: Projection
) -> Iterator[Row]:
    key = None if row.record is None else row.record.key
    if key is None or key not in changes:
        yield row
        return
    record = changes[key]
    if record is not None and key not in rewritten:
        rewritten.add(key)
        yield Row(row_of(record, projection, row.raw), record)


def _insert(laid: Laid, new: Sequence[Row]) -> None:
    """Put new rows where a server would have put them."""
    entities = [row for row in new if isinstance(row.record, Entity)]
    if entities:
        at, inside = _behind_entities(laid)
        rows = list(laid[at]) if at < len(laid) else []
        laid[at : at + 1] = [rows[:inside] + entities + rows[inside:]]
    laid.append([row for row in new if not isinstance(row.record, Entity)])


def _behind_entities(laid: Laid) -> tuple[int, int]:
    """The part, and the place in it, behind the last entity; without any before the first relation."""
    for at in range(len(laid) - 1, -1, -1):
        some = laid[at]
        if isinstance(some, list) or some.stretch.names:
            rows = list(some)
            places = [place for place, row in enumerate(rows) if isinstance(row.record, Entity)]
            if places:
                return at, places[-1] + 1
    for at, some in enumerate(laid):
        for place, row in enumerate(some):
            if isinstance(row.record, Relation):
                return at, place
    return len(laid), 0


def _read_back(
    rows: Sequence[Row], changes: dict[RecordKey, Record | None], projection: Projection, limits: Limits
) -> Sequence[Record | None] | TooLarge:
    """What these rows say, those that were written here as a reader finds it.

    Raises:
        AssertionError: a row that was written does not say what it was to say.
    """
    known = {row.raw: row.record for row in rows if row.record is not None and row.record.key not in changes}
    read = read_rows([row.raw for row in rows], [0] * len(rows), projection, limits, known)
    if isinstance(read, TooLarge):
        return read
    records, damage = read
    if damage or not all(map(_is_as_meant, rows, records)):
        raise AssertionError("an encoded row does not read back as what it was to say")
    return records


def _is_as_meant(row: Row, record: Record | None) -> bool:
    if row.record is None or record is None:
        return row.record is record
    return row.record is record or same_items(row.record, record)
