"""When the links of a chain were made, though the clocks of their makers may be wrong.

    told      10:00   2099   10:05   1970   10:20
    dated     10:00  10:05   10:05  10:05   10:20

Rule 1: a chain has an order that no clock can change: what comes later in it was made later.
Rule 2: nothing was made after now, and nothing before there were such memories; of the rest the largest part
of the chain whose times rise with it is believed, of two as large the later.
Rule 3: whatever is not believed was made between its neighbours: as near to what it told as they allow, and
with the one after it where nothing is before it.
Rule 4: nothing was made after it was there, as far as anybody tells, nor after anything later was: what tells
such a time is not believed either.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

EARLIEST_MS = 1_732_492_800_000
"""25 November 2024, when the protocol was published whose servers keep these memories. Clocks that lost their
battery stand before it, at 1970 or at the date of their firmware.
"""


def dated(
    told_ms: Sequence[int | None], now_ms: int, there_ms: Sequence[int | None] | None = None
) -> list[int]:
    """When each link was made, oldest first, in milliseconds since 1970: never falling, never after now.

    None: a link that tells no time. there_ms: when each was there at the latest, None where nobody tells.
    """
    latest = _latest(there_ms if there_ms is not None else [None] * len(told_ms), now_ms)
    believed = _believed(told_ms, latest)
    bound = now_ms
    uppers: list[int] = []
    for at in reversed(range(len(told_ms))):
        bound = believed.get(at, min(bound, latest[at]))
        uppers.append(bound)
    found: list[int] = []
    for told, upper in zip(told_ms, reversed(uppers), strict=True):
        lower = found[-1] if found else upper
        found.append(min(max(upper if told is None else told, lower), upper))
    return found


def _latest(there_ms: Sequence[int | None], now_ms: int) -> list[int]:
    """When each link was made at the latest: before it was there, and before anything later was."""
    bounds = (now_ms if there is None else min(there, now_ms) for there in reversed(there_ms))
    return list(accumulate(bounds, min))[::-1]


def _believed(told_ms: Sequence[int | None], latest_ms: Sequence[int]) -> dict[int, int]:
    """A longest part of the chain whose times can be and do not fall: place → time. Of several, one with late
    times. latest_ms: when each link was made at the latest.

    Patience sorting (Fredman 1975), from the newest back: `tails[n]` ends the best part of n + 1 links found
    so far, negated, and `ends[n]` is its place.
    """
    tails: list[int] = []
    ends: list[int] = []
    after: dict[int, int | None] = {}
    for at in reversed(range(len(told_ms))):
        told = told_ms[at]
        if told is None or not EARLIEST_MS <= told <= latest_ms[at]:
            continue
        length = bisect_right(tails, -told)
        after[at] = ends[length - 1] if length else None
        tails[length : length + 1] = [-told]
        ends[length : length + 1] = [at]
    found: dict[int, int] = {}
    place = ends[-1] if ends else None
    while place is not None:
        found[place] = told_ms[place] or 0
        place = after[place]
    return found
