"""Laws of alerts: trouble is told once when it comes, not while it lasts, not for coming and going."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.alerts import (
    ADVICE,
    CALM_MS,
    OF_A_STORE,
    REST_MS,
    Mark,
    Trouble,
    advice_on,
    concerns_of,
    news,
    troubles_of,
)
from memsync_git.documents import StatusDocument
from tests.cli.documents_of_a_fleet import PLAIN_STATUS

START_MS = 1_763_637_000_000
MINUTE_MS = 60_000
GAPS_MS = (1_000, MINUTE_MS, CALM_MS, REST_MS, 24 * REST_MS)

Steps = list[tuple[int, bool]]
STEPS = st.lists(st.tuples(st.sampled_from(GAPS_MS), st.booleans()), max_size=40)


def told_at(steps: Steps, trouble: Trouble = "refused") -> list[int]:
    """When a trouble is told, over looks of (ms since the look before, whether it is there)."""
    now_ms, told, marks = START_MS, [], {}
    for gap_ms, is_there in steps:
        now_ms += gap_ms
        fresh, marks = news([trouble] if is_there else [], marks, now_ms)
        told += [now_ms] if fresh else []
    return told


def status(**changes: Any) -> StatusDocument:
    return cast("StatusDocument", {**PLAIN_STATUS, **changes})


def test_trouble_is_told_at_the_first_look_that_finds_it() -> None:
    assert told_at([(1, False), (1, True)]) == [START_MS + 2]


@given(st.lists(st.sampled_from(GAPS_MS), min_size=1, max_size=40))
def test_trouble_that_lasts_is_told_once_however_long_and_however_seldom_it_is_looked_at(
    gaps_ms: list[int],
) -> None:
    assert len(told_at([(gap_ms, True) for gap_ms in gaps_ms])) == 1


@given(st.lists(st.tuples(st.integers(1, CALM_MS - 1), st.booleans()), max_size=60))
def test_trouble_that_comes_and_goes_without_a_calm_is_one(steps: Steps) -> None:
    """Every other look finds it, so that it never stays away for long."""
    flapping = [(gap_ms // 2 + 1, is_there) for gap_ms, first in steps for is_there in (first, True)]
    assert len(told_at(flapping)) <= 1


@given(STEPS)
def test_the_same_trouble_is_never_told_twice_within_the_rest(steps: Steps) -> None:
    told = told_at(steps)
    assert all(later - earlier >= REST_MS for earlier, later in pairwise(told))


@given(STEPS)
def test_trouble_that_stays_is_told_in_the_end(steps: Steps) -> None:
    """The last calm ends in a trouble that stays longer than any rest."""
    calm = [(CALM_MS, False), (CALM_MS, False)]
    staying = [(MINUTE_MS, True), (REST_MS, True)]
    told = told_at([*steps, *calm, *staying])
    assert told
    assert told[-1] >= START_MS + sum(gap_ms for gap_ms, _ in steps)


@given(STEPS)
def test_a_machine_that_is_well_for_long_remembers_nothing(steps: Steps) -> None:
    now_ms, marks = START_MS, {}
    for gap_ms, is_there in [*steps, (1, False), (CALM_MS, False), (REST_MS, False)]:
        now_ms += gap_ms
        _, marks = news(["held"] if is_there else [], marks, now_ms)
    assert marks == {}


def test_a_second_kind_of_trouble_is_told_beside_the_first() -> None:
    _, marks = news(["refused"], {}, START_MS)
    assert news(["refused", "held"], marks, START_MS + 1)[0] == ("held",)


def test_several_troubles_are_told_the_gravest_first() -> None:
    assert news(["stopped", "held", "unusable"], {}, START_MS)[0] == ("unusable", "held", "stopped")


def test_a_clock_that_was_set_back_for_years_silences_nothing() -> None:
    _, marks = news(["held"], {}, START_MS)
    _, marks = news([], marks, START_MS + 1)
    earlier_ms = START_MS - 10 * 365 * 24 * 3_600_000
    assert news(["held"], marks, earlier_ms)[0] == ("held",)


def test_what_is_remembered_names_when_it_was_told() -> None:
    assert news(["held"], {}, START_MS)[1] == {"held": Mark(START_MS, is_told=True)}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ()),
        ({"state": "offline", "last_sync": {"at": "", "outcome": "offline", "ms": 1}}, ()),
        ({"state": "pending"}, ()),
        ({"state": "paused"}, ()),
        ({"holds": 1, "state": "attention"}, ("held",)),
        ({"last_sync": {"at": "", "outcome": "unusable", "ms": 1}, "state": "attention"}, ("unusable",)),
        ({"last_sync": {"at": "", "outcome": "failed", "ms": 1}, "state": "attention"}, ("failed",)),
        ({"remotes": [{"outcome": "refused"}], "state": "attention"}, ("refused",)),
        ({"silence": {"since": "", "waiting": True}, "state": "attention"}, ("silent",)),
        ({"state": "stopped"}, ("stopped",)),
        ({"state": "attention"}, ("other",)),
        ({"last_sync": None, "remotes": []}, ()),
    ],
)
def test_troubles_are_read_off_the_status(changes: dict[str, Any], found: tuple[Trouble, ...]) -> None:
    assert troubles_of(status(**changes)) == found


def test_what_is_said_is_one_line_with_a_command() -> None:
    for advice in ADVICE.values():
        assert advice.sentence.isprintable()
        assert advice.sentence.endswith(".")
        assert advice.command.startswith("memsync-git ")


# --- several stores

NAMES = ("default", "office", "club", "home", "garden")
FOUND = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(list(ADVICE)), unique=True, max_size=3), min_size=1
)


@given(FOUND, st.lists(st.sampled_from(NAMES), max_size=6))
def test_what_stores_share_is_told_once_whichever_of_them_meets_it_first(
    found: dict[str, list[Trouble]], order: list[str]
) -> None:
    """The stores meet their troubles one after the other, as the rounds of a daemon do."""
    told: list[str] = []
    marks: dict[str, Mark] = {}
    met: dict[str, list[Trouble]] = {name: [] for name in found}
    for at, name in enumerate([*(each for each in order if each in found), *found]):
        met[name] = found[name]
        fresh, marks = news(concerns_of(met), marks, START_MS + at)
        told += fresh
    assert sorted(told) == sorted(concerns_of(found))
    shared = {trouble for has in found.values() for trouble in has if trouble not in OF_A_STORE}
    assert sorted(each for each in told if "/" not in each) == sorted(shared)


@given(FOUND)
def test_every_concern_is_said_and_a_store_is_named_only_where_not_all_have_it(
    found: dict[str, list[Trouble]],
) -> None:
    said = advice_on(concerns_of(found), found)
    assert [advice.sentence.rpartition(": ")[2] for advice in said] == [
        ADVICE[trouble].sentence for trouble in ADVICE if any(trouble in has for has in found.values())
    ]
    for advice in said:
        names = advice.sentence.rpartition(": ")[0]
        trouble = next(each for each in ADVICE if advice.sentence.endswith(ADVICE[each].sentence))
        whose = [name for name, has in found.items() if trouble in has]
        assert (names == "") is (len(whose) == len(found))
        if names:
            assert names.split(", ")[0] == whose[0]


def test_what_is_said_of_some_stores_names_them_and_the_command_takes_the_first() -> None:
    found: dict[str, list[Trouble]] = {name: ["held"] for name in NAMES} | {"work": []}
    (advice,) = advice_on(concerns_of(found), found)
    assert advice.sentence == f"default, office, club and 2 more: {ADVICE['held'].sentence}"
    assert advice.command == "memsync-git holds --store default"


def test_only_the_news_of_a_store_is_said_when_another_was_told_before() -> None:
    found: dict[str, list[Trouble]] = {"default": ["held"], "office": ["held"], "club": []}
    _, marks = news(concerns_of({**found, "office": []}), {}, START_MS)
    fresh, _ = news(concerns_of(found), marks, START_MS + 1)
    (advice,) = advice_on(fresh, found)
    assert advice.sentence == f"office: {ADVICE['held'].sentence}"


def test_what_another_release_remembered_is_let_go_in_its_time() -> None:
    _, marks = news(["refused"], {"strange/office": Mark(START_MS, is_told=True)}, START_MS + 1)
    assert list(marks) == ["refused", "strange/office"]
    assert news([], marks, START_MS + REST_MS + CALM_MS)[1].keys() == {"refused"}
