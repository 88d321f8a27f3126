"""Laws of the order in which revisions were made: what was seen decides, whatever the clocks say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.deeds.dating import EARLIEST_MS
from memsync_git.deeds.ordering import Link, in_line
from memsync_git.model import Rid
from tests.laws.histories import CLOCKS_MS, IN_2099_MS, RIDS, Edit, Fleet, Step, histories

NOW_MS = 1_763_637_000_000
START_MS = NOW_MS - 10_000_000
WRONG = RIDS[2]
NO_CLOCKS_MS = (0, 60_000, EARLIEST_MS - 1, NOW_MS + 1, IN_2099_MS)
"""What a clock cannot have said."""


def links_of(fleet: Fleet) -> list[Link]:
    """Every revision of a history, with what its own fragment says it had seen."""
    return [
        Link(
            header.rid, header.rev, header.wall_ms, None, {rid: rev for rid, (rev, _) in header.seen.items()}
        )
        for fragment in fleet.all_fragments()
        for header in [fragment.header]
    ]


def had_seen(later: Link, earlier: Link) -> bool:
    if later.rid == earlier.rid:
        return earlier.rev < later.rev
    return later.seen.get(earlier.rid, 0) >= earlier.rev


def is_behind_what_it_saw(links: list[Link], order: Iterable[int]) -> bool:
    stood: list[Link] = []
    for place in order:
        if any(had_seen(other, links[place]) for other in stood):
            return False
        stood.append(links[place])
    return True


def with_right_clocks(history: list[Step], step_ms: int = 1_000) -> list[Step]:
    """The same, each act a while after the one before it."""
    return [
        replace(step, wall_ms=START_MS + number * step_ms) if isinstance(step, Edit) else step
        for number, step in enumerate(history)
    ]


@given(histories(), st.sampled_from([0, NOW_MS, *CLOCKS_MS]))
def test_whatever_the_clocks_say_what_was_seen_comes_first(history: list[Step], now_ms: int) -> None:
    links = links_of(Fleet().run(history))
    line = in_line(links, now_ms)
    order = [place for place, _ in line]
    assert sorted(order) == list(range(len(links)))
    assert is_behind_what_it_saw(links, order)


@given(histories(), st.data())
def test_no_time_falls_along_the_line_nor_lies_ahead(history: list[Step], data: st.DataObject) -> None:
    there = st.none() | st.integers(START_MS, NOW_MS)
    links = [replace(link, there_ms=data.draw(there)) for link in links_of(Fleet().run(history))]
    line = in_line(links, NOW_MS)
    times = [at_ms for _, at_ms in line]
    assert times == sorted(times)
    assert all(at_ms <= NOW_MS for at_ms in times)
    for place, at_ms in line:
        there_ms = links[place].there_ms
        assert there_ms is None or at_ms <= there_ms


@given(histories())
def test_clocks_that_are_right_are_believed_and_make_the_order(history: list[Step]) -> None:
    links = links_of(Fleet().run(with_right_clocks(history)))
    assert [(links[place].told_ms, at_ms) for place, at_ms in in_line(links, NOW_MS)] == [
        (told_ms, told_ms) for told_ms in sorted(link.told_ms for link in links)
    ]


@given(histories(), st.data())
def test_a_machine_whose_clock_cannot_be_right_moves_nobody_else(
    history: list[Step], data: st.DataObject
) -> None:
    right = links_of(Fleet().run(with_right_clocks(history)))
    wrong = [
        replace(link, told_ms=data.draw(st.sampled_from(NO_CLOCKS_MS))) if link.rid == WRONG else link
        for link in right
    ]
    assert others(wrong, in_line(wrong, NOW_MS)) == others(right, in_line(right, NOW_MS))


@given(histories(), st.data())
def test_when_others_held_it_bounds_a_revision_and_moves_nobody_else(
    history: list[Step], data: st.DataObject
) -> None:
    late_ms = data.draw(st.integers(0, 3_000))
    right = links_of(Fleet().run(with_right_clocks(history)))
    wrong = [
        replace(link, there_ms=link.told_ms + late_ms, told_ms=NOW_MS + 1) if link.rid == WRONG else link
        for link in right
    ]
    line = in_line(wrong, NOW_MS)
    assert others(wrong, line) == others(right, in_line(right, NOW_MS))
    for place, at_ms in line:
        if wrong[place].rid == WRONG:
            assert at_ms <= right[place].told_ms + late_ms


def others(links: list[Link], line: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(place, at_ms) for place, at_ms in line if links[place].rid != WRONG]


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_in_which_they_are_heard_does_not_matter(history: list[Step], chance) -> None:
    links = links_of(Fleet().run(history))
    mixed = list(links)
    chance.shuffle(mixed)
    assert named(mixed, in_line(mixed, NOW_MS)) == named(links, in_line(links, NOW_MS))


def named(links: list[Link], line: list[tuple[int, int]]) -> list[tuple[Rid, int, int]]:
    return [(links[place].rid, links[place].rev, at_ms) for place, at_ms in line]


claims = st.builds(
    Link,
    st.sampled_from(RIDS),
    st.integers(1, 4),
    st.sampled_from(CLOCKS_MS),
    st.none() | st.sampled_from(CLOCKS_MS),
    st.dictionaries(st.sampled_from(RIDS), st.integers(0, 9), max_size=4),
)


@given(st.lists(claims, max_size=12, unique_by=lambda link: (link.rid, link.rev)))
def test_whoever_claims_nonsense_stops_nothing_and_each_machine_keeps_its_order(links: list[Link]) -> None:
    line = in_line(links, NOW_MS)
    assert sorted(place for place, _ in line) == list(range(len(links)))
    for rid in RIDS:
        revs = [links[place].rev for place, _ in line if links[place].rid == rid]
        assert revs == sorted(revs)


# --- two machines, by hand

LAPTOP, DESK = Rid("laptop-0001"), Rid("desk-0001")
T = NOW_MS - 60_000


def test_two_changes_of_one_second_stand_as_they_were_seen() -> None:
    """Other machines tell whole seconds, this one its milliseconds."""
    links = [Link(LAPTOP, 1, T + 700), Link(DESK, 1, T, None, {LAPTOP: 1})]
    assert in_line(links, NOW_MS) == [(0, T + 700), (1, T + 700)]


def test_who_had_seen_only_a_part_of_what_came_together_may_stand_before_it() -> None:
    """The desk's revisions 5 to 7 are one commit; the laptop had seen its 5, and its 7 the laptop's 2."""
    links = [Link(DESK, 7, T, None, {LAPTOP: 2}), Link(LAPTOP, 2, T + 1, None, {DESK: 5})]
    assert [place for place, _ in in_line(links, NOW_MS)] == [1, 0]


def test_a_clock_an_hour_behind_stands_with_what_it_had_seen() -> None:
    hour_ms = 3_600_000
    links = [
        Link(LAPTOP, 1, T),
        Link(DESK, 1, T + 10 - hour_ms, None, {LAPTOP: 1}),
        Link(LAPTOP, 2, T + 20, None, {DESK: 1}),
        Link(LAPTOP, 3, T + 30, None, {DESK: 1}),
    ]
    assert in_line(links, NOW_MS) == [(0, T), (1, T), (2, T + 20), (3, T + 30)]


def test_a_time_after_something_later_was_there_is_not_believed() -> None:
    """The desk's 2 was on main before its 1 says that it was made."""
    links = [Link(LAPTOP, 1, 0), Link(DESK, 1, NOW_MS, NOW_MS), Link(DESK, 2, 0, T)]
    assert in_line(links, NOW_MS) == [(0, T), (1, T), (2, T)]


def test_nothing_makes_an_empty_line() -> None:
    assert in_line([], NOW_MS) == []
    assert in_line([Link(DESK, 1, 0)], NOW_MS) == [(0, NOW_MS)]
    assert in_line([Link(DESK, 1, 0, T)], NOW_MS) == [(0, T)]
