"""Trying out git and a hub without changing either: for `--test` and `doctor`.

Rule 1: a push is rehearsed with the refs a real one would move, at the commits they are at.
Rule 2: only objects are stored, in the clone, where nothing points at them.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from memsync_git.errors import Misused
from memsync_git.model import Rid
from memsync_git.ports import Accepted, Refused, Stale, Unreachable
from memsync_git.remotes import _git
from memsync_git.remotes.clone import Clone
from memsync_git.remotes.glance import ref_of
from memsync_git.remotes.objects import CloneDamaged
from memsync_git.remotes.outcomes import Behind, Declined, RefOutcome, Taken, Unheard, Unknown, outcomes
from memsync_git.remotes.pushing import Pusher, RefsMode
from memsync_git.remotes.ssh import OPTIONS
from memsync_git.remotes.trees import Oid, Person, commit_bytes, new_object
from memsync_git.remotes.url import RemoteUrl

OLDEST_GIT = (2, 36)
"""The first with `core.fsync`, without which a power cut damages a clone (trust page, finding 1)."""

_VERSION = re.compile(rb"git version (\d+)\.(\d+)(?:\.(\d+))?")


def git_version() -> tuple[int, ...] | None:
    """The version of the git on this machine; None where there is none that says one."""
    try:
        ran = _git.run(["version"], git_dir=Path(tempfile.gettempdir()) / ".git")
    except Misused:
        return None
    found = _VERSION.match(ran.out)
    return tuple(int(part) for part in found.groups() if part) if found else None


def rehearse_push(clone: Clone, rid: Rid, mode: RefsMode) -> Accepted | Stale | Refused | Unreachable:
    """Whether the hub lets this machine push, as far as it tells before anything is sent."""
    main_name = f"heads/{clone.branch}"
    name = Pusher(clone, mode, main_name=main_name).host_name(rid) or main_name
    ref = ref_of(name)
    try:
        ran = clone.push({ref: _commit_for(clone, name)}, rehearse=True)
    except CloneDamaged as error:
        return Unreachable(f"The clone {clone.path} cannot be used: {error}")
    return _answer(outcomes([ref], ran)[ref])


def reached_with(url: RemoteUrl, environment: Mapping[str, str], *, deadline_s: float) -> str:
    """Why a hub cannot be reached by a process with this environment and nothing else; empty where it can.

    The environment is readable in the list of processes, so it must hold no secret.
    """
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": url.protocols, "LC_ALL": "C"}
    around = {"GIT_SSH_COMMAND": f"ssh {OPTIONS}", **quiet, **environment}
    words = [f"{name}={value}" for name, value in around.items()]
    with tempfile.TemporaryDirectory(prefix="memsync-git-service-") as folder:
        ask = ["env", "-i", *words, "git", "ls-remote", "--", url.text]
        ran = _git.run_beside(ask, folder=Path(folder), deadline_s=deadline_s)
    if ran.code == 0:
        return ""
    return (
        "it did not answer in time" if ran.timed_out else ran.err.splitlines()[0] if ran.err else "no reason"
    )


def _commit_for(clone: Clone, name: str) -> Oid:
    """The commit a ref is at, so that pushing it moves nothing; an empty one for a ref that is not there."""
    tip = clone.refs().get(name)
    if tip is not None:
        return tip.oid
    tree = new_object("tree", b"")
    person = Person("memsync-git", "memsync-git@localhost", 0)
    commit = new_object("commit", commit_bytes(tree.oid, [], person, "a rehearsal, never pushed"))
    clone.keep([tree, commit])
    return commit.oid


def _answer(outcome: RefOutcome) -> Accepted | Stale | Refused | Unreachable:
    match outcome:
        case Taken():
            return Accepted(on_main=False)
        case Behind(reason):
            return Stale(reason)
        case Declined(reason, hub_trouble):
            return Refused(reason, hub_trouble=hub_trouble)
        case Unheard(reason) | Unknown(reason):
            return Unreachable(reason)
