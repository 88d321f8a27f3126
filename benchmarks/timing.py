"""Whole commands timed in turn: A B A B …, so that a machine whose speed drifts drifts for both."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of one contestant, run by run; cpu_ms: what processors worked for it and its children."""

    name: str
    ms: list[float]
    cpu_ms: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.ms)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.ms, n=20, method="inclusive")[-1]


def in_turn(contestants: Mapping[str, Step], *, runs: int, prepare: Step | None = None) -> list[Timed]:
    """Time every contestant `runs` times after one uncounted turn; `prepare` runs before each."""
    found = {name: Timed(name, []) for name in contestants}
    for run in range(runs + 1):
        for name, step in contestants.items():
            if prepare is not None:
                prepare()
            began_s, worked_s = time.perf_counter(), cpu_s()
            step()
            if run:
                found[name].ms.append((time.perf_counter() - began_s) * 1000)
                found[name].cpu_ms.append((cpu_s() - worked_s) * 1000)
    return list(found.values())


def cpu_s() -> float:
    """Processor time of this process and of the children that have ended, in seconds."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in both)


def command(*argv: str | Path, env: Mapping[str, str], cwd: Path | None = None) -> Step:
    """A command as a step; a failing one ends the benchmark."""
    words = [str(word) for word in argv]

    def run() -> None:
        subprocess.run(words, env=dict(env), cwd=cwd, check=True, capture_output=True)

    return run


def table(title: str, rows: list[Timed], *, floor: str) -> str:
    """A table with the ratio to the floor."""
    base = next(row.median for row in rows if row.name == floor)
    lines = [f"\n{title}", f"{'':44} {'median ms':>10} {'min':>8} {'p95':>8} {'max':>8} {'ratio':>7}"]
    lines += [
        f"{row.name:44} {row.median:10.1f} {min(row.ms):8.1f} {row.p95:8.1f} {max(row.ms):8.1f}"
        f" {row.median / base:7.2f}"
        for row in rows
    ]
    return "\n".join(lines)


def python() -> str:
    return sys.executable
