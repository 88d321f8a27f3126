"""Walking back through commits, a few at a time, fetching older ones only when they are asked for.

Rule 1: no process is left open between two steps: the caller may take its time.
Rule 2: a clone that began at depth 1 deepens itself while the walk needs it and the hub answers.
Rule 3: whether the walk came to the first commit, or could only go no further, is told by the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from memsync_git.remotes.clone import Clone
from memsync_git.remotes.objects import CloneDamaged, Objects
from memsync_git.remotes.trees import Oid
from memsync_git.values import dataclass

STEP = 16
"""Commits read with one process: most questions end within them."""
HEADS_AT_ONCE = 256
"""The same where nothing but the commit is read."""

T = TypeVar("T")
Taking = Callable[[Objects], Callable[[Oid], T]]
"""Given the objects of a clone, what to take from a commit of it."""


@dataclass(frozen=True, slots=True)
class Past(Generic[T]):
    """A commit and what was taken from it; `is_first`: nothing was before it."""

    oid: Oid
    at_s: int
    is_first: bool
    taken: T


def nothing(objects: Objects) -> Callable[[Oid], None]:
    """Take nothing from a commit."""
    del objects
    return lambda _: None


def walk(clone: Clone, start: Oid | None, taking: Taking[T], *, most: int = STEP) -> Iterator[Past[T]]:
    """The commits from `start` back along first parents, each with what is taken from it.

    Ends where history does, or where it cannot be had.
    """
    at = start
    while at is not None:
        try:
            found, at = _some(clone, at, taking, most)
        except CloneDamaged:
            return
        if not found and not clone.deepen():
            return
        yield from found


def _some(clone: Clone, start: Oid, taking: Taking[T], most: int) -> tuple[list[Past[T]], Oid | None]:
    """Up to `most` commits, and where to go on: None at the root, the same place if it is not here."""
    found: list[Past[T]] = []
    at: Oid | None = start
    with clone.objects() as objects:
        take = taking(objects)
        while at is not None and len(found) < most:
            commit = objects.commit(at)
            if commit is None:
                break
            found.append(Past(at, commit.at_s, not commit.parents, take(at)))
            at = commit.parents[0] if commit.parents else None
    return found, at
