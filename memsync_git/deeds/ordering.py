"""In which order revisions were made, and when, though the clocks of their makers may be wrong.

    laptop:4 ────────────────▶ laptop:5        an arrow: it had been seen
        └───▶ desk:2 ──▶ desk:3 ──┘

Rule 1: whoever had seen a revision came after it, whatever the clocks say.
Rule 2: of revisions that had not seen each other the one that tells the earlier time comes first; one that
tells a time that cannot be stands right behind what it had seen.
Rule 3: the line so made is dated as any chain is (`dating.py`), so no time falls along it.
Rule 4: what others say they had seen may be nonsense: where it goes round in circles it is not followed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from operator import itemgetter

from memsync_git.deeds.dating import EARLIEST_MS, dated
from memsync_git.model import Rid
from memsync_git.values import dataclass, field

AT_ONCE_MS = -1
"""Before every time that can be told."""

Machines = Mapping[Rid, Sequence[tuple[int, int]]]
"""By machine its revisions: (number, place), in the order of the numbers."""


@dataclass(frozen=True, slots=True)
class Link:
    """A revision, as far as its place among others goes.

    told_ms: when it was made, by the clock of its machine. there_ms: when it was there at the latest, None
    where nobody tells. seen: the newest revision of each other machine that it knew.
    """

    rid: Rid
    rev: int
    told_ms: int
    there_ms: int | None = None
    seen: Mapping[Rid, int] = field(default_factory=dict)


def in_line(links: Sequence[Link], now_ms: int) -> list[tuple[int, int]]:
    """The revisions in the order they were made, the oldest first: (place among `links`, when).

    Times are in milliseconds since 1970 and never after now.
    """
    told = [_likely_ms(link, now_ms) for link in links]
    order = _ordered(links, told)
    times = dated([told[place] for place in order], now_ms, [links[place].there_ms for place in order])
    return list(zip(order, times, strict=True))


def _likely_ms(link: Link, now_ms: int) -> int | None:
    """What a revision tells of its time, if that can be."""
    latest_ms = now_ms if link.there_ms is None else min(link.there_ms, now_ms)
    return link.told_ms if EARLIEST_MS <= link.told_ms <= latest_ms else None


def _ordered(links: Sequence[Link], told_ms: Sequence[int | None]) -> list[int]:
    """The places of all links, each behind everything it had seen, else by time (Kahn 1962)."""
    before = _seen_by_each(links)
    after: list[list[int]] = [[] for _ in links]
    for place, seen in enumerate(before):
        for earlier in seen:
            after[earlier].append(place)
    ranks = [
        (AT_ONCE_MS if at_ms is None else at_ms, link.rid, link.rev, place)
        for place, (link, at_ms) in enumerate(zip(links, told_ms, strict=True))
    ]
    waiting = {place: len(seen) for place, seen in enumerate(before)}
    ready = [ranks[place] for place, count in waiting.items() if not count]
    heapify(ready)
    found: list[int] = []
    while waiting:
        place = heappop(ready)[-1] if ready else _out_of_the_knot(links, waiting)
        del waiting[place]
        found.append(place)
        for later in after[place]:
            if later in waiting:
                waiting[later] -= 1
                if not waiting[later]:
                    heappush(ready, ranks[later])
    return found


def _seen_by_each(links: Sequence[Link]) -> list[set[int]]:
    """By link the places of the newest it had seen of each machine, its own included."""
    machines: dict[Rid, list[tuple[int, int]]] = defaultdict(list)
    for place, link in enumerate(links):
        machines[link.rid].append((link.rev, place))
    for revisions in machines.values():
        revisions.sort()
    return [set(_seen_by(link, machines)) for link in links]


def _seen_by(link: Link, machines: Machines) -> Iterator[int]:
    for rid, rev in {**link.seen, link.rid: link.rev - 1}.items():
        revisions = machines.get(rid, ())
        count = bisect_right(revisions, rev, key=itemgetter(0))
        if count:
            yield revisions[count - 1][1]


def _out_of_the_knot(links: Sequence[Link], waiting: Collection[int]) -> int:
    """Which of some links comes first that all say they had seen one another.

    The least number does: everything before it of its own machine stands already.
    """
    return min(waiting, key=lambda place: (links[place].rev, links[place].rid))
