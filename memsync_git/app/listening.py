"""Who wants to know how the daemon's rounds go: a log, a notification, a metric."""

from __future__ import annotations

from typing import Protocol

from memsync_git.app.opening import Rooms
from memsync_git.documents import SyncDocument


class Listener(Protocol):
    """Somebody who is told about every sync of the daemon, once for all its stores.

    Invariant: told one sync after the other, on a thread where neither a capture nor a round waits.
    What a listener raises is logged and goes no further.
    """

    def round_ended(self, document: SyncDocument, rooms: Rooms) -> None:
        """A sync is over. `document` is what `sync --json` prints (outcome "failed" where a round broke),
        `rooms` the installation by the newest configuration."""
        ...
