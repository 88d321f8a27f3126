"""Where the refs of a hub on this disk are at this moment, without fetching anything.

Rule 1: nothing heavy is imported: a quiet `sync` over a local hub is mostly the start of its programs.
Rule 2: a glance learns a digest and nothing else; whoever finds it changed fetches.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from memsync_git.remotes import _git
from memsync_git.remotes.url import RemoteUrl

_FOLDERS = {"refs/heads/memsync/": "branches/", "refs/": ""}


def glance(url: RemoteUrl, git_dir: Path, *, branch: str, timeout_s: float) -> str | None:
    """The digest of the refs a fetch would bring; None where the hub cannot be read."""
    patterns = [f"refs/heads/{branch}*", "refs/memsync/*", "refs/heads/memsync/*"]
    ran = _git.run(
        ["-c", "protocol.version=0", "ls-remote", "--", url.text, *patterns],
        git_dir=git_dir,
        env={"GIT_ALLOW_PROTOCOL": url.protocols},
        deadline_s=timeout_s,
    )
    if ran.code != 0:
        return None
    rows = (line.split("\t", 1) for line in ran.out.decode("utf-8", "replace").splitlines() if "\t" in line)
    return digest_of_refs({_short(name): oid for oid, name in rows})


def _short(name: str) -> str:
    """A hub's ref as the clone calls it."""
    prefix = next(prefix for prefix in (*_FOLDERS, "") if name.startswith(prefix))
    return _FOLDERS.get(prefix, "") + name.removeprefix(prefix)


def digest_of_refs(refs: Mapping[str, str]) -> str:
    """A short name for everything some refs say: name → object id."""
    rows = "\n".join(f"{name} {oid}" for name, oid in sorted(refs.items()))
    return sha256(rows.encode()).hexdigest()[:32]
