"""Several stores in one repository under faults, each held to its own exact answer.

MEMSYNC_SIM_RUNS=20000 python3 setup_machine.py --run-tests tests/sim/test_stores.py
"""

from __future__ import annotations

import pytest

from memsync_git.crdt.fragment import Fragment
from memsync_git.remotes.loopback import HostCommit
from tests.sim.playing import Recording, hold
from tests.sim.stores import STORES, STORES_CELLS, FleetsOfStores
from tests.sim.test_fleet import FIRST_SEED, one_in

SHARE = 500
"""One in so many of all histories, in each of the cells: each costs twice another one."""


@pytest.mark.parametrize("name", STORES_CELLS)
def test_what_is_noted_in_one_store_is_kept_there_and_shows_in_no_other(
    name: str, record_property: Recording
) -> None:
    def stores_of(history: FleetsOfStores) -> int:
        stores = {store for hub in history.hubs.values() for store in hub.main.folders}
        assert stores == set(STORES)
        return len(stores)

    assert hold(STORES_CELLS[name], one_in(SHARE), FleetsOfStores, record_property, count=stores_of) > 0


def test_a_seed_is_one_history() -> None:
    cell = STORES_CELLS["stores, everything"]
    first, again = (FleetsOfStores(cell, 17, keep_trace=True) for _ in range(2))
    assert first.run() == again.run()
    assert first.scheduler.lines == again.scheduler.lines


def test_it_is_noticed_when_a_hub_shows_a_store_what_another_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def newest_of_any(self: HostCommit, store: str) -> Fragment | None:
        return self.fragment

    monkeypatch.setattr(HostCommit, "of", newest_of_any)
    cell = STORES_CELLS["stores, calm, one writer"]
    assert FleetsOfStores(cell, FIRST_SEED).run().strange
