"""Walking back through commits, a few at a time, fetching older ones only when they are asked for.

Rule 1: no process is left open between two steps: the caller may take its time.
Rule 2: a clone that began at depth 1 deepens itself while the walk needs it and the hub answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from memsync_git.model import Rid
from memsync_git.remotes.clone import Clone
from memsync_git.remotes.objects import CloneDamaged, Objects
from memsync_git.remotes.reading import Reading
from memsync_git.remotes.seen import Branch
from memsync_git.remotes.trees import Oid

STEP = 16
"""Commits read with one process: most questions end within them."""

Read = Callable[[Objects], Reading]


def walk(clone: Clone, start: Oid | None, rids: Iterable[Rid] | None, read: Read) -> Iterator[Branch]:
    """The commits from `start` back along first parents, each with its fragments.

    `rids`: the fragments wanted, None for all. Ends where history does, or where it cannot be had.
    """
    at = start
    while at is not None:
        try:
            branches, at = _some(clone, at, rids, read)
        except CloneDamaged:
            return
        if not branches and not clone.deepen():
            return
        yield from branches


def _some(
    clone: Clone, start: Oid, rids: Iterable[Rid] | None, read: Read
) -> tuple[list[Branch], Oid | None]:
    """Up to `STEP` commits, and where to go on: None at the root, the same place if it is not here."""
    branches: list[Branch] = []
    at: Oid | None = start
    with clone.objects() as objects:
        reading = read(objects)
        while at is not None and len(branches) < STEP:
            commit = objects.commit(at)
            if commit is None:
                break
            branches.append(reading.at("history", at, rids))
            at = commit.parents[0] if commit.parents else None
    return branches, at
