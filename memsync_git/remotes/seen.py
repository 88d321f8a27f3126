"""What one look at a hub's refs told, as values: branches, the fragments on them, and their sum.

Rule 1: values only; nothing here reads, waits or decides.
Rule 2: a fragment only a newer release can read counts as present and is never replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from memsync_git.crdt.fragment import Fragment
from memsync_git.model import Rid
from memsync_git.ports import Fetched, Unreadable
from memsync_git.remotes.clone import Tip
from memsync_git.remotes.glance import digest_of_refs
from memsync_git.remotes.plan import Version
from memsync_git.remotes.trees import Entry, Listing, Oid
from memsync_git.values import dataclass, field, replace
from memsync_git.wire.fragments import Malformed, Newer
from memsync_git.wire.revising import Stood

NEWER_VERSION: Version = (1 << 62, "")
"""Stands for a fragment only a newer release reads: never older than ours, so never replaced."""

Decoded = Fragment | Malformed | Newer
Cache = dict[tuple[Rid, "Files"], Decoded]


@dataclass(frozen=True, slots=True)
class Files:
    """Where a fragment stands in a tree: its file, and the folder of its shards if it is large."""

    entry: Entry
    shards: Entry | None = None


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a look has read, under the names of git's objects: the next one need not read it again.

    shards: their lines, of the fragments in `decoded`, as far as they were read line by line.
    """

    decoded: Cache = field(default_factory=dict)
    listings: Mapping[Oid, Listing] = field(default_factory=dict)
    shards: Mapping[Oid, Stood] = field(default_factory=dict)

    def newest(self, rid: Rid) -> tuple[Files, Fragment] | None:
        """The newest sharded fragment of a replica, and where it stands."""
        found = [
            (files, item)
            for (owner, files), item in self.decoded.items()
            if owner == rid and files.shards is not None and isinstance(item, Fragment)
        ]
        return max(found, key=lambda pair: pair[1].version, default=None)


@dataclass(frozen=True, slots=True)
class Found:
    """A fragment and the files it stands in. `is_read`: else it is only its header, and no record of it."""

    fragment: Fragment
    files: Files
    is_read: bool = True

    @property
    def version(self) -> Version:
        return self.fragment.version


@dataclass(frozen=True, slots=True)
class Branch:
    """A ref that was read: its commit, the root of its tree and the fragments taken from it.

    at_s: the commit's time, None where the commit was not read.
    """

    oid: Oid | None = None
    root: Listing = field(default_factory=dict)
    found: Mapping[Rid, Found] = field(default_factory=dict)
    newer: frozenset[Rid] = frozenset()
    at_s: int | None = None

    def versions(self) -> dict[Rid, Version]:
        """What the tree holds, as far as it decides what may replace it."""
        held = {rid: found.version for rid, found in self.found.items()}
        return held | dict.fromkeys(self.newer, NEWER_VERSION)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything one look at the refs told.

    hosts: tracking name (`memsync/<rid>`) → what the host ref holds. mine: the same for own commits the
    hub has lost. main: what the hub has. base: what a new main commit builds on, which is `main` unless
    the hub was rolled back.
    """

    tips: Mapping[str, Tip]
    hosts: Mapping[str, Branch]
    mine: Mapping[str, Branch]
    main: Branch
    base: Branch
    unified_ms: int | None = None
    unreadable: tuple[Unreadable, ...] = ()
    newer: int | None = None

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Everything that was read, main first."""
        return (self.main, self.base, *self.hosts.values(), *self.mine.values())

    @property
    def is_read(self) -> bool:
        """Whether every fragment was read, not only its header."""
        return all(found.is_read for branch in self.branches for found in branch.found.values())

    def fragments(self) -> Iterator[Fragment]:
        """Every version there is, each once."""
        every = (found for branch in (*self.hosts.values(), self.main) for found in branch.found.values())
        yield from {(found.fragment.rid, found.version): found.fragment for found in every}.values()

    def files_of(self, fragment: Fragment) -> Files | None:
        """The files that already hold this very revision, if some were read."""
        for branch in self.branches:
            found = branch.found.get(fragment.rid)
            if found is not None and found.version == fragment.version:
                return found.files
        return None

    def built_on_main(self) -> Seen:
        """The same for somebody who has not joined what the hub has lost."""
        return replace(self, base=self.main)

    def with_host(self, name: str, tip: Tip, branch: Branch) -> Seen:
        """The same after a host ref moved."""
        mine = {other: kept for other, kept in self.mine.items() if other != name}
        return replace(self, tips={**self.tips, name: tip}, hosts={**self.hosts, name: branch}, mine=mine)

    def with_main(self, name: str, tip: Tip, branch: Branch) -> Seen:
        """The same after main moved."""
        return replace(self, tips={**self.tips, name: tip}, main=branch, base=branch)

    def fetched(self, *complaints: Unreadable) -> Fetched:
        """The answer to a fetch."""
        return Fetched(
            fragments=tuple(self.fragments()),
            on_main={rid: found.version for rid, found in self.main.found.items()},
            head=self.main.oid or "",
            unified_ms=self.unified_ms,
            unreadable=self.unreadable + complaints,
            newer=self.newer,
            digest=digest_of(self.tips),
        )


Versions = Mapping[Rid, AbstractSet[Version]]
"""By replica, versions of its fragment that somebody has read and judged."""

NOTHING_JUDGED: Versions = {}

NOTHING_SEEN = Seen(tips={}, hosts={}, mine={}, main=Branch(), base=Branch())
"""A remote that was never looked at."""


def oids_of(tips: Mapping[str, Tip]) -> dict[str, Oid]:
    """The objects some refs name."""
    return {name: tip.oid for name, tip in tips.items()}


def digest_of(tips: Mapping[str, Tip]) -> str:
    """A short name for everything the refs say."""
    return digest_of_refs(oids_of(tips))
