"""Every measurement in turn: ours and the rivals' within one run.

    python -m benchmarks [PART …] [--entities N …] [--runs N] [--write FOLDER] [--json FILE]
    python -m benchmarks --from FILE [--write FOLDER]      draw the page again, measure nothing
    python -m benchmarks --list

Several sizes show what grows with the memory and what with the change. The libraries that ours is
measured beside, and matplotlib for the pictures: pip install -e '.[bench]'.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.goals import verdicts
from benchmarks.grounds import Ground
from benchmarks.machine import machine_line, versions
from benchmarks.modules import MODULES, measured_by
from benchmarks.pages import into, rendered, word_of
from benchmarks.parts import SIZED
from benchmarks.results import Report, Table, dumped, joined, loaded, text_of
from benchmarks.wishes import Troubles, Wish

SIZES = (1000, 10_000, 100_000)
RUNS = 9
PARTS = (*SIZED, *MODULES)
MINUTES, LONGEST_MINUTES = 15, 20
"""What a run with nothing said takes on two cores of its own, and when no further part is begun."""
PAGE, RESULTS = "README.md", "results.json"


def main() -> int:
    wish = _parser().parse_args()
    if wish.list:
        _list()
        return 0
    unknown = [part for part in wish.part if part not in PARTS]
    if unknown:
        sys.stderr.write(f"There is no part {', '.join(unknown)}. Hint: python -m benchmarks --list\n")
        return 2
    report = loaded(wish.read.read_text("utf-8")) if wish.read else _run(wish)
    if wish.json:
        wish.json.write_text(dumped(report), "utf-8")
    _print_goals(report)
    if wish.write:
        write(report, wish.write)
    return 1 if report.troubles else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="*", help="parts to measure; all usual ones if none is named")
    parser.add_argument("--entities", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument(
        "--minutes", type=float, default=LONGEST_MINUTES, help="begin no part later than that"
    )
    parser.add_argument("--write", type=Path, help="a folder for the page, its pictures and results.json")
    parser.add_argument("--json", type=Path, help="a file for the results alone")
    parser.add_argument("--from", dest="read", type=Path, help="results to draw again; nothing is measured")
    parser.add_argument("--list", action="store_true", help="name the parts")
    return parser


def _list() -> None:
    for name, part in SIZED.items():
        print(f"{name:12} at each size   {_first_line(part.__doc__)}")
    for name, module in MODULES.items():
        print(f"{name:12} {'only if named' if module.when_named else 'once':14} {module.words}")
    print(f"\nAll of it takes about {MINUTES} minutes on two cores with nothing else to do.")


def _usual() -> tuple[str, ...]:
    """The parts that are measured when none is named."""
    return tuple(part for part in PARTS if part not in MODULES or not MODULES[part].when_named)


def _first_line(words: str | None) -> str:
    return (words or "").strip().splitlines()[0]


# --- measuring


def _run(wish: argparse.Namespace) -> Report:
    chosen, troubles, began_s = wish.part or _usual(), Troubles(), time.monotonic()
    if not wish.part:
        print(f"All parts take about {MINUTES} minutes.", flush=True)
    tables: list[Table] = []
    try:
        for table in _tables(chosen, wish, Until(began_s + wish.minutes * 60, troubles)):
            tables.append(replace(table, machine=table.machine or machine_line()))
            print(text_of(table), flush=True)
    except KeyboardInterrupt:
        troubles.note("what came after this: the run was ended by hand")
    return Report(versions(), tuple(tables), tuple(troubles.said), time.monotonic() - began_s)


@dataclass(frozen=True, slots=True)
class Until:
    """When no further part is begun, by `time.monotonic`."""

    end_s: float
    troubles: Troubles

    def chosen(self, parts: Iterable[str], chosen: Sequence[str], size: str) -> Iterator[str]:
        """The chosen parts, as long as there is time."""
        for name in parts:
            if name in chosen and time.monotonic() < self.end_s:
                yield name
            elif name in chosen:
                self.troubles.note(f"{name}{size}: the time of this run was over. Hint: --minutes")


def _tables(chosen: Sequence[str], wish: argparse.Namespace, until: Until) -> Iterator[Table]:
    """Size by size, so that what is large is gone before the next is made."""
    for entities in wish.entities:
        with tempfile.TemporaryDirectory(prefix="memsync-bench-") as folder:
            of_size = Wish(Ground(Path(folder), entities), wish.runs, until.troubles)
            for name in until.chosen(SIZED, chosen, f" at {entities} entities"):
                with of_size.noted(name):
                    yield from SIZED[name](of_size)
    for name in until.chosen(MODULES, chosen, ""):
        with until.troubles.noted(name):
            yield from measured_by(name)


# --- telling


def _print_goals(report: Report) -> None:
    print("\ngoals")
    for each in verdicts(report):
        found = "" if each.found is None else f"{each.found:.3g}"
        print(f"{each.goal.words:50} {each.goal.size:7} ≤ {each.goal.limit:g} {found:>8} {word_of(each)}")


def write(report: Report, folder: Path) -> None:
    """The page, its pictures, and the results that both can be drawn from again.

    Parts that were not measured this time keep what was measured before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results, page = folder / RESULTS, folder / PAGE
    if results.exists():
        report = joined(loaded(results.read_text("utf-8")), report)
    results.write_text(dumped(report), "utf-8")
    before = page.read_text("utf-8") if page.exists() else "# Measurements\n"
    page.write_text(into(before, rendered(report, _pictures(report, folder))), "utf-8")
    print(f"\nwritten to {folder}")


def _pictures(report: Report, folder: Path) -> list[str]:
    """The pictures, or those that lie there where there is no matplotlib."""
    from benchmarks.plots import PICTURES, drawn

    try:
        return drawn(report, folder)
    except ImportError:
        print("NOT DRAWN  matplotlib is not here: pip install -e '.[bench]'")
        return [name for each in PICTURES if (folder / (name := f"{each.part}.png")).exists()]


if __name__ == "__main__":
    sys.exit(main())
