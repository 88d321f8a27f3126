"""Hubs before they are used: making one on this machine, and looking at one somebody named.

Rule 1: looking changes nothing, neither there nor in a clone that is in use.
Rule 2: only the address given is contacted.
"""

from __future__ import annotations

from pathlib import Path

from memsync_git.errors import Misused
from memsync_git.remotes import _git

_HUB_SETTINGS = {
    "receive.denyNonFastForwards": "true",
    "receive.denyDeletes": "true",
    "receive.autogc": "false",
    "gc.auto": "0",
}


def create_hub(path: Path) -> None:
    """Make a bare repository for this machine's own use, 0700; one that is there stays as it is.

    Raises `Misused` when the folder cannot be made into one.
    """
    if (path / "HEAD").is_file():
        return
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    ran = _git.run(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], git_dir=path)
    if ran.code != 0:
        raise Misused(f"No hub could be made at {path}: {ran.err}", unharmed="Nothing else was changed.")
    for key, value in _HUB_SETTINGS.items():
        _git.run(["config", key, value], git_dir=path)
