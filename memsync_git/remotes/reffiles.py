"""Moving a ref without a program, as git moves it.

    objects/tmp_ref_…  ─ link ─▶  REF.lock  ─ rename ─▶  REF
    written, synced                held while one file is read

Rule 1: the lock is git's, so whoever else moves, packs or removes this ref waits, or makes us wait.
Rule 2: a ref moves only from where the caller believes it. It is neither made nor removed here.
Rule 3: a lock has its contents before it has its name: a kill would have to find the moment in which one
file is read. What is left then is what git leaves when it is killed there.
Source: gitrepository-layout(5); refs/files-backend.c and lockfile.h of git.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from memsync_git.remotes.glance import plain_ref
from memsync_git.remotes.loose import synced
from memsync_git.remotes.trees import Oid

LOCK_WAIT_S = 0.1
"""As long as git itself waits for a ref (`core.filesRefLockTimeout`)."""
_LOOK_S = 0.002
"""Between two tries at a lock; it is held for a tenth of that."""
_MODE = 0o666
"""Less the umask, as for every file of git's that is no object."""


def move_ref(git_dir: Path, name: str, new: Oid, old: Oid) -> bool:
    """Move a ref from one object to another, durably; False where it stands elsewhere.

    Raises:
        OSError: it is locked for longer than git would wait, or cannot be written.
        ValueError: it is not a plain ref.
    """
    path = git_dir / name
    lock = path.with_name(f"{path.name}.lock")
    with synced(git_dir / "objects", "ref", f"{new}\n".encode(), _MODE) as fresh:
        _take(lock, fresh)
        is_moved = False
        try:
            if plain_ref(git_dir, name) == old:
                lock.replace(path)
                is_moved = True
        finally:
            if not is_moved:  # else it is somebody else's lock by now
                lock.unlink()
    return is_moved


def _take(lock: Path, fresh: Path) -> None:
    """Take a lock; raises `FileExistsError` where it is held for too long."""
    until_s = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return os.link(fresh, lock)
        except FileExistsError:
            if time.monotonic() > until_s:
                raise
        time.sleep(_LOOK_S)
