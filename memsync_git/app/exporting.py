"""`export`: the whole memory for others, to read or to import again.

Rule 1: it is the memory as it will be once the memory file is taken in; nothing is written, nothing fetched.
Rule 2: a file that is there is not written over unless a person says so; a new one is for this account alone,
and is there whole or not at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from memsync_git.app.moving import replica_of_now
from memsync_git.app.telling import notice
from memsync_git.documents import ExportDocument
from memsync_git.errors import Misused
from memsync_git.formats.exporting import Exported, exported
from memsync_git.local import disk
from memsync_git.model import Entity, Generic, Graph, Relation
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.options import ExportOptions

NO_ROOM = "Items that have no room in the format {format}: {count}"
EVERYTHING = "add --format json-array to export everything"


def export(rooms: Rooms, options: ExportOptions) -> tuple[bytes, ExportDocument]:
    """The bytes of an export, and what is to be said about them; written to `options.output` if one is named.

    Raises:
        Misused: this machine was never set up, or the file is there already or cannot be written.
    """
    found = exported(replica_of_now(rooms).state.graph(), options.layout)
    path = None if options.output is None else _written(options.output, found.data, force=options.force)
    return found.data, _document(found, options.layout, path)


def _document(found: Exported, layout: str, path: str | None) -> ExportDocument:
    left_out = notice(
        NO_ROOM.format(format=layout, count=found.left_out), "The memory keeps them.", EVERYTHING
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "format": layout,
        "path": path,
        "bytes": len(found.data),
        "entities": _count(found.graph, Entity),
        "relations": _count(found.graph, Relation),
        "observations": sum(len(each.observations) for each in found.graph if isinstance(each, Entity)),
        "other": _count(found.graph, Generic),
        "left_out": found.left_out,
        "notices": [left_out] if found.left_out else [],
    }


def _count(graph: Graph, kind: type[Entity] | type[Relation] | type[Generic]) -> int:
    return sum(1 for record in graph if isinstance(record, kind))


def _written(output: str, data: bytes, *, force: bool) -> str:
    target = Path(output).expanduser().absolute()
    if target.is_dir() or (not force and _is_there(target)):
        raise _in_the_way(target)
    fresh = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    try:
        disk.write_durably(str(fresh), data)
        _put(fresh, target, force=force)
        disk.sync_directory(str(target.parent))
    except OSError as error:
        raise Misused(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        disk.unlink_if_there(str(fresh))
    return str(target)


def _put(fresh: Path, target: Path, *, force: bool) -> None:
    """Into its place in one step; without `force` what came there meanwhile stays."""
    if force:
        fresh.replace(target)
        return
    try:
        target.hardlink_to(fresh)
    except FileExistsError as error:
        raise _in_the_way(target) from error


def _is_there(target: Path) -> bool:
    return target.exists() or target.is_symlink()


def _in_the_way(target: Path) -> Misused:
    if target.is_dir():
        return Misused(f"{target} is a folder", unharmed="Nothing was written.")
    return Misused(
        f"{target} is there already",
        unharmed="It was left as it is.",
        hint="add --force to replace it",
    )
