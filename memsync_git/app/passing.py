"""A remote in front of another: whoever changes one answer passes the rest on.

Rule 1: whoever asks nothing makes nothing: a `LateRemote` has a remote behind it from the first question on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsync_git.crdt.fragment import Fragment
    from memsync_git.model import Rid
    from memsync_git.ports import (
        FetchOutcome,
        KnownRecords,
        PastHead,
        PastView,
        Publication,
        PublishOutcome,
        Remote,
    )


class PassingRemote:
    """`ports.Remote`, every call passed on to the `remote` behind it."""

    def __init__(self, remote: Remote) -> None:
        self.name = remote.name
        self.remote = remote

    @property
    def known_digest(self) -> str:
        return self.remote.known_digest

    @known_digest.setter
    def known_digest(self, digest: str) -> None:
        self.remote.known_digest = digest

    @property
    def known_records(self) -> KnownRecords:
        return self.remote.known_records

    @known_records.setter
    def known_records(self, records: KnownRecords) -> None:
        self.know_records(records)

    def know_records(self, records: KnownRecords) -> None:
        """Pass on what need not be read again."""
        self.remote.known_records = records

    @property
    def digest(self) -> str:
        return self.remote.digest

    def fetch(self) -> FetchOutcome:
        return self.remote.fetch()

    def publish(self, publication: Publication) -> PublishOutcome:
        return self.remote.publish(publication)

    def revision(self, rid: Rid, rev: int) -> Fragment | None:
        return self.remote.revision(rid, rev)

    def past_views(self, head: str = "") -> Iterator[PastView]:
        return self.remote.past_views(head)

    def past_heads(self) -> Iterator[PastHead]:
        return self.remote.past_heads()


class LateRemote(PassingRemote):
    """A remote that is made when it is first asked something: a round without a network asks nothing."""

    def __init__(self, name: str, make: Callable[[], Remote]) -> None:
        self.name = name
        self._make = make
        self._made: Remote | None = None

    @property
    def is_made(self) -> bool:
        """Whether it was asked anything."""
        return self._made is not None

    @property
    def remote(self) -> Remote:  # type: ignore[override]
        """The one behind it."""
        if self._made is None:
            self._made = self._make()
        return self._made
