"""What `status` and cron make of the signs a daemon left, and of a pause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from memsync_git.app.clocks import SystemClock
from memsync_git.app.history import LastRound
from memsync_git.app.pulse import FRESH_FOR_S, Pause, Pulse
from memsync_git.app.signs import MISSED_RUNS
from memsync_git.errors import Misused
from memsync_git.model import Entity
from memsync_git.options import SyncOptions

from .machines import BALLAST, Machine

MIN_MS = 60_000


def pulse(ago_s: float = 1.0, **about: object) -> Pulse:
    """The pulse of a daemon that is, or was, alive."""
    now_ms = SystemClock().wall_ms()
    beat_ms = now_ms - round(ago_s * 1000)
    found = Pulse(4711, SystemClock().boot_id(), beat_ms - 1000, beat_ms, next_ms=now_ms + 30_000)
    return replace(found, **about)  # type: ignore[arg-type]


def leave(machine: Machine, sign: Pulse | None, *, round_ago_ms: int = 0) -> None:
    """Leave a pulse, with a last round that long before."""
    with machine.app.rooms.installation() as installation:
        installation.note_pulse(sign)
        now_ms = SystemClock().wall_ms()
        installation.note_round(LastRound(now_ms - round_ago_ms, "nothing", 1))


@pytest.fixture
def settled(laptop: Machine) -> Machine:
    """A machine with nothing to do."""
    laptop.adds(Entity("Alice", "person", BALLAST))
    laptop.sync()
    return laptop


def test_a_daemon_that_beats_is_shown_with_its_next_sync(settled: Machine) -> None:
    leave(settled, pulse(watching="polling"))
    status = settled.app.status()
    assert status["state"] == "in_sync"
    assert (status["daemon"]["running"], status["daemon"]["pid"]) == (True, 4711)
    assert status["daemon"]["watching"] == "polling"
    assert status["next_sync"] is not None


@pytest.mark.parametrize(
    "sign",
    [lambda: pulse(FRESH_FOR_S + 5), lambda: pulse(-FRESH_FOR_S - 5), lambda: pulse(boot="before")],
    ids=["old", "from the future", "of another boot"],
)
def test_a_pulse_that_is_old_from_the_future_or_of_another_boot_is_none(
    settled: Machine, sign: Callable[[], Pulse]
) -> None:
    """Made when it is left: the tests may have begun long ago."""
    leave(settled, sign())
    status = settled.app.status()
    assert not status["daemon"]["running"]
    assert status["next_sync"] is None


def test_a_round_under_way_is_syncing(settled: Machine) -> None:
    leave(settled, pulse(is_syncing=True))
    assert settled.app.status()["state"] == "syncing"


def test_a_daemon_that_ended_without_a_word_has_stopped_until_somebody_takes_over(settled: Machine) -> None:
    leave(settled, pulse(300), round_ago_ms=301_000)
    assert settled.app.status()["state"] == "stopped"
    settled.sync()
    assert settled.app.status()["state"] == "in_sync"


def test_without_a_daemon_the_runs_of_cron_are_missed_after_a_while(settled: Machine) -> None:
    interval_ms = settled.app.configuration.sync.cron_interval_min * MIN_MS
    leave(settled, None, round_ago_ms=MISSED_RUNS * interval_ms)
    assert settled.app.status()["state"] == "in_sync"
    leave(settled, None, round_ago_ms=(1 + MISSED_RUNS) * interval_ms + MIN_MS)
    assert settled.app.status()["state"] == "stopped"


def test_a_pause_is_shown_and_what_needs_a_person_before_it(settled: Machine) -> None:
    settled.app.pause("2h")
    status = settled.app.status()
    assert status["state"] == "paused"
    assert status["pause"] is not None
    assert status["pause"]["until"] is not None
    with settled.app.rooms.installation() as installation:
        installation.note_round(LastRound(SystemClock().wall_ms(), "failed", 1))
    assert settled.app.status()["state"] == "attention"


def test_a_pause_that_is_over_is_none(settled: Machine) -> None:
    with settled.app.rooms.installation() as installation:
        installation.note_pause(Pause(SystemClock().wall_ms() - 1))
    assert settled.app.status()["pause"] is None


@pytest.mark.parametrize("span", ["yesterday", "2h ago", "", "two hours", "-2h"])
def test_what_is_no_length_of_time_pauses_nothing(settled: Machine, span: str) -> None:
    with pytest.raises(Misused):
        settled.app.pause(span)
    assert settled.app.status()["pause"] is None


def test_a_pause_needs_a_machine_that_is_set_up(laptop: Machine) -> None:
    laptop.home.joinpath("state", "identity.db").unlink()
    with pytest.raises(Misused):
        laptop.app.pause()
    with pytest.raises(Misused):
        laptop.app.resume()
    assert not laptop.home.joinpath("state", "identity.db").exists()


# --- what cron does


def cron(machine: Machine, minutes: int = 15) -> bool:
    """Whether a run by cron published a new note."""
    machine.adds(Entity(f"Entity {SystemClock().wall_ms()}", "thing"))
    return machine.app.sync(SyncOptions(if_stale_min=minutes))["published"]


def test_cron_leaves_it_to_a_daemon_that_beats(settled: Machine) -> None:
    leave(settled, pulse())
    assert not cron(settled)


def test_cron_syncs_where_no_daemon_beats(settled: Machine) -> None:
    for sign in (None, pulse(FRESH_FOR_S + 5), pulse(boot="before")):
        leave(settled, sign)
        assert cron(settled)


def test_no_pulse_is_fresh_enough_for_zero_minutes(settled: Machine) -> None:
    leave(settled, pulse())
    assert cron(settled, minutes=0)


def test_cron_respects_a_pause_and_a_person_need_not(settled: Machine) -> None:
    settled.app.pause()
    assert not cron(settled)
    assert settled.sync()["published"]
    settled.app.resume()
    assert cron(settled)
