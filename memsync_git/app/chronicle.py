"""`log` and `blame`: who changed what, and when.

Rule 1: nothing is written and nothing is published; older commits are fetched only where a clone lacks them.
Rule 2: how far history was read is told, never passed over.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from memsync_git.app.naming import keys_called, unheard_of
from memsync_git.app.parts import change_parts, in_order, item_part, kept_parts
from memsync_git.app.past import VIEWS_SEARCHED, host_in, wall_ms
from memsync_git.app.revisions import History, Meant, Revision, ordered, others_revisions, own_revisions
from memsync_git.app.times import timestamp
from memsync_git.conflicts import facts_of, touches
from memsync_git.crdt.fragment import Header, Stamp
from memsync_git.crdt.view import fields_of, live_of, type_of
from memsync_git.deeds.dating import EARLIEST_MS
from memsync_git.documents import (
    ActivityPart,
    BlameDocument,
    BlamePart,
    LogDocument,
    LogStatsDocument,
    RevisionPart,
)
from memsync_git.model import Item, RecordKey, Rid, items_of
from memsync_git.options import LOCK_WAIT_S, LogOptions
from memsync_git.replica import Replica, Txn, rows
from memsync_git.stores.lock import round_lock
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.crdt.state import State

MOST_CHANGES_TOLD = 20
"""Changes listed of one revision; an import may hold thousands."""
AHEAD_MS = 5 * 60_000
"""Clocks that differ by less are right, for people."""


# --- the revisions of everybody


def history_of(
    rooms: Rooms, replica: Replica, txns: Sequence[Txn], *, is_meant: Meant, last: int | None
) -> History:
    """The revisions that are meant, the newest first, each at its time; at most `last` of them.

    Raises:
        Busy: another sync held the lock, and with it the clone, for ten seconds.
    """
    now_ms = _now_ms()
    own = [revision for revision in own_revisions(replica, txns) if is_meant(revision)]

    def enough(found: Sequence[Revision], reached_ms: int) -> bool:
        """What came late to main may be older than what it held before."""
        newer = [each for each in found if each.at_ms >= reached_ms or each.at_ms < EARLIEST_MS]
        return last is not None and len(newer) >= last

    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        heard = [
            others_revisions(
                remote,
                replica,
                now_ms,
                wanted=lambda header: not _is_ours(replica, header),
                enough=enough,
                most=VIEWS_SEARCHED,
                is_meant=lambda revision: revision.tells and is_meant(revision),
            )
            for remote in rooms.remotes()
        ]
    found = ordered([*own, *_finest(heard)], heard, now_ms)[::-1]
    is_whole = all(each.is_whole for each in heard) and len(found) <= (last or len(found))
    return History(tuple(found[:last]), is_whole)


def _is_ours(replica: Replica, header: Header) -> bool:
    """Whether this store wrote a fragment, be it under an id that another machine has by now."""
    return header.rid == replica.rid or (header.rid, *header.version) in replica.versions


def _finest(heard: Iterable[History]) -> list[Revision]:
    """The revisions of each machine as that remote tells them that tells the most apart."""
    finest: dict[Rid, list[Revision]] = {}
    for history in heard:
        by_rid: dict[Rid, list[Revision]] = {}
        for revision in history.revisions:
            by_rid.setdefault(revision.rid, []).append(revision)
        for rid, revisions in by_rid.items():
            finest[rid] = max(finest.get(rid, []), revisions, key=len)
    return [revision for revisions in finest.values() for revision in revisions]


def transactions(rooms: Rooms) -> list[Txn]:
    """The revisions this machine has kept."""
    with rooms.store_reader() as reader:
        return rows.transactions(reader)


def touching(keys: Iterable[RecordKey]) -> Meant:
    """Whether a revision changed any of these records."""
    wanted = list(keys)
    return lambda revision: any(touches(item, key) for item in revision.deed.items for key in wanted)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


# --- log


def log(rooms: Rooms, options: LogOptions) -> LogDocument:
    """Who changed what, newest first; of a name also what is deleted by now.

    Raises:
        MemsyncError: nothing is or was known of the name.
        Misused: this machine was never set up.
        Busy: another sync held the clone for ten seconds.
    """
    replica = rooms.replica()
    keys = _keys(options.name)
    is_meant: Meant = (lambda _: True) if options.name is None else touching(keys)
    found = history_of(rooms, replica, transactions(rooms), is_meant=is_meant, last=options.last)
    if options.name is not None and not found.revisions and not keys_called(replica.state, options.name):
        raise unheard_of(replica, replica.state, options.name, "log")
    return {
        "schema_version": SCHEMA_VERSION,
        "name": options.name,
        "revisions": [revision_part(replica, each, keys) for each in found.revisions],
        "whole": found.is_whole,
        "notices": [],
    }


def _keys(name: str | None) -> list[RecordKey]:
    """The records a name may mean, also such as are gone."""
    return [] if name is None else [("e", name), ("r", name)]


def revision_part(replica: Replica, revision: Revision, keys: Sequence[RecordKey] = ()) -> RevisionPart:
    """A revision as people read it; with `keys`, only what it changed about those records."""
    deed = revision.deed
    changes = change_parts(_about(deed.added, keys), _about(deed.removed, keys))
    changes += kept_parts((item, beaten) for item, beaten in deed.kept if _about([item], keys))
    return {
        "txn": revision.txn,
        "first": revision.first,
        "id": revision.rid,
        "host": revision.host,
        "mine": revision.rid == replica.rid,
        "at": timestamp(revision.at_ms),
        "cause": revision.cause,
        "changes": changes[:MOST_CHANGES_TOLD],
        "cut": max(0, len(changes) - MOST_CHANGES_TOLD),
    }


def _about(items: Iterable[Item], keys: Sequence[RecordKey]) -> list[Item]:
    return in_order(item for item in items if not keys or any(touches(item, key) for key in keys))


# --- log --stats


def log_stats(rooms: Rooms) -> LogStatsDocument:
    """What every machine has changed, and how the rounds of this one went.

    Raises:
        Misused: this machine was never set up.
        Busy: another sync held the clone for ten seconds.
    """
    replica = rooms.replica()
    found = history_of(rooms, replica, transactions(rooms), is_meant=lambda _: True, last=None)
    with rooms.reading() as installation:
        totals = installation.totals()
    by_rid: dict[Rid, list[Revision]] = {}
    for revision in found.revisions:
        by_rid.setdefault(revision.rid, []).append(revision)
    machines = [_activity(replica, rid, revisions) for rid, revisions in by_rid.items()]
    return {
        "schema_version": SCHEMA_VERSION,
        "machines": sorted(machines, key=lambda each: (not each["mine"], each["host"], each["id"])),
        "rounds": dict(sorted(totals.rounds.items())),
        "ms": totals.ms,
        "whole": found.is_whole,
        "notices": [],
    }


def _activity(replica: Replica, rid: Rid, revisions: Sequence[Revision]) -> ActivityPart:
    ways = [part["change"] for each in revisions for part in change_parts(each.deed.added, each.deed.removed)]
    times = [revision.at_ms for revision in revisions]
    return {
        "id": rid,
        "host": revisions[0].host,
        "mine": rid == replica.rid,
        "revisions": sum(revision.rev - revision.first + 1 for revision in revisions),
        "added": ways.count("add"),
        "removed": ways.count("remove"),
        "changed": ways.count("change"),
        "first": timestamp(min(times)),
        "last": timestamp(max(times)),
    }


# --- blame


def blame(rooms: Rooms, name: str) -> BlameDocument:
    """Who said each thing the memory says of a name, and when.

    Raises:
        MemsyncError: the memory says nothing about the name.
        Misused: this machine was never set up.
    """
    replica = rooms.replica()
    state = replica.state
    keys = [key for key in keys_called(state, name) if key[0] != "l"]
    if not keys:
        raise unheard_of(replica, state, name, "blame")
    return {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "lines": [line for key in _with_relations(state, keys) for line in _blamed(state, key)],
    }


def _with_relations(state: State, keys: Sequence[RecordKey]) -> list[RecordKey]:
    names = {key[1] for key in keys if key[0] == "e"}
    relations = [key for key in list(state.keys()) if key[0] == "l" and names & set(key[1:3])]
    return [*keys, *sorted(relations, key=lambda key: min(state.live(key).stamps()))]


def _blamed(state: State, key: RecordKey) -> Iterator[BlamePart]:
    """A record item by item, with everybody who says it; a value only a hint tells is its writer's."""
    now_ms, record = _now_ms(), state.record(key)
    shown = set(items_of(record)) if record is not None else set()
    said: dict[Item, list[Stamp]] = {}
    for stamp, item in sorted(_facts(state, key), key=lambda fact: fact[0]):
        said.setdefault(item, []).append(stamp)
    for item in in_order(said):
        first = said[item][0]
        at_ms = wall_ms(state, first)
        yield {
            **item_part(item),
            "host": host_in(state, first[1]),
            "at": timestamp(at_ms),
            "id": f"{first[1]}:{first[2]}",
            "others": sorted({host_in(state, rid) for _, rid, _ in said[item] if rid != first[1]}),
            "winner": item in shown,
            "doubtful": at_ms > now_ms + AHEAD_MS,
        }


def _facts(state: State, key: RecordKey) -> Iterator[tuple[Stamp, Item]]:
    """The live facts of a record, and the registers that only hints tell."""
    for rid, facts in state.facts(key).items():
        alive = {rid: facts}
        yield from facts_of(key, live_of(alive, {rid: state.dead(rid)}))
    live = state.live(key)
    if not live.types and key[0] == "e":
        hinted = type_of(live)
        yield from [(hinted[0], ("t", key[1], hinted[1]))] if hinted is not None else []
    for name, (stamp, value) in fields_of(live).items():
        if name not in live.fields:
            yield stamp, ("f", key, name, value)
