"""The guards, as tables: what is let through and what waits for a person (model page, section 7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.intervals import Intervals
from memsync_git.guards import (
    INBOUND,
    DeletionLimits,
    Hold,
    is_large_deletion,
    is_restored_backup,
    records_of,
    weight,
)
from memsync_git.model import Item, JsonText, Rid

ALICE = ("e", "Alice")
TEA = ("o", "Alice", "likes tea")
PERSON = ("t", "Alice", "person")
WORKS = ("l", "Alice", "Acme", "works at")
TAGS = ("f", ALICE, "tags", JsonText("[]"))
ACME_TYPE = ("t", "Acme", "firm")


@pytest.mark.parametrize(
    ("removed", "replaced", "wanted"),
    [
        pytest.param([], (), 0, id="nothing weighs nothing"),
        pytest.param([TEA], (), 1, id="an observation alone"),
        pytest.param([TEA, ("o", "Alice", "x")], (), 2, id="each observation of an entity that stays"),
        pytest.param([PERSON, TEA, TAGS], (), 1, id="an entity counts once, with all it says"),
        pytest.param([PERSON, TEA, WORKS], (), 1, id="and with its relations"),
        pytest.param([ACME_TYPE, WORKS], (), 1, id="at either end"),
        pytest.param([PERSON, ACME_TYPE, WORKS, TEA], (), 2, id="two entities and what is between them"),
        pytest.param([WORKS], (), 1, id="a relation whose ends stay"),
        pytest.param([PERSON], [PERSON[:2]], 0, id="a changed type is no deletion"),
        pytest.param([PERSON, TEA], [PERSON[:2]], 1, id="though what went with it is"),
        pytest.param([TAGS], (), 1, id="a field of an entity that stays"),
        pytest.param([TAGS], [TAGS[:3]], 0, id="a changed field is no deletion"),
        pytest.param(
            [("d", "n"), ("f", ("r", "n"), "k", JsonText("1"))], (), 1, id="a generic record counts once"
        ),
        pytest.param([("f", ("r", "n"), "k", JsonText("1"))], (), 1, id="a field of one that stays"),
    ],
)
def test_what_a_deletion_weighs(removed: list[Item], replaced: tuple[Item, ...], wanted: int) -> None:
    assert weight(removed, replaced) == wanted


@pytest.mark.parametrize(
    ("taken", "records", "limits", "nothing_left", "held"),
    [
        pytest.param(25, 100, DeletionLimits(), False, False, id="25 is not more than 25"),
        pytest.param(26, 100, DeletionLimits(), False, True, id="26 of 100"),
        pytest.param(26, 1000, DeletionLimits(), False, False, id="of a large memory a fifth may go"),
        pytest.param(200, 1000, DeletionLimits(), False, False, id="exactly a fifth"),
        pytest.param(201, 1000, DeletionLimits(), False, True, id="more than a fifth"),
        pytest.param(4, 4, DeletionLimits(), True, False, id="four of four are no wipe"),
        pytest.param(5, 5, DeletionLimits(), True, True, id="five of five are"),
        pytest.param(100, 150, INBOUND, False, False, id="from elsewhere: 100 pass"),
        pytest.param(101, 150, INBOUND, False, True, id="from elsewhere: 101 of 150"),
        pytest.param(101, 1000, INBOUND, False, False, id="from elsewhere: up to half of a large memory"),
    ],
)
def test_what_is_a_large_deletion(
    taken: int, records: int, limits: DeletionLimits, nothing_left: bool, held: bool
) -> None:
    assert is_large_deletion(taken, records, limits, nothing_left=nothing_left) is held


@pytest.mark.parametrize(
    ("is_past", "is_candidate", "mtime_ms", "adds", "lacks", "restored"),
    [
        pytest.param(False, False, 5, 9, 9, False, id="a version nobody has seen before is an edit"),
        pytest.param(True, True, 5, 9, 9, False, id="a writer may still have it in its hands"),
        pytest.param(True, False, 9, 1, 0, True, id="dated before the newest state"),
        pytest.param(True, False, 10, 9, 2, False, id="dated alike, but lacks little: a way back by edits"),
        pytest.param(True, False, 11, 2, 9, False, id="adds little: deleting what one added"),
        pytest.param(True, False, 11, 3, 3, True, id="adds and lacks several"),
    ],
)
def test_what_is_a_restored_backup(
    is_past: bool, is_candidate: bool, mtime_ms: int, adds: int, lacks: int, restored: bool
) -> None:
    found = is_restored_backup(
        is_past=is_past,
        is_candidate=is_candidate,
        mtime_ms=mtime_ms,
        newest_ms=10,
        adds=adds,
        lacks=lacks,
    )
    assert found is restored


HELD: tuple[Item, ...] = (PERSON, TEA, WORKS, TAGS)


@given(st.sets(st.sampled_from(HELD)), st.sets(st.integers(1, 9)))
def test_what_reappears_leaves_a_hold_and_the_rest_stays(items: set[Item], numbers: set[int]) -> None:
    ash, birch = Rid("ash-0001"), Rid("birch-0002")
    hold = Hold("h", ash, 0, HELD, {ash: Intervals.numbers(range(1, 10)), birch: Intervals.numbers([1])})
    left = hold.without(items, {ash: Intervals.numbers(numbers)})
    assert set(left.items) == set(HELD) - items
    assert left.dots.get(ash, Intervals()) == Intervals.numbers(set(range(1, 10)) - numbers)
    assert left.dots[birch] == hold.dots[birch]
    assert all(left.dots.values())


def test_the_records_of_items_are_named_once() -> None:
    assert records_of([PERSON, TEA, TAGS, WORKS]) == {ALICE, WORKS}
