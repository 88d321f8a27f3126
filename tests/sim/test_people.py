"""Undo and restore in whole fleets under faults, held to the ledger's exact answer (law L9).

MEMSYNC_SIM_RUNS=20000 python3 setup_machine.py --run-tests tests/sim/test_people.py
"""

from __future__ import annotations

import pytest

from tests.sim.people import PEOPLE_CELLS, FleetWithPeople
from tests.sim.playing import Recording, hold
from tests.sim.test_fleet import one_in

SHARE = 160
"""One in so many of all histories, in each of the cells."""


@pytest.mark.parametrize("name", PEOPLE_CELLS)
def test_what_people_take_back_is_taken_back_and_nothing_else(name: str, record_property: Recording) -> None:
    acts = hold(
        PEOPLE_CELLS[name], one_in(SHARE), FleetWithPeople, record_property, count=lambda fleet: fleet.acts
    )
    assert acts > 0, "nobody did anything"
