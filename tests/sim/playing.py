"""All histories of a cell, played one after the other and held together to what the cell allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from tests.sim.bounds import complaints, line
from tests.sim.cells import Cell
from tests.sim.conftest import PROPERTY
from tests.sim.oracle import Tally

Recording = Callable[[str, object], None]
"""What pytest's `record_property` gives: a line of the table at the end of the run."""


class History(Protocol):
    """Something that is played to its end, once."""

    def run(self) -> Tally: ...


H = TypeVar("H", bound=History)


def is_nothing(history: History) -> int:
    return 0


def hold(
    cell: Cell,
    seeds: Iterable[int],
    begin: Callable[[Cell, int], H],
    record_property: Recording,
    *,
    count: Callable[[H], int] = is_nothing,
) -> int:
    """Play a history for each seed, and complain of them together; the sum of what is counted in each."""
    total, guilty, counted = Tally(), [], 0
    for seed in seeds:
        history = begin(cell, seed)
        tally = history.run()
        total += tally
        counted += count(history)
        if tally.lost or tally.back or complaints(cell, tally):
            guilty.append(seed)
    record_property(PROPERTY, line(cell, total))
    assert not complaints(cell, total), f"{complaints(cell, total)}; seeds to look at: {guilty}"
    return counted
