"""The newest state of the memory file as rows of a store, some lines a row.

    [blank lines, projection, [key, key, …]]        or        {"said": [record, record, …]}
    line
    line …

Rule 1: lines are kept as they stand, under a name made of what they are: versions share their rows.
Rule 2: what was kept is not read again before somebody asks for a record in it; its keys stand before it.
Rule 3: a state that was never read from lines (what the fleet once said, what a damaged file adds) is kept
as its records.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Protocol

from memsync_git.formats.reading import read_again
from memsync_git.formats.standing import KeptLines, Lines
from memsync_git.model import Projection, Record
from memsync_git.replica.shapes import plain_projection, plain_record, projection_of, record_of
from memsync_git.replica.values import KeptFile
from memsync_git.stretches import Records, Stretch, Stretched, entity_order, stretched
from memsync_git.wire import plain
from memsync_git.wire.stored import damaged_row

KIND, INDEX = "file", "one"


class LineReader(Protocol):
    """What loading needs of a store."""

    def row(self, kind: str, key: str) -> bytes | None: ...


class LineWriter(LineReader, Protocol):
    """What saving needs of a transaction."""

    def put(self, kind: str, key: str, value: bytes) -> None: ...

    def drop(self, kind: str, key: str) -> None: ...


def load_file(rows: LineReader, before: KeptFile) -> tuple[Stretched, KeptFile]:
    """The newest state, and what is kept of it. `before`: an older one; what both share is the very same.

    Raises:
        ValueError: a row cannot be understood.
    """
    index = rows.row(KIND, INDEX)
    known = {name: stretch for stretch, name in before.names.items()}
    names = plain.loads(index) if index is not None else []
    found = {name: known.get(name) or _stretch(rows.row(KIND, name)) for name in names}
    file = Stretched(found[name] for name in names)
    return file, KeptFile({stretch: name for name, stretch in found.items()}, entity_order(file))


def save_file(records: Records, kept: KeptFile, rows: LineWriter) -> tuple[Stretched, KeptFile]:
    """Write the lines that are not the very ones that are kept."""
    file = stretched(records)
    standing = set(kept.names.values())
    names: dict[Stretch, str] = {}
    for stretch in file.stretches:
        name = names[stretch] = kept.names.get(stretch) or _written(stretch, standing, rows)
        standing.add(name)
    for name in standing.difference(names.values()):
        rows.drop(KIND, name)
    index = plain.dumps([names[stretch] for stretch in file.stretches])
    if rows.row(KIND, INDEX) != index:
        rows.put(KIND, INDEX, index)
    return file, KeptFile(names, entity_order(file))


def _written(stretch: Stretch, standing: Iterable[str], rows: LineWriter) -> str:
    value = _lines(stretch)
    name = sha256(value).hexdigest()[:32]
    if name not in standing:
        rows.put(KIND, name, value)
    return name


def _lines(stretch: Stretch) -> bytes:
    if isinstance(stretch, Lines):
        about = [stretch.blanks, plain_projection(stretch.projection), list(stretch.keys)]
        return plain.dumps(about) + b"\n" + stretch.text
    return plain.dumps({"said": [None if each is None else plain_record(each) for each in stretch.records]})


def _stretch(value: bytes | None) -> Stretch:
    if value is None:
        raise ValueError("lines of the memory file are missing")
    about, _, text = value.partition(b"\n")
    said = plain.loads(about)
    if isinstance(said, dict):
        return Stretch(None if each is None else record_of(each) for each in said["said"])
    blanks, projection, keys = said
    places = {tuple(key): at for at, key in enumerate(keys)}
    return KeptLines(text, places, blanks, projection_of(*projection), _read)


def _read(text: bytes, projection: Projection) -> Iterable[Record | None]:
    """What kept lines say.

    Raises:
        StoreDamaged: they cannot be read any more.
    """
    try:
        return read_again(text, projection)
    except ValueError as error:
        raise damaged_row(str(error)) from error
