"""What the daemon and other processes leave for each other: its pulse, and a person's pause.

Rule 1: called by one thread, which may wait for the disk.
Rule 2: a pulse that cannot be left is as good as none: cron takes over, and the daemon goes on.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack

from memsync_git.app.installation import Installation
from memsync_git.app.opening import Rooms
from memsync_git.app.pulse import Pause, Pulse
from memsync_git.errors import MemsyncError

log = logging.getLogger("memsync_git.daemon")


class Notes:
    """`identity.db`, held open: it is looked at every second."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._open = ExitStack()
        self._installation: Installation | None = None

    def leave(self, pulse: Pulse | None) -> None:
        """Leave a pulse, or with None take it back."""
        try:
            self._held().note_pulse(pulse)
        except MemsyncError as error:
            self._let_go(error)

    def pause(self, before: Pause | None) -> Pause | None:
        """What a person wishes; as before, if that cannot be read."""
        try:
            return self._held().pause()
        except MemsyncError as error:
            self._let_go(error)
            return before

    def close(self) -> None:
        """Let go of the store."""
        self._installation = None
        self._open.close()

    def _held(self) -> Installation:
        if self._installation is None:
            self._installation = self._open.enter_context(self._rooms.installation())
        return self._installation

    def _let_go(self, error: MemsyncError) -> None:
        log.warning("No pulse: %s", error.message)
        self.close()
