"""A hub on this disk, read where it stands: its refs are files, and so are its newest objects.

    hub/refs, hub/packed-refs ─▶ where every ref is      no program
    hub/objects               ─▶ what is new there       no program, or one for what is packed

Rule 1: what was read here is owed to the clone: it is fetched later, at the latest before git pushes.
Rule 2: only a repository of this user, whose files say what it advertises. Others are asked through git.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from memsync_git.remotes.glance import git_dir_of, refs_on_disk, short_name
from memsync_git.remotes.trees import Oid
from memsync_git.remotes.url import RemoteUrl
from memsync_git.values import dataclass

_OID_CHARS = 40
"""A repository with longer names does not speak with the clone."""


@dataclass(frozen=True, slots=True)
class NearHub:
    """A hub on this disk at one moment. `refs`: tracking name → object."""

    git_dir: Path
    refs: Mapping[str, Oid]


def near_hub(url: RemoteUrl, branch: str) -> NearHub | None:
    """The hub at an address, if it may be read where it stands."""
    git_dir = near_git_dir(url)
    if git_dir is None:
        return None
    found = refs_on_disk(Path(url.path), branch)
    if found is None or any(len(oid) != _OID_CHARS for oid in found.values()):
        return None
    return NearHub(git_dir, {short_name(name): Oid(oid) for name, oid in found.items()})


def near_git_dir(url: RemoteUrl) -> Path | None:
    """The repository at an address, if it is on this disk and this user's."""
    git_dir = git_dir_of(Path(url.path)) if url.is_local else None
    return git_dir if git_dir is not None and _is_ours(git_dir) and _can_be_lent(git_dir) else None


def _is_ours(git_dir: Path) -> bool:
    """As git sees it, which reads nothing in a repository of somebody else."""
    try:
        about = git_dir.stat()
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid()


def _can_be_lent(git_dir: Path) -> bool:
    """Whether git can be told the place in a variable that holds several."""
    return os.pathsep not in str(git_dir) and '"' not in str(git_dir)
