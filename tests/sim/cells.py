"""The cells of the simulation: what kind of fleet, what kind of trouble, and the bound to beat."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.sim.scheduler import SECOND_US
from tests.sim.writer import Style


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong, as probabilities per machine and history unless said otherwise.

    clock: a wrong clock. jump: a clock that jumps in mid-run. lost, refused, stale: shares of calls to the
    hub. offline: a time without network. kill, power: a process dies at a random step, or the machine.
    """

    clock: float = 0.0
    jump: float = 0.0
    lost: float = 0.0
    refused: float = 0.0
    stale: float = 0.0
    offline: float = 0.0
    kill: float = 0.0
    power: float = 0.0
    clone: float = 0.0
    store_restored: float = 0.0
    file_restored: float = 0.0
    never_returns: float = 0.0


HUB = Trouble(clock=0.5, lost=0.05, refused=0.05, stale=0.1, offline=0.3)


@dataclass(frozen=True, slots=True)
class Bound:
    """Observations lost and deletes back in a published table, with what they were counted over."""

    lost: int
    back: int
    alive: int
    deletions: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of history. `cron`: share of machines without a daemon."""

    name: str
    machines: tuple[int, int] = (2, 4)
    writers: int = 2
    style: Style = field(default_factory=Style)
    trouble: Trouble = HUB
    cron: float = 0.0
    in_place: float = 0.3
    length_us: int = 20 * SECOND_US
    bound: Bound | None = None


CELLS = {
    cell.name: cell
    for cell in (
        Cell("calm", writers=1, trouble=Trouble()),
        Cell("hub-2", bound=Bound(6, 45, 14231, 18160)),
    )
}
