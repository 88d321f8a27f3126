"""The clone on this machine: a cache of git objects that can be thrown away at any time.

Rule 1: no index, no checkout, no merge, no local branch. Objects are pushed by their raw names. Refs and
new objects are files, and read as such; git reads what is packed, and stores what is much.
Rule 2: the refs are those of the remote, under `refs/hub/<remote>/`, moved by fetch and push, or along with
what was put into a hub on this disk.
Rule 3: what blocks git after a crash is only ever a lock file; the caller holds our own lock, so an old
one has no owner. What else is broken is set aside and fetched anew.
Rule 4: the files in the working tree are for people; nothing here ever reads them.
Source: the formats page, section 2; kill points measured with git 2.39.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from memsync_git.remotes import _git, loose, upkeep
from memsync_git.remotes._git import Ran
from memsync_git.remotes.contact import Contact
from memsync_git.remotes.glance import plain_refs
from memsync_git.remotes.loose import loose_first
from memsync_git.remotes.objects import MOST_AT_ONCE, CloneDamaged, Objects, Unfit, reading_objects
from memsync_git.remotes.reffiles import move_ref
from memsync_git.remotes.trees import NewObject, Oid, pack, parse_commit
from memsync_git.remotes.url import RemoteUrl
from memsync_git.values import dataclass

LOCK_AGE_S = 10
"""No ref transaction of git takes that long, and our own lock proves no sibling runs."""
LEFTOVER_AGE_S = 3600
"""For `tmp_*` files of killed fetches and repacks: no live one is that slow."""

MOST_TIPS_BYTES = 16 << 20
"""Of the commits that some refs name; each of ours has half a kilobyte."""

DEEPEN_BY = 200
"""Commits fetched at a time by a clone that began at depth 1."""

_DAMAGE = (
    r"(?i)is corrupt|is empty|bad object|inflate|unable to read|missing (?:blob|tree|commit)|loose object"
    r"|invalid sha1|did not send all necessary objects|not a git repository|packfile|bad config|(?-i:HEAD)"
)
_FSCK = ("fsck", "--connectivity-only", "--no-dangling", "--no-progress")


@dataclass(frozen=True, slots=True)
class Tip:
    """What a ref names: a commit, its tree and its committer time in seconds; no tree if it is no commit."""

    oid: Oid
    tree: Oid | None
    at_s: int


@dataclass(frozen=True, slots=True)
class HubRefs:
    """What a hub advertises: its refs, and the branch its HEAD points to."""

    tips: Mapping[str, Oid]
    head: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(name for name in self.tips if name != "HEAD"))


class Clone:
    """The clone of one remote. Several remotes may share a folder: their refs do not meet.

    lender: a repository on this disk whose objects are read beside those of the clone; set by the caller.
    """

    def __init__(
        self,
        path: Path,
        *,
        remote: str,
        url: RemoteUrl,
        branch: str,
        timeout_s: float,
        is_first: bool = False,
        keeps_connection: bool = False,
    ) -> None:
        self.path = path
        self.git_dir = path / ".git"
        self.remote = remote
        self.url = url
        self.branch = branch
        self.timeout_s = timeout_s
        self.lender: Path | None = None
        self._tips: dict[Oid, Tip] = {}
        self._swept_s: float | None = None
        self.contact = Contact(
            url, self.git_dir, timeout_s=timeout_s, is_first=is_first, keeps_connection=keeps_connection
        )

    # --- its life ------------------------------------------------------------------------------

    def ensure(self) -> None:
        """Make the clone if there is none, and clear what a crash left behind."""
        if (self.git_dir / "HEAD").is_file() and (self.git_dir / "objects").is_dir():
            self.sweep()
        else:
            self._create()

    def _create(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._local(["init", "--quiet", "--template=", "--initial-branch=main"])
        self.git_dir.chmod(0o700)

    def set_aside(self) -> None:
        """Move a damaged clone out of the way (one such copy is kept) and begin a new one."""
        aside = self.path / ".git.damaged"
        shutil.rmtree(aside, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            self.git_dir.rename(aside)
        self.lender = None
        self.forget_tips()
        self._create()

    def sweep(self) -> None:
        """Remove locks and temporary files nobody can own any more; the latter not each time."""
        now_s = time.monotonic()
        is_thorough = self._swept_s is None or now_s - self._swept_s > LEFTOVER_AGE_S
        if is_thorough:
            self._swept_s = now_s
        for path in self.abandoned() if is_thorough else self._old_locks():
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def abandoned(self) -> list[Path]:
        """Locks and temporary files so old that nobody can own them."""
        before_s = time.time() - LEFTOVER_AGE_S
        return self._old_locks() + [path for path in self._leftovers() if _is_older(path, before_s)]

    def _old_locks(self) -> list[Path]:
        before_s = time.time() - LOCK_AGE_S
        return [path for path in self._locks() if _is_older(path, before_s)]

    def is_there(self) -> bool:
        """Whether a clone stands there, sound or not."""
        return self.git_dir.exists()

    def complaint(self) -> str:
        """What git finds wrong with the clone, empty where it is sound."""
        ran = _git.run(_FSCK, git_dir=self.git_dir)
        return (ran.err or f"git fsck ended with code {ran.code}") if ran.code != 0 else ""

    def _locks(self) -> Iterator[Path]:
        yield from self.git_dir.glob("*.lock")
        yield from (self.git_dir / "refs").rglob("*.lock")
        yield self.git_dir / "gc.pid"

    def _leftovers(self) -> Iterator[Path]:
        objects = self.git_dir / "objects"
        yield from objects.glob("tmp_*")
        yield from objects.glob("??/tmp_obj_*")
        for pattern in ("tmp_*", ".tmp-*", "*.keep"):
            yield from (objects / "pack").glob(pattern)

    # --- the network -----------------------------------------------------------------------------

    def fetch(self, *, checked: bool = True) -> Ran:
        """Bring `refs/hub/<remote>/` up to date; refs gone from the hub go here too.

        `checked`: git refuses objects its own checks dislike. The first fetch of a clone takes no history; in
        one that has some it would be cut off where the tips of another hub stand, and nothing that grows on
        those could be pushed to a third.
        """
        if not self._is_new:
            return self._fetch(checked=checked)
        ran = self._fetch("--depth=1", checked=checked)
        return self._fetch(checked=checked) if ran.code != 0 and _only_depth_failed(ran) else ran

    @property
    def has_fetched(self) -> bool:
        """Whether anything of the remote was ever brought here."""
        return (self.git_dir / "refs" / "hub" / self.remote).is_dir()

    @property
    def _is_new(self) -> bool:
        """Whether it holds no object of any remote."""
        folders = sorted(each.name for each in (self.git_dir / "objects").iterdir() if each.is_dir())
        packs = (self.git_dir / "objects" / "pack").glob("*.pack")
        return folders == ["info", "pack"] and not any(packs)

    def _fetch(self, *extra: str, checked: bool = True) -> Ran:
        pins = ["-c", "core.bigFileThreshold=8m", "-c", f"fetch.fsckObjects={str(checked).lower()}"]
        options = ["--prune", "--no-tags", "--no-write-fetch-head", *extra]
        return self._contact([*pins, "fetch", *options, self._git_remote])

    def push(self, targets: Mapping[str, Oid], *, rehearse: bool = False) -> Ran:
        """Push commits to refs, each ref on its own; the answer is one line per ref.

        `rehearse`: the hub is asked for leave, and nothing moves there.
        """
        only_asking = ["--dry-run"] if rehearse else []
        argv = ["push", "--porcelain", "--no-verify", "--no-follow-tags", *only_asking]
        return self._contact([*argv, self._git_remote, *(f"{oid}:{ref}" for ref, oid in targets.items())])

    def list_hub(self) -> HubRefs | Ran:
        """The refs of the hub at this moment; how the command ended where it failed."""
        ran = self._contact(["ls-remote", "--symref", self._git_remote])
        return _hub_refs(ran.out) if ran.code == 0 else ran

    def tip_on_hub(self, ref: str) -> Oid | None:
        """Where the hub has one ref; None if nowhere, or if it cannot be told."""
        found = self.list_hub()
        return found.tips.get(ref) if isinstance(found, HubRefs) else None

    @property
    def _git_remote(self) -> str:
        return f"memsync-{self.remote}"

    @property
    def _own_refs(self) -> str:
        return f"refs/hub/{self.remote}/"

    def _contact(self, argv: Sequence[str]) -> Ran:
        own = self._own_refs.rstrip("/")
        settings = (
            f"remote.{self._git_remote}.url={self.url.text}",
            f"remote.{self._git_remote}.fetch=+refs/heads/{self.branch}*:{own}/heads/{self.branch}*",
            f"remote.{self._git_remote}.fetch=+refs/memsync/*:{own}/memsync/*",
            f"remote.{self._git_remote}.fetch=+refs/heads/memsync/*:{own}/branches/*",
        )
        pins = [word for setting in settings for word in ("-c", setting)]
        return self.contact.run([*pins, *argv])

    # --- what is in it ----------------------------------------------------------------------------

    def refs(self) -> dict[str, Tip]:
        """The refs of the remote as of the last fetch or push, without `refs/hub/<remote>/`."""
        found = self.plain_refs()
        return self._refs_by_git() if found is None else self.tips(found)

    def plain_refs(self) -> dict[str, Oid] | None:
        """The same without a look at what they name; None where only git can tell."""
        found = plain_refs(self.git_dir, [self._own_refs.rstrip("/")])
        if found is None:
            return None
        ours = {
            name.removeprefix(self._own_refs): oid
            for name, oid in found.items()
            if name.startswith(self._own_refs)
        }
        return {name: Oid(oid) for name, oid in ours.items()}

    def _refs_by_git(self) -> dict[str, Tip]:
        shape = "%(refname)%00%(objectname)%00%(tree)%00%(committerdate:unix)"
        ran = self._local(["for-each-ref", f"--format={shape}", self._own_refs])
        rows = (line.split("\0") for line in ran.out.decode("utf-8", "replace").splitlines())
        return {
            name.removeprefix(self._own_refs): Tip(Oid(oid), Oid(tree) if tree else None, int(at_s or 0))
            for name, oid, tree, at_s in rows
        }

    def tips(self, refs: Mapping[str, Oid]) -> dict[str, Tip]:
        """What some refs name.

        Raises:
            CloneDamaged: one of them is nowhere.
        """
        new = sorted(set(refs.values()) - self._tips.keys())
        known = {oid: self._tips[oid] for oid in refs.values() if oid in self._tips}
        with self.objects() as objects:
            for at in range(0, len(new), MOST_AT_ONCE):
                known |= _tips_of(objects, new[at : at + MOST_AT_ONCE])
        self._tips = known
        return {name: known[oid] for name, oid in refs.items()}

    def forget_tips(self) -> None:
        """Look anew at what refs name, and so whether it is there."""
        self._tips = {}

    def forget(self) -> None:
        """Let go of the refs of the remote; the objects are collected some day."""
        prefix = f"refs/hub/{self.remote}/"
        names = self._local(["for-each-ref", "--format=%(refname)", prefix]).out.decode().splitlines()
        self._local(["update-ref", "--stdin"], stdin="".join(f"delete {name}\n" for name in names).encode())

    def objects(self) -> AbstractContextManager[Objects]:
        """The objects of the clone, and of the hub it borrows from, for the length of a `with` block."""
        folders = [self.git_dir / "objects", *self._borrowed]
        return loose_first(folders, reading_objects(self.git_dir, self._borrowing_env))

    def keep(self, objects: Sequence[NewObject]) -> None:
        """Store objects durably; many stay together as the pack they are handed to git in."""
        if loose.are_few(objects):
            loose.write(self.git_dir / "objects", objects)
        else:
            self._local(["index-pack", "--stdin"], stdin=pack(objects))

    def keep_up(self, hub: Path, objects: Sequence[NewObject], moved: Mapping[str, tuple[Oid, Oid]]) -> None:
        """Take over what was put into a hub on this disk, if that is all that is new there; else it is owed.

        moved: tracking name → where a ref was, and is; empty where somebody else has moved one.
        """
        try:
            if moved and self.lender is None:
                loose.copy(hub / "objects", self.git_dir / "objects", objects)
                steps = ((self._own_refs + name, old, new) for name, (old, new) in moved.items())
                if all(move_ref(self.git_dir, name, new, old) for name, old, new in steps):
                    return
        except (OSError, ValueError):
            pass  # a ref may be packed, and the disk full: git will tell
        self.lender = hub

    @property
    def _borrowed(self) -> tuple[Path, ...]:
        return () if self.lender is None else (self.lender / "objects",)

    @property
    def _borrowing_env(self) -> Mapping[str, str]:
        return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(map(str, self._borrowed))}

    def is_ancestor(self, old: Oid, new: Oid) -> bool:
        """Whether `new` was built on `old`; False also where one of them is not here."""
        return self._can(["merge-base", "--is-ancestor", old, new])

    def has(self, oid: Oid) -> bool:
        """Whether the object is here."""
        return self._can(["cat-file", "-e", oid])

    def _can(self, argv: Sequence[str]) -> bool:
        return _git.run(argv, git_dir=self.git_dir, env=self._borrowing_env).code == 0

    def deepen(self) -> bool:
        """Fetch older commits; False where there are none or the hub does not answer."""
        boundary = self._shallow()
        return (
            bool(boundary) and self._fetch(f"--deepen={DEEPEN_BY}").code == 0 and self._shallow() != boundary
        )

    def _shallow(self) -> bytes:
        try:
            return (self.git_dir / "shallow").read_bytes()
        except FileNotFoundError:
            return b""

    def doubt(self, ran: Ran) -> None:
        """Raise `CloneDamaged` if a command failed because of the clone and not because of the hub."""
        if re.search(_DAMAGE, ran.err) and not ran.timed_out:
            self._local(_FSCK)

    def upkeep(self, *, full: bool = False) -> bool:
        """Pack what has become too much, or everything; true if that was done."""
        ran = upkeep.collect(self.git_dir) if full else upkeep.keep(self.git_dir)
        if ran is not None and ran.code != 0:
            raise CloneDamaged(ran.err)
        return ran is not None

    def _local(
        self, argv: Sequence[str], *, stdin: bytes = b"", deadline_s: float = _git.LOCAL_DEADLINE_S
    ) -> Ran:
        ran = _git.run(argv, git_dir=self.git_dir, stdin=stdin, deadline_s=deadline_s)
        if ran.code != 0:
            raise CloneDamaged(ran.err)
        return ran


def _only_depth_failed(ran: Ran) -> bool:
    """`--depth` fails where nothing matches (exit 1 without a word, or words) and over plain files."""
    words = ("no matching remote head", "does not support shallow")
    return not ran.timed_out and (not ran.err or any(said in ran.err for said in words))


def _tips_of(objects: Objects, oids: Sequence[Oid]) -> dict[Oid, Tip]:
    found = objects.read_all(oids, "commit", limit=MOST_TIPS_BYTES)
    return {oid: _tip(oid, data) for oid, data in zip(oids, found, strict=True)}


def _tip(oid: Oid, data: bytes | Unfit | None) -> Tip:
    if data is None:
        raise CloneDamaged(f"the commit {oid} is missing")
    try:
        commit = parse_commit(data) if isinstance(data, bytes) else None
    except ValueError:
        commit = None
    return Tip(oid, commit.tree, commit.at_s) if commit is not None else Tip(oid, None, 0)


def _is_older(path: Path, before_s: float) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return path.lstat().st_mtime < before_s
    return False


def _hub_refs(out: bytes) -> HubRefs:
    tips, head = {}, ""
    for line in out.decode("utf-8", "replace").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            head = value.removeprefix("ref: refs/heads/")
        else:
            tips[name] = Oid(value)
    return HubRefs(tips, head)
