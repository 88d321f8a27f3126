"""`show`: what the memory says about a name, by whom and when.

Rule 1: nothing is written and nothing is fetched.
Rule 2: a name is matched exactly; what it may have meant is suggested, never assumed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from memsync_git.app.chronicle import history_of, touching, transactions
from memsync_git.app.moments import moment_of
from memsync_git.app.naming import keys_called, unheard_of
from memsync_git.app.parts import change_parts, kept_parts, text_of
from memsync_git.app.past import host_in, state_at, wall_ms
from memsync_git.app.revisions import Revision
from memsync_git.app.times import timestamp
from memsync_git.conflicts import facts_of, touches
from memsync_git.crdt.intervals import EMPTY
from memsync_git.crdt.state import State
from memsync_git.documents import ChangePart, MomentPart, RelationPart, SaidPart, ShowDocument, ShownPart
from memsync_git.errors import MemsyncError
from memsync_git.model import Entity, RecordKey, Relation
from memsync_git.options import ShowOptions
from memsync_git.replica import Replica
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms


def show(rooms: Rooms, options: ShowOptions) -> ShowDocument:
    """The entity, and the generic record, of a name.

    With `at`, as the memory stood then: from what is here if nobody has written since, else from the cuts
    main held. With `history`, its changes, oldest first: every revision of this machine that touched it,
    and what the commits of main tell of others.

    Raises:
        MemsyncError: the memory says nothing about the name, or its history does not reach back to `at`.
        Misused: this machine was never set up, or `at` names no moment.
        Busy: another sync held the clone for ten seconds (only with `at` and `history`).
    """
    replica = rooms.replica()
    now_ms = time.time_ns() // 1_000_000
    at_ms = None if options.at is None else moment_of(options.at, now_ms)
    state = replica.state if at_ms is None else _state_at(rooms, at_ms, now_ms)
    keys = [key for key in keys_called(state, options.name) if key[0] != "l"]
    if not keys:
        raise unheard_of(replica, state, options.name, "show")
    found = [_shown(replica, state, key) for key in keys]
    if options.history:
        for key, part in zip(keys, found, strict=True):
            part["history"] = _history(rooms, replica, key, at_ms)
    return {
        "schema_version": SCHEMA_VERSION,
        "name": options.name,
        "at": timestamp(at_ms),
        "found": found,
    }


def _state_at(rooms: Rooms, at_ms: int, now_ms: int) -> State:
    """The memory at a moment."""
    found = state_at(rooms, at_ms, now_ms)
    if found is None:
        raise MemsyncError(
            f"The shared repository holds nothing from before {timestamp(at_ms)}",
            hint="memsync-git show NAME --history  says what is known of a name",
        )
    return found


def _shown(replica: Replica, state: State, key: RecordKey) -> ShownPart:
    record = state.record(key)
    assert record is not None, "only records that exist are shown"
    return {
        "store": replica.store,
        "name": key[1],
        "type": record.type if isinstance(record, Entity) else None,
        "observations": list(_observations(state, key)),
        "relations": [_relation(relation) for relation in _relations(state, key)],
        "fields": {name: text_of(value) for name, value in record.fields.items()},
    }


def _observations(state: State, key: RecordKey) -> Iterator[SaidPart]:
    """Every observation, with its first live fact."""
    live = state.live(key).observations
    for value, stamp in sorted(live.items(), key=lambda pair: pair[1]):
        yield {
            "value": text_of(value),
            "host": host_in(state, stamp[1]),
            "at": timestamp(wall_ms(state, stamp)),
            "id": f"{stamp[1]}:{stamp[2]}",
        }


def _relations(state: State, key: RecordKey) -> list[Relation]:
    """An entity's relations, from it and to it, in view order."""
    if key[0] != "e":
        return []
    found = [other for other in list(state.keys()) if other[0] == "l" and key[1] in other[1:3]]
    records = map(state.record, sorted(found, key=lambda other: min(state.live(other).stamps())))
    return [record for record in records if isinstance(record, Relation)]


def _relation(relation: Relation) -> RelationPart:
    return {"source": relation.source, "target": relation.target, "type": relation.kind}


# --- history


def _history(rooms: Rooms, replica: Replica, key: RecordKey, at_ms: int | None) -> list[MomentPart]:
    """Every change of a record that is known, oldest first."""
    history = history_of(rooms, replica, transactions(rooms), is_meant=touching([key]), last=None)
    dated = [each for revision in reversed(history.revisions) for each in _moments(revision, key)]
    if not history.is_whole:
        dated += _untold(replica, key, history.revisions)
    until_ms = at_ms if at_ms is not None else max((ms for ms, _ in dated), default=0)
    return [part for ms, part in sorted(dated, key=lambda pair: pair[0]) if ms <= until_ms]


def _moments(revision: Revision, key: RecordKey) -> Iterator[tuple[int, MomentPart]]:
    added = [item for item in revision.deed.added if touches(item, key)]
    removed = [item for item in revision.deed.removed if touches(item, key)]
    kept = [(item, beaten) for item, beaten in revision.deed.kept if touches(item, key)]
    for part in (*change_parts(added, removed), *kept_parts(kept)):
        yield revision.at_ms, _moment(part, revision.host, revision.at_ms, revision.txn)


def _untold(replica: Replica, key: RecordKey, told: Sequence[Revision]) -> Iterator[tuple[int, MomentPart]]:
    """What others said that is still live, where history does not reach back to it."""
    state = replica.state
    for each in [key, *(relation.key for relation in _relations(state, key))]:
        for stamp, item in facts_of(each, state.live(each)):
            _, rid, n = stamp
            is_told = any(n in revision.deed.said.get(rid, EMPTY) for revision in told)
            if rid != replica.rid and not is_told:
                at_ms, host = wall_ms(state, stamp), host_in(state, rid)
                yield from ((at_ms, _moment(part, host, at_ms, "")) for part in change_parts([item], []))


def _moment(part: ChangePart, host: str, at_ms: int, txn: str) -> MomentPart:
    return {**part, "host": host, "at": timestamp(at_ms), "txn": txn}
