"""A quiet `sync`: nothing changed here, nothing there, nothing was left to do. It costs a look at each.

Rule 1: what a look found is handed on: a round that has work to do does not ask the remote twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from memsync_git.app.summary import Summary
from memsync_git.ports import Fetched, FetchOutcome, PastView, Publication, PublishOutcome, Snapshot

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.config import RemoteSettings
    from memsync_git.crdt.fragment import Fragment
    from memsync_git.model import Rid
    from memsync_git.ports import FetchOutcome, PastView, Publication, PublishOutcome, Remote

HASH_CHARS = 32


class LookedAt:
    """A remote whose first fetch has happened already."""

    def __init__(self, remote: Remote, outcome: FetchOutcome) -> None:
        self.name = remote.name
        self.known_digest = remote.known_digest
        self._remote = remote
        self._outcome: FetchOutcome | None = outcome

    @property
    def is_unchanged(self) -> bool:
        """Whether the remote is where it was known to be."""
        return isinstance(self._outcome, Fetched) and self._outcome.unchanged

    @property
    def digest(self) -> str:
        return self._remote.digest

    def fetch(self) -> FetchOutcome:
        outcome, self._outcome = self._outcome, None
        return outcome if outcome is not None else self._remote.fetch()

    def publish(self, publication: Publication) -> PublishOutcome:
        return self._remote.publish(publication)

    def revision(self, rid: Rid, rev: int) -> Fragment | None:
        return self._remote.revision(rid, rev)

    def past_views(self) -> Iterator[PastView]:
        return self._remote.past_views()


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: the summary if everything rests, and the remotes, fetched where they were asked."""

    rests: Summary | None
    remotes: Sequence[Remote]


def look(rooms: Rooms) -> Look:
    """Look at file, witness and remotes, in this order, as far as they are what they were."""
    summary = rooms.current_summary()
    if summary is None or summary["at_rest"] is None or not _is_same(rooms, *summary["at_rest"]):
        return Look(None, rooms.remotes())
    if all(rooms.is_near(each) for each in rooms.configuration.remotes):
        rests = all(_glanced(rooms, each) for each in rooms.configuration.remotes)
        return Look(summary, ()) if rests else Look(None, rooms.remotes())
    looked_at = [LookedAt(remote, remote.fetch()) for remote in rooms.remotes()]
    rests = all(remote.is_unchanged for remote in looked_at)
    return Look(summary if rests else None, looked_at)


def _glanced(rooms: Rooms, settings: RemoteSettings) -> bool:
    """Whether the refs of a hub on this disk are where they were; cheaper than a fetch, and as sure."""
    from memsync_git.remotes.glance import glance
    from memsync_git.remotes.url import validate

    known = rooms.known_digest(settings.name)
    git_dir = rooms.places.clone / ".git"
    if not known or not git_dir.is_dir():
        return False
    url = validate(settings.url)
    return glance(url, git_dir, branch=settings.branch, timeout_s=settings.timeout_s) == known


def _is_same(rooms: Rooms, file_hash: str, witness_hash: str) -> bool:
    file = rooms.file()
    reading, witness = file.read(), file.read_witness()
    if not isinstance(reading, Snapshot) or witness is None:
        return False
    return _hash(reading.data) == file_hash and _hash(witness) == witness_hash


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()[:HASH_CHARS]
