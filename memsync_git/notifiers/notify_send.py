"""notify-send: the note of freedesktop.org's desktops.

Rule 1: cron has no session bus in its environment; the one of this account is found where systemd puts it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from memsync_git.notifiers.running import told
from memsync_git.ports import Told, Untold
from memsync_git.values import dataclass

BUS_VARIABLE: Final = "DBUS_SESSION_BUS_ADDRESS"
RUNTIME_VARIABLE: Final = "XDG_RUNTIME_DIR"


@dataclass(frozen=True, slots=True)
class NotifySend:
    """`command` is the program to speak to; `environment` None: that of this process."""

    command: str = "notify-send"
    environment: Mapping[str, str] | None = None
    name: str = "notify-send"

    def tell(self, title: str, text: str) -> Told | Untold:
        environment = with_bus(os.environ if self.environment is None else self.environment, os.getuid())
        if BUS_VARIABLE not in environment:
            return Untold("This account has no desktop session.")
        words = [self.command, "--app-name=memsync-git", "--urgency=normal", "--", title, _bare(text)]
        return told(words, environment)


def _bare(text: str) -> str:
    """The body is read as markup by some desktops."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def with_bus(environment: Mapping[str, str], account: int) -> dict[str, str]:
    """The environment with the session bus of this account, where there is one."""
    if environment.get(BUS_VARIABLE):
        return dict(environment)
    runtime = Path(environment.get(RUNTIME_VARIABLE) or f"/run/user/{account}")
    if not (runtime / "bus").is_socket():
        return {key: value for key, value in environment.items() if key != BUS_VARIABLE}
    return {**environment, RUNTIME_VARIABLE: str(runtime), BUS_VARIABLE: f"unix:path={runtime}/bus"}
