"""Checks of the memory file: what stands there, what it says, in which shape.

Rule 1: a line is named by its number; what it says is a detail that stays on this machine.
Rule 2: a one-line array or object where the server expects rows is named as what it is: the server reads
an empty memory from it and writes that back.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator

from memsync_git.app.doctor.case import Case
from memsync_git.app.doctor.finding import FIX, Finding, counted, fail, listed, ok, warn
from memsync_git.app.doctor.mending import mend_file, pin_format
from memsync_git.formats import TooLarge
from memsync_git.formats.detecting import READ_GRAPH, detect
from memsync_git.model import Entity, Graph, Verbatim
from memsync_git.ports import Missing, Snapshot, Unusable
from memsync_git.replica import Replica
from memsync_git.sync.capture import ANSWER, EMPTIED

WIPE = (
    "The file holds one JSON {shape} where rows are expected: the memory server reads it as an EMPTY memory"
    " and overwrites everything at its next write"
)
SERVER_NAMES = ("memory.json", "memory.jsonl")


def readable(case: Case) -> Finding:
    """What stands in the file's place."""
    match case.reading:
        case Unusable(reason, hint):
            return fail(reason, hint)
        case Missing():
            return ok(f"There is no {case.path} yet") if not _had_memories(case) else fail(EMPTIED, ANSWER)
        case Snapshot(data):
            return ok(f"{case.path}, {len(data)} bytes")


def contents(case: Case) -> Finding:
    """Whether every line is a memory record."""
    if not isinstance(case.reading, Snapshot):
        return ok("nothing to read")
    if not case.data.strip():
        return fail(EMPTIED, ANSWER) if _had_memories(case) else ok("empty, as a new memory is")
    decoded = case.decoded
    if isinstance(decoded, TooLarge):
        return fail(f"{decoded.reason} is beyond the limit", "memsync-git config explain guards")
    if decoded.whole:
        return ok(_counts(decoded.graph))
    lines = listed(dict.fromkeys(str(damage.line) for damage in decoded.damage))
    noun = "Line" if len({damage.line for damage in decoded.damage}) == 1 else "Lines"
    return fail(
        f"{noun} {lines} cannot be read; the rest was taken in and nothing was deleted",
        f"{FIX}  moves what cannot be read to quarantine and keeps the rest",
        details=decoded.damage[0].reason,
        mend=lambda: mend_file(case.rooms),
    )


def _had_memories(case: Case) -> bool:
    return isinstance(case.replica, Replica) and bool(case.replica.ring.graph.records)


def _counts(graph: Graph) -> str:
    entities = [record for record in graph if isinstance(record, Entity)]
    relations = sum(1 for key in graph.records if key[0] == "l")
    said = sum(len(entity.observations) for entity in entities)
    parts = (
        counted(len(entities), "entity", "entities"),
        counted(relations, "relation"),
        counted(said, "observation"),
    )
    return ", ".join(parts)


def shape(case: Case) -> Finding:
    """Whether the file is in the format that was pinned when it was adopted."""
    pinned = case.rooms.store.format
    if not case.data.strip():
        return ok(pinned)
    found = detect(case.data)
    if found in (READ_GRAPH, "json-array") and pinned != "json-array":
        shape = "array" if found == "json-array" else "object"
        return fail(WIPE.format(shape=shape), f"{FIX}  writes it as rows", mend=lambda: mend_file(case.rooms))
    if pinned == "json-array":
        return _array(case)
    if found == pinned or (found == "jsonl" and not _loses(case, pinned)):
        return ok(pinned)
    return warn(
        f"The file looks like {found}, but {pinned} is pinned",
        FIX,
        mend=lambda: pin_format(case.rooms, found),
    )


def _loses(case: Case, pinned: str) -> bool:
    """Whether the file once held what plain rows cannot: then its writer strips that."""
    if pinned == "aim":
        return True
    records = case.replica.ring.graph if isinstance(case.replica, Replica) else Graph()
    return any(record.fields for record in records) or any(
        isinstance(said, Verbatim)
        for record in records
        if isinstance(record, Entity)
        for said in record.observations
    )


def _array(case: Case) -> Finding:
    """An array was adopted as one. On one line the official server would take it for nothing."""
    if case.path.name not in SERVER_NAMES and case.path != case.rooms.places.memory_file:
        return ok("json-array")
    key = f"stores.{case.rooms.store.name}.format"
    cure = f"memsync-git config set {key} jsonl && {FIX}  converts it to the rows the server writes"
    if b"\n" not in case.data.strip():
        return fail(WIPE.format(shape="array"), cure)
    return warn("An array where the memory server expects rows: it will refuse the file", cure)


def names(case: Case) -> Finding:
    """Entity names that people cannot tell apart. They are never joined by likeness."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in _names(case):
        alike[" ".join(unicodedata.normalize("NFC", name).split())].append(name)
    groups = [ascii(same[0]) for same in alike.values() if len(same) > 1]
    if not groups:
        return ok("no two look the same")
    return warn(
        f"{counted(len(groups), 'name stands', 'names stand')} for several entities that look the same",
        "memsync-git show NAME  for each of them, then let the assistant join them",
        details=listed(groups),
    )


def _names(case: Case) -> Iterator[str]:
    records = case.replica.ring.graph if isinstance(case.replica, Replica) else Graph()
    return (record.name for record in records if isinstance(record, Entity))
