"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from memsync_git.app.moments import moment_of
from memsync_git.errors import Misused

NOW = datetime(2026, 11, 20, 15, 30, 20).astimezone()
NOW_MS = round(NOW.timestamp() * 1000)


def told(text: str) -> datetime:
    return datetime.fromtimestamp(moment_of(text, NOW_MS) / 1000, UTC)


def local(*parts: int) -> datetime:
    return datetime(*parts).astimezone()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("2h", NOW - timedelta(hours=2)),
        ("90 min ago", NOW - timedelta(minutes=90)),
        ("3 days ago", NOW - timedelta(days=3)),
        ("1 Week ago", NOW - timedelta(weeks=1)),
        ("45s", NOW - timedelta(seconds=45)),
        ("2026-11-18T11:30:00Z", datetime(2026, 11, 18, 11, 30, tzinfo=UTC)),
        ("2026-11-18T11:30+02:00", datetime(2026, 11, 18, 9, 30, tzinfo=UTC)),
        ("2026-11-18T11:30", local(2026, 11, 18, 11, 30)),
        ("2026-11-18 11:30", local(2026, 11, 18, 11, 30)),
        ("yesterday 14:00", local(2026, 11, 19, 14, 0)),
        ("  Yesterday   9:05 ", local(2026, 11, 19, 9, 5)),
        ("today 09:00", local(2026, 11, 20, 9, 0)),
        ("15:00", local(2026, 11, 20, 15, 0)),
        ("16:00", local(2026, 11, 19, 16, 0)),
        ("today", NOW),
        ("last friday 9am", local(2026, 11, 13, 9, 0)),
    ],
)
def test_a_moment_is_understood(text: str, expected: datetime) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(("text", "day"), [("2026-11-18", 18), ("yesterday", 19)])
def test_a_day_alone_means_its_end(text: str, day: int) -> None:
    following = local(2026, 11, day) + timedelta(days=1)
    assert timedelta(0) < following - told(text) <= timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "2026-13-01", "yesterday 9", "9" * 30 + "d", "999999w", "\x00"]
)
def test_what_names_no_moment_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Misused) as caught:
        moment_of(text, NOW_MS)
    assert "yesterday 14:00" in caught.value.hint
