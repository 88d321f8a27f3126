"""The machine a figure was measured on, and what a process of it uses."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


def machine_line() -> str:
    """What figures depend on, for above a table."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {load}, "
        f"Python {platform.python_version()}, git {git}"
    )


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
