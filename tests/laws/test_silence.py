"""Laws of silence: a sync that stopped is noticed, and nothing that still works is called silent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.app.silence import (
    IDLE_SILENCE_MIN,
    MISSED_RUNS,
    WAITING_SILENCE_MIN,
    Evidence,
    Silence,
    silence_of,
)

MINUTE_MS = 60_000
NOW_MS = 1_763_637_000_000
CRON_MIN = 15
HOUR_MS = WAITING_SILENCE_MIN * MINUTE_MS
LONG_MS = 3 * HOUR_MS
DAY_MS = IDLE_SILENCE_MIN * MINUTE_MS


def found(evidence: Evidence, *, interval_min: int = CRON_MIN) -> Silence | None:
    return silence_of(evidence, now_ms=NOW_MS, interval_min=interval_min)


def ago(ms: int) -> int:
    return NOW_MS - ms


WELL = Evidence(succeeded_ms=ago(1), looked_ms=ago(1), changed_ms=ago(2))


def test_a_machine_that_has_just_synced_is_not_silent() -> None:
    assert found(WELL) is None


@pytest.mark.parametrize(
    ("evidence", "silence"),
    [
        (Evidence(ago(2 * HOUR_MS), waiting_ms=ago(HOUR_MS)), Silence(ago(HOUR_MS), is_waiting=True)),
        (Evidence(ago(2 * HOUR_MS), waiting_ms=ago(HOUR_MS - 1)), None),
        (Evidence(ago(DAY_MS)), Silence(ago(DAY_MS), is_waiting=False)),
        (Evidence(ago(DAY_MS - 1)), None),
        (Evidence(ago(LONG_MS), None, ago(LONG_MS), changed_ms=ago(HOUR_MS)), Silence(ago(HOUR_MS), True)),
        (Evidence(ago(LONG_MS), None, ago(HOUR_MS), changed_ms=ago(2 * HOUR_MS)), None),
        (Evidence(ago(LONG_MS), None, None, changed_ms=ago(HOUR_MS)), Silence(ago(HOUR_MS), True)),
    ],
)
def test_silence_begins_when_something_has_waited_or_nothing_succeeded_for_too_long(
    evidence: Evidence, silence: Silence | None
) -> None:
    assert found(evidence) == silence


def test_a_file_that_changed_and_was_never_looked_at_is_silence_whatever_the_store_says() -> None:
    """The daemon died and cron is not there: the store knows nothing of the change."""
    evidence = Evidence(ago(DAY_MS - 1), waiting_ms=None, looked_ms=ago(DAY_MS - 1), changed_ms=ago(HOUR_MS))
    assert found(evidence) == Silence(ago(HOUR_MS), is_waiting=True)


def test_where_cron_runs_seldom_two_of_its_runs_are_waited_for() -> None:
    evidence = Evidence(ago(5 * HOUR_MS), waiting_ms=ago(5 * HOUR_MS))
    assert found(evidence, interval_min=60) is not None
    assert found(evidence, interval_min=5 * 60 // MISSED_RUNS + 1) is None


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_clock_that_was_set_back_makes_nothing_silent(success: int, waiting: int, changed: int) -> None:
    evidence = Evidence(NOW_MS + success, NOW_MS + waiting, None, NOW_MS + changed)
    assert found(evidence) is None


_TIMES = st.none() | st.integers(ago(3 * DAY_MS), NOW_MS)


@given(_TIMES, _TIMES, _TIMES, st.integers(1, 1440))
def test_a_success_ends_every_silence(
    waiting: int | None, looked: int | None, changed: int | None, interval_min: int
) -> None:
    evidence = Evidence(NOW_MS, waiting, looked, changed)
    assert found(evidence, interval_min=interval_min) is None


@given(st.integers(0, 3 * DAY_MS), _TIMES, _TIMES, _TIMES)
def test_silence_lasts_until_a_success(
    since: int, waiting: int | None, looked: int | None, changed: int | None
) -> None:
    evidence = Evidence(ago(since), waiting, looked, changed)
    if found(evidence) is not None:
        later = silence_of(evidence, now_ms=NOW_MS + DAY_MS, interval_min=CRON_MIN)
        assert later is not None
        assert found(replace(evidence, succeeded_ms=NOW_MS)) is None
