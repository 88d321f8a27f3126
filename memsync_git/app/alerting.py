"""Telling a person about trouble once, on the screen of this machine.

Rule 1: what was told is remembered beside the outcomes, so that every process knows it, and is remembered
only when somebody took the note.
Rule 2: nothing is written while there is no trouble and was none.
Rule 3: all stores are looked at, whichever was synced: what they share is told once.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from memsync_git.alerts import Advice, Concern, Mark, Marks, Troubles, advice_on, concerns_of, news
from memsync_git.app.noting import is_calm
from memsync_git.app.troubles import troubles
from memsync_git.errors import Busy
from memsync_git.notifiers import usual
from memsync_git.ports import Notifier, Untold
from memsync_git.values import replace

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.documents import SyncDocument

TITLE = "memsync-git"


class Alerts:
    """The alerts of one installation; listens to the daemon's rounds. `notifier`: None for the one of this
    system."""

    def __init__(self, rooms: Rooms, notifier: Notifier | None = None) -> None:
        self._rooms = replace(rooms, picked="")
        self._notifier = notifier or usual()

    def round_ended(self, _document: SyncDocument, rooms: Rooms) -> None:
        """A round of the daemon is over; raises like `consider`."""
        self._rooms = replace(rooms, picked="")
        if not is_calm(self._rooms):
            self.look()

    def look(self, now_ms: int | None = None) -> tuple[Concern, ...]:
        """Consider how things stand now; not while somebody is syncing."""
        try:
            found = troubles(self._rooms)
        except Busy:
            return ()
        return self.consider(found, now_ms)

    def consider(self, found: Troubles, now_ms: int | None = None) -> tuple[Concern, ...]:
        """Tell what is news in the troubles there are; the concerns that were told come back.

        Raises:
            MemsyncError: what was told could not be read or remembered.
        """
        if self._notifier is None:
            return ()
        with self._rooms.reading() as installation:
            marks = installation.marks()
        fresh, after = news(concerns_of(found), marks, now_ms or _now_ms())
        if fresh and isinstance(self._notifier.tell(TITLE, text_of(advice_on(fresh, found))), Untold):
            fresh, after = (), _untold(fresh, marks, after)
        if after != marks:
            with self._rooms.installation() as installation:
                installation.note_marks(after)
        return fresh


def _untold(fresh: Collection[Concern], marks: Marks, after: Marks) -> dict[Concern, Mark]:
    """What to remember where nobody took the note: of the news, what was remembered before."""
    kept = {concern: mark for concern, mark in after.items() if concern not in fresh}
    return kept | {concern: marks[concern] for concern in fresh if concern in marks}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def text_of(said: Collection[Advice]) -> str:
    """What the note says: a line for each trouble, with its next command."""
    return "\n".join(f"{each.sentence} {each.command}" for each in said)
