"""Where rows go when a file is written back.

Rule 1: rows that say what they are to say keep their bytes and their place; lines without any other
are taken over as they are, never looked into. Of lines that are each a record of their own, only those
that change are.
Rule 2: changed rows are rewritten where they stand, rows that are gone are dropped, rows that say
nothing in this variant stay. Duplicates that changed become one row, at the first one's place.
Rule 3: new entities go behind the last entity, new relations and generic records to the end: the
servers append what they create, and readers tell re-creation by row order.
Rule 4: what was written is read back before anybody relies on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from memsync_git.formats.reading import read_rows
from memsync_git.formats.rows import Limits, TooLarge
from memsync_git.formats.standing import Gathering, Lines, Rows
from memsync_git.formats.writing import row_of
from memsync_git.model import Entity, Graph, Projection, Record, RecordKey, Relation, same_items
from memsync_git.stretches import LINES_TOGETHER, Records, Step, Stretch, whole

Changes = Mapping[RecordKey, Record | None]


class Loose:
    """Rows that are not as they stood: their bytes, what each says, and the places of those written here."""

    __slots__ = ("raws", "records", "written")

    def __init__(self, raws: Iterable[bytes], records: Iterable[Record | None]) -> None:
        self.raws = list(raws)
        self.records = list(records)
        self.written: list[int] = []

    def write(self, at: int, records: Sequence[Record], projection: Projection) -> None:
        """Put new rows before place `at`."""
        self.written = [place if place < at else place + len(records) for place in self.written]
        self.written += range(at, at + len(records))
        self.raws[at:at] = [row_of(record, projection) for record in records]
        self.records[at:at] = records

    def just_written(self) -> tuple[list[bytes], list[Record | None]]:
        """The rows that were written here, in two columns."""
        return [self.raws[at] for at in self.written], [self.records[at] for at in self.written]


Laid = list[Lines | Loose]
"""The new file from top to bottom: lines taken over, and rows of others."""


def step_to(rows: Rows, graph: Graph) -> Step:
    """The step that makes the rows say what a graph says, and nothing else."""
    return {**dict.fromkeys(rows.said), **whole(graph.records)}


def arranged(rows: Rows, step: Step, projection: Projection, limits: Limits) -> Rows | TooLarge:
    """The rows of the new file: those of `rows`, changed by a step as far as the projection holds it."""
    standing = rows.said.among(step.keys())
    changes = _changes(standing, step, projection)
    come = [record for key, record in changes.items() if record is not None and key not in standing]
    laid = _laid(rows, changes, projection, limits)
    if isinstance(laid, TooLarge):
        return laid
    _insert(laid, come, projection)
    gathering = Gathering(projection)
    for some in laid:
        if isinstance(some, Lines):
            gathering.keep(some)
            continue
        raws, meant = some.just_written()
        found = read_back(raws, meant, projection, limits)
        if isinstance(found, TooLarge):
            return found
        for at, record in zip(some.written, found, strict=True):
            some.records[at] = record
        gathering.add(some.raws, some.records)
    return Rows(gathering.finished(), rows)


def _changes(said: Records, step: Step, projection: Projection) -> Changes:
    """What a step changes in what the rows say, in its order; `said`: the records it is about."""
    found: dict[RecordKey, Record | None] = {}
    for key, wanted in step.items():
        record, standing = None if wanted is None else projection.record(wanted), said.get(key)
        if record is None or standing is None:
            if record is not standing:
                found[key] = record
        elif record is not standing and not same_items(standing, record):
            found[key] = record
    return found


def _laid(rows: Rows, changes: Changes, projection: Projection, limits: Limits) -> Laid | TooLarge:
    """What stands there, without what is gone and with what says something else now."""
    laid: Laid = []
    rewritten: set[RecordKey] = set()
    about: dict[Stretch, set[RecordKey]] = {}
    for key, several in rows.said.holding(changes.keys()).items():
        for stretch in several:
            about.setdefault(stretch, set()).add(key)
    for lines in rows.parts:
        touched = about.get(lines, set())
        wanted = {key: record for key in touched if (record := changes[key]) is not None}
        if not touched and not lines.blanks:
            laid.append(lines)
        elif lines.has_one_each and len(wanted) == len(touched) and rewritten.isdisjoint(touched):
            revised = _revised(lines, wanted, projection, limits)
            if isinstance(revised, TooLarge):
                return revised
            laid.append(revised)
            rewritten |= touched
        else:
            laid.append(_changed(lines, changes, rewritten, projection))
    return laid


def _revised(lines: Lines, wanted: Records, projection: Projection, limits: Limits) -> Lines | TooLarge:
    """Lines, each a record of its own, some of which are written anew; nobody looks into the others."""
    places = {at: wanted[key] for key, at in lines.places_of(wanted.keys()).items()}
    cut = lines.cut(places)
    standing = cut.raws
    raws = {at: row_of(record, projection, standing[at]) for at, record in places.items()}
    found = read_back(list(raws.values()), places.values(), projection, limits)
    if isinstance(found, TooLarge):
        return found
    return lines.revised(cut, raws, dict(zip(places, found, strict=True)))


def _changed(lines: Lines, changes: Changes, rewritten: set[RecordKey], projection: Projection) -> Loose:
    """Lines with some of their rows written anew and some taken out; `rewritten` grows by the former."""
    raws, records = lines.rows()
    loose = Loose(raws, records)
    gone: list[int] = []
    every_line_has_its_own = len(lines.keys) == len(records)
    keys = lines.keys if every_line_has_its_own else [None if each is None else each.key for each in records]
    for at, key in enumerate(keys):
        if key is None or key not in changes:
            continue
        wanted = changes[key]
        if wanted is None or key in rewritten:
            gone.append(at)
        else:
            rewritten.add(key)
            loose.written.append(at - len(gone))
            loose.raws[at], loose.records[at] = row_of(wanted, projection, raws[at]), wanted
    for at in reversed(gone):
        del loose.raws[at], loose.records[at]
    return loose


def _insert(laid: Laid, come: Sequence[Record], projection: Projection) -> None:
    """Put new rows where a server would have put them."""
    entities = [record for record in come if isinstance(record, Entity)]
    if entities:
        at, inside = _behind_entities(laid)
        some = laid[at] if at < len(laid) else Loose((), ())
        loose = some if isinstance(some, Loose) else Loose(*some.rows())
        loose.write(inside, entities, projection)
        laid[at : at + 1] = [loose]
    others = Loose((), ())
    others.write(0, [record for record in come if not isinstance(record, Entity)], projection)
    laid.append(others)


def _behind_entities(laid: Laid) -> tuple[int, int]:
    """The part, and the place in it, behind the last entity; without any before the first relation."""
    for at in range(len(laid) - 1, -1, -1):
        places = _places(laid[at], Entity)
        if places:
            return at, places[-1] + 1
    for at, some in enumerate(laid):
        places = _places(some, Relation)
        if places:
            return at, places[0]
    return len(laid), 0


def _places(some: Lines | Loose, kind: type[Entity] | type[Relation]) -> list[int]:
    """Where records of a kind stand."""
    if isinstance(some, Lines) and kind is Entity and not some.names:
        return []
    records = some.rows()[1] if isinstance(some, Lines) else some.records
    return [at for at, record in enumerate(records) if isinstance(record, kind)]


def read_back(
    raws: Sequence[bytes], meant: Iterable[Record | None], projection: Projection, limits: Limits
) -> list[Record] | TooLarge:
    """What a reader finds in rows that were written here.

    Raises:
        AssertionError: a row does not say what it was to say.
    """
    said: list[Record] = []
    wanted = iter(meant)
    for at in range(0, len(raws), LINES_TOGETHER):  # a whole memory need not be held twice
        some = raws[at : at + LINES_TOGETHER]
        read = read_rows(some, [0] * len(some), projection, limits, {})
        if isinstance(read, TooLarge):
            return read
        said += [_as_meant(found, record) for found, record in zip(read[0], wanted, strict=False)]
    return said


def _as_meant(found: Record | None, wanted: Record | None) -> Record:
    if found is None or wanted is None or not same_items(wanted, found):
        raise AssertionError("an encoded row does not read back as what it was to say")
    return wanted if wanted == found else found
