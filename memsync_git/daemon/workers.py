"""Threads that do one job after the other, and can be asked whether they are still alive to the world.

Rule 1: a job is posted under a key; one that still waits under the same key is replaced, not repeated.
Rule 2: a worker always says by when it will be heard of again. One that is overdue is wedged.
Rule 3: what a job raises is logged and ends that job alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Condition, Thread

from memsync_git.app.turns import STEP_S
from memsync_git.errors import MemsyncError
from memsync_git.traces import places_of

log = logging.getLogger("memsync_git.daemon")
Job = Callable[[], None]


def words_of(error: Exception) -> str:
    """What may be logged of a failure: the message of an expected one, of a bug only where it is."""
    if isinstance(error, MemsyncError):
        return error.message
    return f"{type(error).__name__} at {next(places_of(error), 'an unknown place')}"


def _log_failed(key: str, error: Exception) -> None:
    """Not `log.exception`: a traceback ends with a message, which can hold what a memory says."""
    log.error("The job %s failed: %s", key, words_of(error))


class Worker:
    """One thread and the jobs that wait for it."""

    def __init__(self, name: str) -> None:
        self._waiting: dict[str, Job] = {}
        self._changed = Condition()
        self._is_busy = False
        self._is_closed = False
        self._overdue_s: float | None = None
        self._thread = Thread(target=self._work, name=f"memsync-{name}", daemon=True)
        self._thread.start()

    def post(self, key: str, job: Job) -> None:
        """Have a job done after those that wait already."""
        with self._changed:
            self._waiting[key] = job
            self._changed.notify_all()

    def expect(self, within_s: float = STEP_S) -> None:
        """From within a job: the next sign of life comes within so many seconds."""
        self._overdue_s = time.monotonic() + within_s

    @property
    def is_wedged(self) -> bool:
        """Whether its step should have ended before now."""
        overdue_s = self._overdue_s
        return overdue_s is not None and time.monotonic() > overdue_s

    def drained(self, within_s: float) -> bool:
        """Wait until nothing is left to do; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._waiting or self._is_busy), max(0.0, within_s))

    def close(self) -> None:
        """Take no more jobs."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while (found := self._next()) is not None:
            key, job = found
            self.expect()
            try:
                job()
            except Exception as error:  # noqa: BLE001  a thread that ended would be missed by nobody
                _log_failed(key, error)
            self._overdue_s = None

    def _next(self) -> tuple[str, Job] | None:
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if self._is_closed:
                return None
            self._is_busy = True
            key = next(iter(self._waiting))
            return key, self._waiting.pop(key)
