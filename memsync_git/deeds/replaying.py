"""A memory as it stood at some moment: a cut, and what one machine has done beyond it.

Rule 1: a cut knows nothing of what its machine had not published; the revisions it kept fill that in.
Rule 2: a revision is said again by its own pen, at its own time, on what the cut holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.pen import Pen
from memsync_git.crdt.state import State
from memsync_git.model import Item
from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """A revision by its items. at_ms: when it was made."""

    rev: int
    at_ms: int
    added: Sequence[Item]
    removed: Sequence[Item]


def replayed(cut: Iterable[Fragment], own: Header, revisions: Iterable[Kept]) -> State:
    """The cut after those revisions of `own` that it does not hold yet, in the order they are given.

    `own` says whose they are and what it is called; the rest of it is not used.
    """
    state = State(cut)
    if state.header(own.rid) is None:
        state.replace(Fragment(Header(own.rid, own.host, own.store)))
    for revision in revisions:
        header = state.header(own.rid)
        if header is not None and revision.rev > header.rev:
            _replay(state, header, revision)
    return state


def _replay(state: State, header: Header, revision: Kept) -> None:
    pen = Pen(state, header, wall_ms=revision.at_ms)
    known = state.nexts()
    for item in revision.removed:
        pen.remove(item, known)
    for item in revision.added:
        pen.add(item, anew=True)
    pen.finish(tok=f"{revision.rev}", anyway=True)
