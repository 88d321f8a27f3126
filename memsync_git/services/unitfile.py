"""The one file of ours that a service manager reads.

Rule 1: a file under our name that we did not write is somebody's work: it is never read as ours nor replaced.
Rule 2: it is replaced whole and never holds a secret, so everybody may read it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from memsync_git.ports import Removed, Unserved
from memsync_git.values import dataclass

Known = TypeVar("Known")
"""What a manager says of the file."""

PUBLIC_FILE: Final = 0o644
MOST_BYTES: Final = 1 << 16
"""A unit of ours is about a kilobyte; more is not ours and need not be read."""


@dataclass(frozen=True, slots=True)
class UnitFile:
    """Where the file stands, and how its bytes are known as ours."""

    path: Path
    is_ours: Callable[[bytes], bool]

    def read(self) -> bytes | Unserved | None:
        """The bytes of our file, None where there is none."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                data = stream.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError:
            return self._foreign()
        return data if len(data) <= MOST_BYTES and self.is_ours(data) else self._foreign()

    def found(self, look: Callable[[bool], Known | Unserved]) -> tuple[bytes | None, Known] | Unserved:
        """The bytes of our file, and what its manager says; `look` is told whether the file is there."""
        before = self.read()
        if isinstance(before, Unserved):
            return before
        known = look(before is not None)
        return known if isinstance(known, Unserved) else (before, known)

    def ours(self, look: Callable[[bool], Known | Unserved]) -> Known | Removed | Unserved:
        """What its manager says of our file; a file of somebody else is none of ours."""
        before = self.read()
        if isinstance(before, Unserved):
            return Removed(changed=False)
        known = look(before is not None)
        return known if before is not None or isinstance(known, Unserved) else Removed(changed=False)

    def write(self, data: bytes) -> Unserved | None:
        """Put these bytes there; why that was impossible, or None."""
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(data)
            fresh.chmod(PUBLIC_FILE)
            os.replace(fresh, self.path)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            return self._failed("written", error)
        return None

    def remove(self) -> Unserved | None:
        """Take it away; why that was impossible, or None."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            return self._failed("removed", error)
        return None

    def put_back(self, before: bytes | None) -> None:
        """Let stand what stood there before a write that led nowhere."""
        if before is None:
            self.remove()
        else:
            self.write(before)

    def _foreign(self) -> Unserved:
        aside = shlex.join(["mv", str(self.path), f"{self.path}.old"])
        return Unserved(
            f"{self.path} was not written by memsync-git, so it was left as it is.",
            f"{aside}  moves it away; then memsync-git service install",
        )

    def _failed(self, what: str, error: OSError) -> Unserved:
        return Unserved(f"{self.path} cannot be {what}: {error.strerror}", f"ls -ld {self.path.parent}")
