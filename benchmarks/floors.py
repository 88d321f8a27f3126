"""The least there is to do with git's commands.

to bring a memory file from one machine over a hub to another: the fewest bare git commands, four
    A: fast-import (blobs, trees, two commits), push        B: fetch, cat-file, write, fsync, rename
to take in what is on a hub on this disk already: two, and nobody looks at what they say
    diff-tree, cat-file (every file that is another one now), write the memory file, fsync, rename
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from benchmarks.transports import swapped_in
from benchmarks.workloads import save

PIECE_BYTES = 1 << 18
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


def read_newest(hub: Path) -> int:
    """Read what the last commit on main brought, and forget it; how many bytes that is."""
    listed = subprocess.run(
        ["git", "diff-tree", "-r", "main~1", "main"], cwd=hub, check=True, capture_output=True, text=True
    ).stdout
    oids = [line.split()[3] for line in listed.splitlines()]
    argv = ["git", "cat-file", "--batch", "--buffer"]
    with subprocess.Popen(argv, cwd=hub, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git:
        assert git.stdin is not None
        assert git.stdout is not None
        git.stdin.write("".join(f"{oid}\n" for oid in oids).encode())
        git.stdin.close()
        size = 0
        while piece := git.stdout.read(PIECE_BYTES):
            size += len(piece)
    return size


def take_in(hub: Path, memory: Path, data: bytes) -> None:
    """Read what is new on a hub, and have a memory file hold some bytes, for good."""
    if not read_newest(hub):
        raise ValueError("the last commit brought nothing")
    save(memory, data)
