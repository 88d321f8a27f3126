"""Telling the daemon of this machine that its configuration is another one now."""

from __future__ import annotations

import os
import signal

from memsync_git.app.opening import Rooms
from memsync_git.app.signs import signs_of
from memsync_git.app.standing import RESTART
from memsync_git.app.telling import notice
from memsync_git.documents import NoticePart


def reread(rooms: Rooms) -> list[NoticePart]:
    """Have a daemon that runs read its configuration again; what to know where it cannot be told.

    A pulse names a process, and the lock of daemons says that this process is still the daemon.
    """
    from memsync_git.stores.lock import RoundLock

    with rooms.reading() as installation:
        signs = signs_of(installation)
    if not signs.is_running or signs.pulse is None:
        return []
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and RoundLock(rooms.daemon_lock_path).holder() == signs.pulse.pid:
        try:
            os.kill(signs.pulse.pid, hang_up)
        except OSError:
            pass
        else:
            return []
    return [notice("The daemon that runs goes by the configuration as it was.", "", RESTART)]
