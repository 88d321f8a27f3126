"""A machine whose memory a command line works on: its home, its file, and the hub it shares."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path


def entity(name: str, *observations: str, kind: str = "person") -> str:
    """A row as the memory server writes it."""
    row = {"type": "entity", "name": name, "entityType": kind, "observations": observations}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def new_hub(path: Path) -> Path:
    """An empty bare repository."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path], check=True)
    return path


@dataclass(frozen=True)
class Home:
    """MEMSYNC_HOME, seen from outside."""

    path: Path

    @property
    def file(self) -> Path:
        return self.path / "memory.json"

    def write(self, *rows: str) -> None:
        """The server saves just these rows."""
        self.file.write_text("\n".join(rows), encoding="utf-8")

    def names(self) -> list[str]:
        """The entities of the file, in order."""
        return [json.loads(line)["name"] for line in self.file.read_text("utf-8").splitlines() if line]


def main_of(hub: Path) -> str:
    """The commit people see in a hub; empty where there is none."""
    done = subprocess.run(
        ["git", "-C", hub, "rev-parse", "--quiet", "--verify", "main"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def shared_names(hub: Path) -> list[str]:
    """The entities of the unified file on main."""
    done = subprocess.run(
        ["git", "-C", hub, "show", "main:memory.json"], capture_output=True, text=True, check=True
    )
    return [json.loads(line)["name"] for line in done.stdout.splitlines() if '"entity"' in line]
