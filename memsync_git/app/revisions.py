"""The revisions of every machine: of this one from its store, of the others from the history of main.

Rule 1: what another machine published at once is one revision, named by the last it holds.
Rule 2: history is read as far as somebody asks, and how far that was is told.
Rule 3: a time is what its machine told, where the order of main allows it; else the time of main.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from memsync_git.crdt.cut import Cut
from memsync_git.crdt.fragment import Header
from memsync_git.crdt.intervals import Intervals
from memsync_git.deeds.dating import dated
from memsync_git.deeds.deed import Deed, deed_of
from memsync_git.deeds.steps import step
from memsync_git.model import Rid
from memsync_git.replica import Txn
from memsync_git.values import dataclass

if TYPE_CHECKING:
    from memsync_git.ports import PastView, Remote
    from memsync_git.replica import Replica

EVERY_NUMBER = Intervals(((1, 1 << 53),))
"""What a revision may have minted that was kept without its numbers."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What one machine did at once. first: the first of the revisions that were published together."""

    rid: Rid
    first: int
    rev: int
    host: str
    at_ms: int
    cause: str
    deed: Deed

    @property
    def txn(self) -> str:
        """What `undo` takes."""
        return f"{self.rid}:{self.rev}"


@dataclass(frozen=True, slots=True)
class History:
    """Revisions, newest first. `is_whole`: there are none before them, as far as was asked."""

    revisions: tuple[Revision, ...]
    is_whole: bool


WITHIN_MS = 999
"""Commits know whole seconds, revisions their milliseconds: none is made after the commit that holds it."""

Wanted = Callable[[Rid], bool]
Meant = Callable[[Revision], bool]
Enough = Callable[[Sequence[Revision]], bool]


# --- this machine


def own_revisions(replica: Replica, txns: Sequence[Txn], now_ms: int) -> list[Revision]:
    """What this machine did, under this id and earlier ones, as `txns` are ordered; none without an item."""
    found: list[Revision] = []
    for rid in dict.fromkeys(txn.rid for txn in txns):
        under_it = [txn for txn in txns if txn.rid == rid]
        times = dated([txn.at_ms for txn in under_it], now_ms)
        found += [
            Revision(rid, txn.rev, txn.rev, replica.host, at_ms, txn.cause, deed_of_txn(txn))
            for txn, at_ms in zip(under_it, times, strict=True)
            if txn.added or txn.removed
        ]
    return found


def deed_of_txn(txn: Txn) -> Deed:
    """What an own revision did."""
    if txn.said is None:
        said = {txn.rid: EVERY_NUMBER}
    else:
        said = {txn.rid: Intervals((txn.said,))} if txn.said[0] <= txn.said[1] else {}
    return deed_of(txn.added, txn.removed, said)


# --- the others


def others_revisions(
    remote: Remote,
    replica: Replica,
    now_ms: int,
    *,
    wanted: Wanted,
    enough: Enough,
    most: int,
    is_meant: Meant = lambda _: True,
) -> History:
    """What others did, as main tells it, until it is enough or `most` cuts were read.

    wanted: whose revisions. is_meant: which of them.
    """
    remote.known_records = replica.state.records_of
    walk = _Walk(wanted, is_meant)
    cuts = _cuts(replica, remote.past_views())
    for place, (after, before) in enumerate(pairwise(cuts)):
        walk.pass_by(after, before)
        if place == most or enough(walk.found):
            break
    is_alone = not any(map(wanted, replica.state.rids))
    return History(tuple(walk.dated(now_ms)), walk.is_whole or is_alone)


@dataclass(frozen=True, slots=True)
class _Stop:
    """A cut on the way back; `told_ms` is None for what is joined and not on main."""

    cut: Cut
    told_ms: int | None
    is_first: bool = False


def _cuts(replica: Replica, views: Iterator[PastView]) -> Iterator[_Stop]:
    """The memory of now, the cuts of main back from it, and the nothing before the first."""
    yield _Stop(replica.state.fragments(), None)
    for view in views:
        told_ms = None if view.at_ms is None else view.at_ms + WITHIN_MS
        yield _Stop({fragment.rid: fragment for fragment in view.fragments}, told_ms)
        if view.is_first:
            yield _Stop({}, None, is_first=True)


class _Walk:
    """The way back along main, and what was found on it."""

    def __init__(self, wanted: Wanted, is_meant: Meant) -> None:
        self.found: list[Revision] = []
        self.is_whole = False
        self._wanted = wanted
        self._is_meant = is_meant
        self._places: list[int] = []
        self._told_ms: list[int | None] = []

    def pass_by(self, after: _Stop, before: _Stop) -> None:
        """Note what brought one cut about from the one before it."""
        self.is_whole = before.is_first
        for rid, fragment in after.cut.items():
            older = before.cut.get(rid)
            old_rev = older.rev if older is not None else 0
            if old_rev < fragment.rev and self._wanted(rid):
                self._note(fragment.header, old_rev, step(before.cut, after.cut, rid))
        self._told_ms.append(after.told_ms)

    def _note(self, header: Header, old_rev: int, deed: Deed) -> None:
        found = Revision(header.rid, old_rev + 1, header.rev, header.host, header.wall_ms, "", deed)
        if self._is_meant(found):
            self.found.append(found)
            self._places.append(len(self._told_ms))

    def dated(self, now_ms: int) -> list[Revision]:
        """What was found, newest first, each at the time its place allows."""
        oldest_first = dated(self._told_ms[::-1], now_ms + WITHIN_MS)
        times = [min(at_ms, now_ms) for at_ms in reversed(oldest_first)]
        found: list[Revision] = []
        last_ms: dict[Rid, int] = {}
        for revision, place in reversed(list(zip(self.found, self._places, strict=True))):
            earliest_ms, told_ms = last_ms.get(revision.rid, times[-1]), revision.at_ms
            is_told = earliest_ms - WITHIN_MS <= told_ms <= times[place]
            at_ms = max(told_ms, earliest_ms) if is_told else times[place]
            last_ms[revision.rid] = at_ms
            found.append(replace(revision, at_ms=at_ms))
        return found[::-1]
