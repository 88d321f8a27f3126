"""Starting the processes of `at_work`, and what they say at their end.

Rule 1: every process has an end: one that takes longer than its limit is killed, and that is said.
Rule 2: limits are for a machine that does nothing else; on a busy one they are stretched, but not for ever.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

from benchmarks.results import Figure

ROOT = Path(__file__).parents[1]
MOST_STRETCH = 4.0


class GivenUp(Exception):
    """Something could not be measured; the message says what and why."""


@dataclass
class Samples:
    """What several processes said of the same work."""

    stages: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    peaks: dict[str, list[float]] = field(default_factory=dict)

    def add(self, said: str) -> None:
        """The last line of one process."""
        told = json.loads(said)
        for stage, samples in told["stages"].items():
            kept = self.stages.setdefault(stage, {"ms": [], "cpu_ms": []})
            for what, values in samples.items():
                kept[what] += values
        for stage, mib in told["peaks"].items():
            self.peaks.setdefault(stage, []).append(mib)

    def figure(self, stage: str, name: str) -> Figure:
        """A stage as a figure of a table."""
        found = self.stages[stage]
        return Figure(name, tuple(found["ms"]), "ms", tuple(found["cpu_ms"]))

    def peak(self, stage: str, name: str) -> Figure:
        """The memory up to the end of a stage, as a figure."""
        return Figure(name, tuple(self.peaks[stage]), "MiB")


def at_work(*words: str | Path, limit_s: float, env: Mapping[str, str] | None = None) -> str:
    """One process to its end; the last line it said.

    Raises:
        GivenUp: it failed, or took longer than `limit_s`.
    """
    argv, around = _argv(*words), _around(env)
    what = " ".join(str(word) for word in words[:2])
    child = subprocess.Popen(
        argv, cwd=ROOT, env=around, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    patience_s = stretched(limit_s)
    try:
        out, err = child.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise GivenUp(f"{what}: given up after {patience_s:.0f} s") from None
    if child.returncode:
        raise GivenUp(f"{what} failed: {_last(err)}")
    return _last(out)


@contextmanager
def conversation(*words: str, limit_s: float, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is spoken to line by line; whatever happens, it ends."""
    child = subprocess.Popen(
        _argv(*words),
        cwd=ROOT,
        env=_around(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    overdue = Timer(stretched(limit_s), child.kill)
    overdue.start()
    try:
        yield child
    finally:
        overdue.cancel()
        child.kill()
        child.wait()


def stretched(limit_s: float) -> float:
    """A limit on this machine as busy as it is."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return limit_s * min(max(1.0, load), MOST_STRETCH)


def heard(child: subprocess.Popen[str]) -> str:
    """The next line of a conversation.

    Raises:
        GivenUp: it has ended.
    """
    assert child.stdout is not None
    said = child.stdout.readline().strip()
    if not said:
        raise GivenUp(f"it ended too early: {_last_of(child)}")
    return said


def told(child: subprocess.Popen[str]) -> None:
    """Say one line."""
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def hung_up(child: subprocess.Popen[str]) -> None:
    """Nothing more will be said."""
    assert child.stdin is not None
    child.stdin.close()


def _argv(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.at_work", repr(time.monotonic()), *map(str, words)]


def _around(env: Mapping[str, str] | None) -> dict[str, str]:
    around = {**(env if env is not None else os.environ), "PYTHONPATH": str(ROOT)}
    around.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program was compiled by its installer
    return around


def _last(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _last_of(child: subprocess.Popen[str]) -> str:
    child.kill()
    _, err = child.communicate()
    return err.strip().splitlines()[-1] if err.strip() else "it was killed, or said nothing"
