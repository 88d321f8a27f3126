"""Whole commands timed in turn: A B A B …, so that a machine whose speed drifts drifts for both."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of one contestant, run by run."""

    name: str
    ms: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.ms)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.ms, n=20, method="inclusive")[-1]


def in_turn(contestants: Mapping[str, Step], *, runs: int, prepare: Step | None = None) -> list[Timed]:
    """Time every contestant `runs` times after one uncounted turn; `prepare` runs before each."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for run in range(runs + 1):
        for name, step in contestants.items():
            if prepare is not None:
                prepare()
            began = time.perf_counter()
            step()
            if run:
                found[name].append((time.perf_counter() - began) * 1000)
    return [Timed(name, ms) for name, ms in found.items()]


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
