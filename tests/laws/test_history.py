"""Laws of the past of rounds: nothing counts twice, nothing grows for ever, no success is overlooked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.app.history import (
    BUCKETS_MS,
    KEPT_ROUNDS,
    STANDS_FOR_MS,
    LastRound,
    Streak,
    Totals,
    folded,
    state_still,
    streak_after,
    totals_after,
    went,
)
from memsync_git.app.installation import Installation
from memsync_git.stores.memory import MemoryStore
from memsync_git.words import OUTCOMES_WORST_FIRST, OutcomeWord

START_MS = 1_763_637_000_000

ROUNDS = st.builds(
    LastRound,
    at_ms=st.integers(START_MS, START_MS + 10**9),
    outcome=st.sampled_from(OUTCOMES_WORST_FIRST),
    ms=st.integers(0, 200_000),
    cause=st.sampled_from(["command", "cron", "daemon"]),
    went=st.sampled_from(["well", "badly", "neither"]),
    local=st.tuples(*[st.integers(0, 3)] * 3),
    reason=st.sampled_from(["", "origin: away", "origin: no"]),
)


def past_of(rounds: list[LastRound]) -> Installation:
    installation = Installation(MemoryStore())
    for each in rounds:
        installation.note_round(each)
    return installation


@given(st.lists(ROUNDS, max_size=30))
def test_every_round_is_counted_once_by_outcome_and_by_duration(rounds: list[LastRound]) -> None:
    totals = past_of(rounds).totals()
    assert sum(totals.rounds.values()) == sum(totals.buckets) == len(rounds)
    assert totals.ms == sum(each.ms for each in rounds)


@given(st.integers(0, 200_000))
def test_a_duration_counts_in_the_first_bucket_it_does_not_exceed(ms: int) -> None:
    buckets = totals_after(Totals(), LastRound(0, "nothing", ms)).buckets
    place = buckets.index(1)
    assert place == len(BUCKETS_MS) or ms <= BUCKETS_MS[place]
    assert place == 0 or ms > BUCKETS_MS[place - 1]


@given(st.lists(ROUNDS, max_size=30))
def test_the_kept_rounds_are_those_that_were_not_quiet(rounds: list[LastRound]) -> None:
    loud = [each for each in rounds if each.outcome != "nothing"]
    kept = past_of(rounds).rounds()
    assert [each.outcome for each in kept for _ in range(each.times)] == [each.outcome for each in loud]


@given(st.lists(ROUNDS, min_size=1, max_size=30))
def test_the_last_round_and_the_streak_are_those_of_all_rounds_in_order(rounds: list[LastRound]) -> None:
    installation = past_of(rounds)
    assert installation.last_round() == rounds[-1]
    streak = Streak()
    for each in rounds:
        streak = streak_after(streak, each)
    assert installation.streak() == streak
    well = [each.at_ms for each in rounds if each.went == "well"]
    assert streak.succeeded_ms == (well[-1] if well else None)


def test_only_so_many_rounds_are_kept() -> None:
    rounds = [LastRound(START_MS + at, "accepted", 1, local=(1, 0, 0)) for at in range(KEPT_ROUNDS + 20)]
    kept = past_of(rounds).rounds()
    assert [each.at_ms for each in kept] == [START_MS + at for at in range(20, KEPT_ROUNDS + 20)]


def test_a_night_offline_is_one_round_with_its_times() -> None:
    before = LastRound(START_MS, "accepted", 5, went="well", local=(1, 0, 0))
    night = [
        LastRound(START_MS + at, "offline", 7, went="badly", reason="origin: away") for at in range(1, 500)
    ]
    kept = past_of([before, *night]).rounds()
    assert [each.outcome for each in kept] == ["accepted", "offline"]
    assert (kept[1].at_ms, kept[1].until_ms, kept[1].times) == (START_MS + 1, START_MS + 499, 499)


def test_a_failure_that_noted_something_is_kept_by_itself() -> None:
    first = LastRound(START_MS, "offline", 1, went="badly")
    assert folded(first, LastRound(START_MS + 1, "offline", 1, went="badly", local=(1, 0, 0))) is None


def test_a_row_of_an_older_release_is_read() -> None:
    store = MemoryStore()
    with store.transaction() as transaction:
        transaction.put("round", "one", b'{"at_ms": 1, "outcome": "nothing", "ms": 2}')
    assert Installation(store).last_round() == LastRound(1, "nothing", 2)
    assert Installation(store).totals() == Totals()


def test_a_round_went_well_only_if_everything_was_reached() -> None:
    assert went("accepted", ["accepted"]) == went("nothing", ["nothing", "accepted"]) == "well"
    assert went("held", ["nothing"]) == went("nothing", []) == "well"
    assert went("nothing", ["skipped"]) == went("stale", ["stale"]) == "neither"
    assert went("held", ["offline"]) == went("offline", ["accepted", "offline"]) == "badly"
    assert went("unusable", ["accepted"]) == went("failed", []) == "badly"


def test_failing_begins_with_the_first_failure_and_ends_with_a_success() -> None:
    streak = Streak()
    for at, how in enumerate(["well", "badly", "badly", "neither"]):
        streak = streak_after(streak, LastRound(at, "offline", 1, went=how))  # type: ignore[arg-type]
    assert streak == Streak(0, 1)
    assert streak_after(streak, LastRound(9, "accepted", 1, went="well")) == Streak(9, None)


@given(
    st.none() | st.sampled_from(OUTCOMES_WORST_FIRST),
    st.none() | st.integers(-3 * STANDS_FOR_MS, 3 * STANDS_FOR_MS),
)
def test_a_remote_that_was_not_asked_never_makes_a_success_of_old_news(
    outcome: OutcomeWord | None, ago_ms: int | None
) -> None:
    reached_ms = None if ago_ms is None else START_MS - ago_ms
    how = went("accepted", [state_still(outcome, reached_ms, START_MS)])
    is_recent = ago_ms is not None and abs(ago_ms) <= STANDS_FOR_MS
    if outcome in ("offline", "refused", "failed", "unusable", "locked"):
        assert how == "badly", "bad news stands"
    elif outcome in ("accepted", "nothing") and is_recent:
        assert how == "well"
    elif outcome is None or not is_recent:
        assert how == "neither"
