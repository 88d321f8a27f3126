"""Upkeep: what lies in the clone, in hubs of ours and in the stores of this machine, and making it small.

    after every round        what has become too much is packed                `keep_small`
    monthly                  everything is packed anew, stores give back pages  `collect_if_due`
    when a person asks       the same, with a preview                           `gc`

Rule 1: always under the lock of the round, in the foreground: nothing runs on when its caller is gone.
Rule 2: nothing a remote, a store or a person needs is taken away; what fails is tried the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.passing import LateRemote, PassingRemote
from memsync_git.options import LOCK_WAIT_S
from memsync_git.stores.lock import round_lock
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.documents import GcDocument, GcPart
    from memsync_git.ports import Remote

COLLECT_EVERY_MS: Final = 30 * 24 * 3600 * 1000


def keep_small(remotes: Iterable[Remote], *, full: bool = False) -> None:
    """Upkeep of clones and own hubs, under the lock of the round; `full` is the monthly collection.

    What was asked nothing has become no larger.
    """
    for remote in (bare(each) for each in remotes if full or is_asked(each)):
        upkeep = getattr(remote, "upkeep", None)
        if upkeep is not None:
            upkeep(full=full)


def bare(remote: Remote) -> Remote:
    """The remote itself, behind whatever passes calls on to it."""
    while isinstance(remote, PassingRemote):
        remote = remote.remote
    return remote


def is_asked(remote: Remote) -> bool:
    """Whether a remote was asked anything."""
    while isinstance(remote, PassingRemote):
        if isinstance(remote, LateRemote) and not remote.is_made:
            return False
        remote = remote.remote
    return True


def collect_if_due(rooms: Rooms, collect: Callable[[], None]) -> None:
    """The monthly collection, if a month has passed since the last one."""
    with rooms.installation() as installation:
        now_ms = time.time_ns() // 1_000_000
        if abs(now_ms - installation.collected_ms()) > COLLECT_EVERY_MS:
            collect()
            installation.note_collected(now_ms)


def collect(rooms: Rooms, remotes: Iterable[Remote]) -> None:
    """Pack everything anew. The caller holds the lock of the round.

    Raises:
        Busy, StoreDamaged: a store cannot be had.
    """
    keep_small(remotes, full=True)
    compact_stores(rooms)


def compact_stores(rooms: Rooms) -> None:
    """Give back what stores no longer need, where that is worth copying them."""
    from memsync_git.stores.sqlite import SqliteStore

    for path in _stores(rooms):
        store = SqliteStore(path)
        try:
            if store.space().is_wasteful:
                store.compact()
        finally:
            store.close()


def _stores(rooms: Rooms) -> Iterator[Path]:
    paths = [rooms.places.store(each.name) for each in rooms.configuration.stores]
    yield from (path for path in paths if path.is_file())


# --- for a person


def gc(rooms: Rooms, *, do: bool) -> GcDocument:
    """What lies where and what a collection would do; with `do`, it is done, and told with what it gained.

    Raises:
        Misused: this machine was never set up.
        Busy: another sync held the lock for ten seconds.
        StoreDamaged: a store cannot be used.
    """
    if rooms.identity() is None:
        raise not_set_up()
    if not do:
        return _document(looked_at(rooms, rooms.remotes()), None)
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        remotes = rooms.remotes()
        before = looked_at(rooms, remotes)
        collect(rooms, remotes)
        with rooms.installation() as installation:
            installation.note_collected(time.time_ns() // 1_000_000)
        return _document(before, looked_at(rooms, remotes))


def looked_at(rooms: Rooms, remotes: Sequence[Remote]) -> list[GcPart]:
    """Everything that upkeep keeps, as it stands."""
    hubs = {hub for hub in (getattr(bare(remote), "own_hub", None) for remote in remotes) if hub is not None}
    clone = rooms.places.clone / ".git"
    repositories = [_repository("clone", clone)] if clone.is_dir() else []
    return [
        *repositories,
        *(_repository("hub", hub) for hub in sorted(hubs)),
        *(_store(path) for path in _stores(rooms)),
    ]


def _repository(kind: str, git_dir: Path) -> GcPart:
    from memsync_git.remotes.upkeep import stock

    found = stock(git_dir)
    return {
        "kind": "clone" if kind == "clone" else "hub",
        "path": str(git_dir),
        "loose": found.loose,
        "packs": found.packs,
        "bytes": found.total_bytes,
        "free_bytes": 0,
        "would": "collect" if found.loose or found.packs > 1 else "nothing",
        "after_bytes": None,
    }


def _store(path: Path) -> GcPart:
    from memsync_git.stores.reading import SqliteReader

    reader = SqliteReader(path)
    try:
        space = reader.space()
    finally:
        reader.close()
    return {
        "kind": "store",
        "path": str(path),
        "loose": 0,
        "packs": 0,
        "bytes": space.total_bytes,
        "free_bytes": space.free_bytes,
        "would": "compact" if space.is_wasteful else "nothing",
        "after_bytes": None,
    }


def _document(before: list[GcPart], after: list[GcPart] | None) -> GcDocument:
    total = sum(part["bytes"] for part in before)
    if after is None:
        return {
            "schema_version": SCHEMA_VERSION,
            "done": False,
            "places": before,
            "bytes": total,
            "gained_bytes": None,
        }
    left = {part["path"]: part["bytes"] for part in after}
    for part in before:
        part["after_bytes"] = left.get(part["path"])
    return {
        "schema_version": SCHEMA_VERSION,
        "done": True,
        "places": before,
        "bytes": total,
        "gained_bytes": total - sum(left.values()),
    }
