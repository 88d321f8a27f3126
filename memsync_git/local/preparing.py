"""A new version that is on its way to the disk while its maker goes on.

    maker     prepare: write ── name, save ── finished
    thread                  └── fsync ────────┘

Rule 1: the thread waits for the disk, and does nothing else.
Rule 2: who leaves before asking leaves nothing behind.
"""

from __future__ import annotations

from threading import Thread

from memsync_git.filebytes import Pieces
from memsync_git.local import refusals
from memsync_git.local.disk import NewFile
from memsync_git.ports import Prepared, Unusable


class Underway:
    """See `ports.Preparing`.

    new: what was written of it, or why it could not be. final: where it will stand. path: the memory file.
    """

    def __init__(self, new: NewFile | Unusable, data: Pieces, *, final: str, path: str) -> None:
        self._new: NewFile | Unusable | None = new
        self._data, self._final, self._path = data, final, path
        self._failed: BaseException | None = None
        self._thread = Thread(target=self._sync, name="syncing")
        self._thread.start()

    def _sync(self) -> None:
        try:
            if isinstance(self._new, NewFile):
                self._new.sync()
        except BaseException as error:  # noqa: BLE001  it is raised where it is asked for
            self._failed = error

    def finished(self) -> Prepared | Unusable:
        self._thread.join()
        new, self._new = self._new, None
        match new:
            case NewFile():
                return self._standing(new)
            case Unusable():
                return new
            case None:
                raise ValueError("it was finished before")

    def _standing(self, new: NewFile) -> Prepared | Unusable:
        try:
            if self._failed is not None:
                raise self._failed
            new.stand_at(self._final)
        except OSError as error:
            return refusals.failed(self._path, error)
        return Prepared(self._final, self._data)

    def __enter__(self) -> Underway:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        if isinstance(self._new, NewFile) and self._failed is None:
            self._new.leave()
