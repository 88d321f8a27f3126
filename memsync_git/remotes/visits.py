"""Fetches that the stores of a machine share: they look at one hub through one clone.

Rule 1: nobody takes one fetch twice. Whoever asks again wants what is new since, and has it fetched.
Rule 2: what a fetch came to is shared whatever it was: a hub that is away is waited for once.
Rule 3: shared is what was asked for in one go; what stands longer than a sync is nothing to go by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Visit(Generic[T]):
    """The fetches from one hub in one go."""

    def __init__(self) -> None:
        self._newest: tuple[T, ...] = ()
        self._had_by: set[str] = set()

    def fetched(self, store: str, fetch: Callable[[], T]) -> T:
        """What the newest fetch came to, or a new one if this store has had that already."""
        if not self._newest or store in self._had_by:
            self._newest, self._had_by = (fetch(),), set()
        self._had_by.add(store)
        return self._newest[0]

    def begin(self) -> None:
        """Another go: what was fetched before is old."""
        self._newest = ()


class Visits(Generic[T]):
    """The visits to every hub of a machine, by the name of the remote."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit[T]] = {}

    def to(self, name: str) -> Visit[T]:
        """The visit to one hub."""
        return self._visits.setdefault(name, Visit())

    def begin(self) -> None:
        """Another go at all of them."""
        for visit in self._visits.values():
            visit.begin()
