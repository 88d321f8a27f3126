"""What a daemon costs while nothing happens, and whether it leaves anything behind while much does.

    python -m benchmarks.soak [--idle-s N] [--rounds N] [--entities N] [--json FILE]

Idle: some notes, then none; processor time over wall time, and memory at the end.
Rounds: one after the other on settings without waits; descriptors, children, threads and memory
before and after. What the git commands of a round took is told apart from what the daemon took.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks import names
from benchmarks.daemons import DEFAULTS, TracedHome, ours
from benchmarks.machine import Usage, machine_line, usage
from benchmarks.pairs import memory_of, noted, rows_of, saved
from benchmarks.results import Figure, Report, Table, dumped
from memsync_git.config.settings import SyncSettings
from tests.daemon.machines import until

TINY = SyncSettings(debounce_s=0.01, max_delay_s=0.1, poll_s=(5.0, 5.0))
NOTES_BEFORE = 20
SETTLE_S = 5.0
WARM_ROUNDS = 50
"""Until every branch of a round has been taken once and the allocator has what it needs."""
LONGEST_S = 1200.0
GOAL_CPU, GOAL_RSS_MIB = 0.002, 45.0
SIDES = ("writer", "reader")


def idle(folder: Path, *, entities: int, idle_s: float) -> list[tuple[Usage, Usage]]:
    """Daemons on their defaults: busy for a while, then left alone; what each used before and after."""
    with ours(folder, "idle", memory_of(entities), DEFAULTS) as own:
        for at in range(NOTES_BEFORE):
            noted(own.pair.a, f"Before {at}.")
            time.sleep(0.2)
        until(lambda: f'"Before {NOTES_BEFORE - 1}."'.encode() in own.pair.b.read_bytes())
        time.sleep(SETTLE_S)
        before = [usage(home.pid) for home in (own.a, own.b)]
        time.sleep(idle_s)
        after = [usage(home.pid) for home in (own.a, own.b)]
    return list(zip(before, after, strict=True))


def idle_text(found: Sequence[tuple[Usage, Usage]], title: str) -> str:
    """What idle daemons used, for a terminal."""
    head = [
        f"\n{title}; {machine_line()}",
        f"{'':10} {'CPU':>8} {'git':>8} {'RSS MiB':>8} {'threads':>8} {'descriptors':>12}",
    ]
    rows = [_idle_row(side, *pair) for side, pair in zip(SIDES, found, strict=True)]
    return "\n".join([*head, *rows, f"{'goal':10} {GOAL_CPU:8.2%} {'':8} {GOAL_RSS_MIB:8.1f}"])


def _idle_row(side: str, before: Usage, after: Usage) -> str:
    own, git = (share_of(before, after, what) for what in ("cpu_s", "children_s"))
    return f"{side:10} {own:8.2%} {git:8.2%} {after.rss_mib:8.1f} {after.threads:8} {after.descriptors:12}"


def share_of(before: Usage, after: Usage, what: str) -> float:
    """Processor time of a kind over wall time."""
    spent: float = getattr(after, what) - getattr(before, what)
    return spent / (after.at_s - before.at_s)


def idle_table(found: Sequence[tuple[Usage, Usage]], title: str, entities: int) -> Table:
    """The same as a table: each daemon, and the worse of both, which goals are held against."""
    shares = [100 * share_of(*pair, "cpu_s") for pair in found]
    memories = [after.rss_mib for _, after in found]
    figures = [
        *(Figure(f"{side}, processor", (share,), "%") for side, share in zip(SIDES, shares, strict=True)),
        Figure(names.IDLE_CPU, (max(shares),), "%"),
        *(Figure(f"{side}, memory", (mib,), "MiB") for side, mib in zip(SIDES, memories, strict=True)),
        Figure(names.IDLE_MEMORY, (max(memories),), "MiB"),
    ]
    return Table("idle", title, entities, tuple(figures), machine=machine_line())


def rounds(folder: Path, *, entities: int, many: int) -> str:
    """Rounds one after the other, each of which changes the same observation, so that nothing grows."""
    with ours(folder, "rounds", memory_of(entities), TINY) as own:
        _run(own.a, WARM_ROUNDS)
        time.sleep(SETTLE_S)
        before = [usage(home.pid) for home in (own.a, own.b)]
        began_s, done = time.monotonic(), (own.a.rounds(), own.b.rounds())
        _run(own.a, many, since=WARM_ROUNDS)
        took_s = time.monotonic() - began_s
        time.sleep(SETTLE_S)
        after = [usage(home.pid) for home in (own.a, own.b)]
        done = (own.a.rounds() - done[0], own.b.rounds() - done[1])
    head = [
        f"\n{done[0]} rounds of the writer and {done[1]} of the reader in {took_s:.0f} s; {machine_line()}",
        f"{'':10} {'descriptors':>14} {'children':>14} {'threads':>14} {'RSS MiB':>14}",
    ]
    rows = [_growth_row(side, *pair) for side, *pair in zip(SIDES, before, after, strict=True)]
    return "\n".join([*head, *rows])


def _growth_row(side: str, before: Usage, after: Usage) -> str:
    cells = [
        f"{was:g} → {now:g}"
        for was, now in (
            (before.descriptors, after.descriptors),
            (before.children, after.children),
            (before.threads, after.threads),
            (round(before.rss_mib, 1), round(after.rss_mib, 1)),
        )
    ]
    return f"{side:10} " + " ".join(f"{cell:>14}" for cell in cells)


def _run(home: TracedHome, many: int, *, since: int = 0) -> None:
    """Have a daemon run so many rounds with news. `since`: how many changes were made before."""
    end_s = time.monotonic() + LONGEST_S
    for at in range(since, since + many):
        *others, last = rows_of(home.file)
        began_s = saved(home.file, [*others, {**last, "observations": [f"change {at}"]}])
        until(partial(home.rounds, began_s, how="RoundEnded active"), f"no round {at}", within_s=30)
        if time.monotonic() > end_s:
            print(f"ended after {at} rounds: {LONGEST_S:.0f} s are over", flush=True)
            return


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--idle-s", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--entities", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="a file for what the idle daemons used")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if wish.idle_s > 0:
            found = idle(Path(folder) / "idle", entities=wish.entities, idle_s=wish.idle_s)
            title = f"idle for {wish.idle_s:.0f} s after {NOTES_BEFORE} notes"
            print(idle_text(found, title), flush=True)
            if wish.json:
                wish.json.write_text(dumped(Report({}, (idle_table(found, title, wish.entities),))), "utf-8")
        if wish.rounds > 0:
            print(rounds(Path(folder) / "rounds", entities=wish.entities, many=wish.rounds), flush=True)


if __name__ == "__main__":
    main()
