"""Many machines that publish one change each at the same moment, over one hub on this disk.

    python -m benchmarks.contention [--machines 2 4 8 16 32 64] [--runs 3] [--script-up-to 32] [--json FILE]

Ours: rounds of sessions that live on, each in a process of its own, over real clones of a real hub; what is
not on main after a round is tried again within a second. Beside it, in the same run: a plain script that
fetches, commits on main and pushes until it is accepted, in threads of this process, which only wait for git.

durable: every change is accepted by the hub. on main: main carries every change.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median

from benchmarks.machine import machine_line
from memsync_git.model import Rid
from memsync_git.remotes.survey import create_hub
from tests.git.crowd import Machine, at_once, lost

FLEETS = (2, 4, 8, 16, 32, 64)
SCRIPT = "plain script on main"
COLUMNS = ("durable s", "on main s", "ratio", "ratio", "pushes", "lost")
HEADER = f"{'N':>4} {'':22} " + " ".join(f"{column:>9}" for column in COLUMNS)


@dataclass(frozen=True)
class Contest:
    """One moment of N machines: seconds until all were durable and all on main, and what it took."""

    how: str
    machines: int
    durable_s: float
    on_main_s: float
    pushes: int
    lost: int


FORK = multiprocessing.get_context("fork")
"""What was imported is not imported again in each process: the start of a command is not what is measured."""


@dataclass(frozen=True)
class Settled:
    """What a machine tells when its change is on main. `pushes`: how often it was pushed."""

    rid: Rid
    rev: int
    durable_s: float
    on_main_s: float
    pushes: int


class Apart:
    """A machine in a process of its own, as machines are: nothing of Python's is shared with the others."""

    def __init__(self, folder: Path, at: int, hub: Path, gate: Barrier) -> None:
        self._line, theirs = FORK.Pipe()
        self._process = FORK.Process(target=_live, args=(theirs, gate, folder, at, hub), daemon=True)
        self._process.start()

    def do(self, *words: str | int) -> Settled | None:
        self.ask(*words)
        return self.answer()

    def ask(self, *words: str | int) -> None:
        self._line.send(words)

    def answer(self) -> Settled | None:
        """What came of the last thing asked for.

        Raises:
            EOFError: the process has ended over it.
        """
        found = self._line.recv()
        assert found is None or isinstance(found, Settled)
        return found

    def end(self) -> None:
        self.ask("end")
        self._process.join()


def _live(line: Connection, gate: Barrier, folder: Path, at: int, hub: Path) -> None:
    """The life of a machine: what it is asked for, one after the other."""
    machine = Machine(folder, at, hub)
    while True:
        match line.recv():
            case ("rest",):
                machine.rest()
                line.send(None)
            case ("change", int(turn)):
                machine.change(turn)
                line.send(None)
            case ("settle",):
                gate.wait()
                machine.settle()
                seen = machine.remote
                line.send(Settled(machine.rid, machine.rev, seen.durable_s, seen.on_main_s, seen.pushes))
            case _:
                return


def ours(folder: Path, machines: int, runs: int) -> list[Contest]:
    """Contests of our machines."""
    hub = folder / "hub.git"
    create_hub(hub)
    gate = FORK.Barrier(machines + 1)
    fleet = [Apart(folder, at, hub, gate) for at in range(machines)]
    found = []
    for turn in range(runs):
        for machine in fleet:
            machine.do("rest")
        for machine in fleet:
            machine.do("change", turn)
            machine.ask("settle")
        gate.wait()
        began_s = time.monotonic()
        told = [each for machine in fleet if (each := machine.answer()) is not None]
        durable_s = max(each.durable_s for each in told) - began_s
        on_main_s = max(each.on_main_s for each in told) - began_s
        pushes = sum(each.pushes for each in told)
        missing = lost({each.rid: each.rev for each in told}, folder, hub)
        found.append(Contest("memsync-git", machines, durable_s, on_main_s, pushes, missing))
    for machine in fleet:
        machine.end()
    return found


# --- the plain script


class Script:
    """fetch, a commit on main with one file of one's own, push; again at once until it is accepted."""

    def __init__(self, folder: Path, at: int, hub: Path) -> None:
        self.at, self.clone, self._hub = at, folder / f"s{at}.git", str(hub)
        self.clone.mkdir(parents=True)
        self._git("init", "--quiet", "--bare")
        self.done_s, self.pushes, self._turn = 0.0, 0, 0

    def change(self) -> None:
        self._turn, self.pushes, self.done_s = self._turn + 1, 0, 0.0

    def settle(self) -> None:
        blob = self._said("hash-object", "-w", "--stdin", stdin=f"{self.at} says {self._turn}".encode())
        while not self.done_s:
            self._git("fetch", "--quiet", "--no-tags", self._hub, "+refs/heads/main*:refs/hub/main*")
            tip = self._said("rev-parse", "--quiet", "--verify", "refs/hub/main")
            rows = self._said("ls-tree", tip).splitlines() if tip else []
            kept = [line for line in rows if not line.endswith(f"\tm{self.at}")]
            tree = self._said(
                "mktree", stdin="\n".join([*kept, f"100644 blob {blob}\tm{self.at}", ""]).encode()
            )
            commit = self._said("commit-tree", tree, *(["-p", tip] if tip else []), "-m", "a change")
            self.pushes += 1
            if self._git("push", "--quiet", self._hub, f"{commit}:refs/heads/main").returncode == 0:
                self.done_s = time.monotonic()

    def _said(self, *words: str, stdin: bytes = b"") -> str:
        return self._git(*words, stdin=stdin).stdout.decode().strip()

    def _git(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        names = [
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@localhost",
            "-c",
            "core.fsync=all",
            "-c",
            "gc.auto=0",
        ]
        argv = ["git", *names, "-c", "protocol.version=0", *words]
        return subprocess.run(argv, cwd=self.clone, input=stdin, capture_output=True, check=False)


def plain(folder: Path, machines: int, runs: int) -> list[Contest]:
    """Contests of as many plain scripts."""
    hub = folder / "plain.git"
    create_hub(hub)
    fleet = [Script(folder, at, hub) for at in range(machines)]
    found = []
    for _ in range(runs):
        for script in fleet:
            script.change()
        began_s = at_once([script.settle for script in fleet])
        all_s = max(script.done_s for script in fleet) - began_s
        pushes = sum(script.pushes for script in fleet)
        found.append(Contest(SCRIPT, machines, all_s, all_s, pushes, 0))
    return found


# --- telling


def measure(machines: int, runs: int, *, with_script: bool) -> list[Contest]:
    """Both, one after the other, in a folder of their own; the first contest of each is a warm-up."""
    with tempfile.TemporaryDirectory(prefix="memsync-git-contention-") as folder:
        found = [ours(Path(folder), machines, runs + 1)]
        if with_script:
            found.append(plain(Path(folder), machines, runs + 1))
    return [contest for contests in found for contest in contests[1:]]


def line_of(contests: Sequence[Contest], beside: Sequence[Contest]) -> str:
    """A row of the table: medians, and the ratios to the plain script where it was run."""
    durable_s = median(each.durable_s for each in contests)
    on_main_s = median(each.on_main_s for each in contests)
    floor_s = median(each.on_main_s for each in beside) if beside else float("nan")
    pushes = sum(each.pushes for each in contests) / sum(each.machines for each in contests)
    return (
        f"{contests[0].machines:4} {contests[0].how:22} {durable_s:9.2f} {on_main_s:9.2f}"
        f" {durable_s / floor_s:9.2f} {on_main_s / floor_s:9.2f} {pushes:9.1f}"
        f" {sum(each.lost for each in contests):9}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contention", description=__doc__)
    parser.add_argument("--machines", type=int, nargs="+", default=FLEETS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--script-up-to", type=int, default=32, help="its pushes grow with the square")
    parser.add_argument("--json", type=Path, metavar="FILE")
    wish = parser.parse_args()
    print(machine_line())
    print(HEADER)
    every: list[Contest] = []
    for machines in wish.machines:
        found = measure(machines, wish.runs, with_script=machines <= wish.script_up_to)
        every += found
        beside = [each for each in found if each.how == SCRIPT]
        for rows in ([each for each in found if each.how != SCRIPT], beside):
            if rows:
                print(line_of(rows, beside), flush=True)
    if wish.json is not None:
        wish.json.write_text(
            json.dumps({"machine": machine_line(), "contests": [asdict(each) for each in every]})
        )


if __name__ == "__main__":
    main()
