"""The processes that write a memory file, as far as the system tells: Linux, and this account's own.

Rule 1: a memory server holds no file open; it is known by the file its environment names.
Rule 2: `npx` starts a shell that starts the server, all with one environment: only the last of a line counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from memsync_git.assistants.servers import VARIABLE
from memsync_git.values import dataclass

PROC = Path("/proc")
OURS = b"memsync-git"


@dataclass(frozen=True, slots=True)
class Process:
    """One process and the one that started it."""

    pid: int
    parent: int


def writers_of(file: Path, proc: Path = PROC) -> list[int]:
    """The ids of processes that were told the file or hold it open, ours left out; empty where unknown."""
    real = os.path.realpath(file)
    found = {
        process.pid: process for process in _processes(proc) if _is_writer(proc / str(process.pid), real)
    }
    return sorted(leaves(found))


def leaves(found: Mapping[int, Process]) -> set[int]:
    """Those that have started none of the others."""
    return set(found) - {process.parent for process in found.values()}


def _processes(proc: Path) -> Iterator[Process]:
    own = os.getpid()
    with suppress(OSError):
        for entry in os.scandir(proc):
            if entry.name.isdecimal() and int(entry.name) != own:
                yield Process(int(entry.name), _parent(Path(entry.path)))


def _parent(folder: Path) -> int:
    """From `stat`; the name in it may hold blanks and brackets (proc(5))."""
    behind = _read(folder / "stat").rpartition(b")")[2].split()
    return int(behind[1]) if len(behind) > 1 and behind[1].isdigit() else 0


def _is_writer(folder: Path, real: str) -> bool:
    if OURS in _read(folder / "cmdline"):
        return False
    prefix = f"{VARIABLE}=".encode()
    told = (word[len(prefix) :] for word in _read(folder / "environ").split(b"\0") if word.startswith(prefix))
    if any(os.path.realpath(os.fsdecode(path)) == real for path in told):
        return b"memory" in _read(folder / "cmdline").lower()
    return real in _open_files(folder)


def _open_files(folder: Path) -> Iterator[str]:
    with suppress(OSError):
        for entry in os.scandir(folder / "fd"):
            with suppress(OSError):
                yield os.readlink(entry.path)


def _read(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""
