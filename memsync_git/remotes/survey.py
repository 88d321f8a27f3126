"""Hubs before they are used: making one on this machine, and looking at one somebody named.

Rule 1: looking changes nothing, neither there nor in a clone that is in use.
Rule 2: only the address given is contacted.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from memsync_git.errors import Misused
from memsync_git.importers.older_tool import FILE_NAME as OLDER_FILE
from memsync_git.model import Rid
from memsync_git.ports import Refused, Unreachable
from memsync_git.remotes import _git, loose
from memsync_git.remotes.clone import Clone, Tip
from memsync_git.remotes.outcomes import fetch_failure, is_refusal, is_unsound
from memsync_git.remotes.trees import EMPTY, Listing
from memsync_git.remotes.upkeep import OWN_HUB
from memsync_git.remotes.url import RemoteUrl, validate
from memsync_git.values import dataclass
from memsync_git.wire.repository import MARKER_PATH
from memsync_git.wire.rid import is_rid

Kind = Literal["empty", "memsync", "older tool", "foreign"]

MAX_PATHS = 1000
"""Names of a foreign repository that are worth showing."""

MAX_OLDER_FILE_BYTES = 64 << 20
"""As large as a memory file may be."""

HOSTING = frozenset({"github.com", "gitlab.com", "codeberg.org", "bitbucket.org"})
"""Services that show what is reached as `git@HOST:PATH`, if it is public, at `https://HOST/PATH`."""

_FURNITURE = re.compile(r"(readme|licen[cs]e|copying)(\.[a-z]+)?|\.git(ignore|attributes)", re.IGNORECASE)
"""What a hosting service puts into a repository it calls new."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands at an address.

    paths: names in the root of its branch (for `older tool` only that tool's files; for `foreign` the
    refs, where the branch is not there). hosts: the machines with a host ref. default_branch: where the
    hub's HEAD points, empty if nowhere. public: whether anybody can read it; None where that cannot be told.
    """

    kind: Kind
    paths: tuple[str, ...] = ()
    hosts: tuple[Rid, ...] = ()
    default_branch: str = ""
    public: bool | None = None


def survey(
    url: RemoteUrl,
    *,
    branch: str = "main",
    timeout_s: float = 60.0,
    name: str = "survey",
    keep: Path | None = None,
) -> Survey | Unreachable | Refused:
    """Look at an address for the first time; an unknown ssh host key is taken on trust, this once.

    keep: a folder in which the clone it is looked at through stays, for a remote of that name: who goes on
    from there need not fetch everything again. Nothing stays of what git's own checks refuse.
    """
    with tempfile.TemporaryDirectory(prefix="memsync-git-survey-") as folder:
        clone = Clone(
            keep or Path(folder), remote=name, url=url, branch=branch, timeout_s=timeout_s, is_first=True
        )
        clone.ensure()
        refs = clone.list_hub()
        if isinstance(refs, _git.Ran):
            return fetch_failure(refs)
        ran = clone.fetch(checked=keep is not None)
        if keep is not None and is_unsound(ran):
            return survey(url, branch=branch, timeout_s=timeout_s)
        if ran.code != 0:
            return fetch_failure(ran)
        tips = clone.refs()
        root = _root(clone, tips.get(f"heads/{branch}"))
        public = _is_public(url, clone, Path(folder))
        return _judged(refs.names, tips, root, default_branch=refs.head, public=public)


def _root(clone: Clone, tip: Tip | None) -> Listing:
    if tip is None or tip.tree is None:
        return EMPTY
    with clone.objects() as objects:
        listing = objects.tree(tip.tree)
    return listing if isinstance(listing, dict) else EMPTY


def _judged(
    refs: tuple[str, ...], tips: dict[str, Tip], root: Listing, *, default_branch: str, public: bool | None
) -> Survey:
    hosts, names = tuple(sorted(_hosts(tips))), _names(root)
    older = tuple(name for name in names if OLDER_FILE.fullmatch(name))
    kind: Kind = "foreign"
    if hosts or MARKER_PATH in names:
        kind = "memsync"
    elif older:
        kind, names = "older tool", older
    elif not refs or (names and all(_FURNITURE.fullmatch(name) for name in names)):
        kind = "empty"
    return Survey(kind, names or refs[:MAX_PATHS], hosts, default_branch, public)


def _names(root: Listing) -> tuple[str, ...]:
    return tuple(sorted(name.decode("utf-8", "replace") for name in root))[:MAX_PATHS]


def _hosts(tips: dict[str, Tip]) -> Iterator[Rid]:
    for name in tips:
        folder, _, rid = name.partition("/")
        if folder in ("memsync", "branches") and is_rid(rid):
            yield Rid(rid)


def seen_by_anybody(url: RemoteUrl) -> RemoteUrl:
    """The address at which a hosting service shows a public repository to all; else the address itself."""
    if url.kind != "ssh" or url.host not in HOSTING or url.port not in (None, 22):
        return url
    behind = url.text.partition(url.host)[2]
    path = (behind.removeprefix(":22") if "://" in url.text else behind).lstrip(":/")
    return validate(f"https://{url.host}/{path}")


def is_public(url: RemoteUrl, *, timeout_s: float = 60.0) -> bool | None:
    """Whether anybody can read what stands at an address; None where that cannot be told."""
    if url.kind not in ("https", "http"):
        return None
    with tempfile.TemporaryDirectory(prefix="memsync-git-survey-") as folder:
        clone = Clone(Path(folder), remote="survey", url=url, branch="main", timeout_s=timeout_s)
        clone.ensure()
        return _is_public(url, clone, Path(folder))


def _is_public(url: RemoteUrl, clone: Clone, empty_home: Path) -> bool | None:
    """Whether the address answers somebody without credentials: no helper, no header, no netrc."""
    if url.kind not in ("https", "http"):
        return None
    pins = ["-c", "credential.helper=", "-c", "http.extraHeader=", "-c", "http.cookieFile="]
    settings = os.environ.get("GIT_CONFIG_GLOBAL") or str(Path.home() / ".gitconfig")
    env = {"GIT_CONFIG_GLOBAL": settings, "HOME": str(empty_home), "GIT_ALLOW_PROTOCOL": url.protocols}
    ran = _git.run(
        [*pins, "ls-remote", "--", url.text], git_dir=clone.git_dir, env=env, deadline_s=clone.timeout_s
    )
    if ran.code == 0:
        return True
    return False if is_refusal(ran) else None


_HUB_SETTINGS = {
    "receive.denyNonFastForwards": "true",
    "receive.denyDeletes": "true",
    "receive.autogc": "false",
    "gc.auto": "0",
    "core.looseCompression": str(loose.LEVEL),
    OWN_HUB[0]: OWN_HUB[1],
}


def create_hub(path: Path) -> None:
    """Make a bare repository for this machine's own use, 0700; one that is there stays as it is.

    Raises `Misused` when the folder cannot be made into one.
    """
    if (path / "HEAD").is_file():
        return
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise _no_hub(path, error.strerror or str(error)) from error
    ran = _git.run(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], git_dir=path)
    if ran.code != 0:
        raise _no_hub(path, ran.err)
    for key, value in _HUB_SETTINGS.items():
        _git.run(["config", key, value], git_dir=path)


def _no_hub(path: Path, reason: str) -> Misused:
    return Misused(
        f"No hub could be made at {path}: {reason}",
        unharmed="Nothing was changed.",
        hint="Name another place, or a repository: memsync-git init ADDRESS",
    )


def contents(
    url: RemoteUrl, paths: Sequence[str], *, branch: str = "main", timeout_s: float = 60.0
) -> dict[str, bytes]:
    """The ordinary files at some paths in the root of a branch; what cannot be read is left out."""
    with tempfile.TemporaryDirectory(prefix="memsync-git-survey-") as folder:
        clone = Clone(Path(folder), remote="survey", url=url, branch=branch, timeout_s=timeout_s)
        clone.ensure()
        if clone.fetch(checked=False).code != 0:
            return {}
        root = _root(clone, clone.refs().get(f"heads/{branch}"))
        entries = {path: root.get(path.encode()) for path in paths}
        with clone.objects() as objects:
            read = {
                path: objects.read(entry.oid, "blob", limit=MAX_OLDER_FILE_BYTES)
                for path, entry in entries.items()
                if entry is not None and entry.is_file
            }
    return {path: data for path, data in read.items() if isinstance(data, bytes)}
