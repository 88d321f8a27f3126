"""`<file>.lock`: the lock some memory servers take around read and write (servers PR #4744).

Rule 1: it is honoured where it is in use, and only there: a writer that knows no lock is not helped
by one, and a crash would leave it in the way of those that do.
Rule 2: it is for economy. Without it the exchange loses nothing; with it nobody has to go round again.
Rule 3: waiting is bounded, and a lock older than `STALE_AFTER_MS` belongs to nobody.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from memsync_git.values import dataclass

STALE_AFTER_MS = 30_000
"""The convention's own figure."""

WAIT_S = 2.0
"""Servers hold it for one call: 0.1 s at 20 000 entities (facts 1.5)."""

STEP_S = 0.01

_Identity = tuple[int, int, int]
"""Device, inode and mtime: a lock released and taken again is another one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """We hold it."""

    identity: _Identity


@dataclass(frozen=True, slots=True)
class Unneeded:
    """Nobody uses it, or what stands there is stale and in our way for good."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Somebody else holds it, and did so all the time we waited."""


class Sidecar:
    """The lock beside one memory file."""

    def __init__(self, target: str, *, sleep: Callable[[float], None], now_ms: Callable[[], int]) -> None:
        self.path = f"{target}.lock"
        self._in_use = False
        self._sleep = sleep
        self._now_ms = now_ms

    def notice(self) -> None:
        """Remember for the life of this object that the convention is in use, if a lock stands there."""
        self._in_use = self._in_use or os.path.lexists(self.path)

    @contextmanager
    def held(self) -> Iterator[Taken | Unneeded | Kept]:
        """Try to hold the lock around a swap; at the end a lock of ours is released.

        Raises:
            OSError: the lock cannot be created, and so nothing else can be beside the file.
        """
        self.notice()
        outcome = self._acquired() if self._in_use else Unneeded()
        try:
            yield outcome
        finally:
            if isinstance(outcome, Taken):
                self._removed(outcome.identity)

    def _acquired(self) -> Taken | Unneeded | Kept:
        for _ in range(round(WAIT_S / STEP_S)):
            with suppress(FileExistsError):
                return Taken(self._created())
            standing = self._standing()
            if standing is None:
                continue
            if not self._is_stale(standing):
                self._sleep(STEP_S)
            elif not self._removed(_identity(standing)):
                return Unneeded()
        return Kept()

    def _created(self) -> _Identity:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        fd = os.open(self.path, flags, 0o600)
        try:
            return _identity(os.fstat(fd))
        finally:
            os.close(fd)

    def _standing(self) -> os.stat_result | None:
        with suppress(FileNotFoundError):
            return os.lstat(self.path)
        return None

    def _is_stale(self, lock: os.stat_result) -> bool:
        # A lock from the future is as stale as an old one: some clock was wrong, nobody is waiting.
        return abs(self._now_ms() - lock.st_mtime_ns // 1_000_000) > STALE_AFTER_MS

    def _removed(self, identity: _Identity) -> bool:
        """Unlink the lock if it is still that one. False if it cannot be unlinked."""
        try:
            if _identity(os.lstat(self.path)) == identity:
                os.unlink(self.path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


def _identity(lock: os.stat_result) -> _Identity:
    return lock.st_dev, lock.st_ino, lock.st_mtime_ns
