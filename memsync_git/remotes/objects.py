"""Reading git's objects through one `cat-file --batch-command`, sizes first.

Rule 1: nothing is read before its kind and size are known, so a huge blob costs a line, not memory.
Rule 2: no filter, attribute or checkout has a say: these are the bytes of the object.
Rule 3: the process lives as long as the `with` block, never longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from memsync_git.remotes import _git
from memsync_git.remotes.trees import Commit, Kind, Listing, Oid, parse_commit, parse_tree
from memsync_git.values import dataclass

MAX_TREE_BYTES = 4 << 20
"""About 60 000 names; ours have one per machine."""
MAX_COMMIT_BYTES = 1 << 20


class CloneDamaged(Exception):
    """The clone cannot be read. It is a cache: it is set aside and fetched anew."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """There is an object, but not one to be read: too large, of another kind, or malformed."""

    reason: str


class Objects:
    """An open conversation with `cat-file`; made by `reading_objects`."""

    def __init__(self, ask: BinaryIO, answer: BinaryIO) -> None:
        self._ask = ask
        self._answer = answer

    def read(self, oid: Oid, kind: Kind, *, limit: int) -> bytes | Unfit | None:
        """The bytes of an object of the kind expected, at most `limit` of them; None where it is missing.

        Raises `CloneDamaged` when git gives up on it.
        """
        found = self._question(f"info {oid}")
        if found[-1] == "missing":
            return None
        if found[1] != kind:
            return Unfit(f"it is a {found[1]}, not a {kind}")
        if int(found[2]) > limit:
            return Unfit(f"it has {found[2]} bytes; more than {limit} are not read")
        return self._contents(oid)

    def tree(self, oid: Oid) -> Listing | Unfit | None:
        """The entries of a tree."""
        data = self.read(oid, "tree", limit=MAX_TREE_BYTES)
        if not isinstance(data, bytes):
            return data
        try:
            return parse_tree(data)
        except ValueError:
            return Unfit("it is a damaged tree")

    def commit(self, oid: Oid) -> Commit | None:
        """A commit, or None where it is missing or none: the end of what can be walked."""
        data = self.read(oid, "commit", limit=MAX_COMMIT_BYTES)
        if not isinstance(data, bytes):
            return None
        try:
            return parse_commit(data)
        except ValueError:
            return None

    def _contents(self, oid: Oid) -> bytes:
        found = self._question(f"contents {oid}")
        if len(found) != 3:
            raise CloneDamaged(f"git cannot read object {oid}")
        size = int(found[2])
        data = self._answer.read(size + 1)
        if len(data) != size + 1:
            raise CloneDamaged(f"git stopped in the middle of object {oid}")
        return data[:size]

    def _question(self, line: str) -> list[str]:
        try:
            self._ask.write(line.encode() + b"\n")
            self._ask.flush()
        except OSError as error:
            raise CloneDamaged("git ended while the clone was read") from error
        found = self._answer.readline().decode("ascii", "replace").split()
        if not found:
            raise CloneDamaged("git ended while the clone was read")
        return found


@contextmanager
def reading_objects(git_dir: Path) -> Iterator[Objects]:
    """Objects of a repository, for the length of the block."""
    with _git.conversation(["cat-file", "--batch-command"], git_dir=git_dir) as (ask, answer):
        yield Objects(ask, answer)
