"""A burst of writes by a server: whether all of it arrives, and in how many rounds and commits."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.daemons import Ours, ours
from benchmarks.pairs import PATIENCE_S, arrivals, memory_of, noted
from tests.daemon.machines import commits

WRITES = 300
WITHIN_S = 10.0


def burst(folder: Path, *, entities: int) -> str:
    """Run one on the default settings; what came of it, for people."""
    with (
        ours(
            folder,
            "burst",
            memory_of(entities),
        ) as own,
        arrivals(own.pair.b) as arriving,
    ):
        time.sleep(2.0)  # whatever the beginning had to do is done
        before = commits(own.hub)
        began_s = time.monotonic()
        took_s = _written(own)
        wanted = [f'"Burst {at}."'.encode() for at in range(WRITES)]
        seen_s = arriving.wait(*wanted, within_s=2 * PATIENCE_S)
        time.sleep(2.0)  # the last round ends after its linger
        a, b = own.a.rounds(began_s), own.b.rounds(began_s)
        active = own.a.rounds(began_s, how="RoundEnded active")
        captures = own.a.rounds(began_s, how="Captured")
        return (
            f"\n{WRITES} writes in {took_s:.1f} s to a memory of {entities} entities: all on B "
            f"{seen_s - began_s - took_s:.1f} s after the last\n"
            f"{commits(own.hub) - before} commits on main; on A {captures} captures, {a} rounds, {active} of "
            f"them with news; on B {b} rounds"
        )


def _written(own: Ours) -> float:
    """Write at an even pace; how long it took."""
    began_s = time.monotonic()
    for at in range(WRITES):
        time.sleep(max(0.0, began_s + at * WITHIN_S / WRITES - time.monotonic()))
        noted(own.pair.a, f"Burst {at}.")
    return time.monotonic() - began_s
