"""Exit codes: a documented interface (interface page), and the only table of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from memsync_git.words import OutcomeWord

DONE: Final = 0
FAILED: Final = 1
MISUSED: Final = 2
BUG: Final = 3
HELD: Final = 4
OFFLINE: Final = 5
REFUSED: Final = 6
UNUSABLE: Final = 7
LOCKED: Final = 8
INTERRUPTED: Final = 130

WORST_FIRST: Final = (INTERRUPTED, BUG, MISUSED, LOCKED, UNUSABLE, HELD, REFUSED, OFFLINE, FAILED, DONE)

CODES: Final[dict[OutcomeWord, int]] = {
    "locked": LOCKED,
    "unusable": UNUSABLE,
    "held": HELD,
    "refused": REFUSED,
    "offline": OFFLINE,
    "failed": FAILED,
    "stale": DONE,
    "accepted": DONE,
    "nothing": DONE,
}
"""What a round's outcome exits with. A pending conflict is no outcome and no failure; after "stale" the next
round publishes, and nothing is lost meanwhile."""


def worst(codes: Iterable[int]) -> int:
    """The one code for several things that happened."""
    return min(codes, key=WORST_FIRST.index, default=DONE)
