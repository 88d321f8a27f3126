"""The words documents use for how things are and how they went; cheap to import, unlike the documents.

Rule 1: a word that was once printed keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

SCHEMA_VERSION: Final = 1

StateWord = Literal["in_sync", "pending", "syncing", "offline", "stopped", "paused", "attention"]
OutcomeWord = Literal[
    "locked", "unusable", "held", "refused", "offline", "failed", "stale", "accepted", "nothing"
]
Verdict = Literal["ok", "warn", "fail"]
Watching = Literal["events", "polling"]

OUTCOMES_WORST_FIRST: Final[tuple[OutcomeWord, ...]] = (
    "locked",
    "unusable",
    "held",
    "refused",
    "offline",
    "failed",
    "stale",
    "accepted",
    "nothing",
)
"""The order of the exit codes, so that the word and the code of one run always agree."""


def worst_outcome(outcomes: Iterable[OutcomeWord]) -> OutcomeWord:
    """The word that stands for several outcomes; "nothing" for none."""
    return min(outcomes, key=OUTCOMES_WORST_FIRST.index, default="nothing")
