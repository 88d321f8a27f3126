"""What is to be reached, and whether it was: the goals as data, the verdict as a pure function of a report.

Rule 1: a goal that was not measured is not reached; it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import names
from benchmarks.results import Report, Unit

LARGE = 100_000
"""Entities: 33 MB."""


@dataclass(frozen=True, slots=True)
class Goal:
    """At most `limit` for the median of a figure: in its unit, or times the quickest of `against`.

    size: entities, or machines where the part is about those.
    """

    words: str
    part: str
    size: int
    of: str
    limit: float
    against: tuple[str, ...] = ()
    unit: Unit = "ms"

    @property
    def unit_word(self) -> str:
        return "×" if self.against else self.unit


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found for a goal; None where it was not measured."""

    goal: Goal
    found: float | None

    @property
    def is_reached(self) -> bool | None:
        return None if self.found is None else self.found <= self.goal.limit


GOALS: tuple[Goal, ...] = (
    Goal("a sync with nothing to do", "quiet", 1000, names.SYNC, 1.2, (names.ASKING,)),
    Goal("status", "quiet", 1000, names.STATUS, 100),
    Goal("hook session-start", "quiet", 1000, names.HOOK, 300),
    Goal("one entity until durable, warm", "durable", LARGE, names.WARM, 60),
    Goal("the same to the quickest rival, cold", "durable", LARGE, names.WARM, 0.1, names.COLD_RIVALS),
    Goal("one entity until durable, a command", "durable", LARGE, names.COLD, 300),
    Goal("the same, names left out", "rules", LARGE, names.WARM_LEFT_OUT, 60),
    Goal("receive 1 % and write the file", "receive", LARGE, names.RECEIVE, 250),
    Goal("one entity over a hub on this disk", "hub", 10_000, names.SYNC_ONE, 1.3, (names.BARE_GIT,)),
    Goal("adopt", "adopt", LARGE, names.ADOPT, 20_000),
    Goal("join from a second machine", "adopt", LARGE, names.JOIN, 20_000),
    Goal("memory of a daemon that takes changes in", "memory", LARGE, names.TAKING, 200, unit="MiB"),
    Goal("memory of a daemon that receives", "memory", LARGE, names.RECEIVING, 200, unit="MiB"),
    Goal("memory of adopting", "memory", LARGE, names.ADOPT, 200, unit="MiB"),
    Goal("memory of joining", "memory", LARGE, names.JOIN, 200, unit="MiB"),
    *(
        Goal(f"A → hub → B, {way}", "distances", 0, names.OVER_OURS + way, 1.3, (names.OVER_BARE + way,))
        for way in ("file", "http", "http, 50 ms away", "ssh, kept", "ssh, kept, 50 ms away")
    ),
    *(
        Goal(f"{words}, one of four machines", "edits", 1000, name + names.SHARED, limit, unit="KB")
        for words, name, limit in (
            ("an edit in the repository, loose", names.EDIT_LOOSE, 32),
            ("an edit in the repository, after upkeep", names.EDIT_PACKED, 1.2),
            ("push of an edit", names.EDIT_PUSHED, 1.2),
        )
    ),
    Goal("16 machines at once: all durable", "contention", 16, names.ALL_DURABLE, 500),
    Goal("16 machines at once: all on main", "contention", 16, names.ALL_ON_MAIN, 2000),
    Goal("64 machines at once: changes lost", "contention", 64, names.LOST, 0, unit="lost"),
    Goal("an idle daemon, processor", "idle", 1000, names.IDLE_CPU, 0.2, unit="%"),
    Goal("an idle daemon, memory", "idle", 1000, names.IDLE_MEMORY, 45, unit="MiB"),
)


def verdicts(report: Report, goals: Sequence[Goal] = GOALS) -> list[Verdict]:
    """Every goal with what the report says of it."""
    return [_verdict(report, goal) for goal in goals]


def _verdict(report: Report, goal: Goal) -> Verdict:
    found = report.find(goal.part, goal.size, goal.of)
    if found is None:
        return Verdict(goal, None)
    if not goal.against:
        return Verdict(goal, found.median)
    others = [report.find(goal.part, goal.size, name) for name in goal.against]
    measured = [each.median for each in others if each is not None]
    return Verdict(goal, found.median / min(measured) if measured else None)
