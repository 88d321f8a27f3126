"""The errors people meet, sorted by whose move it is.

Rule 1: an expected failure of the world (offline, refused, unreadable line) is a value of
`ports.py` or of the module that met it; only what ends a command is raised.
Rule 2: a message says what happened, then what was not harmed, then the next command.
"""

from __future__ import annotations


class MemsyncError(Exception):
    """The root: a full sentence, what was not harmed, and the next command.

    `unharmed` and `hint` may be empty where there is nothing honest to say.
    """

    exit_code = 1

    def __init__(self, message: str, *, unharmed: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.unharmed = unharmed
        self.hint = hint


class Misused(MemsyncError):
    """The command or the configuration is wrong: the person at the keyboard can mend it."""

    exit_code = 2


class Held(MemsyncError):
    """A guard waits for a person, or a newer release wrote what this one cannot read."""

    exit_code = 4


class Offline(MemsyncError):
    """The remote could not be reached; local work is safe."""

    exit_code = 5


class Denied(MemsyncError):
    """The remote answered and refused: credentials, permission, a hook."""

    exit_code = 6


class FileUnusable(MemsyncError):
    """The memory file cannot be used as it stands; it was left alone."""

    exit_code = 7


class Busy(MemsyncError):
    """Another sync holds the lock."""

    exit_code = 8


class StoreDamaged(MemsyncError):
    """The replica store on this machine cannot be read."""
