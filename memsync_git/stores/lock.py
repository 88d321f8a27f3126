"""One round at a time on one machine, and one daemon: their locks.

Rule 1: for economy, not for correctness: two rounds at once cost work, never data.
Rule 2: the kernel lets go when the holder dies, however it dies; no lock ever goes stale.
Rule 3: the holder's process id lies beside the lock and serves the message alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from memsync_git.errors import Busy

POLL_S = 0.05


class RoundLock:
    """The lock of one replica, in a file of its own (0600, its folder 0700)."""

    doing = "Another round is being run"
    hint = "run the command again when that one has ended"

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def held(self, wait_s: float) -> Iterator[None]:
        """Hold the lock while the block runs; wait for it up to `wait_s` seconds, 0 not at all.

        Raises:
            Busy: somebody else holds it.
        """
        from filelock import FileLock, Timeout

        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self._path, mode=0o600)
        try:
            lock.acquire(timeout=wait_s, poll_interval=POLL_S)
        except Timeout as error:
            raise self._busy() from error
        try:
            self._sign()
            yield
        finally:
            self._withdraw()
            lock.release()

    def holder(self) -> int | None:
        """The process that says it holds the lock, if it is alive."""
        try:
            pid = int(self._note.read_bytes()[:20])
        except (OSError, ValueError):
            return None
        return pid if pid > 0 and _is_alive(pid) else None

    @property
    def _note(self) -> Path:
        return self._path.with_name(self._path.name + ".pid")

    def _sign(self) -> None:
        with suppress(OSError):  # a full disk must not stop a round that could free it
            note = os.open(self._note, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(note, "w") as file:
                file.write(f"{os.getpid()}\n")

    def _withdraw(self) -> None:
        with suppress(OSError):
            self._note.unlink()

    def _busy(self) -> Busy:
        holder = self.holder()
        who = f" by process {holder}" if holder is not None else ""
        return Busy(f"{self.doing}{who}.", unharmed="Nothing was changed.", hint=self.hint)


class DaemonLock(RoundLock):
    """The lock by which a daemon is alone on its installation."""

    doing = "A daemon is already being run here"
    hint = "memsync-git status"


def round_lock(path: Path, wait_s: float) -> AbstractContextManager[None]:
    """Hold the lock at `path` while a block runs; see `RoundLock.held`."""
    return RoundLock(path).held(wait_s)


class SharedLock:
    """The lock of the round for the rounds of several stores: the first that needs it takes it for all.

    It is given back at the end of the block. Who could not have it waits once, not for every store.
    """

    def __init__(self, path: Path, wait_s: float) -> None:
        self._path, self._wait_s = path, wait_s
        self._open = ExitStack()
        self._is_held = False
        self._busy: Busy | None = None

    def take(self) -> None:
        """Hold it from now on.

        Raises:
            Busy: somebody else holds it.
        """
        if self._busy is not None:
            raise self._busy
        if self._is_held:
            return
        try:
            self._open.enter_context(round_lock(self._path, self._wait_s))
        except Busy as error:
            self._busy = error
            raise
        self._is_held = True

    def __enter__(self) -> SharedLock:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def daemon_lock(path: Path) -> AbstractContextManager[None]:
    """Be the one daemon of an installation while a block runs; see `RoundLock.held`."""
    return DaemonLock(path).held(0.0)


def _is_alive(pid: int) -> bool:
    """Whether a process exists; one of another user counts."""
    if sys.platform == "win32":
        return True  # there, signal 0 is Ctrl-C and would end it
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
