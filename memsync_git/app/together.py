"""What several stores of this machine publish to one remote, in one push.

Rule 1: remotes are git repositories here; what stands before one (a turn, a look) stands before each store's.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, cast

from memsync_git.app.keeping import bare

if TYPE_CHECKING:
    from memsync_git.offering import Offer
    from memsync_git.ports import PublishOutcome
    from memsync_git.remotes.git import GitRemote


def published(offers: Sequence[Offer]) -> Sequence[PublishOutcome]:
    """Publish what stores offer to one remote: the outcome for each. Nobody has a turn meanwhile."""
    from memsync_git.app.turns import YieldingRemote
    from memsync_git.remotes.together import publish_together

    first = offers[0].remote
    with first.in_contact() if isinstance(first, YieldingRemote) else nullcontext():
        return publish_together([(cast("GitRemote", bare(each.remote)), each.publication) for each in offers])
