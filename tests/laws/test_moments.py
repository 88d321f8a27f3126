"""Laws of moments: what people write is read as they mean it, and whatever they write breaks nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.moments import Ago, Instant, Wall, length_in, moment_in

NOW = datetime.fromisoformat("2026-11-20T15:30:20")  # a Friday
NOWS = st.datetimes(datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2100-01-01")).map(
    lambda each: each.replace(microsecond=0)
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def wall(*parts: int) -> Wall:
    return Wall(datetime(*parts))  # noqa: DTZ001 - a reading of the clock on the wall


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("last friday", wall(2026, 11, 13, 23, 59, 59, 999999)),
        ("friday", wall(2026, 11, 13, 23, 59, 59, 999999)),
        ("Last Thursday 14:00", wall(2026, 11, 19, 14)),
        ("mon at 9am", wall(2026, 11, 16, 9)),
        ("on monday at 9:30 pm", wall(2026, 11, 16, 21, 30)),
        ("yesterday at noon", wall(2026, 11, 19, 12)),
        ("14:00 yesterday", wall(2026, 11, 19, 14)),
        ("12am today", wall(2026, 11, 20)),
        ("the day before yesterday 8:15", wall(2026, 11, 18, 8, 15)),
        ("3 days ago 10:00", wall(2026, 11, 17, 10)),
        ("20 november 14:00", wall(2026, 11, 20, 14)),
        ("nov 21", wall(2025, 11, 21, 23, 59, 59, 999999)),
        ("November 3, 2024 at 10:00", wall(2024, 11, 3, 10)),
        ("29 feb", wall(2024, 2, 29, 23, 59, 59, 999999)),
        ("2026-11-18 at 11:30", wall(2026, 11, 18, 11, 30)),
        ("last month", wall(2026, 10, 20, 15, 30, 20)),
        ("2 months ago", wall(2026, 9, 20, 15, 30, 20)),
        ("1 year 2 days ago", wall(2025, 11, 18, 15, 30, 20)),
        ("last week", Ago(timedelta(weeks=1))),
        ("an hour ago", Ago(timedelta(hours=1))),
        ("1h30m", Ago(timedelta(minutes=90))),
        ("2 hours", Ago(timedelta(hours=2))),
        ("today", Wall(NOW)),
        ("2026-11-18T11:30:00Z", Instant(datetime(2026, 11, 18, 11, 30, tzinfo=UTC))),
    ],
)
def test_a_moment_is_read_as_it_is_meant(text: str, expected: object) -> None:
    assert moment_in(text, NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        "next friday", "tomorrow", "10/11/2026", "yesterday 9", "31 november 2026", "31 february", "13pm",
        "0am", "friday friday", "14:00 15:00", "an ago", "2 fortnights ago",
        "9999999 years ago", "99999 years ago",
    ],
)  # fmt: skip
def test_what_may_mean_two_things_or_none_is_not_read(text: str) -> None:
    assert moment_in(text, NOW) is None


def test_a_month_without_such_a_day_lends_its_last() -> None:
    assert moment_in("1 month ago", datetime.fromisoformat("2026-03-31T12:00")) == wall(2026, 2, 28, 12)


@given(NOWS, st.sampled_from(WEEKDAYS), st.booleans())
def test_a_weekday_is_the_last_before_today(now: datetime, name: str, short: bool) -> None:
    found = moment_in(name[:3] if short else name, now)
    assert isinstance(found, Wall)
    assert WEEKDAYS[found.reading.weekday()] == name
    assert timedelta(days=1) <= now.date() - found.reading.date() <= timedelta(days=7)


@given(NOWS, NOWS)
def test_what_a_machine_wrote_is_read_again(now: datetime, at: datetime) -> None:
    assert moment_in(at.isoformat(), now) == Wall(at)
    assert moment_in(at.isoformat(sep=" "), now) == Wall(at)
    assert moment_in(at.replace(tzinfo=UTC).isoformat(), now) == Instant(at.replace(tzinfo=UTC))


@given(NOWS, st.integers(0, 23), st.integers(0, 59))
def test_a_time_alone_is_the_last_such_time(now: datetime, hour: int, minute: int) -> None:
    found = moment_in(f"{hour}:{minute:02}", now)
    assert isinstance(found, Wall)
    assert (found.reading.hour, found.reading.minute) == (hour, minute)
    assert timedelta(0) <= now - found.reading < timedelta(days=1)


@given(NOWS, st.integers(1, 999), st.sampled_from(["second", "minute", "hour", "day", "week"]))
def test_a_length_and_ago_are_the_same_distance(now: datetime, count: int, unit: str) -> None:
    length = timedelta(**{f"{unit}s": count})
    assert moment_in(f"{count} {unit}s ago", now) == Ago(length)
    assert length_in(f"{count}{unit}") == length


@given(NOWS, st.text(max_size=100))
def test_whatever_is_written_is_read_or_refused(now: datetime, text: str) -> None:
    assert moment_in(text, now) is None or isinstance(moment_in(text, now), Ago | Wall | Instant)
    assert length_in(text) is None or isinstance(length_in(text), timedelta)


@given(
    NOWS,
    st.lists(st.sampled_from(["last", "1", "at", "on", "may", "friday", "9am", "ago", "2026"]), max_size=6),
)
def test_words_of_moments_in_any_order_break_nothing(now: datetime, words: list[str]) -> None:
    found = moment_in(" ".join(words), now)
    assert found is None or isinstance(found, Ago | Wall | Instant)
