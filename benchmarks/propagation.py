"""From a server's write on one machine to the memory file of another, both daemons at work.

    python -m benchmarks.propagation [--notes N] [--entities N] [--no-rivals] [--no-burst]

Beside it, in the same run: the bare git commands on a hub of the same kind with the same bytes, which is
what it costs without us, and the programs of `rivals.py`. All take turns, note by note, so that a machine
that is busy is so for all. The debounce is a wait by intention and is taken off where that is said.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.bursts import burst
from benchmarks.daemons import DEFAULTS, Moment, Ours, ours
from benchmarks.floors import Imported
from benchmarks.machine import machine_line
from benchmarks.pairs import PATIENCE_S, Arrivals, Lost, Pair, arrivals, memory_of, noted
from benchmarks.rivals import missing, rivals
from benchmarks.timing import Timed, table
from benchmarks.transports import Floor, Way
from tests.cli.machines import new_hub

QUICK = replace(DEFAULTS, debounce_s=0.1)
REST_S = (0.8, 1.8)
"""Between two notes, so that whoever polls every second is met at every phase."""

STAGES = (
    ("event", "a", "FileChanged"),
    ("captured", "a", "Captured news"),
    ("debounced", "a", "Sync local"),
    ("publish begins", "a", "publish begins"),
    ("hub moves", "b", "HubChanged"),
    ("B's round begins", "b", "Sync poll"),
    ("B fetches", "b", "fetch begins"),
    ("B has fetched", "b", "fetch ends"),
    ("B swaps the file", "b", "exchange begins"),
)


@dataclass
class Lane:
    """One pair with what was measured on it."""

    pair: Pair
    arrivals: Arrivals
    ms: list[float] = field(default_factory=list)
    lost: int = 0

    def note(self, name: str) -> tuple[float, float] | None:
        """Note something on A; when that was, and when it was seen on B."""
        began_s = noted(self.pair.a, name)
        try:
            seen_s = self.arrivals.wait(name.encode())
        except Lost:
            self.lost += 1
            return None
        self.ms.append((seen_s - began_s) * 1000)
        return began_s, seen_s


@dataclass
class Stages:
    """Where the time of our notes went: milliseconds from stage to stage."""

    of: Ours
    spans: dict[str, list[float]] = field(default_factory=dict)

    def add(self, began_s: float, seen_s: float) -> None:
        done = {"a": self.of.a.moments(began_s), "b": self.of.b.moments(began_s)}
        last_s = began_s
        for stage, side, words in STAGES:
            at_s = first(done[side], words, last_s)
            if at_s is None:
                return
            self.spans.setdefault(stage, []).append((at_s - last_s) * 1000)
            last_s = at_s
        self.spans.setdefault("seen", []).append((seen_s - last_s) * 1000)

    def table(self) -> str:
        rows = [f"{stage:44} {statistics.median(ms):10.1f}" for stage, ms in self.spans.items()]
        return "\n".join(
            [f"\nwhere the time goes, {self.of.pair.name}", f"{'until':44} {'median ms':>10}", *rows]
        )


def first(moments: Sequence[Moment], words: str, since_s: float) -> float | None:
    """When something was done for the first time since a moment."""
    return next((each.at_s for each in moments if each.words == words and each.at_s >= since_s), None)


def measure(folder: Path, *, notes: int, entities: int, with_rivals: bool) -> None:
    """Note by note on every pair in turn, and print the tables."""
    memory = memory_of(entities)
    with ExitStack() as stack:
        own = [
            stack.enter_context(ours(folder / name.replace(" ", "-"), name, memory, sync))
            for name, sync in (("memsync-git, defaults", DEFAULTS), ("memsync-git, 0.1 s", QUICK))
        ]
        others = [
            stack.enter_context(of(folder / program, memory))
            for program, of in (rivals() if with_rivals else {}).items()
            if not _told(missing(program))
        ]
        lanes = [
            Lane(pair, stack.enter_context(arrivals(pair.b)))
            for pair in (*(each.pair for each in own), *others)
        ]
        floors = _floors(folder, memory)
        stages = [Stages(each) for each in own]
        for lane in lanes:
            lane.arrivals.wait(f'"Entity {entities - 1}"'.encode(), within_s=2 * PATIENCE_S)
        found = _measured(lanes, floors, stages, notes)
    _print(lanes, found, stages, notes, entities)


def _measured(
    lanes: Sequence[Lane], floors: dict[str, Callable[[], None]], stages: Sequence[Stages], notes: int
) -> list[Timed]:
    found = {name: Timed(name, []) for name in floors}
    for turn in range(notes + 1):
        for name, step in floors.items():
            began_s = time.monotonic()
            step()
            found[name].ms.append((time.monotonic() - began_s) * 1000)
        for at, lane in enumerate(lanes):
            time.sleep(random.uniform(*REST_S))
            seen = lane.note(f"Note {turn}.")
            if at < len(stages) and seen is not None:
                stages[at].add(*seen)
    for each in (*found.values(), *lanes):
        del each.ms[:1]  # everybody's first is a warm-up
    return list(found.values())


def _floors(folder: Path, memory: bytes) -> dict[str, Callable[[], None]]:
    plain = Floor(folder / "floor", Way("file", str(new_hub(folder / "floor-hub.git"))), memory)
    quick = Imported(folder / "import", str(new_hub(folder / "import-hub.git")), memory)
    return {"bare git, fast-import": quick.propagate, "bare git, one command an object": plain.propagate}


def _told(missing_words: str) -> bool:
    if missing_words:
        print(missing_words, flush=True)
    return bool(missing_words)


def _print(
    lanes: Sequence[Lane], floors: list[Timed], stages: Sequence[Stages], notes: int, entities: int
) -> None:
    print(f"\n{entities} entities, {notes} notes, hub on this disk; {machine_line()}")
    raw = [Timed(lane.pair.name, lane.ms) for lane in lanes if len(lane.ms) > 1]
    net = [
        Timed(
            f"{lane.pair.name}, less its debounce", [each - lane.pair.debounce_s * 1000 for each in lane.ms]
        )
        for lane in lanes
        if lane.pair.debounce_s and len(lane.ms) > 1
    ]
    print(table("A → hub → B", floors + net, floor=min(floors, key=lambda each: each.median).name))
    print(table("the same, ours without its debounce taken off, and others", raw, floor=raw[0].name))
    for lane in lanes:
        if lane.lost:
            print(f"{lane.pair.name}: {lane.lost} notes did not arrive within {PATIENCE_S:.0f} s")
    for each in stages:
        print(each.table(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.propagation", description=__doc__)
    parser.add_argument("--notes", type=int, default=21)
    parser.add_argument("--entities", type=int, default=1000)
    parser.add_argument("--rivals", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--burst", action=argparse.BooleanOptionalAction, default=True)
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), notes=wish.notes, entities=wish.entities, with_rivals=wish.rivals)
        if wish.burst:
            print(burst(Path(folder) / "burst", entities=wish.entities), flush=True)


if __name__ == "__main__":
    main()
