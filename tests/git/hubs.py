"""Real hubs in a temporary folder, machines around them, and the fragments they exchange."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

from memsync_git.crdt.fragment import Entry, Fragment, Header, RecordFacts
from memsync_git.model import Rid
from memsync_git.ports import Accepted, Fetched, Publication, Remote
from memsync_git.remotes.git import GitRemote
from memsync_git.remotes.survey import create_hub

DESK, LAPTOP, PHONE = Rid("desk-91c2"), Rid("laptop-7f3a"), Rid("phone-00ff")
START_MS = 1_763_637_000_000


def fragment(rid: Rid, rev: int = 1, tok: str = "a", *, says: str = "tea", **header: object) -> Fragment:
    """A fragment of one entity with one observation."""
    facts = RecordFacts(types=(Entry(1, START_MS, "person"),), observations=(Entry(2, START_MS, says),))
    base = Header(rid, host=rid.rpartition("-")[0], rev=rev, tok=tok, next=3, wall_ms=START_MS + rev * 1000)
    return Fragment(replace(base, **header), {("e", "Alice"): facts})


def publication(own: Fragment | None, *others: Fragment, unified: bytes | None = None) -> Publication:
    usable = {item.rid: item for item in (own, *others) if item is not None}
    return Publication(own, usable, None if unified is None else (unified,), message="a change")


def versions(fetched: object) -> set[tuple[str, int, str]]:
    assert isinstance(fetched, Fetched), fetched
    return {(item.rid, *item.version) for item in fetched.fragments}


def accepted(outcome: object, *, on_main: bool = True) -> Accepted:
    assert isinstance(outcome, Accepted), outcome
    assert outcome.on_main is on_main
    return outcome


@dataclass
class TestClock:
    """A clock that moves when it is told to."""

    __test__ = False
    ms: int = START_MS

    def wall_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1000

    def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)

    def boot_id(self) -> str:
        return "boot"


def git(*argv: str, cwd: Path, stdin: bytes = b"") -> bytes:
    """Git as a person would run it; fails loudly."""
    identity = {"GIT_CONFIG_GLOBAL": "/dev/null", "PATH": "/usr/bin:/bin:/usr/local/bin"}
    names = {
        f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", *argv], check=False, cwd=cwd, input=stdin, capture_output=True, env=identity | names
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@dataclass
class HubFolder:
    """A bare repository and the machines that use it."""

    folder: Path
    clock: TestClock = field(default_factory=TestClock)
    machines: int = 0

    def __post_init__(self) -> None:
        self.path = self.folder / "hub.git"
        create_hub(self.path)

    def remote(self, machine: str = "", /, **options: object) -> GitRemote:
        """A machine's way to the hub; the same machine is the same clone in a new process."""
        self.machines += 1
        clone = self.folder / (machine or f"machine{self.machines}")
        options = {"timeout_s": 20.0, "clock": self.clock, "url": str(self.path)} | options
        return GitRemote(clone, **options)  # type: ignore[arg-type]

    def git(self, *argv: str, stdin: bytes = b"") -> str:
        return git(*argv, cwd=self.path, stdin=stdin).decode().strip()

    def oid(self, ref: str) -> str:
        return self.git("rev-parse", ref)

    def hook(self, name: str, script: str) -> None:
        path = self.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def files(self, ref: str = "main") -> dict[str, bytes]:
        names = self.git("ls-tree", "-r", "-z", "--name-only", ref).split("\0")
        return {name: git("show", f"{ref}:{name}", cwd=self.path) for name in names if name}


def fetched(remote: Remote) -> Fetched:
    outcome = remote.fetch()
    assert isinstance(outcome, Fetched), outcome
    return outcome
