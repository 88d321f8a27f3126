"""Reading git's objects, sizes first: what may be read, and one way to it, `cat-file --batch-command`.

Rule 1: nothing is read before its kind and size are known, so a huge blob costs a line, not memory.
Rule 2: no filter, attribute or checkout has a say: these are the bytes of the object.
Rule 3: the process lives as long as the `with` block, never longer.
The other way is `loose.py`: most of what is new is a file of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

from memsync_git.remotes import _git
from memsync_git.remotes.trees import Commit, Kind, Listing, Oid, parse_commit, parse_tree
from memsync_git.values import dataclass

MAX_TREE_BYTES = 4 << 20
"""About 60 000 names; ours have one per machine."""
MAX_COMMIT_BYTES = 1 << 20
SLACK_BYTES = 1024
"""What zlib may add to bytes it cannot make smaller, as far as they are small; larger ones git reads."""
MOST_AT_ONCE = 1000
"""Questions and answers about so many objects fit into the buffers of two pipes: neither side waits."""


Step: TypeAlias = tuple[Oid, Oid]
"""An object, and another one it may be made of."""


class CloneDamaged(Exception):
    """The clone cannot be read. It is a cache: it is set aside and fetched anew."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """There is an object, but not one to be read: too large, of another kind, or malformed."""

    reason: str


class Objects(ABC):
    """The objects of a repository, read by name."""

    def read(self, oid: Oid, kind: Kind, *, limit: int) -> bytes | Unfit | None:
        """The bytes of an object of the kind expected, at most `limit` of them; None where it is missing.

        Raises `CloneDamaged` when git gives up on it.
        """
        return self.read_all([oid], kind, limit=limit)[0]

    def read_all(self, oids: Sequence[Oid], kind: Kind, *, limit: int) -> list[bytes | Unfit | None]:
        """The same of at most `MOST_AT_ONCE` objects, which together may have `limit` bytes."""
        return list(self.each(oids, kind, limit=limit))

    @abstractmethod
    def each(self, oids: Sequence[Oid], kind: Kind, *, limit: int) -> Iterator[bytes | Unfit | None]:
        """The same one after another. Nothing else is to be read before they are taken, or let go."""

    def deltas(self, steps: Sequence[Step]) -> list[bytes | None]:
        """How objects are made of others, in the words of gitformat-pack(5), as far as they lie here so."""
        return [None] * len(steps)

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


class Conversation(Objects):
    """An open conversation with `cat-file`; made by `reading_objects`."""

    def __init__(self, ask: BinaryIO, answer: BinaryIO) -> None:
        self._ask = ask
        self._answer = answer

    def each(self, oids: Sequence[Oid], kind: Kind, *, limit: int) -> Iterator[bytes | Unfit | None]:
        """They are asked for in one go: a turn between two processes costs more than a small object, and git
        unpacks the next ones while one is looked at.
        """
        self._ask_for(f"info {oid}" for oid in oids)
        found = [_judged(self._answered(), kind) for _ in oids]
        for at, size in enumerate(found):
            if isinstance(size, int):
                found[at] = size if size <= limit else too_large(size, limit)
                limit -= size
        asked = deque(oid for oid, size in zip(oids, found, strict=True) if isinstance(size, int))
        self._ask_for(f"contents {oid}" for oid in asked)
        try:
            for size in found:
                yield self._contents(asked.popleft()) if isinstance(size, int) else size
        finally:
            with suppress(CloneDamaged):  # whoever asks next is told
                while asked:
                    self._contents(asked.popleft())

    def _contents(self, oid: Oid) -> bytes:
        found = self._answered()
        if len(found) != 3:
            raise CloneDamaged(f"git cannot read object {oid}")
        size = int(found[2])
        data = self._answer.read(size)
        if len(data) + len(self._answer.read(1)) != size + 1:
            raise CloneDamaged(f"git stopped in the middle of object {oid}")
        return data

    def _ask_for(self, lines: Iterable[str]) -> None:
        try:
            self._ask.write(b"".join(line.encode() + b"\n" for line in lines))
            self._ask.flush()
        except OSError as error:
            raise CloneDamaged("git ended while the clone was read") from error

    def _answered(self) -> list[str]:
        found = self._answer.readline().decode("ascii", "replace").split()
        if not found:
            raise CloneDamaged("git ended while the clone was read")
        return found


def _judged(found: list[str], kind: Kind) -> int | Unfit | None:
    """The size of an object that may be read, by what git says of it."""
    if found[-1] == "missing":
        return None
    return int(found[2]) if found[1] == kind else of_another_kind(found[1], kind)


def of_another_kind(found: str, kind: Kind) -> Unfit:
    return Unfit(f"it is a {found}, not a {kind}")


def too_large(size: int, limit: int) -> Unfit:
    return Unfit(f"it has {size} bytes; more than {limit} are not read")


@contextmanager
def reading_objects(git_dir: Path, env: Mapping[str, str]) -> Iterator[Objects]:
    """Objects of a repository, for the length of the block; `env` may name more places to look in."""
    with _git.conversation(["cat-file", "--batch-command"], git_dir=git_dir, env=env) as (ask, answer):
        yield Conversation(ask, answer)
