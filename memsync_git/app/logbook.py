"""The log of this process: started by whoever has rounds to run, and what is said of a round in it.

Rule 1: `logging` is imported when there is something to write: a quiet `sync` and `status` do without.
Rule 2: a round is one line: what was moved, never what it says; a quiet one only at DEBUG.
Rule 3: libraries are heard from WARNING on; at DEBUG they log arguments.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, TextIO

from memsync_git.app.history import LastRound

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.logs.handlers import LogHandler
    from memsync_git.logs.writing import RotatingFile
    from memsync_git.words import OutcomeWord

LOGGER: Final = "memsync_git"
ROUNDS: Final = "memsync_git.round"
MIB: Final = 1 << 20

_TOLD: Final[dict[OutcomeWord, tuple[str, str]]] = {
    "accepted": ("info", "Synced"),
    "nothing": ("debug", "Nothing new"),
    "stale": ("info", "Another machine was first"),
    "offline": ("warning", "Offline"),
    "held": ("warning", "Held"),
    "locked": ("warning", "Another sync holds the lock"),
    "refused": ("error", "Refused"),
    "failed": ("error", "Failed"),
    "unusable": ("error", "The memory file cannot be used"),
}
"""How much each outcome matters, and its words."""


class Logbook:
    """The log while it is open; a context manager."""

    def __init__(self, handler: LogHandler | None) -> None:
        self._handler = handler

    def go_on(self, rooms: Rooms) -> None:
        """Write as a configuration that was read again says. It stays open meanwhile: else a round that
        ends in that moment would open one of its own, and this one would stay closed."""
        if self._handler is not None:
            self._handler.go_on(_file_of(rooms), with_messages=_with_messages(rooms))
            _set_level(rooms)

    def close(self) -> None:
        """Write no more; closing twice is once."""
        if self._handler is not None:
            import logging

            logging.getLogger().removeHandler(self._handler)
            self._handler.close()
            self._handler = None

    def __enter__(self) -> Logbook:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start_logging(rooms: Rooms, *, aloud: bool = False, stderr: TextIO | None = None) -> Logbook:
    """Write what this process logs to the log file, until the book is closed.

    A process has one log: while one is open, opening another changes nothing.

    aloud: speak on `stderr` (None: that of the process) as well where a journal or a person listens, and
    where the file cannot be written (for the daemon; a command has words of its own).
    """
    import logging

    from memsync_git.logs.handlers import LogHandler
    from memsync_git.logs.streams import manner_of

    root = logging.getLogger()
    if any(isinstance(handler, LogHandler) for handler in root.handlers):
        return Logbook(None)
    stream = stderr or sys.stderr
    handler = LogHandler(
        _file_of(rooms),
        stream,
        manner=manner_of(stream, os.environ) if aloud else "silent",
        falls_back=aloud,
        with_messages=_with_messages(rooms),
    )
    _set_level(rooms)
    root.addHandler(handler)
    return Logbook(handler)


def _file_of(rooms: Rooms) -> RotatingFile:
    from memsync_git.logs.writing import RotatingFile

    settings = rooms.configuration.log
    return RotatingFile(rooms.places.log, max_bytes=int(settings.max_mib * MIB), keep=settings.keep)


def _with_messages(rooms: Rooms) -> bool:
    return rooms.configuration.log.level == "debug"


def _set_level(rooms: Rooms) -> None:
    import logging

    logging.getLogger(LOGGER).setLevel(rooms.configuration.log.level.upper())


def is_logged(rooms: Rooms, last: LastRound) -> bool:
    """Whether a round is worth a line, as the log is set."""
    return not (last.is_quiet or last.is_reminder) or rooms.configuration.log.level == "debug"


def log_round(rooms: Rooms, last: LastRound) -> None:
    """Write the line of a round, to the log of this process or to one opened for it."""
    if not is_logged(rooms, last):
        return
    import logging

    level = "debug" if last.is_reminder else _TOLD[last.outcome][0]
    extra = {
        "outcome": last.outcome,
        "ms": last.ms,
        "cause": last.cause,
        "local": _counted(last.local),
        "remote": _counted(last.remote),
    }
    with start_logging(rooms):
        logging.getLogger(ROUNDS).log(getattr(logging, level.upper()), "%s", sentence(last), extra=extra)


def sentence(last: LastRound) -> str:
    """`Synced: 2 added, 1 changed here; 3 removed elsewhere`, and why if it did not go well."""
    moved = [f"{words} {where}" for words, where in _moved(last) if words]
    told = _TOLD[last.outcome][1] + (f": {'; '.join(moved)}" if moved else "")
    return f"{told}. {last.reason}" if last.reason else told


def _moved(last: LastRound) -> list[tuple[str, str]]:
    return [(_in_words(last.local), "here"), (_in_words(last.remote), "elsewhere")]


def _counted(moved: tuple[int, int, int]) -> dict[str, int]:
    return dict(zip(("added", "removed", "changed"), moved, strict=True))


def _in_words(moved: tuple[int, int, int]) -> str:
    return ", ".join(f"{number} {way}" for way, number in _counted(moved).items() if number)
