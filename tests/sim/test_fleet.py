"""The main test: whole fleets under faults, held to an exact answer (laws L4 to L6, L10, L11, L13).

MEMSYNC_SIM_RUNS=20000 python3 setup_machine.py --run-tests tests/sim/test_fleet.py
MEMSYNC_SIM_SEED=7 …                                   other histories
python -m tests.sim --cell "kill and power" --seed 12  one history, told step by step
"""

from __future__ import annotations

import os

import pytest

from tests.sim.cells import CELLS, Cell
from tests.sim.fleet import Fleet
from tests.sim.playing import Recording, hold

DEFAULT_RUNS = 2000
NIGHT_RUNS = 200_000
RUNS = int(
    os.environ.get(
        "MEMSYNC_SIM_RUNS",
        NIGHT_RUNS if os.environ.get("MEMSYNC_SIM_PROFILE") == "night" else DEFAULT_RUNS,
    )
)
FIRST_SEED = int(os.environ.get("MEMSYNC_SIM_SEED", "0")) * 1_000_000
ALL_WEIGHTS = sum(cell.weight for cell in CELLS.values())


def histories(cell: Cell) -> range:
    """The seeds of a cell: its share of all runs, rounded up."""
    return range(FIRST_SEED, FIRST_SEED + -(-RUNS * cell.weight // ALL_WEIGHTS))


def one_in(many: int) -> range:
    """The seeds of a cell that stands beside the table: one in so many of all runs, rounded up."""
    return range(FIRST_SEED, FIRST_SEED + -(-RUNS // many))


@pytest.mark.parametrize("name", CELLS)
def test_a_fleet_keeps_what_was_noted_and_forgets_what_was_forgotten(
    name: str, record_property: Recording
) -> None:
    hold(CELLS[name], histories(CELLS[name]), Fleet, record_property)


@pytest.mark.parametrize("name", CELLS)
def test_a_seed_is_one_history(name: str) -> None:
    first, again = (Fleet(CELLS[name], 17, keep_trace=True) for _ in range(2))
    assert first.run() == again.run()
    assert first.scheduler.lines == again.scheduler.lines
