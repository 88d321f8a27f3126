"""Which records a state has changed at, for those who follow it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from memsync_git.model import RecordKey

MOST_FOLLOWED = 20_000
"""Beyond so many keys it is no more work to look at everything."""


class Place(NamedTuple):
    """How far somebody has followed whom."""

    log: Touched
    at: int


class Touched:
    """The keys in the order of the changes, as far back as is worth following."""

    def __init__(self) -> None:
        self._keys: list[RecordKey] = []
        self._first = 0

    @property
    def place(self) -> Place:
        """Where the next change will stand: from here on one may ask what came."""
        return Place(self, self._end)

    @property
    def _end(self) -> int:
        return self._first + len(self._keys)

    def note(self, keys: Collection[RecordKey]) -> None:
        """These records were changed."""
        if len(self._keys) + len(keys) > MOST_FOLLOWED:
            self.lose()
        else:
            self._keys += keys

    def lose(self) -> None:
        """Any record may have changed."""
        self._first = self._end + 1
        self._keys = []

    def since(self, place: Place | None) -> Sequence[RecordKey] | None:
        """What was changed since that place; None where that is not known, or is a place of another state."""
        if place is None or place.log is not self or place.at < self._first:
            return None
        return self._keys[place.at - self._first :]
