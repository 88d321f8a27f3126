"""The past of an installation's rounds: the last ones, what they add up to, and since when it goes how.

Rule 1: pure: values in, values out; `installation.py` keeps them.
Rule 2: a quiet round is counted and not kept; one that goes just like the last is kept once, with how often
and until when: a night offline must not push out what happened before it.
Rule 3: nothing a memory says is kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Literal

from memsync_git.values import dataclass, field, replace
from memsync_git.words import OutcomeWord

if TYPE_CHECKING:
    from memsync_git.options import Cause

Went = Literal["well", "badly", "neither"]
"""Whether everything was reached; neither, where not everything was asked or another was always first."""

KEPT_ROUNDS: Final = 200
"""A few weeks of an ordinary week's rounds, in about 40 KiB."""
LONGEST_REASON_CHARS: Final = 400

BUCKETS_MS: Final = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000)
"""Upper bounds of the histogram of durations: from a glance at a near hub to the deadline of a far one."""

NOTHING_MOVED: Final = (0, 0, 0)

STANDS_FOR_MS: Final = 3_600_000
"""So long a remote that was well counts as reached in rounds without it: a daemon asks each in its time."""

_BAD: Final = frozenset[str](["unusable", "refused", "offline", "failed", "locked"])


@dataclass(frozen=True, slots=True)
class LastRound:
    """A round of any process, as it is remembered. Times are wall-clock milliseconds since 1970.

    local, remote: items added, removed and changed. reason: why it did not go well, for people.
    times, until_ms: how often in a row it went just so, and when it last did (None: once).
    """

    at_ms: int
    outcome: OutcomeWord
    ms: int
    cause: Cause = "command"
    went: Went = "neither"
    local: tuple[int, int, int] = NOTHING_MOVED
    remote: tuple[int, int, int] = NOTHING_MOVED
    reason: str = ""
    times: int = 1
    until_ms: int | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether it found nothing to do."""
        return self.outcome == "nothing"

    @property
    def is_reminder(self) -> bool:
        """Whether it only said again that something waits for a person: until then each round does."""
        return self.outcome == "held" and self.times > 1


@dataclass(frozen=True, slots=True)
class Streak:
    """Since when it goes as it goes. `failing_ms`: the first failure after the last success."""

    succeeded_ms: int | None = None
    failing_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """All rounds ever: by outcome, and a histogram of how long they took (`BUCKETS_MS`, then longer)."""

    rounds: dict[str, int] = field(default_factory=dict)
    buckets: tuple[int, ...] = (0,) * (len(BUCKETS_MS) + 1)
    ms: int = 0


def went(outcome: OutcomeWord, remotes: Iterable[str]) -> Went:
    """How a round went, by its outcome and the state of each remote (`sync.report.RemoteState`).

    What waits for a person (held) is no failure: everything else was synced.
    """
    states = {outcome, *remotes}
    if states & _BAD:
        return "badly"
    return "neither" if states & {"stale", "skipped"} else "well"


def state_still(outcome: OutcomeWord | None, reached_ms: int | None, now_ms: int) -> str:
    """The state of a remote a round did not ask: bad news stands until it is asked, good news for a while."""
    if outcome is None or outcome in _BAD:
        return outcome or "skipped"
    is_recent = reached_ms is not None and abs(now_ms - reached_ms) <= STANDS_FOR_MS
    return outcome if is_recent else "skipped"


def streak_after(streak: Streak, last: LastRound) -> Streak:
    """Since when it goes how, after one more round."""
    match last.went:
        case "well":
            return Streak(last.at_ms, None)
        case "badly" if streak.failing_ms is None:
            return replace(streak, failing_ms=last.at_ms)
        case "badly" | "neither":
            return streak


def totals_after(totals: Totals, last: LastRound) -> Totals:
    """All rounds, and one more."""
    at = sum(bound < last.ms for bound in BUCKETS_MS)
    buckets = tuple(count + (place == at) for place, count in enumerate(totals.buckets))
    rounds = {**totals.rounds, last.outcome: totals.rounds.get(last.outcome, 0) + 1}
    return Totals(rounds, buckets, totals.ms + last.ms)


def summed(every: Iterable[Totals]) -> Totals:
    """The rounds of several stores, all together."""
    total = Totals()
    for each in every:
        words = {*total.rounds, *each.rounds}
        total = Totals(
            {word: total.rounds.get(word, 0) + each.rounds.get(word, 0) for word in words},
            tuple(one + other for one, other in zip(total.buckets, each.buckets, strict=True)),
            total.ms + each.ms,
        )
    return total


def folded(before: LastRound | None, last: LastRound) -> LastRound | None:
    """The kept round that goes on with this one; None where this is one of its own."""
    moved = any(last.local) or any(last.remote) or last.outcome == "accepted"
    if before is None or moved or _kind(before) != _kind(last):
        return None
    return replace(before, times=before.times + 1, until_ms=last.at_ms, ms=last.ms)


def _kind(last: LastRound) -> tuple[str, ...]:
    return last.outcome, last.went, last.reason, last.cause


def superfluous(keys: Sequence[str]) -> Sequence[str]:
    """The keys of the rounds to be forgotten, of all keys from the oldest to the newest."""
    return keys[: max(0, len(keys) - KEPT_ROUNDS)]
