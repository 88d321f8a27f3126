"""The newest state of the memory file as rows of a store, some lines a row.

    [blank lines, projection, [key, key, …], counts]           or        {"said": [record, record, …]}
    line
    line …

    [[name, [place, …], counts], …]                            a step: lines written anew in other rows
    line
    line …

Rule 1: lines are kept as they stand, under a name made of what they are: versions share their rows.
Rule 2: what was kept is not read again before somebody asks for a record in it; its keys stand before it.
Rule 3: a state that was never read from lines (what the fleet once said, what a damaged file adds) is kept
as its records.
Rule 4: what a version writes anew in lines that stay where they are is one row, a step, wherever they stand.
Steps are applied in their order; once they have gathered much, what they are about is written whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from hashlib import sha256
from operator import ne
from typing import NamedTuple, Protocol

from memsync_git.formats.reading import read_again
from memsync_git.formats.standing import KeptLines, Lines
from memsync_git.model import Projection, Record
from memsync_git.replica.shapes import plain_projection, plain_record, projection_of, record_of
from memsync_git.replica.values import KeptFile, KeptStep
from memsync_git.stretches import Counts, Records, Stretch, Stretched, entity_order, stretched
from memsync_git.wire import plain
from memsync_git.wire.stored import damaged_row

KIND, INDEX = "file", "one"
STEP = "step-"
NAME_CHARS = 32

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


def load_file(rows: LineReader, before: KeptFile) -> tuple[Stretched, KeptFile]:
    """The newest state, and what is kept of it. `before`: an older one; what both share is the very same.

    Raises:
        ValueError: a row cannot be understood.
    """
    index = rows.row(KIND, INDEX) or b""
    names, steps = _listed(index)
    known = {step.name: step for step in before.steps}
    read = {name: _step_of(name, rows.row(KIND, name)) for name in steps if name not in known}
    kept = KeptFile({}, tuple(known.get(name) or read[name].kept for name in steps), index)
    now, then = kept.touching(), before.touching()
    found = {name: stretch for stretch, name in before.names.items() if now.get(name) == then.get(name)}
    for name, value in _found(rows, set(names) - found.keys()):
        several = [read.get(step) or _step_of(step, rows.row(KIND, step)) for step in now.get(name, ())]
        found[name] = _stretch(value, [step.anew[name] for step in several])
    file = Stretched(found[name] for name in names)
    return file, replace(kept, names={found[name]: name for name in names}, order=entity_order(file))


def _listed(index: bytes) -> tuple[list[str], list[str]]:
    """The rows that make up the file, and the steps over them; an earlier release kept no steps."""
    said = plain.loads(index) if index else []
    return (said["lines"], said["steps"]) if isinstance(said, dict) else (said, [])


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

    def is_small(self, text: bytes) -> bool:
        """Whether it is worth being a step beside all the lines."""
        return 2 * sum(map(len, self.lines)) < len(text)


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


def _stretch(value: bytes, steps: Iterable[_Anew]) -> Stretch:
    about, _, text = value.partition(b"\n")
    said = plain.loads(about)
    if isinstance(said, dict):
        return Stretch(None if each is None else record_of(each) for each in said["said"])
    blanks, projection, keys, *counted = said
    raws = text.split(b"\n")
    for anew in steps:
        counted = [anew.counts]
        for at, line in zip(anew.places, anew.lines, strict=True):
            raws[at] = line
    place_of = {tuple(key): at for at, key in enumerate(keys)}
    counts = Counts(*counted[0]) if counted else None  # an earlier release did not count
    return KeptLines(b"\n".join(raws), place_of, blanks, projection_of(*projection), _read, counts)


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
    now = _Saving(file, kept, rows).kept_now()
    for name in _names_in(kept) - _names_in(now):
        rows.drop(KIND, name)
    listed, steps = [now.names[stretch] for stretch in file.stretches], [step.name for step in now.steps]
    index = plain.dumps({"lines": listed, "steps": steps})
    if kept.index != index:
        rows.put(KIND, INDEX, index)
    return file, replace(now, index=index, order=entity_order(file))


def _names_in(kept: KeptFile) -> set[str]:
    """Every row there is, but for the index."""
    return {*kept.names.values(), *(step.name for step in kept.steps)}


class _Saving:
    """Writing what is new of a file beside what is kept of the one before."""

    def __init__(self, file: Stretched, kept: KeptFile, rows: LineWriter) -> None:
        self._file = file
        self._kept = kept
        self._rows = rows
        self._standing = _names_in(kept)

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
        size = sum(len(each.text) for each in self._file.stretches if isinstance(each, Lines))
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
        return {each: (before, anew) for each, (before, anew) in found.items() if anew.is_small(each.text)}

    def _whole(self, stretch: Stretch, taken: Container[str]) -> str:
        """The name of the row of a stretch as it stands; never one that a step is about."""
        value = _whole(stretch)
        name = sha256(value).hexdigest()[:NAME_CHARS]
        while name in taken:
            name = sha256(name.encode()).hexdigest()[:NAME_CHARS]
        self._write(name, value)
        return name

    def _write(self, name: str, value: bytes) -> None:
        if name not in self._standing:
            self._standing.add(name)
            self._rows.put(KIND, name, value)


def _anew(before: Lines, now: Lines) -> _Anew:
    """The lines that are not what they were; both have as many."""
    raws = now.raws
    places = [at for at, is_other in enumerate(map(ne, before.raws, raws)) if is_other]
    return _Anew(places, [raws[at] for at in places], list(now.counts))


def _written_step(anew: Mapping[str, _Anew]) -> tuple[KeptStep, bytes] | None:
    """A step over some rows, and the row it is kept in."""
    if not anew:
        return None
    about = [[base, each.places, each.counts] for base, each in anew.items()]
    value = plain.dumps(about) + b"\n" + b"\n".join([line for each in anew.values() for line in each.lines])
    name = STEP + sha256(value).hexdigest()[:NAME_CHARS]
    return KeptStep(name, frozenset(anew), len(value)), value


def _whole(stretch: Stretch) -> bytes:
    if isinstance(stretch, Lines):
        projection, counts = plain_projection(stretch.projection), list(stretch.counts)
        about = [stretch.blanks, projection, list(stretch.keys), counts]
        return plain.dumps(about) + b"\n" + stretch.text
    return plain.dumps({"said": [None if each is None else plain_record(each) for each in stretch.records]})
