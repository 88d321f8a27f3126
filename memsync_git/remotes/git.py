"""A git repository as the place where machines meet: outcomes, not mechanics.

Rule 1: each machine has its own ref, which only it moves: what is there is durable at the first try.
Main rides along in the same push and may lose a race; the next round brings it up to date.
Rule 2: nothing is forced, ever. A hub that was rolled back, emptied or rewritten is met with what this
machine knew, as new commits.
Rule 3: a push may be repeated without harm, so an answer that was lost is asked for again, once.
Rule 4: the caller holds the lock of the clone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from memsync_git.crdt.fragment import Fragment
from memsync_git.model import Rid
from memsync_git.ports import (
    Accepted,
    Clock,
    Fetched,
    FetchOutcome,
    KnownRecords,
    PastHead,
    PastView,
    Publication,
    PublishOutcome,
    Refused,
    Stale,
    Unreachable,
    Unreadable,
)
from memsync_git.remotes import display, history, upkeep
from memsync_git.remotes.clone import Clone, Tip
from memsync_git.remotes.draft import Drafting
from memsync_git.remotes.glance import git_dir_of
from memsync_git.remotes.lookout import Lookout
from memsync_git.remotes.near import near_hub
from memsync_git.remotes.objects import CloneDamaged, Objects
from memsync_git.remotes.outcomes import fetch_failure, is_unsound
from memsync_git.remotes.plan import NOT_JOINED, is_joined, joint_outcome, judged, lacking, remembers_more
from memsync_git.remotes.pushing import Pushed, Pusher, RefsMode
from memsync_git.remotes.seen import NOTHING_JUDGED, NOTHING_SEEN, Branch, Seen, Versions, digest_of, oids_of
from memsync_git.remotes.shares import Draft, Share, drafted
from memsync_git.remotes.trees import AtHand, Listing, Oid, lookup
from memsync_git.remotes.url import RemoteUrl, check_branch, validate
from memsync_git.remotes.visits import Visit
from memsync_git.values import dataclass, replace
from memsync_git.wire.fragments import LIMITS, WireLimits

T = TypeVar("T")
FetchFailure = Unreachable | Refused | None
"""Why a fetch brought nothing; None where it went well."""

UNSOUND = Unreadable("the hub", "git's own checks refuse an object it sent")

SIGN_IN = "asks for your name and token; git config --global credential.helper cache  keeps them"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A publication that has something to push, on what was seen; `host_name` as in `Drafting.share`.

    mode: the refs it was made for.
    """

    publication: Publication
    seen: Seen
    host_name: str | None
    mode: RefsMode
    share: Share

    def goes_with(self, other: Prepared) -> bool:
        """Whether both can be one push: of one machine to the same refs, as both have seen them."""
        refs = (self.host_name, self.mode, self.seen.tips) == (other.host_name, other.mode, other.seen.tips)
        return refs and self.share.goes_with(other.share)


class GitRemote:
    """One store in a shared git repository, reached through a clone on this machine.

    refs_mode: which refs the hub takes; found out when it refuses some, to be stored by the caller.
    known_digest: set by the caller; a fetch that finds the remote there reads nothing.
    keeps_connection: one connection serves many calls, where the transport can; `hang_up` closes it.
    visit: the fetches this store shares with others of its machine; None where it fetches for itself.
    """

    def __init__(
        self,
        clone: Path,
        url: str | RemoteUrl,
        *,
        clock: Clock,
        name: str = "origin",
        branch: str = "main",
        store: str = "default",
        refs_mode: RefsMode = "host+main",
        timeout_s: float = 60.0,
        limits: WireLimits = LIMITS,
        keeps_connection: bool = False,
        visit: Visit[FetchFailure] | None = None,
    ) -> None:
        self.name = name
        self.refs_mode: RefsMode = refs_mode
        self.known_digest = ""
        self._clock = clock
        self._store = store
        self._visit: Visit[FetchFailure] = visit or Visit()
        self._main_name = f"heads/{check_branch(branch)}"
        address = validate(url) if isinstance(url, str) else url
        self._clone = Clone(
            clone,
            remote=name,
            url=address,
            branch=branch,
            timeout_s=timeout_s,
            keeps_connection=keeps_connection,
        )
        self._lookout = Lookout(self._clone, store=store, main_name=self._main_name, limits=limits)
        self._tips: Mapping[str, Tip] | None = None
        self._seen: Seen | None = None
        self._complaints: tuple[Unreadable, ...] = ()

    @property
    def known_records(self) -> KnownRecords:
        """The records whose lines need not be read again; set by the caller."""
        return self._lookout.known_records

    @known_records.setter
    def known_records(self, records: KnownRecords) -> None:
        self._lookout.known_records = records

    @property
    def digest(self) -> str:
        """Names everything the refs said at the last fetch or publish; empty before the first."""
        return digest_of(self._seen.tips) if self._seen is not None else ""

    # --- fetch -----------------------------------------------------------------------------------

    def fetch(self) -> FetchOutcome:
        return self.advised(self._mending(self._fetch))

    def forget(self) -> None:
        """Know nothing of the hub any more: another one may stand under this name from now on."""
        self._tips = self._seen = None
        self._lookout.forget()
        with contextlib.suppress(CloneDamaged, OSError):
            if self._clone.is_there():
                self._clone.forget()
                self._lookout.unlearn()

    def hang_up(self) -> None:
        """Close the connection that was kept open; the next call opens another one."""
        self._clone.contact.hang_up()

    def advised(self, outcome: T) -> T | Refused:
        """A refusal for want of credentials, with the way to give git some."""
        if not isinstance(outcome, Refused) or not self._clone.contact.is_locked_out:
            return outcome
        return replace(outcome, hint=f"git ls-remote {self._clone.url}  {SIGN_IN}")

    def _mending(self, step: Callable[[], T]) -> T | Unreachable:
        """Run a step; a damaged clone is set aside and the step run once more on a new one."""
        try:
            try:
                return step()
            except CloneDamaged:
                self._begin_anew()
                return step()
        except (CloneDamaged, OSError) as error:
            return Unreachable(f"The clone {self._clone.path} cannot be used: {error}")

    def _begin_anew(self) -> None:
        self._tips = self._seen = None
        self._lookout.forget()
        self._clone.set_aside()

    def _fetch(self) -> FetchOutcome:
        self._clone.ensure()
        near = self._read_near()
        if near is not None:
            return near
        failure = self._visit.fetched(self._store, lambda: self.advised(self._fetch_through_git()))
        return failure if failure is not None else self._fetched(self._clone.refs())

    def _read_near(self) -> Fetched | None:
        """What a hub on this disk says, without a fetch; None where it cannot be read like that."""
        hub = near_hub(self._clone.url, self._clone.branch) if self._clone.has_fetched else None
        if hub is None:
            return None
        if self._clone.lender is None and self._clone.plain_refs() != hub.refs:
            self._clone.lender = hub.git_dir
        try:
            return self._fetched(self._clone.tips(hub.refs))
        except CloneDamaged:
            self._clone.lender = None
            return None

    def _fetch_through_git(self) -> FetchFailure:
        """Bring the clone up to date; None where that went well."""
        ran = self._clone.fetch()
        unsound = is_unsound(ran)
        if unsound:
            ran = self._clone.fetch(checked=False)
        if ran.code != 0:
            self._clone.doubt(ran)
            return fetch_failure(ran)
        self._clone.lender = None
        self._complaints = (UNSOUND,) if unsound else ()
        return None

    def _fetched(self, tips: Mapping[str, Tip]) -> Fetched:
        self._tips = tips
        digest, main = digest_of(tips), tips.get(self._main_name)
        if digest == self.known_digest:
            if digest != self.digest:
                self._seen = None
            unified = self._lookout.known().unified.get(self._store)
            return Fetched(
                head=main.oid if main else "",
                unified_ms=unified[1] if unified else None,
                digest=digest,
                unchanged=True,
            )
        if self._seen is None or self._seen.tips != tips or not self._seen.is_read:
            self._seen = self._lookout.look(tips, last=self._seen or NOTHING_SEEN)
        return self._seen.fetched(*self._complaints)

    # --- publish -----------------------------------------------------------------------------------

    def publish(self, publication: Publication) -> PublishOutcome:
        return self.advised(self._mending(lambda: self._publish(publication)))

    def _publish(self, publication: Publication) -> PublishOutcome:
        prepared = self.prepared(publication)
        if not isinstance(prepared, Prepared):
            return prepared
        (draft,) = drafted([prepared.share], self._lookout.listing)
        match self.pushed(prepared, draft, carries_own=publication.own is not None):
            case Pushed() as pushed:
                return self.settled(prepared, draft, pushed)
            case None:
                return self._publish(publication)
            case Unreachable() | Refused() as outcome:
                return outcome

    # The three steps of a publish, for whoever takes those of several stores together (`together.py`).

    def prepared(self, publication: Publication) -> Prepared | PublishOutcome:
        """What is to be pushed; the outcome, where nothing is."""
        seen = self._current(judged(publication))
        if remembers_more(publication, digest_of(seen.tips), self.known_digest):
            return Stale(NOT_JOINED)
        if not is_joined(publication, {rid: found.version for rid, found in seen.base.found.items()}):
            seen = seen.built_on_main()
        pusher = self._pusher()
        host_name = pusher.host_name(publication.own.rid) if publication.own else None
        drafting = Drafting(
            publication, seen, store=self._store, now_ms=self._clock.wall_ms(), load=self._lookout.listing
        )
        share = drafting.share(host_name=host_name, main=pusher.moves_main)
        if isinstance(share, Stale):
            return share
        if share.is_empty:
            on_main = not lacking(publication, seen.main.versions())
            return Accepted(
                on_main, head=seen.main.oid or "", main_refused=not (on_main or pusher.moves_main)
            )
        return Prepared(publication, seen, host_name, self.refs_mode, share)

    def pushed(
        self, prepared: Prepared, draft: Draft, *, carries_own: bool
    ) -> Pushed | Unreachable | Refused | None:
        """Push a draft; None where a ref was stale only because another store of this machine moved it."""
        owes, seen = self._clone.lender is not None, prepared.seen
        landed = self._pusher().land(
            draft, prepared.host_name, seen, load=self._lookout.listing, carries_own=carries_own
        )
        if landed is None:
            return self._pushed_by_git(prepared, draft, carries_own=carries_own)
        may_be_ours = landed.is_stale and not owes and self._clone.plain_refs() != oids_of(seen.tips)
        return None if may_be_ours and self._overtaken(seen.tips, landed) else landed

    def _pushed_by_git(
        self, prepared: Prepared, draft: Draft, *, carries_own: bool
    ) -> Pushed | Unreachable | Refused | None:
        def push() -> Pushed:
            self._clone.keep(draft.objects)
            return self._pusher().push(draft, prepared.host_name, prepared.seen.tips, carries_own=carries_own)

        done = self._carried_out(push, prepared.seen)
        if not isinstance(done, tuple):
            return done
        pushed, before = done
        self.refs_mode = pushed.refs_mode
        return None if self._overtaken(before, pushed) else pushed

    def settled(self, prepared: Prepared, draft: Draft, pushed: Pushed) -> PublishOutcome:
        """What a push means for this store, by the refs it wanted something of; it is remembered."""
        publication, carries_own = prepared.publication, prepared.publication.own is not None
        is_hostless = carries_own and prepared.host_name is None
        host = pushed.host if draft.host is not None or is_hostless else None
        main = pushed.main if draft.main is not None or prepared.mode == "host" else None
        self.refs_mode = pushed.refs_mode
        self._seen = seen = self._lookout.noted(prepared.seen, draft, pushed, prepared.host_name, publication)
        if draft.main is not None and main is None:
            self.show(AtHand(draft.objects))
        return joint_outcome(host, main, carries_own=carries_own, head=seen.main.oid or "")

    def listing(self, oid: Oid) -> Listing:
        """One tree of the clone; raises `CloneDamaged` where it is missing."""
        return self._lookout.listing(oid)

    def _pusher(self) -> Pusher:
        return Pusher(self._clone, self.refs_mode, main_name=self._main_name)

    def _carried_out(
        self, push: Callable[[], Pushed], seen: Seen
    ) -> tuple[Pushed, Mapping[str, Tip]] | Unreachable | Refused:
        """Push from a clone that is whole: what came of it, and the refs of the clone before.

        What was read at the hub itself is fetched first, and a clone that turns out to be damaged is made
        anew: what was drafted holds in either.
        """
        if self._clone.lender is None:
            try:
                return push(), seen.tips
            except CloneDamaged:
                self._clone.set_aside()
        before = self._paid_up()
        return before if isinstance(before, Unreachable | Refused) else (push(), before)

    def _paid_up(self) -> Mapping[str, Tip] | Unreachable | Refused:
        """The refs of the clone after a fetch. They may be newer than what was seen, which is for the next
        fetch to take in: the push is compared with the hub, as ever."""
        try:
            failure = self._fetch_through_git()
        except CloneDamaged:
            self._clone.set_aside()
            failure = self._fetch_through_git()
        return failure or self._clone.refs()

    def _overtaken(self, before: Mapping[str, Tip], pushed: Pushed) -> bool:
        """Whether a ref was stale only because another store of this machine moved it, through this clone."""
        if not pushed.is_stale:
            return False
        self._clone.forget_tips()  # a clone that lacks what it says it has is stale everywhere
        tips = self._clone.refs()
        unmoved = {name: tip for name, tip in tips.items() if name not in pushed.taken}
        if all(before.get(name) == tip for name, tip in unmoved.items()):
            return False
        self._seen = self._lookout.look(tips)
        return True

    def _current(self, judged: Versions = NOTHING_JUDGED) -> Seen:
        """What the last fetch saw, be it one of an earlier process.

        `judged`: what the caller has of it. Where the refs are those it knows (`known_digest`), it has read
        every fragment there, so that of those versions the headers say enough.
        """
        if self._seen is None:
            if self._tips is None:
                self._clone.ensure()
                self._tips = self._clone.refs()
            is_known = digest_of(self._tips) == self.known_digest
            self._seen = self._lookout.look(self._tips, judged=judged if is_known else NOTHING_JUDGED)
        return self._seen

    # --- history -----------------------------------------------------------------------------------

    def revision(self, rid: Rid, rev: int) -> Fragment | None:
        seen = self._readable()
        branch = seen.hosts.get(f"memsync/{rid}") or seen.hosts.get(f"branches/{rid}") or seen.main
        for past in history.walk(self._clone, branch.oid, self._branches((rid,))):
            found = past.taken.found.get(rid)
            if found is not None and found.fragment.rev <= rev:
                return found.fragment
        return None

    def past_views(self, head: str = "") -> Iterator[PastView]:
        start = Oid(head) if head else self._readable().main.oid
        for past in history.walk(self._clone, start, self._branches(None)):
            fragments = tuple(found.fragment for found in past.taken.found.values())
            yield PastView(past.oid, fragments, past.at_s * 1000, past.is_first)

    def past_heads(self) -> Iterator[PastHead]:
        start = self._readable().main.oid
        for past in history.walk(self._clone, start, history.nothing, most=history.HEADS_AT_ONCE):
            yield PastHead(past.oid, past.at_s * 1000, past.is_first)

    def _branches(self, rids: Iterable[Rid] | None) -> history.Taking[Branch]:
        """Take the fragments of these replicas, or of all, from commits."""

        def from_objects(objects: Objects) -> Callable[[Oid], Branch]:
            reading = self._lookout.reading(objects)
            return lambda oid: reading.at("history", oid, rids)

        return from_objects

    def _readable(self) -> Seen:
        """What the last fetch saw; nothing where the clone cannot be read."""
        seen = self._mending(self._current)
        return NOTHING_SEEN if isinstance(seen, Unreachable) else seen

    # --- for people ----------------------------------------------------------------------------------

    def show(self, at_hand: Mapping[Oid, Iterable[bytes]] = MappingProxyType({})) -> None:
        """Bring the files in the clone's folder up to date with main; nothing reads them but people.

        `at_hand`: contents that need not be read. What cannot be written is left for the next time.
        """
        main = self._readable().main
        if main.oid is None:
            return
        with contextlib.suppress(CloneDamaged, OSError):
            paths = display.wanted(main, self._store, self._lookout.listing)
            shown = display.refresh(self._clone, paths, self._lookout.known().shown, at_hand)
            self._lookout.remember(shown=shown)
            display.point_head(self._clone, main.oid)

    def read_file(self, path: str, *, limit: int = LIMITS.max_fragment_bytes) -> bytes | None:
        """Any ordinary file of main, for adopting what an older tool left; None if it cannot be had."""
        with contextlib.suppress(CloneDamaged):
            entry = lookup(self._readable().main.root, path, self._lookout.listing)
            if entry is None or not entry.is_file:
                return None
            with self._clone.objects() as objects:
                data = objects.read(entry.oid, "blob", limit=limit)
            return data if isinstance(data, bytes) else None
        return None

    # --- upkeep --------------------------------------------------------------------------------------

    def upkeep(self, *, full: bool = False) -> bool:
        """Keep the clone whole, and clone and own hub small when there is need; true if one was made smaller.

        `full` is the monthly collection. What goes wrong waits for the next time.
        """
        return self._mending(lambda: self._kept(full=full)) is True

    def _kept(self, *, full: bool) -> bool:
        if self._clone.lender is not None and self._fetch_through_git() is not None:
            return False
        is_done = self._clone.upkeep(full=full)
        hub = self.own_hub
        if hub is not None:
            ran = upkeep.collect(hub) if full else upkeep.keep(hub)
            is_done = is_done or (ran is not None and ran.code == 0)
        return is_done

    @property
    def own_hub(self) -> Path | None:
        """The hub, where it is a repository on this disk that we made: nobody else keeps it small."""
        url = self._clone.url
        git_dir = git_dir_of(Path(url.path)) if url.is_local else None
        return git_dir if git_dir is not None and upkeep.is_own_hub(git_dir) else None
