"""From a server's write on one machine to the memory file of another, both daemons at work, by transport.

    python -m benchmarks.distances [--notes 9] [--entities 1000] [--json FILE]

As `benchmarks.propagation`, over ssh and http as well, at once and 50 ms away. A hub that is no folder tells
nobody that it has moved, so the other daemon asks now and then. That wait is by intention, as the debounce,
and is left out: what counts is A's part, from the write to the end of its publish, and B's, from the start
of the fetch that brings it to its file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.daemons import DEFAULTS, Moment, Ours, ours
from benchmarks.machine import machine_line
from benchmarks.pairs import PATIENCE_S, Arrivals, Lost, arrivals, memory_of, noted
from benchmarks.timing import Timed, table
from benchmarks.transports import Floor, Way, served, ways

SETTINGS = replace(DEFAULTS, debounce_s=0.1, poll_s=(1.0, 60.0))
REST_S = 1.0
"""Between two notes: the round of the one before is over, its linger included."""


def net_ms(pair: Ours, began_s: float, seen_s: float) -> float | None:
    """What a note took without its waits; None where its way cannot be told."""
    published_s = first(pair.a.moments(began_s), "publish ends")
    asked_s = last_before(pair.b.moments(began_s), "fetch begins", seen_s)
    if published_s is None or asked_s is None:
        return None
    waits_s = pair.pair.debounce_s
    return (published_s - began_s - waits_s + seen_s - asked_s) * 1000


def first(moments: Sequence[Moment], words: str) -> float | None:
    return next((each.at_s for each in moments if each.words == words), None)


def last_before(moments: Sequence[Moment], words: str, before_s: float) -> float | None:
    """The fetch that brought it is the last one that began before it was seen."""
    return max((each.at_s for each in moments if each.words == words and each.at_s < before_s), default=None)


def measured(folder: Path, way: Way, memory: bytes, notes: int) -> tuple[Timed, Timed]:
    """Our daemons and the bare commands in turn, over one way; the first note of each is a warm-up."""
    floor = Floor(folder / "floor", way, memory)
    bare, net = Timed(f"bare git, {way.name}", []), Timed(f"memsync-git, {way.name}", [])
    with ExitStack() as stack:
        pair = stack.enter_context(ours(folder / "ours", way.name, memory, SETTINGS, url=way.url))
        arriving = stack.enter_context(arrivals(pair.pair.b))
        for turn in range(notes + 1):
            began_s = time.monotonic()
            floor.propagate()
            bare.ms.append((time.monotonic() - began_s) * 1000)
            found = _noted(pair, arriving, turn)
            if found is not None:
                net.ms.append(found)
            time.sleep(REST_S)
    del bare.ms[:1], net.ms[:1]
    return bare, net


def _noted(pair: Ours, arriving: Arrivals, turn: int) -> float | None:
    name = f"Note {turn}."
    began_s = noted(pair.pair.a, name)
    try:
        seen_s = arriving.wait(name.encode())
    except Lost:
        print(f"{pair.pair.name}: a note did not arrive within {PATIENCE_S:.0f} s", flush=True)
        return None
    return net_ms(pair, began_s, seen_s)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distances", description=__doc__)
    parser.add_argument("--notes", type=int, default=9)
    parser.add_argument("--entities", type=int, default=1000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    wish = parser.parse_args()
    print(f"{machine_line()}; {wish.entities} entities", flush=True)
    memory, found = memory_of(wish.entities), dict[str, list[float]]()
    with tempfile.TemporaryDirectory(prefix="memsync-git-far-") as name:
        hubs = Path(name) / "hubs"
        with ways(hubs) as every:
            for at, way_to in enumerate(every):
                way = way_to(served(hubs / f"hub{at}.git"))
                rows = measured(Path(name) / f"way{at}", way, memory, wish.notes)
                found |= {row.name: row.ms for row in rows}
                print(
                    table(f"A → hub → B, both daemons, {way.name}", list(rows), floor=rows[0].name),
                    flush=True,
                )
    if wish.json is not None:
        wish.json.write_text(json.dumps({"machine": machine_line(), "ms": found}))


if __name__ == "__main__":
    main()
