"""osascript: the note of macOS.

Rule 1: the words are arguments of the script, never part of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from memsync_git.notifiers.running import told
from memsync_git.ports import Told, Untold
from memsync_git.values import dataclass

SCRIPT: Final = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


@dataclass(frozen=True, slots=True)
class OsaScript:
    """`command` is the program to speak to; `environment` None: that of this process."""

    command: str = "osascript"
    environment: Mapping[str, str] | None = None
    name: str = "osascript"

    def tell(self, title: str, text: str) -> Told | Untold:
        lines = [word for line in SCRIPT for word in ("-e", line)]
        environment = os.environ if self.environment is None else self.environment
        return told([self.command, *lines, title, text], environment)
