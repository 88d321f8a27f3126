"""Putting a store file that was made elsewhere in the place of one that is not there.

Rule 1: it takes no other store's place, and a log somebody left there is no log of this one. A store with a
log of its own is not whole.
Rule 2: it is whole and durable under its new name, or it is not there.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from memsync_git.stores.connecting import sync_folder
from memsync_git.stores.reading import LOGS


def place(made: Path, path: Path) -> bool:
    """Let a store that nobody has open any more stand at `path` as well; whether that could be done."""
    if _has_log(made) or _has_log(path):
        return False
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _link(made, path)
    except OSError:
        return False
    sync_folder(path.parent)
    return True


def _has_log(path: Path) -> bool:
    """Whether a part of what a store holds may lie beside it."""
    return any(path.with_name(path.name + log).exists() for log in LOGS)


def _link(made: Path, path: Path) -> None:
    """Give a file a further name; on another file system, its copy.

    Raises:
        OSError: something stands there, or it cannot be done.
    """
    try:
        os.link(made, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            _copy(made, beside)
            os.link(beside, path)
        finally:
            with suppress(OSError):
                beside.unlink()


def _copy(made: Path, beside: Path) -> None:
    with made.open("rb") as source, os.fdopen(os.open(beside, _NEW, 0o600), "wb") as copy:
        shutil.copyfileobj(source, copy)
        copy.flush()
        os.fsync(copy.fileno())


_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
