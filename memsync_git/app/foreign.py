"""What a person named to be imported: a file, a database or a folder, read and found fit.

Rule 1: what something is, its contents say; a folder is taken for a repository of the older tool.
Rule 2: an import beyond the limits of the memory file is refused whole, before anything is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.errors import Misused
from memsync_git.formats import VARIANTS, TooLarge, decode, encode
from memsync_git.formats.importing import Imported
from memsync_git.importers import older_tool, read_source
from memsync_git.importers.entities import as_entities as with_entities
from memsync_git.ports import Missing, Snapshot, Unusable
from memsync_git.sync.message import shown
from memsync_git.values import dataclass, replace

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms

UNHARMED = "Nothing was changed."
ABSENT = "No such file or directory"


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something to import, read: `source` is what people call it, `format` its layout.

    as_entities: memories that are no rows of a graph were made entities.
    """

    source: str
    format: str
    imported: Imported
    as_entities: bool = False


def foreign_at(rooms: Rooms, path: str, *, as_entities: bool = False) -> Foreign:
    """What stands at a path.

    Raises:
        Misused: it cannot be read, says nothing, or does not fit the memory file.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        found = older_tool.LAYOUT, older_tool.combined(_files_of(rooms, place, path))
    else:
        found = read_source(_bytes_of(rooms, place, path))
    return _fit(rooms, Foreign(path, *found), as_entities=as_entities)


def foreign_of(rooms: Rooms, data: bytes, source: str) -> Foreign:
    """The same for bytes from anywhere; `source` is what people call them."""
    return _fit(rooms, Foreign(source, *read_source(data)), as_entities=False)


def _bytes_of(rooms: Rooms, place: Path, path: str) -> bytes:
    from memsync_git.local.foreign import read_named

    match read_named(place, rooms.limits.max_file_bytes):
        case Snapshot(data):
            return bytes(data)
        case Missing():
            raise _unread(path, Unusable(ABSENT))
        case Unusable() as refusal:
            raise _unread(path, refusal)


def _files_of(rooms: Rooms, place: Path, path: str) -> dict[str, bytes]:
    from memsync_git.local.foreign import read_folder

    try:
        files = read_folder(place, older_tool.HISTORY, older_tool.is_file, rooms.limits.max_file_bytes)
    except OSError as error:
        raise _unread(path, Unusable(error.strerror or type(error).__name__)) from error
    if isinstance(files, Unusable):
        raise _unread(path, files)
    if not files:
        raise _unread(path, Unusable("it is a folder without files of a memory", "name one file"))
    return files


def _unread(path: str, refusal: Unusable) -> Misused:
    return Misused(f"{shown(path)} cannot be read: {refusal.reason}", unharmed=UNHARMED, hint=refusal.hint)


# --- whether it fits


def _fit(rooms: Rooms, foreign: Foreign, *, as_entities: bool) -> Foreign:
    """What is to be imported, in the form a person asked for.

    Raises:
        Misused: it says nothing, or does not fit the memory file.
    """
    imported = foreign.imported
    if not imported.graph.records:
        raise Misused(_says_nothing(imported, foreign.source), unharmed=UNHARMED)
    if as_entities:
        imported = replace(imported, graph=with_entities(imported.graph))
    fit = replace(foreign, imported=imported, as_entities=as_entities)
    _require_fitting(rooms, fit)
    return fit


def _says_nothing(imported: Imported, source: str) -> str:
    if not imported.unreadable:
        gone = f"; everything in it is deleted ({imported.deleted})" if imported.deleted else ""
        return f"{shown(source)} holds no memories{gone}"
    first = imported.unreadable[0]
    where = f"{imported.counts.lower()} {first.line}"
    return f"{shown(source)} holds nothing that can be imported: {where}: {first.reason}"


def _require_fitting(rooms: Rooms, foreign: Foreign) -> None:
    """An import beyond the limits would leave a memory that cannot be written into its file."""
    variant = VARIANTS[rooms.store.format]
    data = encode((), variant.projection.graph(foreign.imported.graph), variant.name)
    decoded = decode(data, variant.name, rooms.limits)
    if isinstance(decoded, TooLarge):
        raise Misused(
            f"{shown(foreign.source)} does not fit the memory file: {decoded.reason}", unharmed=UNHARMED
        )
