"""A remote in memory: the same promises as a git repository, without git.

Rule 1: what a hub accepts and what it calls stale is decided as git decides it: a ref moves
forward to a descendant, or it does not move.
Rule 2: several stores share the refs, as they do in a repository: what one moves has moved for all.
Rule 3: faults are injected from outside, through four hooks; each may run any code (another
machine's round, say) and may answer in the hub's place.

        before_fetch ─ read the hub ─ after_fetch        before_apply ─ move the refs ─ after_apply
        (offline)                     (stale answer)      (offline, a race)              (answer lost)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from memsync_git.crdt.fragment import Fragment
from memsync_git.model import Rid
from memsync_git.ports import (
    Accepted,
    Fetched,
    FetchOutcome,
    KnownRecords,
    PastHead,
    PastView,
    Publication,
    PublishOutcome,
    Refused,
    Stale,
    nothing_known,
)
from memsync_git.remotes.plan import (
    NOT_JOINED,
    Ahead,
    Foreign,
    Present,
    Verdict,
    Version,
    foreign_reason,
    is_joined,
    joint_outcome,
    lacking,
    own_plan,
    remembers_more,
)
from memsync_git.wire.rid import DEFAULT_STORE


@dataclass(frozen=True, slots=True, eq=False)
class HostCommit:
    """One revision of one store on a host ref; `depth` counts from the first."""

    fragment: Fragment
    parent: HostCommit | None = None
    depth: int = 0

    def of(self, store: str) -> Fragment | None:
        """What it holds of a store: the newest revision of that one."""
        commit: HostCommit | None = self
        while commit is not None and commit.fragment.header.store != store:
            commit = commit.parent
        return commit.fragment if commit is not None else None


@dataclass(frozen=True, slots=True)
class Folder:
    """What main holds of one store: its fragments, and the unified file with its time."""

    tree: Mapping[Rid, Fragment] = field(default_factory=dict)
    unified: bytes | None = None
    unified_ms: int | None = None


EMPTY_FOLDER: Final = Folder()


@dataclass(frozen=True, slots=True, eq=False)
class MainCommit:
    """One commit on main: what it holds of every store, by name, and what else lies there.

    at_ms: when it was made, by the clock of whoever made it.
    """

    head: str
    parent: MainCommit | None = None
    depth: int = 0
    folders: Mapping[str, Folder] = field(default_factory=dict)
    others: Mapping[str, bytes] = field(default_factory=dict)
    at_ms: int | None = None

    def of(self, store: str = DEFAULT_STORE) -> Folder:
        """What it holds of a store."""
        return self.folders.get(store, EMPTY_FOLDER)


Commit = TypeVar("Commit", HostCommit, MainCommit)


def is_ancestor(old: Commit | None, new: Commit | None) -> bool:
    """Whether a ref at `old` may move forward to `new`; a ref that is not there may always."""
    if old is None:
        return True
    while new is not None and new.depth > old.depth:
        new = new.parent
    return new is old


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class LoopbackHub:
    """What every `LoopbackRemote` of one fleet shares: the refs, as a bare repository holds them.

    `refuses_main` and `refuses_hosts`, when not empty, are the hub's reason for refusing those refs.
    Tests may set `main` and `hosts` to older commits (a rolled-back hub) or empty (a new one).
    """

    def __init__(self, now_ms: Callable[[], int] = _wall_ms) -> None:
        self.hosts: dict[Rid, HostCommit] = {}
        self.main: MainCommit | None = None
        self.refuses_main = ""
        self.refuses_hosts = ""
        self.now_ms = now_ms
        self._commits = 0

    def next_head(self) -> str:
        """A name no other commit of this hub has."""
        self._commits += 1
        return f"{self._commits:040x}"

    def digest(self) -> str:
        """Names everything the refs say."""
        return _digest(self.hosts, self.main)

    def move_host(self, new: HostCommit) -> Verdict:
        """Move a host ref forward; None when it moved or holds that revision already."""
        rid = new.fragment.rid
        there = self.hosts.get(rid)
        if self.refuses_hosts:
            return Refused(self.refuses_hosts)
        if there is not None and _version(there, new.fragment.header.store) == new.fragment.version:
            return None
        if not is_ancestor(there, new):
            return Stale(foreign_reason(new.fragment))
        self.hosts[rid] = new
        return None

    def move_main(self, new: MainCommit) -> Verdict:
        """Move main forward; None when it moved."""
        if self.refuses_main:
            return Refused(self.refuses_main)
        if not is_ancestor(self.main, new):
            return Stale("Another machine was first on main")
        self.main = new
        return None


class LoopbackRemote:
    """One machine's way to a store in a `LoopbackHub`.

    before_fetch: called first; an outcome it returns is answered instead.
    after_fetch: gets the answer and returns the one to give.
    before_apply: called before the refs move; an outcome it returns is answered, nothing moves.
    after_apply: gets the answer and returns the one to give; the refs have moved.
    """

    def __init__(self, hub: LoopbackHub, name: str = "origin", store: str = DEFAULT_STORE) -> None:
        self.hub = hub
        self.name = name
        self._store = store
        self.known_digest = ""
        self.known_records: KnownRecords = nothing_known
        self.before_fetch: Callable[[], FetchOutcome | None] = lambda: None
        self.after_fetch: Callable[[FetchOutcome], FetchOutcome] = lambda outcome: outcome
        self.before_apply: Callable[[Publication], PublishOutcome | None] = lambda _publication: None
        self.after_apply: Callable[[PublishOutcome], PublishOutcome] = lambda outcome: outcome
        self._hosts: dict[Rid, HostCommit] = {}
        self._own: dict[Rid, HostCommit] = {}
        self._main: MainCommit | None = None
        self._main_there: MainCommit | None = None

    @property
    def digest(self) -> str:
        return _digest(self._hosts, self._main_there)

    def fetch(self) -> FetchOutcome:
        instead = self.before_fetch()
        return instead if instead is not None else self.after_fetch(self._fetched())

    def _fetched(self) -> Fetched:
        self._hosts = dict(self.hub.hosts)
        self._main_there = main = self.hub.main
        if not _is_rolled_back(main, self._main):
            self._main = main
        digest = self.hub.digest()
        if digest == self.known_digest:
            unified_ms = main.of(self._store).unified_ms if main else None
            return Fetched(head=self._head(), unified_ms=unified_ms, digest=digest, unchanged=True)
        return self._read(main or MainCommit(""), digest)

    def _read(self, main: MainCommit, digest: str) -> Fetched:
        folder = main.of(self._store)
        versions = {(fragment.rid, *fragment.version): fragment for fragment in folder.tree.values()}
        tips = (tip.of(self._store) for tip in self._hosts.values())
        versions |= {(fragment.rid, *fragment.version): fragment for fragment in tips if fragment is not None}
        return Fetched(
            fragments=tuple(versions.values()),
            on_main={rid: fragment.version for rid, fragment in folder.tree.items()},
            head=main.head,
            unified_ms=folder.unified_ms,
            digest=digest,
        )

    def publish(self, publication: Publication) -> PublishOutcome:
        if remembers_more(publication, self.digest, self.known_digest):
            return Stale(NOT_JOINED)
        host = self._next_host(publication.own, publication.onto)
        if isinstance(host, Stale):
            return host
        main = self._next_main(publication)
        if host is None and main is None:
            return Accepted(on_main=True, head=self._head())
        instead = self.before_apply(publication)
        if instead is not None:
            return instead
        before = (self._own.copy(), self._hosts.copy(), self._main, self._main_there)
        answer = self._apply(host, main, carries_own=publication.own is not None)
        given = self.after_apply(answer)
        if not isinstance(given, Accepted):
            self._own, self._hosts, self._main, self._main_there = before
        return given

    def _next_host(self, own: Fragment | None, onto: Version | None) -> HostCommit | Stale | None:
        if own is None:
            return None
        there, mine = self._hosts.get(own.rid), self._own.get(own.rid)
        match own_plan(own, _version(there, self._store), onto=onto):
            case Present():
                return None
            case Foreign(reason):
                return Stale(reason)
            case Ahead():
                tip = mine if mine is not None and is_ancestor(there, mine) else there
                if tip is not None and _version(tip, self._store) == own.version:
                    return tip
                return HostCommit(own, tip, tip.depth + 1 if tip else 0)

    def _next_main(self, publication: Publication) -> MainCommit | None:
        """The commit main should move to, or None where what is known of it is complete."""
        known = self._main
        if not is_joined(publication, _versions(known, self._store)):
            known = self._main_there
        base = known or MainCommit("")
        folder = base.of(self._store)
        changes = lacking(publication, _versions(known, self._store))
        others = _moved(base.others, publication.relocate)
        unified = None if publication.unified is None else b"".join(publication.unified)
        if not changes and others == base.others and unified in (None, folder.unified):
            return known if known is not self._main_there else None
        folder = replace(folder, tree={**folder.tree, **changes})
        if unified is not None:
            folder = replace(folder, unified=unified, unified_ms=self.hub.now_ms())
        return MainCommit(
            head=self.hub.next_head(),
            parent=known,
            depth=base.depth + 1 if known else 0,
            folders={**base.folders, self._store: folder},
            others=others,
            at_ms=self.hub.now_ms(),
        )

    def _apply(
        self, host: HostCommit | None, main: MainCommit | None, *, carries_own: bool
    ) -> PublishOutcome:
        host_verdict = self.hub.move_host(host) if host else None
        main_verdict = self.hub.move_main(main) if main else None
        if host is not None and host_verdict is None:
            rid = host.fragment.rid
            self._own[rid] = self._hosts[rid] = self.hub.hosts[rid]
        if main is not None and main_verdict is None:
            self._main = self._main_there = main
        return joint_outcome(host_verdict, main_verdict, carries_own=carries_own, head=self._head())

    def _head(self) -> str:
        return self._main_there.head if self._main_there else ""

    def revision(self, rid: Rid, rev: int) -> Fragment | None:
        tip = self._hosts.get(rid)
        while tip is not None and (tip.fragment.header.store != self._store or tip.fragment.rev > rev):
            tip = tip.parent
        return tip.fragment if tip else None

    def past_views(self, head: str = "") -> Iterator[PastView]:
        is_near = not head
        for commit in self._commits():
            is_near = is_near or commit.head == head
            if is_near:
                fragments = tuple(commit.of(self._store).tree.values())
                yield PastView(commit.head, fragments, commit.at_ms, commit.parent is None)

    def past_heads(self) -> Iterator[PastHead]:
        for commit in self._commits():
            yield PastHead(commit.head, commit.at_ms, commit.parent is None)

    def _commits(self) -> Iterator[MainCommit]:
        commit = self._main_there
        while commit is not None:
            yield commit
            commit = commit.parent


def _version(tip: HostCommit | None, store: str) -> Version | None:
    """The version of a store that a host ref holds."""
    found = tip.of(store) if tip is not None else None
    return found.version if found is not None else None


def _versions(main: MainCommit | None, store: str) -> dict[Rid, Version]:
    """What a commit on main holds of a store."""
    return {rid: there.version for rid, there in main.of(store).tree.items()} if main is not None else {}


def _digest(hosts: Mapping[Rid, HostCommit], main: MainCommit | None) -> str:
    tips = sorted((rid, tip.depth, *tip.fragment.version) for rid, tip in hosts.items())
    return f"{main.head if main else ''} {tips}"


def _is_rolled_back(there: MainCommit | None, known: MainCommit | None) -> bool:
    return known is not None and is_ancestor(there, known)


def _moved(others: Mapping[str, bytes], moves: tuple[tuple[str, str], ...]) -> Mapping[str, bytes]:
    renamed = dict(moves)
    return {renamed.get(path, path): data for path, data in others.items()}
