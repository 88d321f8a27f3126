"""What a repair takes out of a memory file: kept for people, never thrown away.

    state/<store>/quarantine/<sha256 of the piece>        0600, its folder 0700

Rule 1: a piece is durable here before the file it stood in is written anew.
Rule 2: a name is the content's own, so keeping a piece twice costs nothing and overwrites nothing.
Rule 3: a full quarantine refuses; it never makes room by itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from memsync_git.local import disk, refusals
from memsync_git.ports import Unusable

MAX_QUARANTINE_BYTES = 256 * 1024 * 1024
"""Four of the largest memory files: a machine that fills this has a writer that needs a person."""


class Quarantine:
    """One folder of pieces nobody could read."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_QUARANTINE_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes

    def keep(self, pieces: Sequence[bytes]) -> Unusable | None:
        """Keep every piece that is not here yet; None once all of them are durable."""
        wanted = {sha256(piece).hexdigest(): piece for piece in pieces if piece}
        try:
            fresh = {name: piece for name, piece in wanted.items() if not self._holds(name, piece)}
            if self.size_bytes() + sum(map(len, fresh.values())) > self._max_bytes:
                return self._full()
            if fresh:
                self._keep(fresh)
        except OSError as error:
            return refusals.failed(str(self.folder), error)
        return None

    def _keep(self, fresh: dict[str, bytes]) -> None:
        self.folder.mkdir(mode=disk.PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        for name, piece in fresh.items():
            part = self.folder / f"{name}.{os.urandom(4).hex()}.part"
            try:
                disk.write_durably(str(part), piece)
                part.replace(self.folder / name)
            except BaseException:
                disk.unlink_if_there(str(part))
                raise
        disk.sync_directory(str(self.folder))

    def _holds(self, name: str, piece: bytes) -> bool:
        with suppress(FileNotFoundError):
            return (self.folder / name).read_bytes() == piece
        return False

    def size_bytes(self) -> int:
        """How much is kept here."""
        with suppress(FileNotFoundError):
            return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(self.folder))
        return 0

    def _full(self) -> Unusable:
        return Unusable(
            f"The quarantine {self.folder} is full, so nothing more is moved there",
            "Look through it and move away what you do not need",
        )
