"""Replay one history: `python -m tests.sim --cell "kill and power" --seed 12 [--trace]`."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from tests.sim.cells import CELLS
from tests.sim.fleet import Fleet
from tests.sim.test_parts import CELLS as PARTS

EVERY = CELLS | PARTS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--cell", choices=list(EVERY), required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--trace", action="store_true", help="every step, with its simulated time")
    wish = parser.parse_args()
    fleet = Fleet(EVERY[wish.cell], wish.seed, keep_trace=True)
    tally = fleet.run()
    lines = fleet.scheduler.lines or []
    for line in lines if wish.trace else [line for line in lines if "oracle" in line]:
        print(line)
    print({name: value for name, value in asdict(tally).items() if value})


if __name__ == "__main__":
    main()
