"""Telling a person about trouble once, on the screen of this machine.

Rule 1: what was told is remembered beside the outcomes, so that every process knows it, and is remembered
only when somebody took the note.
Rule 2: nothing is written while there is no trouble and was none.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from memsync_git.alerts import ADVICE, Mark, Marks, Trouble, news, troubles_of
from memsync_git.app.noting import is_calm
from memsync_git.errors import Busy, MemsyncError
from memsync_git.notifiers import usual
from memsync_git.ports import Notifier, Untold

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.documents import StatusDocument, SyncDocument

TITLE = "memsync-git"
UNREADABLE: tuple[Trouble, ...] = ("store",)


class Alerts:
    """The alerts of one installation; listens to the daemon's rounds. `notifier`: None for the one of this
    system."""

    def __init__(self, rooms: Rooms, notifier: Notifier | None = None) -> None:
        self._rooms = rooms
        self._notifier = notifier or usual()

    def round_ended(self, _document: SyncDocument, rooms: Rooms) -> None:
        """A round of the daemon is over; raises like `consider`."""
        self._rooms = rooms
        if not is_calm(rooms):
            self.look()

    def look(self, now_ms: int | None = None) -> tuple[Trouble, ...]:
        """Consider how things stand now; a store that cannot be read is trouble too."""
        from memsync_git.app.picture import status

        try:
            document = status(self._rooms)
        except Busy:
            return ()
        except MemsyncError:
            return self._consider(UNREADABLE, now_ms or _now_ms())
        return self.consider(document, now_ms)

    def consider(self, document: StatusDocument, now_ms: int | None = None) -> tuple[Trouble, ...]:
        """Tell what is news in a status; the troubles that were told come back.

        Raises:
            MemsyncError: what was told could not be read or remembered.
        """
        return self._consider(troubles_of(document), now_ms or _now_ms())

    def _consider(self, troubles: Collection[Trouble], now_ms: int) -> tuple[Trouble, ...]:
        if self._notifier is None:
            return ()
        with self._rooms.reading() as installation:
            marks = installation.marks()
        fresh, after = news(troubles, marks, now_ms)
        if fresh and isinstance(self._notifier.tell(TITLE, text_of(fresh)), Untold):
            fresh, after = (), _untold(fresh, marks, after)
        if after != marks:
            with self._rooms.installation() as installation:
                installation.note_marks(after)
        return fresh


def _untold(fresh: Collection[Trouble], marks: Marks, after: Marks) -> dict[Trouble, Mark]:
    """What to remember where nobody took the note: of the news, what was remembered before."""
    kept = {trouble: mark for trouble, mark in after.items() if trouble not in fresh}
    return kept | {trouble: marks[trouble] for trouble in fresh if trouble in marks}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def text_of(troubles: Collection[Trouble]) -> str:
    """What the note says: a line for each trouble, with its next command."""
    return "\n".join(f"{ADVICE[each].sentence} {ADVICE[each].command}" for each in troubles)
