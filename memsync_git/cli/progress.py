"""A progress bar for what takes more than a second.

Rule 1: only on a terminal, on stderr, and wiped away afterwards: what a command prints is the same with it.
Rule 2: it tells which stage has begun, which is known; how long one takes is not, so it guesses no time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING, Final, TextIO

import click

if TYPE_CHECKING:
    from memsync_git.sync import Stage

SHOWN_AFTER_S: Final = 1.0
"""What is done sooner needs no bar (interface page)."""

STAGES: Final[Mapping[Stage, str]] = {
    "read": "reading the memory file",
    "fetch": "fetching what others wrote",
    "adopt": "taking the memory in",
    "publish": "publishing",
    "write": "writing the memory file",
}
_WIPE: Final = "\r\x1b[2K\x1b[?25h"
"""The line is empty again, and the cursor, which click hides, is back."""


class Bar:
    """Which of the stages is at work; drawn from the moment it has lasted long enough."""

    def __init__(self, title: str, stream: TextIO, *, after_s: float = SHOWN_AFTER_S) -> None:
        self._title = title
        self._stream = stream
        self._stage: Stage = "read"
        self._lock = Lock()
        self._is_shown = self._is_over = False
        self._timer = Timer(after_s, self._show)
        self._timer.daemon = True

    def begin(self) -> None:
        """Show it, if it is not over by then."""
        self._timer.start()

    def told(self, stage: Stage) -> None:
        """A stage begins."""
        with self._lock:
            self._stage = stage
            self._draw()

    def end(self) -> None:
        """Wipe it away."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._is_shown:
                self._stream.write(_WIPE)
                self._stream.flush()

    def _show(self) -> None:
        with self._lock:
            self._is_shown = True
            self._draw()

    def _draw(self) -> None:
        if not self._is_shown or self._is_over:
            return
        place = list(STAGES).index(self._stage)
        bar = click.progressbar(
            length=len(STAGES),
            label=f"{self._title}: {STAGES[self._stage]}",
            file=self._stream,
            show_eta=False,
            show_percent=False,
            show_pos=True,
        )
        bar.update(place + 1)


@contextmanager
def progress(title: str, *, off: bool = False) -> Iterator[Callable[[Stage], None] | None]:
    """A bar around a block, which is given whom to tell of each stage; None where no bar is wanted."""
    if off or not sys.stderr.isatty():
        yield None
        return
    bar = Bar(title, sys.stderr)
    bar.begin()
    try:
        yield bar.told
    finally:
        bar.end()
