"""Keeping a repository of ours small: by what lies there, in the foreground, under the lock of the caller.

    many loose objects, or packs ─▶ repack --geometric=2     what is new is packed, old packs are left alone
    a month has passed           ─▶ gc                       everything anew; two weeks' leavings stay

Rule 1: git never does it by itself (`gc.auto=0`): its count comes too late for files that are rewritten, and
what it leaves running is killed with its parent.
Rule 2: the clone is ours, and a hub that `create_hub` made. What others made is kept by them.
Rule 3: whatever a kill leaves of it, the next command works (measured at 160 points); only locks of gc's own
packing of refs could be in the way, and `gc.packRefs` is off.
Source: the formats page, section 2; facts, parts 5 and 7.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from memsync_git.remotes import _git
from memsync_git.remotes._git import Ran
from memsync_git.values import dataclass

MAX_LOOSE_FILES = 2000
MAX_LOOSE_BYTES = 64 << 20
"""Beyond either it is worth a repack: loose objects cost 60 to 170 times their packed size."""
MAX_PACKS = 50
"""Git's own limit. Every fetch that is checked leaves a pack, and each is looked into for every object."""
REPACK_DEADLINE_S = 300.0
"""2.5 s were measured for five commits over 100 000 records."""
COLLECT_DEADLINE_S = 600.0

_SAMPLE = "17"
"""One of the 256 folders of loose objects; git itself estimates from this one."""
_FOLDERS = 256

Work = Literal["nothing", "repack"]


@dataclass(frozen=True, slots=True)
class Stock:
    """What lies in a repository: loose objects and packs, and their bytes on disk."""

    loose: int = 0
    loose_bytes: int = 0
    packs: int = 0
    pack_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        return self.loose_bytes + self.pack_bytes


def due(stock: Stock) -> Work:
    """What a repository with so much in it needs now, besides its monthly collection."""
    is_much = stock.loose > MAX_LOOSE_FILES or stock.loose_bytes > MAX_LOOSE_BYTES
    return "repack" if is_much or stock.packs > MAX_PACKS else "nothing"


# --- looking


def stock(git_dir: Path) -> Stock:
    """What lies in a repository, every file counted."""
    folders = [git_dir / "objects" / f"{at:02x}" for at in range(_FOLDERS)]
    return _stock(git_dir, [size for folder in folders for size in _sizes(folder)], times=1)


def estimated(git_dir: Path) -> Stock:
    """The same from one folder of 256: cheap enough for after every round."""
    return _stock(git_dir, list(_sizes(git_dir / "objects" / _SAMPLE)), times=_FOLDERS)


def _stock(git_dir: Path, loose: list[int], *, times: int) -> Stock:
    folder = git_dir / "objects" / "pack"
    packs = list(_sizes(folder, ".pack"))
    return Stock(len(loose) * times, sum(loose) * times, len(packs), sum(_sizes(folder)))


def _sizes(folder: Path, ending: str = "") -> Iterable[int]:
    """Bytes on disk of the files in a folder; nothing where there is none."""
    try:
        with os.scandir(folder) as entries:
            return [_on_disk(entry) for entry in entries if entry.name.endswith(ending)]
    except FileNotFoundError:
        return []


def _on_disk(entry: os.DirEntry[str]) -> int:
    """A small file takes a whole block; a file that goes meanwhile takes none."""
    try:
        about = entry.stat()
    except FileNotFoundError:
        return 0
    return getattr(about, "st_blocks", 0) * 512 or about.st_size


# --- doing


def repack(git_dir: Path) -> Ran:
    """Pack what is loose or in small packs."""
    return _git.run(["repack", "-q", "-d", "--geometric=2"], git_dir=git_dir, deadline_s=REPACK_DEADLINE_S)


def collect(git_dir: Path) -> Ran:
    """Pack everything anew; what the last two weeks made stays, referenced or not."""
    argv = ["gc", "--quiet", "--prune=2.weeks.ago"]
    return _git.run(argv, git_dir=git_dir, deadline_s=COLLECT_DEADLINE_S)


def keep(git_dir: Path) -> Ran | None:
    """Do what is due; how it went, None where nothing was."""
    return repack(git_dir) if due(estimated(git_dir)) == "repack" else None


# --- hubs

OWN_HUB = ("memsync.upkeep", "true")
"""The setting by which a hub of our making is known."""
_OWN_HUB = rb"(?m)^\[memsync\]\s*\n\s*upkeep = true\s*$"
"""The same as `git config` writes it."""


def is_own_hub(git_dir: Path) -> bool:
    """Whether `create_hub` made a repository on this disk, so that nobody else keeps it."""
    try:
        return re.search(_OWN_HUB, (git_dir / "config").read_bytes()) is not None
    except OSError:
        return False
