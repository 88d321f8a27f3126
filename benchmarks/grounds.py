"""Where things are measured: a memory of some size, our two homes on a hub, and the documents of the rivals.

Rule 1: what is expensive to make is made once, when it is first needed, and how long that took is kept: it is
a measurement itself.
Rule 2: what could not be made is not tried again; whoever needs it is told why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar, cast

from benchmarks.measured import GivenUp, Samples, at_work
from benchmarks.workloads import note, note_on_each, write_memory
from tests.cli.machines import new_hub

ADOPT_LIMIT_S = 90.0
"""Of one `init`: more than four times the goal for the largest memory."""
BUILD_LIMIT_S = 180.0

T = TypeVar("T")


class Fleet:
    """Two homes on one hub on this disk. The first adopts a memory, the second joins.

    Raises:
        GivenUp: one of both took too long.
    """

    def __init__(self, folder: Path, memory: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.hub = new_hub(folder / "hub.git")
        self.homes = [folder / name for name in ("a", "b")]
        self.homes[0].mkdir()
        shutil.copyfile(memory, self.memory(0))
        self.adopted, self.joined = (self._init(at) for at in (0, 1))

    def _init(self, at: int) -> Samples:
        words = ["init", str(self.hub), "--host", self.homes[at].name, "--yes", "--no-service"]
        return self.measured(at, *words, limit_s=ADOPT_LIMIT_S)

    def measured(self, home: int, *words: str, limit_s: float) -> Samples:
        """A command of ours, measured from within."""
        samples = Samples()
        samples.add(at_work("command", *words, env=self.at(home), limit_s=limit_s))
        return samples

    def run(self, home: int, *words: str) -> None:
        """A command of ours.

        Raises:
            GivenUp: it failed; with what it said last.
        """
        done = subprocess.run(
            self.words(*words), env=self.at(home), check=False, capture_output=True, text=True
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()[-3:]
            raise GivenUp(f"{' '.join(words)} ended with {done.returncode}: {' / '.join(said)}")

    @cached_property
    def env(self) -> dict[str, str]:
        around = {**os.environ, "HOME": str(self.folder), "GIT_CONFIG_GLOBAL": os.devnull}
        around.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program was compiled by its installer
        return around

    def at(self, home: int) -> dict[str, str]:
        return {**self.env, "MEMSYNC_HOME": str(self.homes[home])}

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "memsync_git", *words]

    def memory(self, home: int) -> Path:
        return self.homes[home] / "memory.json"

    def note(self, name: str) -> None:
        """The first machine's server notes something."""
        note(self.memory(0), name)

    def note_elsewhere(self, many: int, words: str) -> None:
        """1 % of the entities are noted on by the first machine, and published."""
        note_on_each(self.memory(0), many, words)
        self.run(0, "sync")


@dataclass(frozen=True, slots=True)
class Document:
    """A folder with a snapshot and another replica's update, and what it took to make it."""

    folder: Path
    built: Samples

    @classmethod
    def of(cls, library: str, folder: Path, memory: Path) -> Document:
        """A library's document of the memory that lies beside its folder.

        Raises:
            GivenUp: the library is not here, or took too long.
        """
        if find_spec(library) is None:
            raise GivenUp(f"{library} is not here: pip install 'memsync-git[bench]'")
        assert memory.parent == folder.parent
        folder.mkdir()
        built = Samples()
        built.add(at_work("build", library, folder, limit_s=BUILD_LIMIT_S))
        return cls(folder, built)


@dataclass
class Ground:
    """Everything of one size."""

    folder: Path
    entities: int
    _made: dict[str, object] = field(default_factory=dict)

    @cached_property
    def memory(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "memory.json"
        write_memory(file, self.entities)
        return file

    @property
    def fleet(self) -> Fleet:
        """Our machines.

        Raises:
            GivenUp: they could not be made.
        """
        return self.once("fleet", lambda: Fleet(self.folder / "fleet", self.memory))

    def document(self, library: str) -> Document:
        """A library's document of this memory.

        Raises:
            GivenUp: it could not be made.
        """
        return self.once(library, lambda: Document.of(library, self.folder / library, self.memory))

    def once(self, what: str, make: Callable[[], T]) -> T:
        """What was made when it was first asked for.

        Raises:
            GivenUp: it could not be made, now or then.
        """
        if what not in self._made:
            try:
                self._made[what] = make()
            except GivenUp as error:
                self._made[what] = error
        found = self._made[what]
        if isinstance(found, GivenUp):
            raise found
        return cast("T", found)
