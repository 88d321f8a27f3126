"""What can put a note on a person's screen, by the system it is for.

Rule 1: a command of the system is started by its argument list, never through a shell, and for a few
seconds at most.
Rule 2: no screen is no failure: a server has none.
"""

from __future__ import annotations

import sys

from memsync_git.notifiers.notify_send import NotifySend
from memsync_git.notifiers.osascript import OsaScript
from memsync_git.ports import Notifier

NOTIFIERS: dict[str, type[NotifySend | OsaScript]] = {"linux": NotifySend, "darwin": OsaScript}


def usual(platform: str = sys.platform) -> Notifier | None:
    """The notifier of this system, None where we know none."""
    kind = NOTIFIERS.get(platform)
    return None if kind is None else kind()
