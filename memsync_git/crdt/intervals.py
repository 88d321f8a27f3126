"""A set of positive integers as sorted, disjoint, inclusive intervals.

Rule 1: a value; every operation returns a new one.
Rule 2: cost follows the number of intervals, never the width of one: a peer may send `[1, 2**53]`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter

from memsync_git.values import dataclass

_LOW = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Sorted, disjoint, non-adjacent `(low, high)` pairs, both ends included."""

    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]]) -> Intervals:
        """Normalise any pairs with low ≤ high."""
        merged: list[tuple[int, int]] = []
        for low, high in sorted(spans):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    @classmethod
    def numbers(cls, numbers: Iterable[int]) -> Intervals:
        """The intervals some numbers make."""
        ordered = sorted(set(numbers))
        begins = [at for at, n in enumerate(ordered) if not at or n != ordered[at - 1] + 1]
        ends = [*begins[1:], len(ordered)]
        return cls(tuple([(ordered[at], ordered[end - 1]) for at, end in zip(begins, ends, strict=False)]))

    def __contains__(self, n: int) -> bool:
        at = bisect_right(self.spans, n, key=_LOW) - 1
        return at >= 0 and n <= self.spans[at][1]

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __or__(self, other: Intervals) -> Intervals:
        if not other.spans:
            return self
        return other if not self.spans else Intervals.of(self.spans + other.spans)

    def __sub__(self, other: Intervals) -> Intervals:
        if not other.spans or not self.spans:
            return self
        return Intervals(tuple(_without(self.spans, other.spans)))

    def below(self, limit: int) -> Intervals:
        """The members smaller than `limit`."""
        return Intervals(tuple((low, min(high, limit - 1)) for low, high in self.spans if low < limit))

    def count(self) -> int:
        return sum(high - low + 1 for low, high in self.spans)


def _without(
    spans: tuple[tuple[int, int], ...], holes: tuple[tuple[int, int], ...]
) -> Iterator[tuple[int, int]]:
    """Both are sorted, so one pass over each is enough."""
    at = 0
    for low, high in spans:
        start = low
        while at < len(holes) and holes[at][1] < start:
            at += 1
        after = at
        while after < len(holes) and holes[after][0] <= high:
            if holes[after][0] > start:
                yield (start, holes[after][0] - 1)
            start = holes[after][1] + 1
            after += 1
        at = max(at, after - 1)
        if start <= high:
            yield (start, high)


EMPTY = Intervals()
