"""Undo and restore in whole fleets under faults, held to the ledger's exact answer (law L9).

MEMSYNC_SIM_RUNS=20000 python3 setup_machine.py --run-tests tests/sim/test_people.py
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sim.bounds import complaints, line
from tests.sim.conftest import PROPERTY
from tests.sim.oracle import Tally
from tests.sim.people import PEOPLE_CELLS, FleetWithPeople
from tests.sim.test_fleet import FIRST_SEED, RUNS

SHARE = 160
"""One in so many of all histories, in each of the cells."""


@pytest.mark.parametrize("name", PEOPLE_CELLS)
def test_what_people_take_back_is_taken_back_and_nothing_else(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    cell, total, acts = PEOPLE_CELLS[name], Tally(), 0
    guilty = []
    for seed in range(FIRST_SEED, FIRST_SEED + -(-RUNS // SHARE)):
        fleet = FleetWithPeople(cell, seed)
        tally = fleet.run()
        total += tally
        acts += fleet.acts
        if tally.lost or tally.back or complaints(cell, tally):
            guilty.append(seed)
    record_property(PROPERTY, line(cell, total))
    assert acts > 0, "nobody did anything"
    assert not complaints(cell, total), f"{complaints(cell, total)}; seeds {guilty}"
