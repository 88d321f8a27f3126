"""Rules that change in whole fleets under faults, held to the ledger's exact answer.

MEMSYNC_SIM_RUNS=20000 python3 setup_machine.py --run-tests tests/sim/test_filters.py
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memsync_git.replica import Replica
from memsync_git.sync import session
from tests.sim.filters import FILTER_CELLS, FleetWithRules
from tests.sim.playing import Recording, hold
from tests.sim.test_fleet import one_in

SHARE = 320
"""One in so many of all histories, in each of the cells."""


@pytest.mark.parametrize("name", FILTER_CELLS)
def test_what_is_left_out_is_neither_published_nor_deleted_and_comes_back_whole(
    name: str, record_property: Recording
) -> None:
    changes = hold(
        FILTER_CELLS[name], one_in(SHARE), FleetWithRules, record_property, count=lambda fleet: fleet.changes
    )
    assert changes > 0, "nobody changed a rule"


# --- the simulation notices when a rule is taken out


def nothing_is_left_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Replica, "shared", lambda _, variant, *__: variant)


def the_same_bytes_are_not_looked_at_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(session.Session, "mark_of", lambda *_: "")


@pytest.mark.parametrize(
    ("mutate", "fault"), [(nothing_is_left_out, "lies"), (the_same_bytes_are_not_looked_at_again, "lost")]
)
def test_it_is_noticed_when(
    mutate: Callable[[pytest.MonkeyPatch], None], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch)
    cell = FILTER_CELLS["filters, calm, one writer"]
    assert sum(getattr(FleetWithRules(cell, seed).run(), fault) for seed in (1, 2, 6)) > 0
