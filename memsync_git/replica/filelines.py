"""The newest state of the memory file as rows of a store, some lines a row.

    NAME            line               told-NAME    [bytes, lines, keys, blank lines, projection, counts]
                    line …                          [key, key, …]

    NAME            {"said": [record, record, …]}

    step-NAME       [[name, [place, …], counts], …]            lines written anew in other rows
                    line
                    line …

Rule 1: lines are kept as they stand, under a name made of what they are: versions share their rows.
Rule 2: what was kept is not fetched before somebody asks for a line in it, nor read before somebody asks for
a record. That a file holds it shows by the digest that its name begins with; its keys lie beside it.
Rule 3: a state that was never read from lines (what the fleet once said, what a damaged file adds) is kept
as its records.
Rule 4: what a version writes anew in lines that stay where they are is one row, a step, wherever they stand.
Steps are applied in their order; once they have gathered much, what they are about is written whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, KeysView, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache, partial, reduce
from itertools import takewhile
from operator import ne
from typing import NamedTuple, Protocol

from memsync_git.formats.reading import read_again
from memsync_git.formats.standing import DIGEST_CHARS, Lines, Lying, LyingLines, text_digest
from memsync_git.model import Projection, Record, RecordKey
from memsync_git.replica.shapes import plain_projection, plain_record, projection_of, record_of
from memsync_git.replica.values import KeptFile, KeptStep
from memsync_git.stretches import Counts, Records, Stretch, Stretched, entity_order, stretched
from memsync_git.values import replace
from memsync_git.wire import plain
from memsync_git.wire.stored import damaged_row

KIND, INDEX = "file", "one"
STEP, TOLD = "step-", "told-"
"""What is told about rows stands behind all of them: who reads that reads nothing else."""
ESCAPE = b"\\u"
"""Stands in JSON that is spelt in ASCII alone, which a key by itself may not be."""
BEGIN, BETWEEN = b"[[", b"],["
"""What keys are kept in begins with, and ends with the like of; and what stands between two of them."""
MOST_SPELT = 5000
"""Keys looked for unread: two MiB while they are."""
OFTEN = 4
"""So often a command looks for keys. Looking among keys that were not read costs a fiftieth of reading them,
and a session that lives on looks on."""

STEPS_SHARE = 4
"""Steps take a quarter of what the lines take, at the most."""
MOST_STEPS = 16
"""Each is looked for when the file is loaded. So many one-line changes make a store that large by steps; by
stretches they would have made it sixteen times that."""
FEW_ROWS = 8
"""So many rows are asked for one by one. To find one, SQLite reads some of its neighbours whole: more of them
come quicker in one go."""


class LineReader(Protocol):
    """What loading needs of a store."""

    def rows(self, kind: str, after: str = "") -> Iterable[tuple[str, bytes]]: ...

    def row(self, kind: str, key: str) -> bytes | None: ...


class LineWriter(LineReader, Protocol):
    """What saving needs of a transaction."""

    def put(self, kind: str, key: str, value: bytes) -> None: ...

    def drop(self, kind: str, key: str) -> None: ...


# --- loading


def load_file(rows: LineReader, before: KeptFile, *, at_once: bool = True) -> tuple[Stretched, KeptFile]:
    """The newest state, and what is kept of it. `before`: an older one; what both share is the very same.

    at_once: `rows` may change or go; otherwise lines stay there until somebody asks for them.

    Raises:
        ValueError: a row cannot be understood.
    """
    return load_lines(rows, rows.row(KIND, INDEX) or b"", before, at_once=at_once)


def load_lines(
    rows: LineReader, index: bytes, before: KeptFile, *, at_once: bool
) -> tuple[Stretched, KeptFile]:
    """The same by what says which lines make it up."""
    listed = _listed(index)
    known = {step.name: step for step in before.steps}
    read = {name: _step_of(name, rows.row(KIND, name)) for name in listed.steps if name not in known}
    kept = KeptFile({}, tuple(known.get(name) or read[name].kept for name in listed.steps), index)
    now, then = kept.touching(), before.touching()
    found = {name: stretch for stretch, name in before.names.items() if now.get(name) == then.get(name)}
    new = set(listed.lines) - found.keys()
    values = dict(_found(rows, new)) if at_once else {}
    about = _about(rows, new)
    for name in new:
        several = [read.get(step) or _step_of(step, rows.row(KIND, step)) for step in now.get(name, ())]
        fetched = partial(_value, rows, name) if name not in values else partial(values.__getitem__, name)
        found[name] = _stretch(name, fetched, about.get(name), [step.anew[name] for step in several])
    file = Stretched([found[name] for name in listed.lines], has_twins=listed.has_twins)
    if at_once:
        fetch_all(file.stretches)
    return file, replace(kept, names={found[name]: name for name in listed.lines}, order=entity_order(file))


def fetch_all(stretches: Iterable[Stretch]) -> None:
    """Fetch the lines that nobody has asked for so far: where they lie is left."""
    for lines in stretches:
        if isinstance(lines, LyingLines):
            lines.fetch()


class _Listed(NamedTuple):
    """What an index says: the rows that make up the file, and the steps over them."""

    lines: Sequence[str]
    steps: Sequence[str]
    has_twins: bool | None


def _listed(index: bytes) -> _Listed:
    if not index:
        return _Listed((), (), has_twins=False)
    said = plain.loads(index)
    return _Listed(said["lines"], said["steps"], said["twins"])


def _about(rows: LineReader, names: AbstractSet[str]) -> dict[str, bytes]:
    """What is known of some rows of lines."""
    if len(names) <= FEW_ROWS:
        asked = ((name, rows.row(KIND, TOLD + name)) for name in names)
        return {name: value for name, value in asked if value is not None}
    several = takewhile(lambda row: row[0].startswith(TOLD), rows.rows(KIND, TOLD))
    return {key.removeprefix(TOLD): value for key, value in several}


def _value(rows: LineReader, name: str) -> bytes:
    """One row that must be there."""
    value = rows.row(KIND, name)
    if value is None:
        raise damaged_row("lines of the memory file are missing")
    return value


def _found(rows: LineReader, names: AbstractSet[str]) -> Iterator[tuple[str, bytes]]:
    """Some rows that must be there, one after another: together they are the whole file."""
    several = rows.rows(KIND) if len(names) > FEW_ROWS else ((name, rows.row(KIND, name)) for name in names)
    left = set(names)
    for name, value in several:
        if name in left and value is not None:
            left.discard(name)
            yield name, value
    if left:
        raise ValueError("lines of the memory file are missing")


class _Anew(NamedTuple):
    """Lines written anew in one row: where, what, and how much all its lines hold afterwards."""

    places: Sequence[int]
    lines: Sequence[bytes]
    counts: Sequence[int]

    def written_into(self, text: bytes) -> bytes:
        """The lines of the row with these in their places."""
        raws = text.split(b"\n")
        for at, line in zip(self.places, self.lines, strict=True):
            raws[at] = line
        return b"\n".join(raws)

    def is_small(self, beside: Lines) -> bool:
        """Whether it is worth being a step beside all the lines."""
        return 2 * sum(map(len, self.lines)) < beside.size


class _Step(NamedTuple):
    """A step as it was kept, by the rows it is about."""

    kept: KeptStep
    anew: Mapping[str, _Anew]


def _step_of(name: str, value: bytes | None) -> _Step:
    if value is None:
        raise ValueError("a step of the memory file is missing")
    about, _, text = value.partition(b"\n")
    lines = iter(text.split(b"\n"))
    anew = {
        base: _Anew(places, [next(lines) for _ in places], counts)
        for base, places, counts in plain.loads(about)
    }
    return _Step(KeptStep(name, frozenset(anew), len(value)), anew)


def _stretch(name: str, fetched: Callable[[], bytes], about: bytes | None, steps: Sequence[_Anew]) -> Stretch:
    """A row as a stretch: lines, if anything is known about them, else records."""
    if about is None:
        said = plain.loads(fetched())["said"]
        return Stretch(None if each is None else record_of(each) for each in said)
    told, _, keys = about.partition(b"\n")
    size, many, many_keys, blanks, projection, counts = plain.loads(told)
    lying = Lying(size, many, name[:DIGEST_CHARS], fetched)
    if steps:
        text = reduce(lambda text, anew: anew.written_into(text), steps, fetched())
        lying, counts = Lying(len(text), many, "", lambda: text), steps[-1].counts
    return LyingLines(
        lying, KeptKeys(keys, many_keys), blanks, projection_of(*projection), _read, Counts(*counts)
    )


class KeptKeys(Mapping[RecordKey, int]):
    """The keys of some lines and on which each stands, as they were kept: read once they are asked for often.

    Where each is spelt as it would be alone, quotes and brackets tell it from whatever else stands there.
    """

    __slots__ = ("_asked", "_found", "_many", "_places", "_text")

    def __init__(self, text: bytes, many: int) -> None:
        self._text = text
        self._many = many
        self._asked = 0
        self._found: dict[RecordKey, int] = {}
        self._places: dict[RecordKey, int] | None = None

    @property
    def _read(self) -> dict[RecordKey, int]:
        if self._places is None:
            try:
                self._places = {tuple(key): at for at, key in enumerate(plain.loads(self._text))}
            except (ValueError, TypeError) as error:
                raise damaged_row(str(error)) from error
            self._text, self._found = b"", {}
        return self._places

    def among(self, keys: AbstractSet[RecordKey]) -> AbstractSet[RecordKey]:
        """Those of some keys that are here. They are looked for as they are spelt, many at once; where each
        stands is remembered.
        """
        if self._places is None and len(keys) <= MOST_SPELT and ESCAPE not in self._text:
            told = self._text[len(BEGIN) : -len(BEGIN)].split(BETWEEN)
            if len(told) == self._many:  # no name has what stands between them
                spelt = _spelt(frozenset(keys))
                found = {spelt[each]: told.index(each) for each in spelt.keys() & told}
                self._found.update(found)
                return found.keys()
        return self._read.keys() & keys

    def keys(self) -> KeysView[RecordKey]:
        """Those of a dictionary, or compared with others unread."""
        return _UnreadKeys(self) if self._places is None else self._places.keys()

    def __contains__(self, key: object) -> bool:
        if self._places is not None:
            return key in self._places
        self._asked += 1
        if self._asked <= OFTEN and ESCAPE not in self._text:
            return plain.dumps(key) in self._text
        return key in self._read

    def __getitem__(self, key: RecordKey) -> int:
        found = self._found.get(key)
        return self._read[key] if found is None else found

    def __iter__(self) -> Iterator[RecordKey]:
        return iter(self._read)

    def __len__(self) -> int:
        return self._many if self._places is None else len(self._places)


class _UnreadKeys(KeysView[RecordKey]):
    """The keys of some lines, to be compared with others unread."""

    def __init__(self, kept: KeptKeys) -> None:
        super().__init__(kept)
        self._kept = kept

    def __and__(self, other: Iterable[object]) -> set[RecordKey]:
        return set(self._kept.among(other)) if isinstance(other, AbstractSet) else super().__and__(other)


@lru_cache(maxsize=1)
def _spelt(keys: frozenset[RecordKey]) -> Mapping[bytes, RecordKey]:
    """Keys by what stands between the brackets of each: all stretches of a file are asked for the same."""
    return {plain.dumps(key)[1:-1]: key for key in keys}


def _read(text: bytes, projection: Projection) -> Iterable[Record | None]:
    """What kept lines say.

    Raises:
        StoreDamaged: they cannot be read any more.
    """
    try:
        return read_again(text, projection)
    except ValueError as error:
        raise damaged_row(str(error)) from error


# --- saving


def save_file(records: Records, kept: KeptFile, rows: LineWriter) -> tuple[Stretched, KeptFile]:
    """Write the lines that are not the very ones that are kept."""
    file = stretched(records)
    now = written_lines(file, kept, rows)
    drop_lines(kept.rows - now.rows, rows)
    if kept.index != now.index:
        rows.put(KIND, INDEX, now.index)
    return file, now


def written_lines(file: Stretched, kept: KeptFile, rows: LineWriter) -> KeptFile:
    """Write the lines of a file that are not kept; what says which they are is the caller's to write."""
    now = _Saving(file, kept, rows).kept_now()
    listed, steps = [now.names[stretch] for stretch in file.stretches], [step.name for step in now.steps]
    index = plain.dumps({"lines": listed, "steps": steps, "twins": file.has_twins})
    return replace(now, index=index, order=entity_order(file))


def drop_lines(names: Iterable[str], rows: LineWriter) -> None:
    """Some rows are needed no longer."""
    for name in names:
        rows.drop(KIND, name)
        rows.drop(KIND, TOLD + name)


class _Saving:
    """Writing what is new of a file beside what is kept of the one before."""

    def __init__(self, file: Stretched, kept: KeptFile, rows: LineWriter) -> None:
        self._file = file
        self._kept = kept
        self._rows = rows
        self._standing = kept.rows

    def kept_now(self) -> KeptFile:
        """What is kept from now on: rows as they are, and a step over some of them; or, once there are many
        steps, no step any more."""
        revised = self._revised()
        step = _written_step({self._kept.names[before]: anew for before, anew in revised.values()})
        steps = (*self._kept.steps, *([step[0]] if step is not None else []))
        names = {
            **self._kept.names,
            **{new: self._kept.names[before] for new, (before, _) in revised.items()},
        }
        if self._is_much(steps):
            touched, steps = {base for each in steps for base in each.bases}, ()
            names = {stretch: name for stretch, name in names.items() if name not in touched}
        elif step is not None:
            self._write(step[0].name, step[1])
        taken = {base for each in steps for base in each.bases}
        found = {each: names.get(each) or self._whole(each, taken) for each in self._file.stretches}
        return KeptFile(found, steps if taken.intersection(found.values()) else ())

    def _is_much(self, steps: Sequence[KeptStep]) -> bool:
        size = sum(each.size for each in self._file.stretches if isinstance(each, Lines))
        return len(steps) > MOST_STEPS or STEPS_SHARE * sum(step.size for step in steps) > size

    def _revised(self) -> dict[Stretch, tuple[Lines, _Anew]]:
        """New lines that have the very keys of kept ones, with those, and what they say anew."""
        new = [each for each in self._file.stretches if each not in self._kept.names]
        if self._file.has_twins or not new:
            return {}
        shared = Counter(self._kept.names.values())
        by_keys = {
            id(each.keys): each
            for each, name in self._kept.names.items()
            if isinstance(each, Lines) and shared[name] == 1
        }
        pairs = [(each, by_keys.get(id(each.keys))) for each in new if isinstance(each, Lines)]
        found = {each: (before, _anew(before, each)) for each, before in pairs if before is not None}
        return {each: (before, anew) for each, (before, anew) in found.items() if anew.is_small(each)}

    def _whole(self, stretch: Stretch, taken: Container[str]) -> str:
        """The name of the row of a stretch as it stands; never one that a step is about."""
        value, about = _written(stretch)
        name = text_digest(value) + (f"-{text_digest(about)[:8]}" if about is not None else "")
        while name in taken:
            name += "+"
        self._write(name, value)
        if about is not None:
            self._write(TOLD + name, about)
        return name

    def _write(self, name: str, value: bytes) -> None:
        if name.removeprefix(TOLD) not in self._standing:
            self._rows.put(KIND, name, value)


def _anew(before: Lines, now: Lines) -> _Anew:
    """The lines that are not what they were; both have as many."""
    found = now.anew_since(before)
    if found is None:
        raws = now.raws
        found = {at: raws[at] for at, is_other in enumerate(map(ne, before.raws, raws)) if is_other}
    return _Anew(list(found), list(found.values()), list(now.counts))


def _written_step(anew: Mapping[str, _Anew]) -> tuple[KeptStep, bytes] | None:
    """A step over some rows, and the row it is kept in."""
    if not anew:
        return None
    about = [[base, each.places, each.counts] for base, each in anew.items()]
    value = plain.dumps(about) + b"\n" + b"\n".join([line for each in anew.values() for line in each.lines])
    name = STEP + text_digest(value)
    return KeptStep(name, frozenset(anew), len(value)), value


def _written(stretch: Stretch) -> tuple[bytes, bytes | None]:
    """A stretch as it is kept, and what is kept about it if it is lines."""
    if not isinstance(stretch, Lines):
        said = [None if each is None else plain_record(each) for each in stretch.records]
        return plain.dumps({"said": said}), None
    projection, counts = plain_projection(stretch.projection), list(stretch.counts)
    told = [stretch.size, len(stretch), len(stretch.keys), stretch.blanks, projection, counts]
    return stretch.text, plain.dumps(told) + b"\n" + plain.dumps(list(stretch.keys))
