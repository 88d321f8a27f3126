"""A daemon as a process: alone on its installation, obedient to signals, gone in order.

TERM, INT ──▶ what stands in the file is saved, one publish is tried, exit 0
HUP ────────▶ the configuration is read again; a wrong one is reported, and the old one stays
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Sequence

from memsync_git.app.allocator import keep_together
from memsync_git.app.clocks import SystemClock
from memsync_git.app.listening import Listener
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.daemon.outlets import Outlets
from memsync_git.daemon.posts import Reload, Stop
from memsync_git.daemon.running import Daemon
from memsync_git.services.readiness import Readiness
from memsync_git.stores.lock import daemon_lock
from memsync_git.values import replace


def serve(
    opened: Callable[[], Rooms],
    *,
    metrics: str | None = None,
    listeners: Sequence[Listener] = (),
    clock: SystemClock | None = None,
) -> None:
    """Be the daemon until a signal ends it.

    `opened` reads the configuration; it is called again at each HUP. `metrics`: the loopback address to tell
    figures at, None for nowhere.

    Raises:
        Misused: this machine was never set up, the configuration is wrong, or figures cannot be told there.
        Busy: a daemon is running here already.
    """
    gc.enable()  # a command turns it off, for it lives a second
    keep_together()

    def staying() -> Rooms:
        return replace(opened(), keeps_connections=True)

    rooms = staying()
    if rooms.identity() is None:
        raise not_set_up()
    with daemon_lock(rooms.daemon_lock_path), Outlets(rooms, metrics) as outlets:
        daemon = Daemon(
            staying,
            listeners=[*listeners, outlets.alerts],
            reread=outlets.go_by,
            readiness=Readiness.of(os.environ),
            clock=clock or SystemClock(),
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: daemon.post(Stop()))
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, lambda *_: daemon.post(Reload()))
        daemon.run()
