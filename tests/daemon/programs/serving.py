"""The daemon as `memsync-git daemon` runs it, its log on standard error, under circumstances given as JSON.

denied: {system call: errno} · uid: who to be · set_clock_by_s: the wall clock is set by so much at SIGUSR1
metrics: where to tell figures
"""

from __future__ import annotations

import encodings
import json
import logging
import os
import pkgutil
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import filelock

import memsync_git
from memsync_git.__main__ import PRIVATE_UMASK, main
from memsync_git.app.clocks import SystemClock
from tests.faults.programs.denying import deny


class SettableClock(SystemClock):
    """This machine's clock, until somebody sets it."""

    ahead_ms = 0

    def wall_ms(self) -> int:
        return super().wall_ms() + self.ahead_ms


def become(uid: int) -> None:
    """Be another account. Whatever is imported late is imported now: it may not read our folders."""
    for name in ("watchdog.observers", "apscheduler.schedulers.background", "apscheduler.executors.debug"):
        import_module(name)
    for package in (memsync_git, filelock, encodings):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                with suppress(ImportError):  # some are of other systems
                    import_module(module.name)
    import_module("git.cmd")
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def serve_with(clock: SettableClock, by_s: int) -> None:
    from memsync_git.cli.opening import opened
    from memsync_git.daemon import serve

    def set_clock(*_: object) -> None:
        clock.ahead_ms += by_s * 1000

    signal.signal(signal.SIGUSR1, set_clock)
    os.umask(PRIVATE_UMASK)
    serve(lambda: opened().rooms, clock=clock)


def begin(circumstances: dict[str, Any]) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(relativeCreated)d %(name)s %(message)s")
    logging.getLogger("memsync_git").setLevel(logging.DEBUG)
    sys.argv = ["memsync-git", "daemon", *(f"--metrics={at}" for at in [circumstances.get("metrics")] if at)]
    if "denied" in circumstances:
        deny(circumstances["denied"])
    if "uid" in circumstances:
        become(circumstances["uid"])
    if "set_clock_by_s" in circumstances:
        serve_with(SettableClock(), circumstances["set_clock_by_s"])
    else:
        main()


if __name__ == "__main__":
    begin(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
