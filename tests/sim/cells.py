"""The cells of the simulation: what kind of fleet, what kind of trouble, and the bound to beat."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.sim.scheduler import MS_US, SECOND_US
from tests.sim.writer import Style


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong: shares of calls to the hub (lost, refused, stale), else chances per machine."""

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
    second_process: float = 0.0
    retired: float = 0.0


CALM = Trouble()
HUB = Trouble(clock=0.5, lost=0.05, refused=0.05, stale=0.1, offline=0.3)
EVERYTHING = replace(
    HUB,
    jump=0.2,
    kill=0.3,
    power=0.2,
    clone=0.1,
    store_restored=0.15,
    file_restored=0.05,
    never_returns=0.05,
)


@dataclass(frozen=True, slots=True)
class Bound:
    """What a published table counted: observations lost and deletes back, over so many alive and deleted."""

    lost: int
    back: int
    alive: int
    deletions: int


NOTHING = Bound(0, 0, 1, 1)
"""With one writer a file and no faults nothing is lost and nothing comes back, not once."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of history.

    writers: servers per file. cron: share of machines without a daemon, with runs `cron_us` apart.
    in_place, slow: share of servers that write in place, and that cache. push_first: share of a daemon's
    rounds after a file event that push before they fetch. staged: share of machines on which a person does
    the parts of a round one by one. hubs: how many; some machines know all of
    them, others one. weight: share of the histories.
    """

    name: str
    machines: tuple[int, int] = (2, 4)
    writers: int = 2
    style: Style = field(default_factory=Style)
    trouble: Trouble = HUB
    cron: float = 0.0
    cron_us: int = 900 * SECOND_US
    poll_us: tuple[int, int] = (2 * SECOND_US, 10 * SECOND_US)
    in_place: float = 0.3
    slow: float = 0.0
    push_first: float = 0.5
    staged: float = 0.0
    hubs: int = 1
    length_us: int = 30 * SECOND_US
    writer_caches: bool = False
    weight: int = 1
    bound: Bound | None = None


NEVER = replace(Style(), retype=0.0)
OFTEN = replace(Style(), retype=0.06)
SELDOM = replace(Style(), think_us=150 * SECOND_US)
CACHED_US = (500 * MS_US, 4 * SECOND_US)
"""Between reading and writing, for a server that keeps the memory in its hands."""
KILLS = replace(HUB, kill=0.5, power=0.35)
CRON_US = 4 * 900 * SECOND_US

_ALL = (
    Cell("calm, one writer", writers=1, trouble=CALM, weight=2, bound=NOTHING),
    Cell("calm, one writer, no retype", writers=1, trouble=CALM, style=NEVER, bound=NOTHING),
    Cell("hub and clocks", weight=3, bound=Bound(6, 45, 14231, 18160)),
    Cell("hub and clocks, 6 %", weight=2, style=OFTEN, bound=Bound(5, 37, 12963, 8449)),
    Cell("hub and clocks, 0 %", weight=2, style=NEVER, bound=Bound(0, 24, 12312, 20070)),
    Cell("jumping clocks", trouble=replace(HUB, jump=0.8)),
    Cell("kill and power", weight=3, trouble=KILLS, bound=Bound(12, 34, 9729, 11052)),
    Cell("kill, one writer", writers=1, trouble=replace(HUB, kill=0.8), weight=2),
    Cell("clone", trouble=replace(HUB, clone=0.4), bound=Bound(4, 28, 5705, 7349)),
    # Two counts were published of restored stores; this is the larger one (deletes back come in clumps).
    Cell(
        "store restored",
        trouble=replace(HUB, store_restored=0.5),
        weight=2,
        bound=Bound(15, 36, 14326, 17575),
    ),
    Cell("file restored", trouble=replace(HUB, file_restored=0.5), bound=Bound(694, 553, 5000, 6000)),
    Cell("machines that never return", trouble=replace(HUB, never_returns=0.4)),
    Cell("two processes", machines=(2, 3), trouble=replace(HUB, second_process=0.6)),
    Cell("everything", weight=3, trouble=EVERYTHING, machines=(2, 5), bound=Bound(158, 85, 9968, 11786)),
    Cell(
        "cron, one writer",
        writers=1,
        cron=1.0,
        style=SELDOM,
        length_us=CRON_US,
        bound=Bound(1, 0, 3825, 3787),
    ),
    Cell("cron, two writers", cron=1.0, style=SELDOM, length_us=CRON_US, bound=Bound(11, 1, 4931, 7184)),
    Cell(
        "cron and daemons",
        cron=0.5,
        style=SELDOM,
        length_us=CRON_US,
        poll_us=(20 * SECOND_US, 60 * SECOND_US),
        bound=Bound(12, 0, 3995, 5972),
    ),
    Cell("writers that cache, told", slow=0.3, writer_caches=True),
    Cell("writers that cache, not told", slow=0.3),
)

CELLS = {cell.name: cell for cell in _ALL}
