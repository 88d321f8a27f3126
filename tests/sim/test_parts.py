"""Fleets with people in the loop: parts of rounds in any order, picked applies, two hubs, machines retired.

With one server a file, and no entity deleted and created again while nobody looks, the answer is exact: lost
nothing, back nothing. Beside daemons, two servers and faults it is held to the shares of other cells.

MEMSYNC_SIM_PARTS_RUNS=500 python3 setup_machine.py --run-tests tests/sim/test_parts.py
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from tests.sim.cells import CALM, HUB, NEVER, NOTHING, Cell
from tests.sim.fleet import Fleet
from tests.sim.playing import Recording, hold

RUNS = int(os.environ.get("MEMSYNC_SIM_PARTS_RUNS", "40"))
FIRST_SEED = int(os.environ.get("MEMSYNC_SIM_SEED", "0")) * 1_000_000
KILLS = replace(HUB, kill=0.3, power=0.1)
OUTAGES = replace(HUB, kill=0.3, offline=0.6)

CELLS = {
    cell.name: cell
    for cell in (
        Cell("staged, one writer", writers=1, trouble=CALM, style=NEVER, staged=1.0, bound=NOTHING),
        Cell("staged beside daemons", writers=1, trouble=KILLS, style=NEVER, staged=0.6),
        Cell("staged, two writers", staged=0.7),
        Cell("two hubs, one writer", writers=1, trouble=CALM, hubs=2, machines=(3, 4), bound=NOTHING),
        Cell("two hubs, outages", writers=1, trouble=OUTAGES, hubs=2, machines=(3, 4)),
        Cell("two hubs, staged", writers=1, style=NEVER, staged=0.5, hubs=2, machines=(3, 4)),
        Cell("retired by mistake", writers=1, trouble=replace(CALM, retired=0.5), bound=NOTHING),
        Cell("retired, all faults", writers=1, trouble=replace(KILLS, retired=0.5), staged=0.3),
    )
}


@pytest.mark.parametrize("name", CELLS)
def test_a_fleet_with_people_keeps_what_was_noted_and_forgets_what_was_forgotten(
    name: str, record_property: Recording
) -> None:
    hold(CELLS[name], range(FIRST_SEED, FIRST_SEED + RUNS), Fleet, record_property)


@pytest.mark.parametrize("name", ["staged beside daemons", "two hubs, outages"])
def test_a_seed_is_one_history(name: str) -> None:
    first, again = (Fleet(CELLS[name], 17, keep_trace=True) for _ in range(2))
    assert first.run() == again.run()
    assert first.scheduler.lines == again.scheduler.lines
