"""What carrying out a plan of `init` would change, found by doing it on copies, up to the last step.

Rule 1: the file that would be written is compared with the one that stands there record by record: of a
memory of any size only what differs is ever looked at closer, and only the first few are listed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from heapq import nsmallest
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.app.allocator import give_back
from memsync_git.app.clocks import SystemChance, SystemClock
from memsync_git.app.drafting import Draft, drafted_store, name_of_cut
from memsync_git.app.parts import (
    MOST_CHANGES_LISTED,
    change_parts,
    first_in_order,
    first_keys,
    first_place,
    host_parts,
)
from memsync_git.app.planning import Plan, configured, is_there, legacy
from memsync_git.app.telling import notice
from memsync_git.crdt.changes import items_between, items_in
from memsync_git.documents import ChangePart, PreviewDocument
from memsync_git.formats import Decoded
from memsync_git.model import Entity, Graph, Item, Projection, Record, size_of
from memsync_git.ports import Missing, Remote, Snapshot
from memsync_git.replica import Replica
from memsync_git.replica.rows import transactions
from memsync_git.stores.memory import MemoryStore
from memsync_git.stretches import stretched
from memsync_git.values import dataclass, replace
from memsync_git.wire.rid import new_rid
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.remotes.git import FetchFailure
    from memsync_git.remotes.visits import Visit
    from memsync_git.sync import RoundReport, Session, Stage


def previews(plans: Sequence[Plan]) -> list[PreviewDocument]:
    """What joining would change in several files of one repository, which is fetched once."""
    from memsync_git.remotes.visits import Visit

    with tempfile.TemporaryDirectory(prefix="memsync-git-preview-") as folder:
        visit: Visit[FetchFailure] = Visit()
        return [preview(plan, way=lambda each: _remote(each, Path(folder), visit)) for plan in plans]


def preview(
    plan: Plan, told: Callable[[Stage], None] | None = None, *, way: Callable[[Plan], Remote] | None = None
) -> PreviewDocument:
    """What joining would change, found by doing it on copies; `told` hears how far it is.

    way: how the remote is reached; None for the clone it was looked at through.
    """
    from memsync_git.app.rehearsal import HurriedClock, ListeningRemote
    from memsync_git.local.memory import MemoryFile
    from memsync_git.local.scratch import scratch_in
    from memsync_git.sync import RoundOptions, Session, World, sync_round

    rooms = configured(plan)
    reading = rooms.file().read()
    file = MemoryFile(SystemClock().wall_ms, bytes(reading.data) if isinstance(reading, Snapshot) else None)
    with ExitStack() as closing:
        is_there_one = not plan.is_hub or is_there(plan.remote)
        is_drafted = isinstance(reading, Missing) and plan.is_new and plan.kind == "memsync"
        store = drafted_store(plan.found.store) if is_drafted else MemoryStore()
        closing.callback(store.close)
        reached = way or partial(_remote, clone=plan.found.clone)
        remotes = [ListeningRemote(reached(plan))] if is_there_one else []
        scratch = partial(scratch_in, plan.found.folder)
        settings = rooms.settings()
        world = World(file, store, HurriedClock(), SystemChance(), remotes, settings, scratch=scratch)
        session = Session(world)
        if plan.found.file is not None:
            session.know(*plan.found.file)
        rid = new_rid(plan.host, SystemChance().token())
        session.begin(Replica(rid, plan.host, plan.store.name))
        older = legacy(plan) if plan.kind == "older tool" else ()
        options = RoundOptions(
            publish=False, apply=False, drop=plan.drop, legacy=older, set_aside=_only_pretended
        )
        report = sync_round(session, options if told is None else replace(options, told=told))
        session.world.remotes = ()  # they know the session: so one lets go of the other
        heard = remotes.pop().heard if remotes else None
        draft = None
        if is_drafted and heard is not None:
            holds = name_of_cut(session.replica, heard)
            draft = Draft(session.replica.rid, plan.found.store, heard.digest, holds, report)
            plan.found.draft = draft
        del heard  # a whole memory, which the store holds as well
        up = [item for txn in transactions(store) for item in txn.added]
        return _preview(plan, session.replica, up, _changes(session, report, reading, draft))


def _changes(session: Session, report: RoundReport, reading: object, draft: Draft | None) -> Changes:
    """What would change in the file. Where a draft is made, the file is, too: it is the way to find out."""
    from memsync_git.sync.applying import drafted

    before = _said_by(session, reading)
    is_newer = any(line.newer is not None for line in report.remotes)
    if report.file not in ("good", "restored") or is_newer or not session.replica.ring:
        return changes_between(before, before)
    if draft is not None:
        give_back()
        draft.file = drafted(session)
        if draft.file is not None:
            return all_new(draft.file.file[1].graph, session.projection)
    return changes_between(before, _would_be(session))


def _remote(plan: Plan, clone: Path, visit: Visit[FetchFailure] | None = None) -> Remote:
    """The remote of a plan, through a clone for previews."""
    from memsync_git.remotes.git import GitRemote

    return GitRemote(
        clone,
        plan.remote.url,
        clock=SystemClock(),
        name=plan.remote.name,
        branch=plan.remote.branch,
        store=plan.store.name,
        timeout_s=plan.remote.timeout_s,
        visit=visit,
    )


def _only_pretended(pieces: Sequence[bytes]) -> None:
    """In a rehearsal nothing is quarantined: the file is only a copy."""
    del pieces


def _said_by(session: Session, reading: object) -> Graph:
    """What can be read of the file as it stands."""
    decoded = session.decode(reading.data) if isinstance(reading, Snapshot) else None
    return decoded.graph if isinstance(decoded, Decoded) else Graph()


def _would_be(session: Session) -> Iterable[Record]:
    """What the file would say after the step that is left out here, in no particular order."""
    wanted = map(session.variant.projection.record, session.replica.targets())
    return (record for record in wanted if record is not None)


@dataclass(frozen=True, slots=True)
class Changes:
    """What comes and goes: how much of it, and what is listed."""

    added: int
    removed: int
    changed: int
    listed: tuple[ChangePart, ...]

    @property
    def count(self) -> int:
        return self.added + self.removed + self.changed


Step = tuple[Record, Record]
"""A record before and after."""


def changes_between(before: Graph, after: Iterable[Record], most: int = MOST_CHANGES_LISTED) -> Changes:
    """The changes from one file to another, the first `most` of them in full.

    Of what is new only the first is held: all of it may be a whole memory.
    """
    left, changed, sizes = dict(before.records), list[Step](), list[int]()

    def new() -> Iterator[Record]:
        for record in after:
            was = left.pop(record.key, None)
            if was is None:
                sizes.append(_size(record))
                yield record
            elif was != record:
                changed.append((was, record))

    come = nsmallest(most, new(), key=first_place)
    added, removed, replaced = sum(sizes), sum(map(_size, left.values())), 0
    steps = [items_between(*step) for step in changed]
    for gone, items in steps:
        registers = _registers(gone)
        both = sum(1 for item in items if item[:-1] in registers)
        added, removed, replaced = added + len(items) - both, removed + len(gone) - both, replaced + both
    return Changes(added, removed, replaced, tuple(_listed(come, steps, left.values(), most)))


def all_new(graph: Graph, projection: Projection, most: int = MOST_CHANGES_LISTED) -> Changes:
    """The changes from no file to one. How much each of its records says was counted as it was written."""
    if projection.fields:
        return changes_between(Graph(), graph, most)
    records = stretched(graph.records)
    wanted = first_keys(records, most)
    first = [record for each in records.stretches for record in each.looked_up(wanted).values()]
    size = sum(sum(each.sizes) for each in records.stretches)
    return Changes(size, 0, 0, tuple(_listed(first, (), (), most)))


def _size(record: Record) -> int:
    """How many items a record says, each counted once."""
    twins = len(record.observations) - len(set(record.observations)) if isinstance(record, Entity) else 0
    return size_of(record) - twins


def _listed(
    new: Iterable[Record],
    steps: Sequence[tuple[set[Item], set[Item]]],
    gone: Iterable[Record],
    most: int,
) -> list[ChangePart]:
    """The first changes: what comes, then what gives way or goes."""
    come = _first(new, (item for _, items in steps for item in items), most)
    replaced = _registers(come)
    was = [item for items, _ in steps for item in items if item[:-1] in replaced]
    left = _first(gone, (item for items, _ in steps for item in items.difference(was)), most)
    return change_parts(come, [*was, *left])[:most]


def _first(records: Iterable[Record], items: Iterable[Item], most: int) -> list[Item]:
    """The first of all that some records say, and of some more items.

    Of records that stand behind enough others, only the first item is looked at.
    """
    some = nsmallest(most, records, key=first_place)
    return first_in_order(chain(items, (item for record in some for item in items_in(record))), most)


def _registers(items: Iterable[Item]) -> set[Item]:
    """The types and fields among some items, without their values."""
    return {item[:-1] for item in items if item[0] in ("t", "f")}


def _preview(plan: Plan, replica: Replica, up: Sequence[Item], changes: Changes) -> PreviewDocument:
    notices = list(plan.notices)
    if up:
        items = "1 item" if len(up) == 1 else f"{len(up)} items"
        notices.append(notice(f"{items} would be added to the shared memory."))
    return {
        "schema_version": SCHEMA_VERSION,
        "action": f"join {plan.remote.url} as {plan.host}",
        "machines": [part for part in host_parts(replica) if part["id"] != replica.rid],
        "would_add": changes.added,
        "would_remove": changes.removed,
        "would_change": changes.changed,
        "changes": list(changes.listed),
        "cut": changes.count - len(changes.listed),
        "notices": notices,
    }
