"""Write a file back again and again, each time killed (SIGKILL) one step later; tell what was found.

    killed.py DIRECTORY WAY

A step is a call into C made from memsync_git/local, in whatever thread: between two system calls lies at
least one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from memsync_git.filebytes import Pieces
from memsync_git.local import swaps
from memsync_git.local.file import OsFile
from memsync_git.ports import Displaced, Missing, Prepared, Snapshot

OLD, NEW = b"old" * 50_000, b"new" * 60_000


def write_back(file: OsFile, *, is_first: bool, tell: int) -> None:
    with file.prepare(Pieces([NEW[:100_000], NEW[100_000:]])) as preparing:
        prepared = preparing.finished()
    assert isinstance(prepared, Prepared)
    displaced = file.exchange(prepared, over=Missing() if is_first else Snapshot(OLD, 0))
    assert isinstance(displaced, Displaced)
    os.write(tell, b"offered")
    file.look(displaced)
    file.forget(displaced)
    file.write_witness(b"witness")


def killed_at(step: int, file: OsFile, *, is_first: bool) -> tuple[bool, bool]:
    """Whether the child came to its end, and whether it had been offered what it displaced."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        die = killer(step)
        threading.setprofile(die)
        sys.setprofile(die)
        write_back(file, is_first=is_first, tell=tell)
        sys.setprofile(None)
        os._exit(0)
    os.close(tell)
    _, status = os.waitpid(child, 0)
    offered = os.read(told, 64) == b"offered"
    os.close(told)
    assert status in (0, signal.SIGKILL), status
    return status == 0, offered


def killer(step: int) -> Any:
    left = step

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if event == "c_call" and "memsync_git/local" in frame.f_code.co_filename:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return profile


def found_after(path: Path, file: OsFile) -> dict[str, Any]:
    """What the next process finds, and what is left when it has forgotten the leftovers."""
    names = {OLD: "old", NEW: "new"}
    standing = names.get(path.read_bytes(), "torn") if path.exists() else "absent"
    leftovers = [
        (Path(d.path).suffix, names.get(d.snapshot.data, "torn")) for d in file.leftovers() if d.snapshot
    ]
    for displaced in file.leftovers():
        file.forget(displaced)
    debris = sorted(entry.name for entry in path.parent.iterdir())
    return {"standing": standing, "leftovers": leftovers, "debris": debris}


def main(directory: Path, way: str, *, is_first: bool) -> list[dict[str, Any]]:
    path = directory / "memory.json"
    file = OsFile(path, swaps=(getattr(swaps, way)(),))
    swaps.exchange_call()  # loading the C library is no step
    rounds = []
    is_over, step = False, 0
    while not is_over:
        path.unlink() if is_first and path.exists() else None
        path.write_bytes(OLD) if not is_first else None
        is_over, offered = killed_at(step, file, is_first=is_first)
        rounds.append({"over": is_over, "offered": offered, **found_after(path, file)})
        step += 1
    return rounds


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1]), sys.argv[2], is_first=sys.argv[3] == "first"), sys.stdout)
