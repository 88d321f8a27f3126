"""Where the refs of a hub on this disk are at this moment, without fetching anything.

Rule 1: nothing heavy is imported: a quiet `sync` over a local hub is mostly the start of its programs.
Rule 2: a glance learns a digest and nothing else; whoever finds it changed fetches.
Rule 3: a hub on this disk is read without starting a program, as long as its refs are plain files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from memsync_git.remotes import _git
from memsync_git.remotes.url import RemoteUrl

_FOLDERS_WE_READ = ("refs/heads", "refs/memsync")
_OID = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_NOT_PLAIN = rb"(?i)hiderefs|refstorage"
"""Settings of a hub by which its files do not say what it advertises."""
_LARGEST_FILE = 16 << 20
"""Of packed refs: a hundred thousand of them."""
_LARGEST_REF = 256
"""Of a file that says where one ref stands."""

_FOLDERS = {"refs/heads/memsync/": "branches/", "refs/": ""}


def glance(url: RemoteUrl, git_dir: Path, *, branch: str, timeout_s: float) -> str | None:
    """The digest of the refs a fetch would bring; None where the hub cannot be read."""
    on_disk = refs_on_disk(Path(url.path), branch) if url.is_local else None
    if on_disk is not None:
        return digest_of_refs({short_name(name): oid for name, oid in on_disk.items()})
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
    return digest_of_refs({short_name(name): oid for oid, name in rows})


def short_name(name: str) -> str:
    """A hub's ref as the clone calls it."""
    prefix = next(prefix for prefix in (*_FOLDERS, "") if name.startswith(prefix))
    return _FOLDERS.get(prefix, "") + name.removeprefix(prefix)


def ref_of(name: str) -> str:
    """The hub's ref for a name as the clone calls it: `branches/` stands for `refs/heads/memsync/`."""
    folder, _, rest = name.partition("/")
    return f"refs/heads/memsync/{rest}" if folder == "branches" else f"refs/{name}"


# --- a hub on this disk


def git_dir_of(path: Path) -> Path:
    """The repository itself, bare or not."""
    return path / ".git" if (path / ".git").is_dir() else path


def refs_on_disk(path: Path, branch: str) -> dict[str, str] | None:
    """The refs a fetch would bring, read from their files; None where only git can tell.

    Loose refs are read before packed ones: git packs a ref before it removes its file.
    """
    found = plain_refs(git_dir_of(path), _FOLDERS_WE_READ)
    if found is None:
        return None
    wanted = (f"refs/heads/{branch}", "refs/memsync/", "refs/heads/memsync/")
    return {name: oid for name, oid in found.items() if name.startswith(wanted)}


def plain_refs(git_dir: Path, folders: Sequence[str]) -> dict[str, str] | None:
    """The refs of a repository in some folders (and packed ones anywhere), read from files; None where only
    git can tell."""
    try:
        if re.search(_NOT_PLAIN, _read(git_dir / "config")):
            return None
        loose = dict(_loose(git_dir, folders))
        return dict(_packed(git_dir)) | loose
    except (OSError, ValueError):
        return None


def plain_ref(git_dir: Path, name: str) -> str | None:
    """Where one ref stands, None if nowhere; raises `ValueError` or `OSError` where only git can tell."""
    try:
        return _ref_in(git_dir / name)
    except FileNotFoundError:
        return dict(_packed(git_dir)).get(name)


def _loose(git_dir: Path, folders: Sequence[str]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        yield from _loose_in(f"{git_dir}/{folder}", folder)


def _loose_in(path: str, name: str) -> Iterator[tuple[str, str]]:
    """The refs in a folder and below it. A look at a fleet takes hundreds: no paths are made of them."""
    try:
        with os.scandir(path) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except FileNotFoundError:
        return
    for below, is_folder in found:
        if is_folder:
            yield from _loose_in(f"{path}/{below}", f"{name}/{below}")
        elif not below.endswith(".lock"):
            yield f"{name}/{below}", _ref_in(f"{path}/{below}")


def _ref_in(path: Path | str) -> str:
    return _oid(_read(path, most=_LARGEST_REF).decode("ascii").strip())


def _packed(git_dir: Path) -> Iterator[tuple[str, str]]:
    try:
        text = _read(git_dir / "packed-refs").decode("utf-8", "replace")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        if line and line[0] not in "#^":
            oid, _, name = line.partition(" ")
            yield name, _oid(oid)


def _oid(text: str) -> str:
    """An object id as it is; a symbolic ref is for git to follow."""
    if not re.fullmatch(_OID, text):
        raise ValueError("no object id")
    return text


def _read(path: Path | str, *, most: int = _LARGEST_FILE) -> bytes:
    with open(path, "rb") as file:
        return file.read(most)


def digest_of_refs(refs: Mapping[str, str]) -> str:
    """A short name for everything some refs say: name → object id."""
    rows = "\n".join(f"{name} {oid}" for name, oid in sorted(refs.items()))
    return sha256(rows.encode()).hexdigest()[:32]
