"""Whether what a cell counted is as good as the published table it is held to.

Rule 1: the table's counts are scaled to the observations alive and the deletions of this run.
Rule 2: losses come in clumps, a whole entity at once, so a margin of three deviations of clumps is allowed;
what was never seen in any run (two machines that differ, a fleet that does not fall silent, a report that
lies, something nobody wrote, an entity without its type) is not allowed once.
"""

from __future__ import annotations

from math import ceil, sqrt

from tests.sim.cells import NOTHING, Cell
from tests.sim.oracle import Tally

CLUMP = 8
"""Observations that stand or fall together: about as many as an entity of these fleets has."""
UNBOUNDED_SHARE = 0.05
"""For cells no table exists for: nineteen of twenty stay, whatever happens."""
NEVER = ("diverged", "noisy", "unsettled", "lies", "strange", "typeless")
HARD = ("writers that cache, told", "writers that cache, not told")
"""Cells that show a documented limit: printed, held only to what must never happen."""


def allowed(expected: float) -> int:
    """The most a run may count where `expected` is what the table says of as much."""
    return ceil(expected + 3 * sqrt(expected * CLUMP) + CLUMP)


def bounds(cell: Cell, tally: Tally) -> tuple[int, int]:
    """The most observations lost and deletes back."""
    if cell.bound is None:
        return allowed(UNBOUNDED_SHARE * tally.alive), allowed(UNBOUNDED_SHARE * tally.deletions)
    if cell.bound is NOTHING:
        return 0, 0
    lost = cell.bound.lost * tally.alive / cell.bound.alive
    back = cell.bound.back * tally.deletions / cell.bound.deletions
    return allowed(lost), allowed(back)


def complaints(cell: Cell, tally: Tally) -> list[str]:
    """Everything that is worse than allowed."""
    lost, back = bounds(cell, tally)
    found = [f"{name} {getattr(tally, name)}" for name in NEVER if getattr(tally, name)]
    if cell.name not in HARD and tally.lost > lost:
        found.append(f"lost {tally.lost} of {tally.alive}, allowed {lost}")
    if cell.name not in HARD and tally.back > back:
        found.append(f"deletes back {tally.back} of {tally.deletions}, allowed {back}")
    return found


def line(cell: Cell, tally: Tally) -> str:
    """One line of the table."""
    lost, back = bounds(cell, tally)
    return (
        f"{cell.name:30} {tally.runs:5} {tally.alive:7} {tally.deletions:7} {tally.lost:5} {lost:5}"
        f" {tally.back:5} {back:5} {tally.young:6} {tally.conflicts:6} {tally.conflicts_missed:6}"
    )


HEADING = (
    f"{'cell':30} {'runs':>5} {'alive':>7} {'deleted':>7} {'lost':>5} {'max':>5} {'back':>5} {'max':>5}"
    f" {'young':>6} {'confl.':>6} {'missed':>6}"
)
