"""Intervals against Python sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.intervals import EMPTY, Intervals

numbers = st.sets(st.integers(1, 40), max_size=20)
spans = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 6)).map(lambda pair: (pair[0], sum(pair))))


def members(intervals: Intervals) -> set[int]:
    return {n for low, high in intervals.spans for n in range(low, high + 1)}


def assert_normal(intervals: Intervals) -> None:
    """Sorted, disjoint, non-adjacent: equal sets have equal spans."""
    assert all(low <= high for low, high in intervals.spans)
    neighbours = zip(intervals.spans, intervals.spans[1:], strict=False)
    assert all(high + 1 < low for (_, high), (low, _) in neighbours)


@given(spans)
def test_any_spans_become_the_normal_form_of_their_union(given_spans: list[tuple[int, int]]) -> None:
    found = Intervals.of(given_spans)
    assert_normal(found)
    assert members(found) == {n for low, high in given_spans for n in range(low, high + 1)}
    assert found == Intervals.numbers(members(found))


@given(numbers, numbers)
def test_union_and_difference_are_those_of_sets(one: set[int], other: set[int]) -> None:
    first, second = Intervals.numbers(one), Intervals.numbers(other)
    for found, wanted in ((first | second, one | other), (first - second, one - other)):
        assert_normal(found)
        assert members(found) == wanted
        assert bool(found) == bool(wanted)
        assert found.count() == len(wanted)


@given(numbers, st.integers(0, 42))
def test_membership_and_cutting_are_those_of_sets(found: set[int], n: int) -> None:
    intervals = Intervals.numbers(found)
    assert (n in intervals) == (n in found)
    assert members(intervals.below(n)) == {member for member in found if member < n}
    assert_normal(intervals.below(n))


def test_the_width_of_an_interval_costs_nothing() -> None:
    widest = Intervals(((1, 2**53),))
    hole = Intervals(((10, 2**52),))
    assert (widest - hole).spans == ((1, 9), (2**52 + 1, 2**53))
    assert (widest - hole) | hole == widest
    assert 2**51 in hole
    assert widest - widest == EMPTY
    assert widest.count() == 2**53
