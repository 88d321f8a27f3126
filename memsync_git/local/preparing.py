"""A new version that a thread of its own writes and fsyncs, while its maker goes on.

    maker     begin ── put together, name, save ── finished
    thread        └─── write ─── fsync ────────────┘

Rule 1: the thread touches nothing but its own file, and says how it went when it is asked.
Rule 2: who leaves before asking leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from threading import Thread

from memsync_git.filebytes import Piece
from memsync_git.local.disk import unlink_if_there
from memsync_git.ports import Prepared, Unusable

PIECES_AT_ONCE = 256
"""Two MiB of a file of which one line in a hundred is new: the thread waits no longer for its turn."""


class WritingThread:
    """See `ports.Preparing`. write: writes these pieces for good, and tells where they stand."""

    def __init__(self, write: Callable[[], str | Unusable], pieces: Sequence[Piece]) -> None:
        self._write = write
        self._outcome: str | Unusable | BaseException | None = None
        self._thread = Thread(target=self._work, name="writing")
        self._thread.start()
        self.data = _together(pieces)

    def _work(self) -> None:
        try:
            self._outcome = self._write()
        except BaseException as error:  # noqa: BLE001  it is raised where it is asked for
            self._outcome = error

    def finished(self) -> Prepared | Unusable:
        self._thread.join()
        outcome, self._outcome = self._outcome, None
        match outcome:
            case str():
                return Prepared(outcome, self.data)
            case Unusable():
                return outcome
            case BaseException():
                raise outcome
            case None:
                raise ValueError("it was finished before")

    def __enter__(self) -> WritingThread:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        if isinstance(self._outcome, str):
            unlink_if_there(self._outcome)


def _together(pieces: Sequence[Piece]) -> bytes:
    """All the pieces, one behind the other."""
    room = BytesIO()
    for at in range(0, len(pieces), PIECES_AT_ONCE):
        room.writelines(pieces[at : at + PIECES_AT_ONCE])
    return room.getvalue()
