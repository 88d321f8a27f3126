"""Laws of dating: an order that no clock can change, and as many clocks believed as agree with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.deeds.dating import dated

NOW_MS = 1_763_637_000_000
IN_1970_MS = 60_000
IN_2099_MS = 4_070_908_800_000

TIMES = st.lists(st.none() | st.integers(0, 2 * NOW_MS), max_size=30)
RISING = st.lists(st.integers(NOW_MS - 10**9, NOW_MS), min_size=1, max_size=20).map(sorted)


@given(TIMES)
def test_what_comes_later_was_made_later_and_nothing_after_now(told_ms: list[int | None]) -> None:
    found = dated(told_ms, NOW_MS)
    assert len(found) == len(told_ms)
    assert found == sorted(found)
    assert all(at_ms <= NOW_MS for at_ms in found)


@given(RISING)
def test_clocks_that_agree_with_the_order_are_believed(told_ms: list[int]) -> None:
    assert dated(told_ms, NOW_MS) == told_ms


@given(RISING, st.data())
def test_links_of_wrong_clocks_move_no_other(told_ms: list[int], data: st.DataObject) -> None:
    """As long as those that agree are the most."""
    wrong = st.sampled_from([IN_1970_MS, IN_2099_MS, None])
    most = (len(told_ms) - 1) // 2
    extra = data.draw(st.lists(st.tuples(st.integers(0, len(told_ms)), wrong), max_size=most))
    mixed: list[tuple[int | None, bool]] = [(at_ms, True) for at_ms in told_ms]
    for place, at_ms in sorted(extra, key=lambda pair: pair[0], reverse=True):
        mixed.insert(place, (at_ms, False))
    found = dated([at_ms for at_ms, _ in mixed], NOW_MS)
    kept = [at_ms for at_ms, (_, is_right) in zip(found, mixed, strict=True) if is_right]
    first = [is_right for _, is_right in mixed].index(True)
    is_plainly_wrong = all(at_ms != IN_1970_MS for at_ms, _ in mixed[:first])
    if is_plainly_wrong:
        assert kept == told_ms


def test_a_link_that_is_not_believed_stands_between_its_neighbours() -> None:
    told = [100, IN_2099_MS, 105, 1, 120]
    assert dated(told, 1000) == [100, 105, 105, 105, 120]


def test_of_two_clocks_that_disagree_the_later_is_believed() -> None:
    assert dated([100, 1], 1000) == [100, 100]
    assert dated([1, 100], 1000) == [1, 100]


def test_links_that_tell_no_time_are_as_late_as_they_can_be() -> None:
    assert dated([None, 100, None, None, 200, None], 300) == [100, 100, 200, 200, 200, 300]
    assert dated([], 300) == []
