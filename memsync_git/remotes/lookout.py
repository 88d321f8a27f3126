"""Looking at what a clone's refs say, and remembering it from one look to the next.

Rule 1: what was read once is kept for as long as a ref names it; what was just written counts as read.
Rule 2: what this machine knew before a fetch outlives the fetch: a hub that lost commits is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memsync_git.crdt.fragment import Fragment
from memsync_git.model import Rid
from memsync_git.ports import KnownRecords, Publication, nothing_known
from memsync_git.remotes import known
from memsync_git.remotes.clone import Clone, Tip
from memsync_git.remotes.objects import CloneDamaged, Objects, Unfit
from memsync_git.remotes.pushing import Pushed
from memsync_git.remotes.reading import Reading
from memsync_git.remotes.seen import NOTHING_JUDGED, NOTHING_SEEN, Branch, Learnt, Seen, Versions
from memsync_git.remotes.shares import Draft
from memsync_git.remotes.trees import EMPTY, Listing, Oid, lookup, parse_tree
from memsync_git.values import replace
from memsync_git.wire.fragments import WireLimits
from memsync_git.wire.rid import unified_path


class Lookout:
    """What one store's machine knows of a remote. `main_name` is main's tracking name."""

    def __init__(self, clone: Clone, *, store: str, main_name: str, limits: WireLimits) -> None:
        self._clone = clone
        self._store = store
        self._main_name = main_name
        self._limits = limits
        self._learnt = Learnt()
        self.known_records: KnownRecords = nothing_known

    def forget(self) -> None:
        """Nothing read is to be believed: the clone was replaced."""
        self._learnt = Learnt()

    def look(
        self, tips: Mapping[str, Tip], *, last: Seen = NOTHING_SEEN, judged: Versions = NOTHING_JUDGED
    ) -> Seen:
        """Read what the tips name, and remember where main is built from; `judged` as in `Reading`.

        last: what the last look saw, if it is known.
        """
        before = self.known()
        main_tip = tips.get(self._main_name)
        lost = {name: oid for name, oid in before.own.items() if self._is_lost(oid, tips.get(name))}
        with self._clone.objects() as objects:
            reading = self.reading(objects, judged)
            main = reading.main(self._main_name, main_tip)
            base = self._base(before.main, main_tip, reading)
            seen = Seen(
                tips=tips,
                hosts=reading.hosts(tips, main, last.hosts),
                mine={
                    name: reading.at(name, oid, (Rid(name.partition("/")[2]),)) for name, oid in lost.items()
                },
                main=main,
                base=main if base == main.oid else reading.at("main", base, None) if base else Branch(),
            )
            unified = reading.unified_at_ms(main_tip, main, before)
        self._learnt = reading.learnt()
        times = before.unified if unified is None else {**before.unified, self._store: unified}
        self.remember(main=base, unified=times)
        return replace(
            seen,
            unified_ms=unified[1] if unified else None,
            unreadable=tuple(reading.unreadable),
            newer=reading.newer,
        )

    def _base(self, mine: Oid | None, main: Tip | None, reading: Reading) -> Oid | None:
        """What a new main commit builds on: the hub's main, or the newer one the hub has lost."""
        if main is None:
            return mine if mine is not None and self._clone.has(mine) else None
        if mine is None or reading.follows(main.oid, mine) or self._clone.is_ancestor(mine, main.oid):
            return main.oid
        return mine if self._clone.is_ancestor(main.oid, mine) else main.oid

    def _is_lost(self, oid: Oid, tip: Tip | None) -> bool:
        """Whether the hub's host ref is gone or behind what we published."""
        if tip is None:
            return self._clone.has(oid)
        return tip.oid != oid and self._clone.is_ancestor(tip.oid, oid)

    @property
    def _known_path(self) -> Path:
        return self._clone.git_dir / f"memsync-{self._clone.remote}.json"

    def known(self) -> known.Known:
        """What was known of the remote until now."""
        return known.load(self._known_path)

    def remember(self, **changes: Any) -> None:
        """Keep some of what is known from now on; the rest stays."""
        before = self.known()
        now = replace(before, **changes)
        if now != before:
            known.save(self._known_path, now)

    def unlearn(self) -> None:
        """Keep nothing of what is known."""
        self._known_path.unlink(missing_ok=True)

    def reading(self, objects: Objects, judged: Versions = NOTHING_JUDGED) -> Reading:
        """A pass over the objects of the clone that need not read twice what is known."""
        return Reading(
            objects,
            store=self._store,
            learnt=self._learnt,
            limits=self._limits,
            records=self.known_records,
            judged=judged,
        )

    def listing(self, oid: Oid) -> Listing:
        """One tree of the clone; raises `CloneDamaged` where it is missing."""
        known = self._learnt.listings.get(oid)
        if known is not None:
            return known
        with self._clone.objects() as objects:
            listing = objects.tree(oid)
        if listing is None:
            raise CloneDamaged(f"the tree {oid} is missing")
        found = EMPTY if isinstance(listing, Unfit) else listing
        self._learnt = replace(self._learnt, listings={**self._learnt.listings, oid: found})
        return found

    def noted(
        self, seen: Seen, draft: Draft, pushed: Pushed, host_name: str | None, publication: Publication
    ) -> Seen:
        """What is known now that the hub took some of a draft."""
        before, changes = self.known(), dict[str, Any]()
        if draft.host is not None and host_name is not None and pushed.host is None:
            seen = seen.with_host(host_name, draft.host.tip, draft.host.branch)
            changes["own"] = {**before.own, host_name: draft.host.oid}
        if draft.main is not None and pushed.main is None:
            seen = seen.with_main(self._main_name, draft.main.tip, draft.main.branch)
            changes["main"] = draft.main.oid
            if publication.unified is not None:
                entry = lookup(draft.main.branch.root, unified_path(self._store), self.listing)
                assert entry is not None, "the draft holds what was to be published"
                unified = (entry.oid, draft.main.at_s * 1000)
                changes["unified"] = {**before.unified, self._store: unified}
                seen = replace(seen, unified_ms=unified[1])
        self._keep_read(draft, seen)
        self.remember(**changes)
        return seen

    def _keep_read(self, draft: Draft, seen: Seen) -> None:
        """What was just written need not be read again; what no ref holds any longer is let go.

        A machine that is alone in writing looks at no ref for days.
        """
        written = {item.oid: parse_tree(item.data) for item in draft.objects if item.kind == "tree"}
        roots = (branch.root for branch in seen.branches)
        named = {entry.oid for listing in (*roots, *written.values()) for entry in listing.values()}
        named.update(tip.tree for tip in seen.tips.values() if tip.tree is not None)
        learnt = self._learnt
        listings = {oid: listing for oid, listing in learnt.listings.items() if oid in named} | written
        unusable = {key: item for key, item in learnt.decoded.items() if not isinstance(item, Fragment)}
        decoded = unusable | {
            (rid, found.files): found.fragment
            for branch in seen.branches
            for rid, found in branch.found.items()
            if found.is_read
        }
        self._learnt = Learnt(decoded, listings, learnt.shards)
