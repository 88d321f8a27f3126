"""A lock that the kernel keeps: it is let go when its holder dies, however it dies.

Rule 1: the file of a lock stays. If it were unlinked, one could hold the old file and another one the new.
Rule 2: whoever opens the file anew is somebody else, be it in the same process.
Written here, for loading a package that locks took a tenth of a whole command (docs/decisions, 71).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

POLL_S = 0.05
"""How often it is tried again: short for a person, and nothing for a processor."""

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_PRIVATE_FILE = 0o600

if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


_TAKEN = (BlockingIOError, PermissionError)
"""What a lock in other hands looks like; the second on Windows."""


def take(path: Path, wait_s: float = 0.0) -> int | None:
    """Take the lock of a file (0600), waiting up to `wait_s` seconds; None if somebody kept it.

    What is returned is given back with `give_back`.

    Raises:
        OSError: the file cannot be opened, or its file system knows no locks.
    """
    fd = os.open(path, _FLAGS, _PRIVATE_FILE)
    is_ours = False
    try:
        is_ours = _has_taken(fd, time.monotonic() + wait_s)
    finally:
        if not is_ours:
            os.close(fd)
    return fd if is_ours else None


def give_back(fd: int) -> None:
    """Let others have it."""
    os.close(fd)


def _has_taken(fd: int, deadline_s: float) -> bool:
    while True:
        try:
            _lock(fd)
        except _TAKEN:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            time.sleep(min(POLL_S, left_s))
        else:
            return True
