"""The fewest bare git commands that bring a memory file from one machine over a hub to another: four.

A: fast-import (blobs, trees, two commits), push        B: fetch, cat-file, write, fsync, rename
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from benchmarks.transports import swapped_in

REFS = ("refs/floor/host", "refs/floor/main")


class Imported:
    """A change as one stream for `git fast-import`, which is one process for all its objects."""

    def __init__(self, folder: Path, hub: str, memory: bytes) -> None:
        self.a, self.b, self._hub, self._memory = folder / "a.git", folder / "b.git", hub, memory
        self._turn = 0
        for clone in (self.a, self.b):
            clone.mkdir(parents=True)
            self._git(clone, "init", "--quiet", "--bare")

    def _git(self, clone: Path, *words: str, stdin: bytes = b"") -> bytes:
        argv = ["git", "-c", "core.fsync=all", "-c", "protocol.version=0", "-c", "gc.auto=0", *words]
        return subprocess.run(
            argv, cwd=clone, env=os.environ, input=stdin, check=True, capture_output=True
        ).stdout

    def propagate(self) -> None:
        self._turn += 1
        self._git(self.a, "fast-import", "--quiet", stdin=self._stream())
        self._git(self.a, "push", "--quiet", self._hub, *REFS)
        self._git(self.b, "fetch", "--quiet", "--no-tags", self._hub, "+refs/floor/*:refs/floor/*")
        swapped_in(self.b / "memory.json", self._git(self.b, "cat-file", "blob", f"{REFS[1]}:memory.json"))

    def _stream(self) -> bytes:
        """Two commits with the same file, one for each ref."""
        data = self._memory + b"\n%d" % self._turn
        blob = b"blob\nmark :1\ndata %d\n%s\n" % (len(data), data)
        return blob + b"".join(self._commit(ref) for ref in REFS)

    def _commit(self, ref: str) -> bytes:
        words = f"turn {self._turn}".encode()
        lines = [
            f"commit {ref}".encode(),
            b"committer x <x@localhost> %d +0000" % (1_700_000_000 + self._turn),
            b"data %d\n%s" % (len(words), words),
            *([f"from {ref}^0".encode()] if self._turn > 1 else []),
            b"M 100644 :1 memory.json",
            b"M 100644 :1 memory-floor.json",
        ]
        return b"\n".join(lines) + b"\n\n"
