"""Machines of a small fleet, each an installation under its own home.

Rule 1: nothing is replaced: SQLite stores, files on disk, git through a bare repository.
Rule 2: a memory server is played by writing the whole file anew, as the server does.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from memsync_git.app import App
from memsync_git.config import Places
from memsync_git.documents import SyncDocument
from memsync_git.model import Entity, Graph, Record, Relation
from memsync_git.options import InitOptions, SyncOptions

BALLAST = tuple(f"fact {number}" for number in range(12))
"""Observations that stay: a file that keeps more than it lost was written from the newest state, however
little time has passed since an older one stood there."""


def new_hub(path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path], check=True)
    return path


@dataclass
class Machine:
    """One computer of the fleet."""

    home: Path
    host: str
    hub: Path

    @property
    def file(self) -> Path:
        return self.home / "memory.json"

    @property
    def app(self) -> App:
        """The installation, opened as a new process would."""
        return App.open(Places.of({"MEMSYNC_HOME": str(self.home)}))

    @property
    def rid(self) -> str:
        return self.app.hosts()["replica"]["id"]

    def join(self) -> None:
        self.home.mkdir()
        self.app.join(self.app.plan(InitOptions(remote=str(self.hub), host=self.host)), service=False)

    def sync(self) -> SyncDocument:
        return self.app.sync(SyncOptions())

    def entities(self) -> dict[str, tuple[str, list[str]]]:
        """What the memory file says of entities: name → type and observations."""
        return {
            row["name"]: (row["entityType"], row["observations"])
            for row in self._rows()
            if row["type"] == "entity"
        }

    def relations(self) -> set[tuple[str, str, str]]:
        return {
            (row["from"], row["to"], row["relationType"]) for row in self._rows() if row["type"] == "relation"
        }

    def _rows(self) -> list[dict]:
        return [json.loads(line) for line in self.file.read_bytes().split(b"\n") if line.strip()]

    # --- what a server does

    def writes(self, *records: Record) -> None:
        """The server saves just these rows."""
        self.file.write_bytes(b"\n".join(_row(record) for record in records))

    def adds(self, *records: Record) -> None:
        """The server adds rows, or observations to rows that are there."""
        graph = Graph.of([*self.records(), *records])
        self.writes(*graph)

    def removes(self, *names: str) -> None:
        """The server deletes entities with their relations."""
        self.writes(*(record for record in self.records() if not _about(record, names)))

    def records(self) -> list[Record]:
        rows = self._rows() if self.file.exists() else []
        return [
            Entity(row["name"], row["entityType"], tuple(row["observations"]))
            if row["type"] == "entity"
            else Relation(row["from"], row["to"], row["relationType"])
            for row in rows
        ]

    # --- the network

    def unplug(self) -> None:
        """The hub cannot be reached any more."""
        self.hub.rename(self.hub.with_name("unplugged.git"))

    def plug(self) -> None:
        self.hub.with_name("unplugged.git").rename(self.hub)


def _row(record: Record) -> bytes:
    if isinstance(record, Entity):
        row = {"type": "entity", "name": record.name, "entityType": record.type}
        row["observations"] = list(record.observations)
    else:
        assert isinstance(record, Relation)
        row = {"type": "relation", "from": record.source, "to": record.target, "relationType": record.kind}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _about(record: Record, names: tuple[str, ...]) -> bool:
    if isinstance(record, Entity):
        return record.name in names
    assert isinstance(record, Relation)
    return record.source in names or record.target in names


def sync_all(*machines: Machine) -> None:
    """Every machine once, and then all but the last again, so everybody has everything."""
    for machine in (*machines, *machines[:-1]):
        machine.sync()


def wait_for_the_next_second() -> None:
    """Commits and fragments know whole seconds."""
    until = int(time.time()) + 1
    while time.time() < until:
        time.sleep(0.02)
