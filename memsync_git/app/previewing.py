"""What carrying out a plan of `init` would change, found by doing it on copies, up to the last step.

Rule 1: the file that would be written is compared with the one that stands there record by record: of a
memory of any size only what differs is ever looked at closer, and only the first few are listed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.app.clocks import SystemChance, SystemClock
from memsync_git.app.parts import MOST_CHANGES_LISTED, change_parts, first_in_order, host_parts
from memsync_git.app.planning import Plan, configured, is_there, legacy
from memsync_git.app.telling import notice
from memsync_git.crdt.changes import items_between
from memsync_git.documents import ChangePart, PreviewDocument
from memsync_git.formats import Decoded
from memsync_git.model import Graph, Item
from memsync_git.ports import Snapshot
from memsync_git.replica import Replica
from memsync_git.replica.rows import transactions
from memsync_git.stretches import differing
from memsync_git.values import dataclass
from memsync_git.wire.rid import new_rid
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.sync import RoundReport, Session, Stage


def preview(plan: Plan, told: Callable[[Stage], None] | None = None) -> PreviewDocument:
    """What joining would change, found by doing it on copies; `told` hears how far it is."""
    from memsync_git.app.rehearsal import HurriedClock, ReadOnlyRemote
    from memsync_git.local.memory import MemoryFile
    from memsync_git.remotes.git import GitRemote
    from memsync_git.stores.memory import MemoryStore
    from memsync_git.sync import RoundOptions, Session, World, sync_round

    rooms = configured(plan)
    reading = rooms.file().read()
    file = MemoryFile(SystemClock().wall_ms, reading.data if isinstance(reading, Snapshot) else None)
    with tempfile.TemporaryDirectory(prefix="memsync-git-preview-") as folder:
        remotes = []
        if not plan.is_hub or is_there(plan.remote):
            remote = GitRemote(
                Path(folder) / "clone",
                plan.remote.url,
                clock=SystemClock(),
                branch=plan.remote.branch,
                store=plan.store.name,
                timeout_s=plan.remote.timeout_s,
            )
            remotes = [ReadOnlyRemote(remote)]
        store = MemoryStore()
        world = World(file, store, HurriedClock(), SystemChance(), remotes, rooms.settings())
        session = Session(world)
        session.begin(Replica(new_rid(plan.host, SystemChance().token()), plan.host, plan.store.name))
        older = legacy(plan) if plan.kind == "older tool" else ()
        options = RoundOptions(
            publish=False, apply=False, drop=plan.drop, legacy=older, set_aside=_only_pretended
        )
        report = sync_round(session, options if told is None else replace(options, told=told))
    up = [item for txn in transactions(store) for item in txn.added]
    before = _said_by(session, reading)
    return _preview(plan, session.replica, up, before, _would_be(session, report, before))


def _only_pretended(pieces: Sequence[bytes]) -> None:
    """In a rehearsal nothing is quarantined: the file is only a copy."""
    del pieces


def _said_by(session: Session, reading: object) -> Graph:
    """What can be read of the file as it stands."""
    decoded = session.decode(reading.data) if isinstance(reading, Snapshot) else None
    return decoded.graph if isinstance(decoded, Decoded) else Graph()


def _would_be(session: Session, report: RoundReport, before: Graph) -> Graph:
    """What the file would say after the step that is left out here."""
    is_newer = any(line.newer is not None for line in report.remotes)
    if report.file not in ("good", "restored") or is_newer or not session.replica.ring:
        return before
    return session.variant.projection.graph(session.replica.target_graph())


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


def changes_between(before: Graph, after: Graph, most: int = MOST_CHANGES_LISTED) -> Changes:
    """The changes from one file to another, the first `most` of them in full."""
    added = removed = changed = 0
    for gone, come in _steps(before, after):
        was = _registers(gone)
        replaced = sum(1 for item in come if item[:-1] in was)
        added += len(come) - replaced
        removed += len(gone) - replaced
        changed += replaced
    return Changes(added, removed, changed, tuple(_listed(before, after, most)))


def _listed(before: Graph, after: Graph, most: int) -> list[ChangePart]:
    come = first_in_order((item for _, items in _steps(before, after) for item in items), most)
    replaced = _registers(come)
    was = [item for items, _ in _steps(before, after) for item in items if item[:-1] in replaced]
    gone = first_in_order((item for items, _ in _steps(before, after) for item in items - set(was)), most)
    return change_parts(come, [*was, *gone])[:most]


def _registers(items: Iterable[Item]) -> set[Item]:
    """The types and fields among some items, without their values."""
    return {item[:-1] for item in items if item[0] in ("t", "f")}


def _steps(before: Graph, after: Graph) -> Iterator[tuple[set[Item], set[Item]]]:
    """What each record that differs loses and gains."""
    for _, was, now in differing(before.records, after.records):
        yield items_between(was, now)


def _preview(
    plan: Plan, replica: Replica, up: Sequence[Item], before: Graph, after: Graph
) -> PreviewDocument:
    changes = changes_between(before, after)
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
