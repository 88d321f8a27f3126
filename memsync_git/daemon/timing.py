"""Time, as the daemon is told it: the only place that knows apscheduler.

Rule 1: a job only posts; it never works, so none of them can be late because of another.
Rule 2: apscheduler counts by the wall clock. Where that was set, or a process was stopped, the jobs are
begun anew: a clock that goes back a day must not leave the daemon without a pulse for a day.
Rule 3: apscheduler is imported without asyncio, which it uses for one function and which is 2.8 MiB.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

DAY_S = 86_400.0


class Timing:
    """Calls, again and again, each every so many seconds."""

    def __init__(self, every_s: Mapping[Callable[[], None], float]) -> None:
        with without_asyncio():
            from apscheduler.executors.debug import DebugExecutor
            from apscheduler.schedulers.background import BackgroundScheduler

        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._every_s = every_s
        self._scheduler: Any = BackgroundScheduler(
            executors={"default": DebugExecutor()},  # in the scheduler's own thread: they only post
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
            timezone=UTC,
            daemon=True,
        )

    def start(self) -> None:
        """Begin to call."""
        self._scheduler.start()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Count every interval from now."""
        self._scheduler.remove_all_jobs()
        now = datetime.now(UTC)
        for call, seconds in self._every_s.items():
            first = now + timedelta(seconds=seconds)
            self._scheduler.add_job(call, "interval", seconds=seconds, start_date=first)

    def close(self) -> None:
        """Call no more."""
        self._scheduler.shutdown(wait=False)


@contextmanager
def without_asyncio() -> Iterator[None]:
    """Have imports find, in asyncio's place, the one function apscheduler takes from it.

    `inspect.iscoroutinefunction` is what it takes itself where Python is 3.14 or newer. To be used on one
    thread, before others import anything.
    """
    if "asyncio" in sys.modules:
        yield
        return
    stand_in = ModuleType("asyncio")
    stand_in.iscoroutinefunction = inspect.iscoroutinefunction  # type: ignore[attr-defined]
    sys.modules["asyncio"] = stand_in
    try:
        yield
    finally:
        del sys.modules["asyncio"]
