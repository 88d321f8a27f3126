"""The revisions of every machine: of this one from its store, of the others from the history of main.

Rule 1: what another machine published at once is one revision, named by the last it holds.
Rule 2: history is read as far as somebody asks, and how far that was is told.
Rule 3: a revision comes after what it had seen, and was made before main held it; within that its machine is
believed (`deeds/ordering.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

from memsync_git.crdt.cut import Cut
from memsync_git.crdt.fragment import Header
from memsync_git.crdt.intervals import Intervals
from memsync_git.deeds.dating import dated
from memsync_git.deeds.deed import Deed, deed_of
from memsync_git.deeds.ordering import Link, in_line
from memsync_git.deeds.steps import step
from memsync_git.model import Rid
from memsync_git.replica import Txn
from memsync_git.values import dataclass, field, replace

if TYPE_CHECKING:
    from memsync_git.ports import PastView, Remote
    from memsync_git.replica import Replica

EVERY_NUMBER = Intervals(((1, 1 << 53),))
"""What a revision may have minted that was kept without its numbers."""

WITHIN_MS = 999
"""Commits know whole seconds, revisions their milliseconds: none is made after the commit that holds it."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What one machine did at once. first: the first of the revisions that were published together.

    at_ms: when, as its machine told, and after `ordered` as that can be. seen: the newest revision it knew of
    each other machine.
    """

    rid: Rid
    first: int
    rev: int
    host: str
    at_ms: int
    cause: str
    deed: Deed
    seen: Mapping[Rid, int] = field(default_factory=dict)

    @property
    def txn(self) -> str:
        """What `undo` takes."""
        return f"{self.rid}:{self.rev}"

    @property
    def tells(self) -> bool:
        """Whether there is anything to tell of it: something it changed, or said again as it stood."""
        return bool(self.deed or self.deed.kept)


@dataclass(frozen=True, slots=True)
class History:
    """Revisions, as they were found. `is_whole`: there are none before them, as far as was asked.

    held: by machine, when main held which of its revisions: (number, ms), the numbers rising.
    """

    revisions: tuple[Revision, ...]
    is_whole: bool
    held: Mapping[Rid, Sequence[tuple[int, int]]] = field(default_factory=dict)


Wanted = Callable[[Header], bool]
Meant = Callable[[Revision], bool]
Enough = Callable[[Sequence[Revision], int], bool]
"""Whether what was found will do, given when the cut stood that was reached (ms); 0 where nobody tells."""


def ordered(revisions: Sequence[Revision], heard: Iterable[History], now_ms: int) -> list[Revision]:
    """Revisions in the order in which they were made, the oldest first, each at the time this allows."""
    heard = list(heard)
    links = [
        Link(each.rid, each.rev, each.at_ms, _held_ms(heard, each.rid, each.rev), each.seen)
        for each in revisions
    ]
    return [replace(revisions[place], at_ms=at_ms) for place, at_ms in in_line(links, now_ms)]


def _held_ms(heard: Iterable[History], rid: Rid, rev: int) -> int | None:
    """When some main held a revision for the first time; None where none does."""
    found: list[int] = []
    for history in heard:
        held = history.held.get(rid, ())
        place = bisect_left(held, rev, key=itemgetter(0))
        found += [held[place][1]] if place < len(held) else []
    return min(found, default=None)


# --- this machine


def own_revisions(replica: Replica, txns: Iterable[Txn]) -> list[Revision]:
    """What this machine did, under this id and earlier ones, as `txns` are ordered; none without an item."""
    found: list[Revision] = []
    seen: dict[Rid, Mapping[Rid, int]] = {}
    for txn in txns:
        known = seen[txn.rid] = {**seen.get(txn.rid, {}), **txn.seen} if txn.seen else seen.get(txn.rid, {})
        revision = Revision(
            txn.rid, txn.rev, txn.rev, replica.host, txn.at_ms, txn.cause, deed_of_txn(txn), known
        )
        found += [revision] if revision.tells else []
    return found


def deed_of_txn(txn: Txn) -> Deed:
    """What an own revision did."""
    if txn.said is None:
        said = {txn.rid: EVERY_NUMBER}
    else:
        said = {txn.rid: Intervals((txn.said,))} if txn.said[0] <= txn.said[1] else {}
    return deed_of(txn.added, txn.removed, said, txn.beaten)


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
        if place == most or enough(walk.found, before.told_ms or 0):
            break
    headers = map(replica.state.header, replica.state.rids)
    is_alone = not any(wanted(header) for header in headers if header is not None)
    return History(tuple(walk.found), walk.is_whole or is_alone, walk.held(now_ms))


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
        self._told_ms: list[int | None] = []
        self._came: dict[Rid, list[tuple[int, int]]] = defaultdict(list)

    def pass_by(self, after: _Stop, before: _Stop) -> None:
        """Note what brought one cut about from the one before it."""
        self.is_whole = before.is_first
        for rid, fragment in after.cut.items():
            older = before.cut.get(rid)
            old_rev = older.rev if older is not None else 0
            if old_rev < fragment.rev:
                self._came[rid].append((fragment.rev, len(self._told_ms)))
                if self._wanted(fragment.header):
                    self._note(fragment.header, old_rev, step(before.cut, after.cut, rid))
        self._told_ms.append(after.told_ms)

    def _note(self, header: Header, old_rev: int, deed: Deed) -> None:
        seen = {rid: rev for rid, (rev, _) in header.seen.items()}
        found = Revision(header.rid, old_rev + 1, header.rev, header.host, header.wall_ms, "", deed, seen)
        if self._is_meant(found):
            self.found.append(found)

    def held(self, now_ms: int) -> dict[Rid, list[tuple[int, int]]]:
        """When main held which revision, by the times its order allows; of what is only joined nothing."""
        oldest_first = dated(self._told_ms[::-1], now_ms + WITHIN_MS)
        times = [min(at_ms, now_ms) for at_ms in reversed(oldest_first)]
        return {
            rid: sorted((rev, times[place]) for rev, place in came if place)
            for rid, came in self._came.items()
        }
