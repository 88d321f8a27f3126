"""What packs tell about an object without making it: of which other one it is made, and how.

    objects/pack/pack-….idx    name ──▶ where it lies
    objects/pack/pack-….pack   there: a delta, and to what

Rule 1: for economy only; what is not found here, or is not understood, is read whole through git.
Rule 2: a pack was judged by the git that took it in, which knows that what a delta makes has the name it has.
Only that its bytes are still those is looked at, by the checksum zlib has of them, as git does it.
Rule 3: sizes are looked at before anything is unpacked.
Packs and their indexes are gitdb's matter. It is imported when somebody asks.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from memsync_git.remotes.objects import SLACK_BYTES, Step

MOST_PACKS = 16
"""The newest of each folder. What has just come lies in one of them; where there are more, upkeep is due."""
LARGEST_DELTA_BYTES = 1 << 20
"""Unpacked. A file that changed by more is read whole."""

_UNSOUND = (AssertionError, AttributeError, IndexError, OSError, ValueError, struct.error, zlib.error)
"""What gitdb ends with besides its own errors where a file was cut or has other bytes: of an empty index it
misses an attribute.
"""


class Packs:
    """The packs of some folders of objects, opened when they are asked, to be closed in the end."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._opened: list[Any] | None = None

    def deltas(self, steps: Sequence[Step]) -> list[bytes | None]:
        """How objects are made of others; None for one of which no pack says so.

        Pack after pack is asked for all that is still missing, the newest of each folder first: what has come
        together lies together.
        """
        if self._opened is None:
            self._opened = _in_turn([_newest(folder / "pack") for folder in self._folders])
        missing = {step: (bytes.fromhex(step[0]), bytes.fromhex(step[1])) for step in steps}
        found: dict[Step, bytes] = {}
        for pack in self._opened:
            asked = {step: _delta_in(pack, *names) for step, names in missing.items()}
            found.update((step, delta) for step, delta in asked.items() if delta is not None)
            missing = {step: names for step, names in missing.items() if step not in found}
            if not missing:
                break
        return [found.get(step) for step in steps]

    def close(self) -> None:
        """Let go of their files: one that is deleted meanwhile takes its room until then."""
        if self._opened is not None:
            from gitdb.util import mman

            for pack in self._opened:
                pack.close()
            self._opened = None
            mman.collect()


def _in_turn(several: Iterable[list[Any]]) -> list[Any]:
    """The first of each, then the second of each, and so on."""
    rounds = zip_longest(*several)
    return [pack for each in rounds for pack in each if pack is not None]


def _newest(folder: Path) -> list[Any]:
    """The packs of a folder, the newest first."""
    from gitdb.pack import PackEntity

    found: list[tuple[float, Path]] = []
    for path in folder.glob("*.idx"):
        with suppress(OSError):  # gone meanwhile
            found.append((path.stat().st_mtime, path))
    return [PackEntity(str(path)) for _, path in sorted(found, reverse=True)[:MOST_PACKS]]


def _delta_in(pack: Any, oid: bytes, base: bytes) -> bytes | None:
    """The delta an object is in a pack, if it is one to this base; None also where the pack is unsound."""
    from gitdb.base import ODeltaPackStream
    from gitdb.exc import ODBError

    try:
        number = pack.index().sha_to_index(oid)
        found = None if number is None else pack.pack().stream(pack.index().offset(number))
        if not isinstance(found, ODeltaPackStream) or found.size > LARGEST_DELTA_BYTES:
            return None
        return _unpacked(found) if _is_of(pack, found, base) else None
    except (ODBError, *_UNSOUND):
        return None


def _is_of(pack: Any, delta: Any, base: bytes) -> bool:
    """Whether a delta is one to this object: it says its name, or how far before it lies."""
    said = delta.delta_info
    if not isinstance(said, int):
        return bytes(said) == base
    number = pack.index().sha_to_index(base)
    return number is not None and pack.index().offset(number) == delta.pack_offset - said


def _unpacked(delta: Any) -> bytes | None:
    """Unpacked here: gitdb leaves what stands behind the last byte, the checksum, unread."""
    unpacking, size = zlib.decompressobj(), delta.size
    data = unpacking.decompress(delta.stream.data()[: size + SLACK_BYTES], size + 1)
    return data if unpacking.eof and len(data) == size else None
