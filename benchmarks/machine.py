"""The machine a figure was measured on, and what a process of it uses."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.names import LIBRARIES
from memsync_git import __version__


def machine_line() -> str:
    """What figures depend on, for above a table."""
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    cores = f"{os.cpu_count()} cores ({_processor()}; {_loop_ms():.0f} ms for the loop)"
    return (
        f"{time.strftime('%Y-%m-%d')}, {cores}, load {load}, "
        f"Python {platform.python_version()}, git {_git_version()}"
    )


def versions() -> dict[str, str]:
    """What was measured, and what it was measured with; a rival that is not here is left out."""
    import sqlite3

    found = {
        "Python": platform.python_version(),
        "git": _git_version(),
        "SQLite": sqlite3.sqlite_version,
        "memsync-git": __version__,
    }
    for library in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[library] = metadata.version(library)
    return found


def _processor() -> str:
    """The name the kernel has for it, where it has one (proc(5), cpuinfo)."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _loop_ms() -> float:
    """What a million turns of a plain loop take here and now, the least of three.

    So figures of two machines, or of a quiet and a noisy hour of one, can be held against each other.
    """
    return min(_one_loop_ms() for _ in range(3))


def _one_loop_ms() -> float:
    begun = time.perf_counter()
    total = 0
    for turn in range(1_000_000):
        total += turn * turn
    return (time.perf_counter() - begun) * 1000


def _git_version() -> str:
    return subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process uses, by proc(5). children_s: the CPU time of children that have ended."""

    at_s: float
    cpu_s: float
    children_s: float
    rss_mib: float
    descriptors: int
    children: int
    threads: int


def usage(pid: int) -> Usage:
    """What a process of this machine uses now."""
    proc = Path(f"/proc/{pid}")
    ticks = proc.joinpath("stat").read_text().rpartition(")")[2].split()
    own, ended = (sum(map(int, ticks[at : at + 2])) / os.sysconf("SC_CLK_TCK") for at in (11, 13))
    said = dict(line.split(":\t", 1) for line in proc.joinpath("status").read_text().splitlines())
    tasks = list(proc.joinpath("task").iterdir())
    return Usage(
        at_s=time.monotonic(),
        cpu_s=own,
        children_s=ended,
        rss_mib=int(said["VmRSS"].split()[0]) / 1024,
        descriptors=len(list(proc.joinpath("fd").iterdir())),
        children=sum(len(task.joinpath("children").read_text().split()) for task in tasks),
        threads=len(tasks),
    )
