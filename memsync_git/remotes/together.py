"""Several stores of one machine published to one hub: one commit a ref, one push, an outcome for each.

Rule 1: it is what each store would have done by itself, with nobody between them. What does not go together
(another id since a clone, a commit that was lost) is published by itself afterwards.
Rule 2: whatever goes wrong with the clone, each store publishes by itself and mends it as ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memsync_git.ports import Publication, PublishOutcome
from memsync_git.remotes.git import GitRemote, Prepared
from memsync_git.remotes.objects import CloneDamaged
from memsync_git.remotes.pushing import Pushed
from memsync_git.remotes.shares import drafted, whole

Offers = Sequence[tuple[GitRemote, Publication]]


def publish_together(offers: Offers) -> list[PublishOutcome]:
    """The outcome of each store's publication.

    offers: remotes of one name over one clone, each of a store of its own.
    """
    done: Mapping[int, PublishOutcome] = {}
    if len(offers) > 1:
        try:
            done = _joined(offers)
        except (CloneDamaged, OSError):
            done = {}
    return [
        done[at] if at in done else remote.publish(publication)
        for at, (remote, publication) in enumerate(offers)
    ]


def _joined(offers: Offers) -> dict[int, PublishOutcome]:
    """The outcomes of what went in one push, or needed none; others are left out."""
    found = {at: remote.prepared(publication) for at, (remote, publication) in enumerate(offers)}
    done = {at: outcome for at, outcome in found.items() if not isinstance(outcome, Prepared)}
    waiting = [(at, prepared) for at, prepared in found.items() if isinstance(prepared, Prepared)]
    joint = {at: prepared for at, prepared in waiting if prepared.goes_with(waiting[0][1])}
    if len(joint) < 2:
        return done
    leader = offers[min(joint)][0]
    drafts = drafted([prepared.share for prepared in joint.values()], leader.listing)
    carries_own = any(prepared.publication.own is not None for prepared in joint.values())
    pushed = leader.pushed(joint[min(joint)], whole(drafts), carries_own=carries_own)
    if pushed is None:
        return done
    if not isinstance(pushed, Pushed):
        return done | dict.fromkeys(joint, leader.advised(pushed))
    settled = {
        at: offers[at][0].settled(prepared, draft, pushed)
        for (at, prepared), draft in zip(joint.items(), drafts, strict=True)
    }
    return done | {at: leader.advised(outcome) for at, outcome in settled.items()}
