"""Machines of a fleet: each its own home, the installed `memsync-git` as a process, one real memory server.

Rule 1: a machine is driven as its owner does it: the program on the command line, the server over stdio.
Rule 2: whenever a machine has synced, its file is one its server reads, with just what the file says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import memsync_git

from .servers import MemoryServer

GUARD_WINDOW_S = 2.0
"""Deleting exactly what arrived from elsewhere less than this ago is undone: a documented limit (W)."""

COMMAND_TIMEOUT_S = 120

Memory = frozenset[tuple[str, ...]]
"""What a graph says, whatever its order: names and types, observations, relations."""


def said_by(graph: dict[str, Any]) -> Memory:
    """A `read_graph` answer as a set."""
    items: set[tuple[str, ...]] = set()
    for entity in graph["entities"]:
        items.add(("entity", entity["name"], entity["entityType"]))
        items |= {("observation", entity["name"], text) for text in entity["observations"]}
    for relation in graph["relations"]:
        items.add(("relation", relation["from"], relation["relationType"], relation["to"]))
    return frozenset(items)


def said_in(data: bytes) -> Memory:
    """The same of the bytes of a memory file."""
    rows = [json.loads(line) for line in data.split(b"\n") if line.strip()]
    kinds = {"entities": "entity", "relations": "relation"}
    return said_by({key: [row for row in rows if row["type"] == kind] for key, kind in kinds.items()})


@dataclass
class Machine:
    """One computer: everything of memsync-git under `home`, and the memory file its server uses."""

    home: Path
    host: str
    script: Path
    server: MemoryServer = field(init=False)

    def __post_init__(self) -> None:
        self.home.mkdir()
        self.server = MemoryServer(self.script, self.file)

    @property
    def file(self) -> Path:
        return self.home / "memory.json"

    def join(self, remote: Path | str) -> None:
        """Set the machine up, as a person does it once."""
        words = ["init", str(remote), "--host", self.host, "--file", str(self.file), "--yes", "--no-service"]
        self.run(*words)

    def sync(self) -> dict[str, Any]:
        """One round; the answer of `sync --json`. The server must be able to read what stands there then."""
        report: dict[str, Any] = json.loads(self.run("sync", "--json"))
        assert self.memory() == said_in(self.file.read_bytes())
        return report

    def memory(self) -> Memory:
        """What the memory says, as the real server reads it."""
        return said_by(self.server.read_graph())

    def run(self, *words: str) -> str:
        """Run the program; what it printed. Fails with its own words unless it exits 0."""
        done = self.start(*words)
        assert done.returncode == 0, (
            f"{words} on {self.host} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def start(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "memsync_git", *words],
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.home,
            env=clean_environment(self.home),
        )


def clean_environment(home: Path) -> dict[str, str]:
    """The variables of a fresh login: nothing of git's, of this program's or of the test runner's."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    package = Path(memsync_git.__file__).parent.parent
    return kept | {"HOME": str(home), "MEMSYNC_HOME": str(home), "PYTHONPATH": str(package), "NO_COLOR": "1"}


def let_the_window_pass() -> None:
    """Wait until what has just arrived may be deleted: real time, as file times are compared with it."""
    time.sleep(GUARD_WINDOW_S + 0.2)


def sync_all(*machines: Machine) -> None:
    """Every machine once, and then all but the last again, so everybody has everything."""
    for machine in (*machines, *machines[:-1]):
        machine.sync()
