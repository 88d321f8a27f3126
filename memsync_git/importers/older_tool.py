"""The repository of the older tool: several files about one memory, read together.

    memory-HOST.json      what one machine said     memory.json, unified-memory.json   all of it
    historical/*.json     what it was on some day

Rule 1: entities, relations and observations are united: that tool's own merge kept one row of several.
Rule 2: of a generic record's field the newest file's value stands, by the stamps in the files; a file without
stamps is older than any.
Rule 3: a name that this tool would not have written is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from memsync_git.formats.importing import Imported, Note, read_import
from memsync_git.formats.rows import Damage
from memsync_git.model import Graph, Record, RecordKey

LAYOUT = "repository of the older tool"
FILE_NAME = re.compile(r"(unified-)?memory[^/]*\.jsonl?")
HISTORY = "historical"
"""The folder of the daily copies."""

_OLDEST = datetime.min.replace(tzinfo=UTC)


def is_file(path: str) -> bool:
    """Whether that tool would have written a file of this path, relative to its repository."""
    folder, _, name = path.rpartition("/")
    return folder in ("", HISTORY) and FILE_NAME.fullmatch(name) is not None


def combined(files: Mapping[str, bytes]) -> Imported:
    """What the files of a repository say together."""
    read = [read_import(files[path]) for path in sorted(files)]
    dated = [pair for imported in read for pair in _dated(imported)]
    dated.sort(key=lambda pair: pair[0])
    notes = dict.fromkeys(note for imported in read for note in imported.notes)
    unreadable = tuple(_unreadable(read))
    return Imported(Graph.of(record for _, record in dated), tuple(notes), unreadable)


def _dated(imported: Imported) -> Iterable[tuple[datetime, Record]]:
    newest: dict[RecordKey, datetime] = {}
    for note in imported.notes:
        newest[note.key] = max(newest.get(note.key, _OLDEST), moment_of(note))
    return ((newest.get(record.key, _OLDEST), record) for record in imported.graph)


def moment_of(note: Note) -> datetime:
    """When a stamp says that a row was written (seconds since 1970, or ISO 8601); long ago if it does not."""
    try:
        if note.timestamp.replace(".", "", 1).isdecimal():
            return datetime.fromtimestamp(float(note.timestamp), UTC)
        moment = datetime.fromisoformat(note.timestamp)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return _OLDEST


def _unreadable(read: Iterable[Imported]) -> Iterable[Damage]:
    return (damage for imported in read for damage in imported.unreadable)
