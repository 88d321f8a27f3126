"""The Pacer's laws, over generated histories of a daemon that obeys it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.pacing import (
    FAILED_S,
    GAP_S,
    HUB_SETTLE_S,
    REFUSED_S,
    SHORTEST_RETRY_S,
    Action,
    Capture,
    Captured,
    CheckDue,
    Event,
    FileChanged,
    HubChanged,
    Now,
    Outcome,
    Pace,
    Pacer,
    Paused,
    Reconfigured,
    Resumed,
    RoundEnded,
    Sync,
    Ticked,
    backoff_s,
)

WALL_MS = 1_763_637_000_000
PACE = Pace()
OUTCOMES: tuple[Outcome, ...] = ("well", "busy", "stale", "offline", "refused", "failed")
FAILURES: tuple[Outcome, ...] = OUTCOMES[1:]
TICK_S = GAP_S / 2
"""Seldom enough to be quick, often enough not to look like a sleep."""


@dataclass
class Clock:
    """Time as the daemon reads it: the wall may be set, the other goes on."""

    s: float = 0.0
    ahead_ms: int = 0

    def now(self, chance: float = 0.5) -> Now:
        return Now(self.s, WALL_MS + round(self.s * 1000) + self.ahead_ms, chance)


@dataclass
class Rig:
    """A daemon without threads: it tells, obeys, and keeps a diary."""

    remotes: tuple[str, ...] = ("origin",)
    pace: Pace = PACE
    round_s: float = 0.2
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    active: bool = False
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.pacer = Pacer.begin(self.pace, self.remotes, self.clock.now())
        self.diary: list[tuple[float, Action]] = []
        self.ends_s: float | None = None

    def tell(self, event: Event) -> tuple[Action, ...]:
        self.pacer, actions = self.pacer.told(event, self.clock.now())
        for action in actions:
            self.diary.append((self.clock.s, action))
            if isinstance(action, Sync):
                assert self.ends_s is None, "a second round while one is under way"
                self.ends_s = self.clock.s + self.round_s
        return actions

    def run(self, for_s: float) -> None:
        """Let time pass, as the main loop does: ticks, wake-ups and the ends of rounds, each at its time."""
        until_s = self.clock.s + for_s
        tick_s = self.clock.s + TICK_S
        while True:
            times = [tick_s, until_s, *self._coming()]
            self.clock.s = max(self.clock.s, min(times))
            if self.clock.s >= until_s:
                break
            if self.ends_s is not None and self.clock.s >= self.ends_s:
                self.end_round()
            else:
                self.tell(Ticked())
            if self.clock.s >= tick_s:
                tick_s = self.clock.s + TICK_S

    def _coming(self) -> Iterable[float]:
        if self.ends_s is not None:
            yield self.ends_s
        if self.pacer.wake_s is not None:
            yield self.pacer.wake_s

    def end_round(self) -> None:
        asked = self.pacer.running
        assert asked is not None
        self.ends_s = None
        outcomes = {name: self.outcomes.get(name, "well") for name in asked.remotes}
        self.tell(RoundEnded(outcomes, active=self.active))

    def jump(self, seconds: float) -> tuple[Action, ...]:
        """Nothing is told for so long: the machine slept."""
        self.clock.s += seconds
        return self.tell(Ticked())

    def syncs(self, since_s: float = 0.0) -> list[tuple[float, Sync]]:
        return [(at, action) for at, action in self.diary if isinstance(action, Sync) and at >= since_s]

    def captures(self) -> list[float]:
        return [at for at, action in self.diary if isinstance(action, Capture)]


@pytest.fixture
def rig() -> Rig:
    """A daemon whose first check is over, and which has come to rest."""
    rig = Rig()
    rig.run(1000)
    return rig


# --- starting, polling


def test_it_begins_with_a_full_check_of_every_remote() -> None:
    rig = Rig(("origin", "backup"))
    assert rig.tell(Ticked()) == (Sync("full", ("origin", "backup")),)


def test_a_quiet_fleet_is_polled_ever_more_slowly_until_the_slowest(rig: Rig) -> None:
    times = [at for at, _ in rig.syncs()]
    waits = [later - earlier - rig.round_s for earlier, later in pairwise(times)]
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(PACE.quick_s * 1.5)
    assert waits[-1] == pytest.approx(PACE.slow_s)
    assert sum(wait < PACE.slow_s * 0.99 for wait in waits) < 12


def test_after_activity_elsewhere_polls_are_quick_again(rig: Rig) -> None:
    rig.active = True
    rig.run(PACE.slow_s + 1)
    rig.active = False
    began_s = rig.syncs()[-1][0]
    rig.run(PACE.quick_s + 1)
    assert rig.syncs()[-1][0] == pytest.approx(began_s + rig.round_s + PACE.quick_s)


def test_after_activity_here_polls_are_quick_again(rig: Rig) -> None:
    rig.tell(Captured(news=True))
    rig.run(30)
    assert len(rig.syncs(rig.clock.s - 30)) >= 5


def test_a_hub_that_moved_is_looked_at_at_once(rig: Rig) -> None:
    moved_s = rig.clock.s
    rig.tell(HubChanged("origin"))
    rig.run(1)
    at, sync = rig.syncs()[-1]
    assert at == pytest.approx(moved_s + HUB_SETTLE_S)
    assert sync.reason == "poll"


def test_a_hub_nobody_knows_is_nothing(rig: Rig) -> None:
    before = rig.pacer.lanes
    assert rig.tell(HubChanged("other")) == ()
    assert rig.pacer.lanes == before


# --- changes of the file


def test_a_capture_without_news_leads_to_nothing(rig: Rig) -> None:
    wake_s = rig.pacer.wake_s
    rig.tell(Captured(news=False))
    assert rig.pacer.wake_s == wake_s


def test_a_change_is_synced_after_a_little_quiet(rig: Rig) -> None:
    noted_s = rig.clock.s
    rig.tell(Captured(news=True))
    rig.run(2)
    assert rig.syncs(noted_s) == [(pytest.approx(noted_s + PACE.debounce_s), Sync("local", ("origin",)))]


@pytest.mark.parametrize("capture_s", [0.0, 0.4, 3.0])
def test_the_quiet_counts_from_the_change_and_not_from_the_end_of_its_capture(
    rig: Rig, capture_s: float
) -> None:
    changed_s = rig.clock.s
    rig.tell(FileChanged())
    rig.clock.s += capture_s
    rig.tell(Captured(news=True))
    rig.run(5)
    at, sync = rig.syncs(changed_s)[0]
    assert sync.reason == "local"
    assert at == pytest.approx(changed_s + max(PACE.debounce_s, capture_s))


def test_a_change_that_was_captured_already_does_not_date_the_next_one(rig: Rig) -> None:
    rig.tell(FileChanged())
    rig.tell(Captured(news=False))
    rig.run(0.5)
    found_s = rig.clock.s
    rig.tell(Captured(news=True))
    rig.run(5)
    assert rig.syncs(found_s)[0][0] == pytest.approx(found_s + PACE.debounce_s)


def test_a_burst_of_ten_seconds_is_two_rounds_and_many_captures(rig: Rig) -> None:
    began_s, captured = rig.clock.s, len(rig.captures())
    for _ in range(300):
        rig.tell(FileChanged())
        rig.tell(Captured(news=True))
        rig.run(10 / 300)
    rig.run(PACE.debounce_s + 0.1)
    assert len(rig.captures()) - captured == 300
    assert 1 <= len(rig.syncs(began_s)) <= 2


@given(
    gaps=st.lists(st.floats(0.01, 3.0), min_size=1, max_size=40),
    pace=st.builds(Pace, st.floats(0, 3), st.floats(0, 12), st.just(2.0), st.just(60.0)),
    round_s=st.floats(0.01, 20),
)
def test_every_change_is_taken_along_within_the_longest_delay_and_a_round(
    gaps: list[float], pace: Pace, round_s: float
) -> None:
    rig = Rig(pace=pace, round_s=round_s)
    rig.run(300)
    changes = []
    for gap in gaps:
        rig.tell(FileChanged())
        rig.tell(Captured(news=True))
        changes.append(rig.clock.s)
        rig.run(gap)
    rig.run(60)
    allowed_s = max(pace.max_delay_s, 0) + round_s + 1e-6
    for change_s in changes:
        assert any(change_s <= at <= change_s + allowed_s for at, _ in rig.syncs())


def test_what_changes_during_a_round_gets_a_round_of_its_own(rig: Rig) -> None:
    rig.round_s = 30
    rig.tell(Captured(news=True))
    rig.run(5)
    rig.tell(Captured(news=True))
    changed_s = rig.clock.s
    rig.run(40)
    assert any(at > changed_s for at, _ in rig.syncs())


def test_a_change_goes_to_every_remote_that_can_be_reached() -> None:
    rig = Rig(("origin", "backup"), outcomes={"backup": "refused"})
    rig.run(500)
    rig.tell(Captured(news=True))
    rig.run(2)
    assert rig.syncs()[-1][1].remotes == ("origin",)
    rig.outcomes.clear()
    rig.run(2000)
    assert any("backup" in sync.remotes for _, sync in rig.syncs(502))


def test_without_remotes_a_change_still_gets_a_round() -> None:
    rig = Rig(())
    rig.run(10)
    rig.tell(Captured(news=True))
    rig.run(2)
    assert [sync.reason for _, sync in rig.syncs()] == ["full", "local"]


# --- failures


@given(st.sampled_from(FAILURES), st.integers(1, 60), st.floats(0, 0.98))
def test_the_wait_grows_with_failures_is_never_nothing_and_ends_somewhere(
    outcome: Outcome, failures: int, chance: float
) -> None:
    wait_s = backoff_s(outcome, failures, chance, PACE)
    assert 0.1 <= wait_s <= 900
    assert backoff_s(outcome, failures + 2, chance, PACE) >= wait_s
    assert backoff_s(outcome, failures, chance + 0.01, PACE) < wait_s, "two machines wait alike"


@pytest.mark.parametrize("outcome", FAILURES)
def test_an_hour_of_failures_is_a_bounded_number_of_attempts(outcome: Outcome) -> None:
    rig = Rig(outcomes={"origin": outcome})
    rig.run(3600)
    longest_s = backoff_s(outcome, 60, 0.5, PACE)
    assert 3600 / (longest_s + rig.round_s) - 1 <= len(rig.syncs()) <= 3600 / longest_s + 10


def test_an_outage_that_ends_is_noticed_within_the_slowest_poll() -> None:
    rig = Rig(outcomes={"origin": "offline"})
    rig.run(600)
    rig.outcomes.clear()
    ended_s = rig.clock.s
    rig.run(PACE.slow_s + 1)
    assert rig.syncs(ended_s)
    assert rig.pacer.lanes["origin"].failures == 0


def test_while_offline_a_change_is_tried_before_the_end_of_the_wait_and_not_all_the_time() -> None:
    rig = Rig(outcomes={"origin": "offline"})
    rig.run(1200)
    began_s = rig.clock.s
    for _ in range(60):
        rig.tell(Captured(news=True))
        rig.run(1)
    tries = [at for at, _ in rig.syncs(began_s)]
    assert tries[0] <= began_s + PACE.max_delay_s + 1
    assert len(tries) <= 60 / PACE.max_delay_s + 2


@pytest.mark.parametrize("outcome", ["refused", "failed"])
def test_who_refuses_or_breaks_is_not_pressed_by_changes_nor_by_what_moves_there(outcome: Outcome) -> None:
    rig = Rig(outcomes={"origin": outcome})
    rig.run(5)
    first_s = {"refused": REFUSED_S, "failed": FAILED_S}[outcome][0]
    for _ in range(100):
        rig.tell(Captured(news=True))
        rig.tell(HubChanged("origin"))
        rig.run(0.1)
    tries = [at for at, _ in rig.syncs()]
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert all(wait >= first_s / 2 for wait in waits)


def test_a_check_that_met_another_process_is_made_soon_after() -> None:
    rig = Rig(outcomes={"origin": "busy"})
    rig.run(3)
    rig.outcomes.clear()
    rig.run(10)
    assert rig.syncs(3)[0][1].reason == "full"
    assert len(rig.syncs(0)) <= 20


def test_one_remote_that_hangs_does_not_set_the_pace_of_the_other() -> None:
    rig = Rig(("origin", "backup"), outcomes={"backup": "refused"}, active=True)
    rig.run(300)
    spoken = [sync.remotes for _, sync in rig.syncs()]
    assert sum("origin" in names for names in spoken) > 100
    assert sum("backup" in names for names in spoken) < 8


# --- sleep and clocks


@pytest.mark.parametrize("asleep_s", [GAP_S + 1, 60, 8 * 3600])
def test_after_a_sleep_the_file_is_read_and_everything_is_checked(rig: Rig, asleep_s: float) -> None:
    assert rig.jump(asleep_s) == (Capture(), Sync("full", ("origin",)))


@pytest.mark.parametrize("by_ms", [-86_400_000, -3_600_000, 3_600_000, 10 * 365 * 86_400_000])
def test_a_clock_that_was_set_leads_to_one_check(rig: Rig, by_ms: int) -> None:
    rig.clock.ahead_ms += by_ms
    began_s = rig.clock.s
    assert rig.tell(Ticked()) == (Capture(), Sync("full", ("origin",)))
    rig.run(300)
    assert [sync.reason for _, sync in rig.syncs(began_s)].count("full") == 1


def test_a_sleep_in_the_middle_of_a_round_is_checked_after_it(rig: Rig) -> None:
    rig.round_s = 100
    rig.tell(CheckDue())
    assert rig.jump(500) == (Capture(),)
    rig.end_round()
    assert rig.pacer.running == Sync("full", ("origin",))


def test_a_clock_that_goes_back_a_little_is_no_event(rig: Rig) -> None:
    rig.clock.ahead_ms -= 2000
    assert rig.tell(Ticked()) == ()


# --- pauses


def test_while_paused_nothing_syncs_and_everything_is_captured(rig: Rig) -> None:
    rig.tell(Paused())
    began_s, captured = rig.clock.s, len(rig.captures())
    for _ in range(50):
        rig.tell(FileChanged())
        rig.tell(Captured(news=True))
        rig.tell(HubChanged("origin"))
        rig.run(20)
    assert rig.syncs(began_s) == []
    assert len(rig.captures()) - captured >= 50
    assert rig.pacer.wake_s is None


def test_after_resume_what_waited_goes_out_at_once(rig: Rig) -> None:
    rig.tell(Paused())
    rig.tell(Captured(news=True))
    rig.run(100)
    assert rig.tell(Resumed()) == (Sync("local", ("origin",)),)


def test_after_resume_the_others_are_asked_at_once(rig: Rig) -> None:
    rig.tell(Paused())
    rig.run(1)
    assert rig.tell(Resumed()) == (Sync("poll", ("origin",)),)


def test_a_pause_with_an_end_ends_by_itself(rig: Rig) -> None:
    began_s = rig.clock.s
    rig.tell(Paused(rig.clock.now().wall_ms + 90_000))
    rig.run(200)
    assert rig.syncs(began_s)[0][0] == pytest.approx(began_s + 90, abs=0.01)


def test_a_pause_that_is_over_already_is_none(rig: Rig) -> None:
    rig.tell(Paused(rig.clock.now().wall_ms - 1))
    assert rig.pacer.paused is None


def test_a_pause_lets_the_round_under_way_end(rig: Rig) -> None:
    rig.tell(CheckDue())
    rig.tell(Paused())
    rig.end_round()
    assert rig.pacer.running is None
    assert rig.tell(Ticked()) == ()


def test_a_sleep_during_a_pause_is_captured_and_checked_after_it(rig: Rig) -> None:
    rig.tell(Paused())
    assert rig.jump(1000) == (Capture(),)
    assert rig.tell(Resumed()) == (Sync("full", ("origin",)),)


# --- the configuration


def test_after_a_new_configuration_its_remotes_are_checked_at_its_pace(rig: Rig) -> None:
    pace = Pace(debounce_s=0.1, max_delay_s=1, quick_s=1, slow_s=5)
    assert rig.tell(Reconfigured(pace, ("home", "away"))) == (Sync("full", ("home", "away")),)
    rig.run(60)
    assert all(sync.remotes == ("home", "away") for _, sync in rig.syncs(rig.clock.s - 60))
    assert len(rig.syncs(rig.clock.s - 60)) >= 10


# --- any history at all

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(FileChanged),
    st.builds(Captured, st.booleans()),
    st.builds(HubChanged, st.sampled_from(["origin", "backup", "gone"])),
    st.builds(Ticked),
    st.builds(CheckDue),
    st.builds(Resumed),
    st.builds(Paused, st.one_of(st.none(), st.integers(WALL_MS, WALL_MS + 400_000))),
    st.builds(
        RoundEnded,
        st.dictionaries(st.sampled_from(["origin", "backup"]), st.sampled_from(OUTCOMES)),
        st.booleans(),
    ),
    st.builds(Reconfigured, st.just(PACE), st.sampled_from([(), ("origin",), ("origin", "backup")])),
)
STEPS = st.lists(
    st.tuples(EVENTS, st.floats(0, 30), st.integers(-5000, 5000), st.floats(0, 0.999)), max_size=60
)


@given(STEPS)
def test_whatever_happens_there_is_one_round_at_a_time_no_busy_loop_and_an_end_of_waiting(
    steps: list,
) -> None:  # type: ignore[type-arg]
    clock = Clock()
    pacer = Pacer.begin(PACE, ("origin", "backup"), clock.now())
    is_running = False
    for event, passed_s, ahead_ms, chance in steps:
        clock.s += passed_s
        clock.ahead_ms += ahead_ms
        pacer, actions = pacer.told(event, clock.now(chance))
        syncs = [action for action in actions if isinstance(action, Sync)]
        is_running = is_running and not isinstance(event, RoundEnded)
        assert len(syncs) <= (not is_running)
        assert not (syncs and pacer.paused is not None)
        assert not isinstance(event, FileChanged) or Capture() in actions
        is_running = is_running or bool(syncs)
        assert (pacer.running is not None) is is_running
        _assert_wakes_to_some_purpose(pacer, clock, chance)


def _assert_wakes_to_some_purpose(pacer: Pacer, clock: Clock, chance: float) -> None:
    """Its next moment lies ahead, and then it does something: else it would spin, or sleep for ever."""
    if pacer.running is not None:
        assert pacer.wake_s is None
    elif pacer.paused is not None:
        assert (pacer.wake_s is None) is (pacer.paused.until_ms is None)
    elif pacer.lanes:
        assert pacer.wake_s is not None
        assert pacer.wake_s >= clock.s
        then = Clock(pacer.wake_s + 1e-6, clock.ahead_ms)
        _, actions = pacer.told(Ticked(), then.now(chance))
        assert any(isinstance(action, Sync) for action in actions)


@given(STEPS)
def test_the_same_history_leads_to_the_same_actions(steps: list) -> None:  # type: ignore[type-arg]
    def told() -> list[tuple[Action, ...]]:
        clock, all_actions = Clock(), []
        pacer = Pacer.begin(PACE, ("origin",), clock.now())
        for event, passed_s, ahead_ms, chance in steps:
            clock.s += passed_s
            clock.ahead_ms += ahead_ms
            pacer, actions = pacer.told(event, clock.now(chance))
            all_actions.append(actions)
        return all_actions

    assert told() == told()


def test_unreachable_is_never_tried_more_often_than_the_shortest_retry() -> None:
    rig = Rig(pace=Pace(0, 0, 0.1, 0.1), outcomes={"origin": "offline"}, round_s=0.001)
    for _ in range(1000):
        rig.tell(Captured(news=True))
        rig.tell(HubChanged("origin"))
        rig.run(0.01)
    assert len(rig.syncs()) <= 10 / (SHORTEST_RETRY_S / 2) + 2
