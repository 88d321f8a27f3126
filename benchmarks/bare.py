"""The floors: what the same work costs without us.

Rule 1: a floor starts the same Python with the same packages, for no command of ours can do without.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.grounds import Fleet
from benchmarks.timing import Step, command

IMPORTS = "import click, sqlite3, git"


def asking(fleet: Fleet) -> Step:
    """Asking the remote, and starting Python."""
    start, ask = starting(fleet), command("git", "ls-remote", fleet.hub, env=fleet.env)

    def both() -> None:
        ask()
        start()

    return both


def starting(fleet: Fleet) -> Step:
    return command(sys.executable, "-c", IMPORTS, env=fleet.env)


class BareGit:
    """The bare git commands of one publish on a hub of their own: fetch, blobs, trees, two commits, one push.

    contents: what a turn's file holds, a new line each turn.
    """

    def __init__(self, fleet: Fleet, folder: Path, contents: bytes) -> None:
        self._clone, self._hub = folder / "clone.git", folder / "hub.git"
        self._contents, self._turn, self._tip = contents, 0, ""
        self._start = starting(fleet)
        self._env = dict(fleet.env)
        for role in ("AUTHOR", "COMMITTER"):
            self._env |= {f"GIT_{role}_NAME": "x", f"GIT_{role}_EMAIL": "x@localhost"}
        folder.mkdir()
        for bare in (self._clone, self._hub):
            subprocess.run(["git", "init", "--quiet", "--bare", bare], env=self._env, check=True)

    def publish(self) -> None:
        """One turn, and the start of a Python."""
        self._start()
        self._turn += 1
        self._git("fetch", "--quiet", str(self._hub), "+refs/*:refs/hub/*")
        rows = ""
        for name in ("memory-a.json", "memory.json"):
            data = self._contents + b"\n%d" % self._turn
            rows += f"100644 blob {self._git('hash-object', '-w', '--stdin', stdin=data)}\t{name}\n"
        commits = [self._commit(rows, at) for at in range(2)]
        self._tip = commits[0]
        targets = [f"{commits[0]}:refs/heads/main", f"{commits[1]}:refs/memsync/floor-{self._turn}"]
        self._git("push", "--quiet", str(self._hub), *targets)

    def _commit(self, rows: str, at: int) -> str:
        tree = self._git("mktree", stdin=rows.encode())
        parent = ["-p", self._tip] if self._tip else []
        return self._git("commit-tree", tree, *parent, "-m", f"turn {self._turn} {at}")

    def _git(self, *words: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *words], cwd=self._clone, env=self._env, input=stdin, check=True, capture_output=True
        )
        return done.stdout.decode().strip()
