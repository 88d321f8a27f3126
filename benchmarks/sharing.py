"""The same work where a machine shares everything, and where its rules leave one name in a hundred out.

Rule 1: both are machines of one fleet with the same memory, and they take turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import names
from benchmarks.beside import kept, noting
from benchmarks.grounds import Fleet
from benchmarks.measured import Samples
from benchmarks.results import Table
from benchmarks.timing import command, in_turn
from benchmarks.wishes import Wish, figures, tables

ALL, SOME = 0, 1
"""The home that shares everything, and the one that does not."""


def rules(wish: Wish) -> Iterator[Table]:
    """One new entity, and nothing to do, with and without names left out."""
    with _leaving_out(wish.ground.fleet, "Entity *99") as fleet:
        quiet = {
            names.SYNC: command(*fleet.words("sync"), env=fleet.at(ALL)),
            names.SYNC_LEFT_OUT: command(*fleet.words("sync"), env=fleet.at(SOME)),
        }
        rows = in_turn(quiet, runs=wish.runs)
        yield Table("rules", "nothing to do, names left out", wish.entities, figures(rows), names.SYNC)
        warm, cold = ({home: Samples() for home in (ALL, SOME)} for _ in range(2))
        for turn in range(wish.starts):
            for home in (ALL, SOME):
                warm[home].add(noting(fleet, home))
                cold[home].add(kept(fleet, home, f"Kept {home} {turn}"))
    found = [
        warm[ALL].figure("warm", names.WARM),
        warm[SOME].figure("warm", names.WARM_LEFT_OUT),
        cold[ALL].figure("command", names.COLD),
        cold[SOME].figure("command", names.COLD_LEFT_OUT),
    ]
    yield from tables("rules", "one new entity, names left out", wish, found, names.WARM)


@contextmanager
def _leaving_out(fleet: Fleet, glob: str) -> Iterator[Fleet]:
    """A fleet whose second machine leaves something out, and has come to rest; afterwards it shares all."""
    for home in (ALL, SOME):
        fleet.run(home, "sync")
    fleet.run(SOME, "config", "set", "stores.default.exclude", glob)
    for _ in range(2):
        fleet.run(SOME, "sync")
    try:
        yield fleet
    finally:
        fleet.run(SOME, "config", "set", "stores.default.exclude", "")
        fleet.run(SOME, "sync")
