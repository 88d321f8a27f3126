"""Moments as people write them: `yesterday 14:00`, `2h`, `3 days ago`, `2026-11-20`, `2026-11-20T11:30Z`.

Rule 1: a day alone means how things stood when it ended; a time without a day is the last such time.
Rule 2: what bears no zone is of this machine's clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from memsync_git.errors import Misused
from memsync_git.sync.message import shown

EXAMPLES = "2026-11-20\n2026-11-20T11:30\nyesterday 14:00\n3h"

_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})\s*(s|m|min|h|d|w|second|minute|hour|day|week)s?(?:\s+ago)?", re.ASCII)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?", re.ASCII)
_DAYS: dict[str, Callable[[date], date]] = {
    "today": lambda today: today,
    "yesterday": lambda today: today - timedelta(days=1),
}


def moment_of(text: str, now_ms: int) -> int:
    """The moment a person means, in milliseconds since 1970.

    Raises:
        Misused: it cannot be told.
    """
    words = " ".join(text.strip().lower().split())
    try:
        found = _read(words, datetime.fromtimestamp(now_ms / 1000).astimezone())
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None:
        raise Misused(f"{shown(text)!r} names no moment", hint=EXAMPLES)
    return int(found.timestamp() * 1000)


def _read(words: str, now: datetime) -> datetime | None:
    if words == "now":
        return now
    span = _SPAN.fullmatch(words)
    if span is not None:
        return now - _length(span)
    day, _, clock = words.partition(" ")
    if day in _DAYS:
        return _on(_DAYS[day](now.date()), clock)
    if _CLOCK.fullmatch(words):
        then = _on(now.date(), words)
        return then if then <= now else _on(now.date() - timedelta(days=1), words)
    return _iso(words.upper())


def span_of(text: str) -> timedelta:
    """How long a person means: `2h`, `30 minutes`.

    Raises:
        Misused: it cannot be told.
    """
    span = _SPAN.fullmatch(" ".join(text.strip().lower().split()))
    if span is None or span[0].endswith("ago"):
        raise Misused(f"{shown(text)!r} names no length of time", hint="30min\n2h\n1 day")
    return _length(span)


def _length(span: re.Match[str]) -> timedelta:
    return timedelta(**{_UNITS.get(span[2], span[2] + "s"): int(span[1])})


def _on(day: date, clock: str) -> datetime:
    """A time on a day of this machine's clock; without one, the day's end."""
    if not clock:
        return datetime.combine(day, time.max).astimezone()
    hour, _, rest = clock.partition(":")
    return datetime.combine(day, time.fromisoformat(f"{int(hour):02}:{rest}")).astimezone()


def _iso(words: str) -> datetime:
    if len(words) == len("2026-11-20"):
        return _on(date.fromisoformat(words), "")
    found = datetime.fromisoformat(words)
    return found if found.tzinfo is not None else found.astimezone()
