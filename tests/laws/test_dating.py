"""Laws of dating: an order that no clock can change, and as many clocks believed as agree with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.deeds.dating import EARLIEST_MS, dated

NOW_MS = 1_763_637_000_000
IN_1970_MS = 60_000
IN_2099_MS = 4_070_908_800_000
T = NOW_MS - 1_000_000

TIMES = st.lists(st.none() | st.integers(0, 2 * NOW_MS), max_size=30)
NEAR = st.integers(T, NOW_MS)
RISING = st.lists(st.integers(NOW_MS - 10**9, NOW_MS), min_size=1, max_size=20).map(sorted)


@given(TIMES)
def test_what_comes_later_was_made_later_and_nothing_after_now(told_ms: list[int | None]) -> None:
    found = dated(told_ms, NOW_MS)
    assert len(found) == len(told_ms)
    assert found == sorted(found)
    assert all(at_ms <= NOW_MS for at_ms in found)


@given(st.lists(st.tuples(st.none() | NEAR, st.none() | NEAR), max_size=30))
def test_whatever_is_told_of_when_they_were_there_no_time_falls_or_lies_after_it(
    told_and_there: list[tuple[int | None, int | None]],
) -> None:
    told, there = [one for one, _ in told_and_there], [other for _, other in told_and_there]
    found = dated(told, NOW_MS, there)
    assert found == sorted(found)
    assert all(
        at_ms <= (NOW_MS if latest_ms is None else latest_ms)
        for at_ms, latest_ms in zip(found, there, strict=True)
    )


@given(RISING, st.data())
def test_clocks_that_agree_with_the_order_and_with_when_they_were_there_are_believed(
    told_ms: list[int], data: st.DataObject
) -> None:
    there = [data.draw(st.none() | st.integers(0, 1_000).map(at_ms.__add__)) for at_ms in told_ms]
    assert dated(told_ms, NOW_MS, there) == told_ms


@given(RISING)
def test_clocks_that_agree_with_the_order_are_believed(told_ms: list[int]) -> None:
    assert dated(told_ms, NOW_MS) == told_ms


@given(RISING, st.data())
def test_clocks_that_cannot_be_right_move_no_other_however_many_they_are(
    told_ms: list[int], data: st.DataObject
) -> None:
    wrong = st.sampled_from([0, IN_1970_MS, EARLIEST_MS - 1, NOW_MS + 1, IN_2099_MS, None])
    mixed, is_right = mixed_with(
        told_ms, data.draw(st.lists(st.tuples(st.integers(0, 20), wrong), max_size=60))
    )
    found = dated(mixed, NOW_MS)
    assert [at_ms for at_ms, right in zip(found, is_right, strict=True) if right] == told_ms


@given(RISING, st.integers(0, 20), st.integers(EARLIEST_MS, NOW_MS))
def test_one_clock_that_is_wrong_moves_no_other_beyond_its_neighbours(
    told_ms: list[int], place: int, wrong_ms: int
) -> None:
    mixed, is_right = mixed_with(told_ms, [(place, wrong_ms)])
    kept = [at_ms for at_ms, right in zip(dated(mixed, NOW_MS), is_right, strict=True) if right]
    for at in range(1, len(told_ms) - 1):
        assert told_ms[at - 1] <= kept[at] <= told_ms[at + 1]


def mixed_with(
    told_ms: list[int], extra: list[tuple[int, int | None]]
) -> tuple[list[int | None], list[bool]]:
    """A chain with further links in it, and which of them were there before."""
    mixed: list[tuple[int | None, bool]] = [(at_ms, True) for at_ms in told_ms]
    for place, at_ms in extra:
        mixed.insert(min(place, len(mixed)), (at_ms, False))
    return [at_ms for at_ms, _ in mixed], [right for _, right in mixed]


def test_a_link_that_is_not_believed_stands_between_its_neighbours() -> None:
    told = [T + 100, IN_2099_MS, T + 105, 1, T + 120]
    assert dated(told, NOW_MS) == [T + 100, T + 105, T + 105, T + 105, T + 120]


def test_of_two_clocks_that_disagree_the_later_is_believed() -> None:
    assert dated([T + 100, T + 1], NOW_MS) == [T + 100, T + 100]
    assert dated([T + 1, T + 100], NOW_MS) == [T + 1, T + 100]


def test_a_time_after_something_later_was_there_does_not_push_a_better_one_aside() -> None:
    told, there = [T + 100, T + 50, T + 60], [None, None, T + 70]
    assert dated(told, NOW_MS, there) == [T + 50, T + 50, T + 60]
    assert dated(told[:2], NOW_MS, [None, T + 70]) == [T + 50, T + 50]


def test_links_that_tell_no_time_are_as_late_as_they_can_be() -> None:
    now_ms = T + 300
    found = dated([None, T + 100, None, None, T + 200, None], now_ms)
    assert found == [T + 100, T + 100, T + 200, T + 200, T + 200, now_ms]
    assert dated([], now_ms) == []
