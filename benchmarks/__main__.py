"""Every measurement in turn.

    python -m benchmarks [--runs N] [--entities N [N …]]

The floors are what the same work costs without us: asking the remote and starting Python for a quiet sync;
hash-object, mktree, commit-tree and push by hand for one changed entity. Several sizes show what grows with
the memory and what with the change. Daemons are measured apart, for that takes minutes:
`python -m benchmarks.propagation`, `python -m benchmarks.soak`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks import transports
from benchmarks.timing import Timed, command, in_turn, python, table
from memsync_git.app import App
from memsync_git.config import Places
from memsync_git.sync import RoundReport, capture

IMPORTS = "import click, sqlite3, git"


class Fleet:
    """Two homes on one hub, with a memory of some size."""

    def __init__(self, folder: Path, entities: int) -> None:
        self.folder = folder
        self.hub = folder / "hub.git"
        self.env = {**os.environ, "HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull}
        self.env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program was compiled by its installer
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self.hub))
        self.homes = [folder / name for name in ("a", "b")]
        self.homes[0].mkdir()
        rows = [self.row(f"Entity {at}", 5) for at in range(entities)]
        self.memory(0).write_text("\n".join(rows))
        for at, home in enumerate(self.homes):
            words = ["init", str(self.hub), "--host", home.name, "--yes", "--no-service"]
            subprocess.run(self.words(*words), env=self.at(at), check=True, capture_output=True)

    def at(self, home: int) -> dict[str, str]:
        return {**self.env, "MEMSYNC_HOME": str(self.homes[home])}

    def words(self, *words: str) -> list[str]:
        return [python(), "-m", "memsync_git", *words]

    def memory(self, home: int) -> Path:
        return self.homes[home] / "memory.json"

    def note(self, name: str) -> None:
        """A server appends a new entity."""
        with self.memory(0).open("a") as memory:
            memory.write("\n" + self.row(name, 1))

    def row(self, name: str, observations: int) -> str:
        said = [f"observation {at} about {name}, with a few words to it" for at in range(observations)]
        row = {"type": "entity", "name": name, "entityType": "thing", "observations": said}
        return json.dumps(row, separators=(",", ":"))

    def _git(self, *words: str) -> None:
        subprocess.run(["git", *words], env=self.env, check=True, capture_output=True)


def quiet(fleet: Fleet, runs: int) -> list[Timed]:
    """A sync with nothing to do, beside asking the remote and starting Python."""
    floor_python = command(python(), "-c", IMPORTS, env=fleet.env)
    floor_git = command("git", "ls-remote", fleet.hub, env=fleet.env)

    def floor() -> None:
        floor_git()
        floor_python()

    return in_turn(
        {
            "git ls-remote + python importing its packages": floor,
            "memsync-git sync, nothing to do": command(*fleet.words("sync"), env=fleet.at(0)),
            "memsync-git status": command(*fleet.words("status"), env=fleet.at(0)),
        },
        runs=runs,
    )


class BareGit:
    """The bare git commands of one publish: two blobs, two trees, two commits, one push."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.clone = fleet.folder / "bare.git"
        hub = fleet.folder / "bare-hub.git"
        shutil.copytree(fleet.hub, hub)
        self.hub = hub
        subprocess.run(["git", "clone", "--quiet", "--mirror", str(hub), str(self.clone)], check=True)
        self.contents = fleet.memory(0).read_bytes()
        self.turn = 0
        self.tip = ""

    def git(self, *words: str, stdin: bytes = b"") -> str:
        env = {**self.fleet.env, "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@localhost"}
        env |= {"GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@localhost"}
        done = subprocess.run(
            ["git", *words], cwd=self.clone, env=env, input=stdin, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def publish(self) -> None:
        self.turn += 1
        self.git("fetch", "--quiet", str(self.hub), "+refs/*:refs/hub/*")
        tree = ""
        for name in ("memory-a.json", "memory.json"):
            blob = self.git("hash-object", "-w", "--stdin", stdin=self.contents + b"\n%d" % self.turn)
            tree += f"100644 blob {blob}\t{name}\n"
        commits = []
        for _ in range(2):
            oid = self.git("mktree", stdin=tree.encode())
            parent = ["-p", self.tip] if self.tip else []
            commits.append(self.git("commit-tree", oid, *parent, "-m", f"turn {self.turn}"))
        self.tip = commits[0]
        targets = [f"{commits[0]}:refs/heads/floor", f"{commits[1]}:refs/memsync/floor-{self.turn}"]
        self.git("push", "--quiet", str(self.hub), *targets)


def one_entity(fleet: Fleet, runs: int) -> list[Timed]:
    """One new entity published over a local hub, beside the bare git commands and Python's start."""
    bare = BareGit(fleet)
    start = command(python(), "-c", IMPORTS, env=fleet.env)
    turn = iter(range(10_000))

    def note() -> None:
        fleet.note(f"New {next(turn)}")

    def floor() -> None:
        start()
        bare.publish()

    def ours() -> None:
        subprocess.run(fleet.words("sync"), env=fleet.at(0), check=True, capture_output=True)

    return in_turn(
        {"bare git commands + python": floor, "memsync-git sync, one entity": ours}, runs=runs, prepare=note
    )


def durable(fleet: Fleet, runs: int) -> list[Timed]:
    """One new entity until it is durable here: by a command, then by a process that was there already."""
    turn = iter(range(10_000))

    def note() -> None:
        fleet.note(f"Kept {next(turn)}")

    cold = {
        "python importing our packages": command(python(), "-c", IMPORTS, env=fleet.env),
        "memsync-git sync --no-fetch --no-push": command(
            *fleet.words("sync", "--no-fetch", "--no-push"), env=fleet.at(0)
        ),
    }
    rows = in_turn(cold, runs=runs, prepare=note)
    with App.open(Places.of(fleet.at(0))).rooms.session() as session:
        warm = {"a living session takes the file in": lambda: _ignored(capture(session, RoundReport()))}
        return rows + in_turn(warm, runs=runs, prepare=note)


def _ignored(_answer: object) -> None:
    """A step has no answer."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--entities", type=int, nargs="+", default=[1000])
    wish = parser.parse_args()
    for entities in wish.entities:
        with tempfile.TemporaryDirectory() as folder:
            measure(Fleet(Path(folder), entities), entities, wish.runs)
            transports.measure(Path(folder) / "transports", runs=wish.runs, entities=entities)


def measure(fleet: Fleet, entities: int, runs: int) -> None:
    """Print every table for one size."""
    print(f"\n{entities} entities, 5 observations each, hub on this disk, {runs} runs")
    for title, work in (
        ("nothing to do", quiet),
        ("one new entity", one_entity),
        ("one new entity, until it is durable", durable),
    ):
        rows = work(fleet, runs)
        print(table(title, rows, floor=rows[0].name), flush=True)


if __name__ == "__main__":
    main()
