"""Parts that are modules of their own, with daemons and many machines: each is asked for its results as JSON.

Rule 1: a module that is not here, or answers otherwise than agreed, is a trouble and not an end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.measured import ROOT, GivenUp, stretched
from benchmarks.readings import tables_in
from benchmarks.results import Table


@dataclass(frozen=True, slots=True)
class Module:
    """A module with `--json FILE`. words: what it measures; when_named: never but when it is asked for.

    program: the module's name, where it is not the part's.
    """

    words: str
    options: tuple[str, ...] = ()
    limit_s: float = 150.0
    when_named: bool = False
    program: str = ""


MODULES: Mapping[str, Module] = {
    "distances": Module(
        "from a write on one machine to the file of another, daemons at work, by transport",
        ("--notes", "4"),
        limit_s=240.0,
    ),
    "contention": Module(
        "many machines publish at once",
        ("--machines", "4", "16", "64", "--runs", "2", "--script-up-to", "16"),
        limit_s=240.0,
    ),
    "growth": Module(
        "what 5 000 changes leave behind, and what they slow down", ("--commits", "5000"), limit_s=900.0
    ),
    "years": Module(
        "the same for 20 000 changes",
        ("--commits", "20000"),
        limit_s=1800.0,
        when_named=True,
        program="growth",
    ),
    "idle": Module(
        "what a daemon costs that has nothing to do, in ten minutes",
        ("--idle-s", "600", "--rounds", "0"),
        limit_s=780.0,
        when_named=True,
        program="soak",
    ),
}


def measured_by(name: str) -> Iterator[Table]:
    """What a module has measured.

    Raises:
        GivenUp: it is not here, failed, or took too long.
    """
    module = MODULES[name]
    program = module.program or name
    if find_spec(f"benchmarks.{program}") is None:
        raise GivenUp("this module is not here yet")
    with tempfile.TemporaryDirectory(prefix="memsync-bench-") as folder:
        results = Path(folder) / "results.json"
        argv = [sys.executable, "-m", f"benchmarks.{program}", "--json", str(results), *module.options]
        patience_s = stretched(module.limit_s)
        try:
            done = subprocess.run(argv, cwd=ROOT, capture_output=True, timeout=patience_s, check=False)
        except subprocess.TimeoutExpired:
            raise GivenUp(f"given up after {patience_s:.0f} s") from None
        if done.returncode or not results.exists():
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise GivenUp(f"it failed: {said[-1] if said else 'it wrote no results'}")
        yield from _tables(results.read_text("utf-8"), program)


def _tables(text: str, program: str) -> tuple[Table, ...]:
    try:
        return tables_in(json.loads(text), program)
    except (ValueError, TypeError, KeyError) as error:
        raise GivenUp(f"its results are read by nothing in benchmarks/readings.py: {error}") from error
