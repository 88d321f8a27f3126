"""Where records of `logging` go: to the file, and to stderr where somebody reads it.

Rule 1: a file that cannot be written is said once on stderr; a daemon's lines go there until it can be.
Rule 2: nothing raised here reaches whoever logged.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TextIO

from memsync_git.logs.entries import LogEntry, line_of
from memsync_git.logs.records import entry_of, malformed
from memsync_git.logs.streams import Manner, words_for
from memsync_git.logs.writing import RotatingFile


class LogHandler(logging.Handler):
    """Writes entries to the file, and with a manner of speaking to a stream as well.

    falls_back: what the file does not take goes to the stream, whatever the manner.
    with_messages: those of exceptions are written too; they can hold what a memory says.
    """

    def __init__(
        self,
        file: RotatingFile,
        stream: TextIO,
        *,
        manner: Manner,
        falls_back: bool,
        with_messages: bool,
    ) -> None:
        super().__init__()
        self._file = file
        self._stream = stream
        self._manner: Manner = manner
        self._falls_back = falls_back
        self._with_messages = with_messages
        self._was_said = False

    def go_on(self, file: RotatingFile, *, with_messages: bool) -> None:
        """Write to another file from the next record on, and let go of the one before."""
        with self.lock or nullcontext():
            self._file.close()
            self._file, self._with_messages, self._was_said = file, with_messages, False

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; never raises."""
        try:
            entry = entry_of(record, with_messages=self._with_messages)
        except Exception as error:  # noqa: BLE001  a record whose arguments do not fit its message
            entry = malformed(record, error)
        is_written = self._is_written(entry)
        if self._manner != "silent" or (self._falls_back and not is_written):
            self._say(words_for(self._manner, entry))

    def _is_written(self, entry: LogEntry) -> bool:
        try:
            self._file.append(line_of(entry))
        except OSError as error:
            self._complain(error)
            return False
        return True

    def _complain(self, error: OSError) -> None:
        if not self._was_said:
            self._was_said = True
            self._say(f"The log cannot be written ({error.strerror}); syncing goes on without it.")

    def _say(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return  # nobody is left to be told

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        super().close()
