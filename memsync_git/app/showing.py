"""`show` and `hosts`: what the memory says about a name, by whom and when.

Rule 1: nothing is written and nothing is fetched.
Rule 2: a name is matched exactly; what it may have meant is suggested, never assumed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from memsync_git.app.moments import moment_of
from memsync_git.app.naming import keys_called, unheard_of
from memsync_git.app.parts import change_parts, host_parts, text_of
from memsync_git.app.past import host_in, state_at, wall_ms
from memsync_git.app.times import timestamp
from memsync_git.conflicts import facts_of, touches
from memsync_git.crdt.state import State
from memsync_git.documents import HostsDocument, MomentPart, RelationPart, SaidPart, ShowDocument, ShownPart
from memsync_git.errors import MemsyncError
from memsync_git.model import Entity, Item, RecordKey, Relation
from memsync_git.options import ShowOptions
from memsync_git.replica import Replica, Txn, rows
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms


def hosts(rooms: Rooms) -> HostsDocument:
    """Every machine that has said something, this one first.

    Raises:
        Misused: this machine was never set up.
    """
    replica = rooms.replica()
    return {
        "schema_version": SCHEMA_VERSION,
        "replica": {"id": replica.rid, "host": replica.host},
        "hosts": host_parts(replica),
    }


# --- show


def show(rooms: Rooms, options: ShowOptions) -> ShowDocument:
    """The entity, and the generic record, of a name.

    With `at`, as the memory stood then: from what is here if nobody has written since, else from the cuts
    main held. With `history`, its changes, oldest first: every revision of this machine that touched it,
    and what is still live of what others said. What others said and took back again is only in the
    commits of the shared repository.

    Raises:
        MemsyncError: the memory says nothing about the name, or its history does not reach back to `at`.
        Misused: this machine was never set up, or `at` names no moment.
        Busy: another sync held the clone for ten seconds (only with `at`).
    """
    replica = rooms.replica()
    at_ms = None if options.at is None else moment_of(options.at, time.time_ns() // 1_000_000)
    state = replica.state if at_ms is None else _state_at(rooms, replica.state, at_ms)
    keys = [key for key in keys_called(state, options.name) if key[0] != "l"]
    if not keys:
        raise unheard_of(state, options.name, "show")
    found = [_shown(replica, state, key) for key in keys]
    if options.history:
        txns = _transactions(rooms)
        for key, part in zip(keys, found, strict=True):
            part["history"] = _history(replica, txns, key, at_ms)
    return {
        "schema_version": SCHEMA_VERSION,
        "name": options.name,
        "at": timestamp(at_ms),
        "found": found,
    }


def _state_at(rooms: Rooms, now: State, at_ms: int) -> State:
    """The memory at a moment; the present one where nothing was written since."""
    headers = (now.header(rid) for rid in now.rids)
    if at_ms >= max(header.wall_ms for header in headers if header is not None):
        return now
    found = state_at(rooms, at_ms)
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


def _transactions(rooms: Rooms) -> list[Txn]:
    with rooms.store_reader() as reader:
        return rows.transactions(reader)


def _history(replica: Replica, txns: Iterable[Txn], key: RecordKey, at_ms: int | None) -> list[MomentPart]:
    dated = [*_own_moments(replica, txns, key), *_others_moments(replica, key)]
    until_ms = at_ms if at_ms is not None else max((ms for ms, _ in dated), default=0)
    return [part for ms, part in sorted(dated, key=lambda pair: pair[0]) if ms <= until_ms]


def _own_moments(replica: Replica, txns: Iterable[Txn], key: RecordKey) -> Iterator[tuple[int, MomentPart]]:
    for txn in txns:
        added = [item for item in txn.added if touches(item, key)]
        removed = [item for item in txn.removed if touches(item, key)]
        both = {item for item in set(added) & set(removed) if item[0] not in ("t", "f")}
        txn_id = f"{txn.rid}:{txn.rev}"
        come = (item for item in added if item not in both)
        gone = (item for item in removed if item not in both)
        yield from _moments(come, gone, txn.at_ms, replica.host, txn_id)


def _others_moments(replica: Replica, key: RecordKey) -> Iterator[tuple[int, MomentPart]]:
    """What is live of what other machines said; of their revisions only the facts are known here."""
    state = replica.state
    relations = [relation.key for relation in _relations(state, key)]
    for each in [key, *relations]:
        for stamp, item in facts_of(each, state.live(each)):
            if stamp[1] != replica.rid:
                yield from _moments([item], [], wall_ms(state, stamp), host_in(state, stamp[1]), "")


def _moments(
    added: Iterable[Item], removed: Iterable[Item], at_ms: int, host: str, txn: str
) -> Iterator[tuple[int, MomentPart]]:
    for part in change_parts(added, removed):
        moment: MomentPart = {**part, "host": host, "at": timestamp(at_ms), "txn": txn}
        yield at_ms, moment
