"""Several stores in one repository: the machines of a fleet share a file each, twice over, through one hub.

    m0  default ─┐         ┌─ default  m1
    m0  office  ─┴── hub ──┴─ office   m1      one ref a machine, one main

Rule 1: a store of a machine runs in a process of its own, with no lock between them, which is harder than
what a daemon does. It has the id, the clock and the hubs of its machine, and faults of its own.
Rule 2: each store has its own ledger: what the other one noted is something nobody wrote (`strange`).
Rule 3: the same names are used in both; only the sentences tell whose they are.
"""

from __future__ import annotations

from dataclasses import replace

from memsync_git.wire.rid import DEFAULT_STORE
from tests.sim.cells import CELLS, Cell
from tests.sim.fleet import Fleet, World
from tests.sim.oracle import Tally

STORES = (DEFAULT_STORE, "office")


class FleetsOfStores:
    """One history of several stores; a fleet for each."""

    def __init__(self, cell: Cell, seed: int, *, keep_trace: bool = False) -> None:
        self.cell = cell
        world = World(cell, keep_trace=keep_trace)
        self.scheduler, self.hubs = world.scheduler, world.hubs
        self.fleets = [Fleet(cell, seed, store=store, world=world) for store in STORES]

    def run(self) -> Tally:
        """The whole history; what is counted is the sum over the stores."""
        for fleet in self.fleets:
            fleet.begin()
        self.scheduler.run(self.scheduler.now_us + self.cell.length_us)
        for fleet in self.fleets:
            fleet.stop()
        for fleet in self.fleets:
            fleet.settle()
        total = Tally()
        for fleet in self.fleets:
            fleet.tally.noisy |= int(fleet.sweep())
            total += fleet.verdict()
        return total


STORES_CELLS = {
    f"stores, {name}": replace(CELLS[name], name=f"stores, {name}", machines=(2, 3), weight=1)
    for name in ("calm, one writer", "hub and clocks", "kill and power", "everything")
}
"""The same trouble with two stores, held to the same bounds."""
