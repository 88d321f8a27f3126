"""The memory file on a real disk, shared with servers that take no lock.

    prepare    .part ── write, fsync ──▶ .new                         (preparing.py: while we go on)
    exchange   .new ⇄ path ──▶ what was displaced stands at .old       (swaps.py)
    look       read .old once more: a writer may have held that inode open
    forget     unlink .old

Rule 1: a reader of the path finds either the old or the new bytes, whole.
Rule 2: nothing a writer wrote is unlinked before it was offered; a `.part` never held anything but ours.
Rule 3: only regular files of this account are read, without following links and without ever waiting.
Rule 4: an expected failure of the disk is an `Unusable` that names the path and what to do.
Rule 5: what a file holds of what it held, or of what was written, is compared and not held once more. Where
the inode's times tell that nothing was written, it is not even read; what a swap displaces is, always.
It knows nothing of what the bytes mean, nor of rounds, remotes and stores.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from memsync_git.filebytes import FileBytes, Piece, Pieces
from memsync_git.local import disk, refusals
from memsync_git.local.names import Role, Temporary, minted, parsed, witness_name
from memsync_git.local.preparing import Underway
from memsync_git.local.sidecar import Kept, Sidecar
from memsync_git.local.swaps import SWAPS, UNABLE, Swap
from memsync_git.ports import Displaced, Missing, Occupied, Prepared, Reading, Snapshot, Unusable

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Formats page, section 1; configurable as `guards.max_file_mib`."""

MAX_WITNESS_BYTES = 1024 * 1024
"""A witness names one revision for each machine of the fleet; this is room for ten thousand."""


def wall_ms() -> int:
    """Milliseconds since 1970 by the wall clock."""
    return time.time_ns() // 1_000_000


class _Known(NamedTuple):
    """What was read of a file, and by which stamp that is known to stand there still."""

    stamp: disk.Stamp
    snapshot: Snapshot


class OsFile:
    """One memory file of the operating system; `ports.LocalFile` says what its methods promise.

    max_bytes: beyond it the file is neither read nor written.
    follow_symlink: resolve a link once, now, and work at its target.
    private_directory: the directory is ours alone: made if missing, kept at 0700.
    swaps: the ways to swap, best first.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int = MAX_FILE_BYTES,
        follow_symlink: bool = False,
        private_directory: bool = False,
        swaps: Sequence[Swap] = SWAPS,
        sleep: Callable[[float], None] = time.sleep,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        named = Path(path).expanduser().absolute()
        is_followed = follow_symlink and named.is_symlink()
        self._link = named if is_followed else None
        self._place = named.resolve() if is_followed else named
        self._path = str(self._place)
        self._directory = str(self._place.parent)
        self._max_bytes = max_bytes
        self._private_directory = private_directory
        self._swaps = swaps
        self._now_ms = now_ms
        self._sidecar = Sidecar(self._path, sleep=sleep, now_ms=now_ms)
        self._standing: FileBytes | Pieces = b""
        self._known: _Known | None = None

    @property
    def path(self) -> Path:
        """Where the file really lies, links followed: the place to watch."""
        return self._place

    # --- reading

    def read(self) -> Reading:
        refusal = self._refusal_of_place()
        if refusal is not None:
            return refusal
        self._sidecar.notice()
        stamp, began_ms = disk.Stamp.at(self._path), self._now_ms()
        if self._known is not None and stamp == self._known.stamp:
            return self._known.snapshot
        standing = self._standing if not isinstance(self._standing, Pieces) else bytes(self._standing)
        reading = disk.read_regular(self._path, self._max_bytes, standing)
        self._standing = reading.data if isinstance(reading, Snapshot) else b""
        self._known = self._known_by(stamp, reading, began_ms)
        return reading

    def _known_by(self, stamp: disk.Stamp | None, reading: Reading, began_ms: int) -> _Known | None:
        """A reading that a look at the inode will tell from any later one, if there is such a look."""
        if stamp is None or not isinstance(reading, Snapshot) or not stamp.tells_writes_from(began_ms):
            return None
        return _Known(stamp, reading) if disk.Stamp.at(self._path) == stamp else None

    def _refusal_of_place(self) -> Unusable | None:
        """What is wrong around the file: a link that has parted, a directory others may write in."""
        if self._link is not None and self._link.resolve() != self._place:
            return refusals.unlinked(str(self._link), self._path)
        return disk.refusal_of_directory(self._directory)

    # --- writing back

    def prepare(self, data: Pieces) -> Underway:
        return Underway(self._written(data), data, final=self._beside("new"), path=self._path)

    def _written(self, data: Pieces) -> disk.NewFile | Unusable:
        """A new version, all of it written."""
        refusal = self._refusal_of_place()
        if refusal is not None:
            return refusal
        if len(data) > self._max_bytes:
            return refusals.too_large(self._path, len(data), self._max_bytes)
        try:
            return self._new(list(data))
        except OSError as error:
            return refusals.failed(self._path, error)

    def exchange(self, prepared: Prepared, *, over: Snapshot | Missing) -> Displaced | Occupied | Unusable:
        try:
            with self._sidecar.held() as lock:
                if isinstance(lock, Kept):
                    self.discard(prepared)
                    return Occupied()
                return self._exchanged(prepared, over)
        except OSError as error:
            self.discard(prepared)
            return refusals.failed(self._path, error)

    def _exchanged(self, prepared: Prepared, over: Snapshot | Missing) -> Displaced | Occupied | Unusable:
        """Swap. Raises OSError only if nothing was swapped, so that the prepared file may go."""
        refusal = self._refusal_of_target()
        if refusal is not None:
            self.discard(prepared)
            return refusal
        try:
            aside = self._swapped(prepared.path, is_first=isinstance(over, Missing))
        except (FileNotFoundError, FileExistsError):
            self.discard(prepared)
            return Occupied()
        # The swap has happened. If a power cut undoes it, the pending ring entry explains that.
        with suppress(OSError):
            disk.sync_directory(self._directory)
        self._standing = prepared.data
        return self._inspected(aside, over.data if isinstance(over, Snapshot) else b"")

    def _refusal_of_target(self) -> Unusable | None:
        """Never swap with a directory, a pipe, or more than could be read back afterwards."""
        try:
            status = self._place.lstat()
        except FileNotFoundError:
            return None
        return disk.refusal_of_inode(self._path, status, self._max_bytes)

    def _swapped(self, prepared: str, *, is_first: bool) -> str:
        """Try the ways in turn; return where the displaced inode stands, empty if there was none."""
        for swap in self._swaps[:-1]:
            try:
                return self._swapped_by(swap, prepared, is_first=is_first)
            except OSError as error:
                if error.errno not in UNABLE:
                    raise
        return self._swapped_by(self._swaps[-1], prepared, is_first=is_first)

    def _swapped_by(self, swap: Swap, prepared: str, *, is_first: bool) -> str:
        if is_first:
            swap.into(prepared, self._path)
            return ""
        return swap.over(prepared, self._path, self._beside("old"))

    def _inspected(self, aside: str, merged_from: FileBytes) -> Displaced | Unusable:
        reading = disk.read_regular(aside, self._max_bytes, merged_from) if aside else Missing()
        match reading:
            case Snapshot():
                return Displaced(reading, aside)
            case Missing():
                return Displaced(None)
            case Unusable():
                return refusals.put_aside(self._path, aside, reading)

    def discard(self, prepared: Prepared) -> None:
        disk.unlink_if_there(prepared.path)

    # --- what was displaced

    def look(self, displaced: Displaced) -> Snapshot | None:
        inspected = displaced.snapshot.data if displaced.snapshot is not None else b""
        return self._snapshot_at(displaced.path, inspected) if displaced.path else None

    def forget(self, displaced: Displaced) -> None:
        # What `look` could not offer, a file grown beyond the limit, say, stays.
        if displaced.path and self._is_offerable(displaced.path):
            disk.unlink_if_there(displaced.path)

    def _is_offerable(self, path: str) -> bool:
        with suppress(FileNotFoundError):
            return disk.refusal_of_inode(path, Path(path).lstat(), self._max_bytes) is None
        return False

    def leftovers(self) -> list[Displaced]:
        abandoned = [name for name in self._temporaries() if name.is_abandoned(self._now_ms())]
        for name in abandoned:
            if name.role == "part":
                disk.unlink_if_there(self._at(name))
        paths = [self._at(name) for name in abandoned if name.role != "part"]
        offered = (Displaced(self._snapshot_at(path), path) for path in paths)
        return [displaced for displaced in offered if displaced.snapshot is not None]

    def _temporaries(self) -> list[Temporary]:
        """All our temporary files beside this memory file, oldest first."""
        try:
            entries = [entry.name for entry in os.scandir(self._directory)]
        except OSError:
            return []
        found = (parsed(self._place.name, entry) for entry in entries)
        return sorted((name for name in found if name is not None), key=lambda name: name.made_ms)

    def _snapshot_at(self, path: str, like: FileBytes = b"") -> Snapshot | None:
        reading = disk.read_regular(path, self._max_bytes, like)
        return reading if isinstance(reading, Snapshot) else None

    # --- modes and the witness

    def protect(self) -> None:
        if self._private_directory:
            disk.tighten(self._directory, disk.PRIVATE_DIRECTORY)
        disk.tighten(self._path, disk.PRIVATE_FILE)

    def read_witness(self) -> bytes | None:
        reading = disk.read_regular(self._witness, MAX_WITNESS_BYTES)
        return bytes(reading.data) if isinstance(reading, Snapshot) else None

    def write_witness(self, data: bytes) -> Unusable | None:
        try:
            new = self._new([data])
            new.sync()
            new.stand_at(self._witness)
            disk.sync_directory(self._directory)
        except OSError as error:
            return refusals.failed(self._witness, error)
        return None

    # --- names

    @property
    def _witness(self) -> str:
        return str(self._place.with_name(witness_name(self._place.name)))

    def _at(self, name: Temporary) -> str:
        return str(self._place.with_name(name.text))

    def _beside(self, role: Role) -> str:
        return self._at(minted(self._place.name, self._now_ms(), role))

    def _new(self, pieces: Sequence[Piece]) -> disk.NewFile:
        """Write these pieces under a name of their own.

        Raises:
            OSError: they could not be written; nothing was left behind.
        """
        if self._private_directory:
            self._place.parent.mkdir(disk.PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        return disk.NewFile(self._beside("part"), pieces)
