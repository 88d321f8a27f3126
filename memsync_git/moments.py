"""Moments as people write them: `yesterday 14:00`, `last friday`, `2 hours ago`, `2026-11-20T11:30Z`.

Rule 1: pure: no clock and no zone is known here. What is read is a distance back from now (`Ago`), a reading
of the clock on the wall (`Wall`), or a moment that bears its own zone (`Instant`).
Rule 2: a day alone means how things stood when it ended, or now if it has not; a time without a day is the
last such time; a weekday the last one before today, a day and a month the last such date.
Rule 3: what people read in two ways is not read at all: `10/11/2026`, `next friday`, `yesterday 9`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta

from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class Ago:
    """So long before now."""

    length: timedelta


@dataclass(frozen=True, slots=True)
class Wall:
    """What the clock on the wall showed; without a zone."""

    reading: datetime


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment with a zone of its own."""

    at: datetime


Moment = Ago | Wall | Instant

_UNITS = {
    "seconds": ("s", "sec", "second"),
    "minutes": ("m", "min", "minute"),
    "hours": ("h", "hr", "hour"),
    "days": ("d", "day"),
    "weeks": ("w", "wk", "week"),
    "months": ("mo", "month"),
    "years": ("y", "yr", "year"),
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for short in words for word in (short, f"{short}s")}
_CALENDAR = {"months": 1, "years": 12}
_PART = re.compile(r"(\d{1,6}|an?)\s*([a-z]+)", re.ASCII)
_PARTS = re.compile(r"(?:(?:\d{1,6}|an?)\s*[a-z]+\s*)+", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2})(?::(\d{2}))?)?\s*([ap]m)?", re.ASCII)
_NAMED_CLOCKS = {"noon": time(12), "midnight": time(0)}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SHORT = 3
"""Letters by which months and weekdays are known as well."""
_DATE = re.compile(r"(\d{1,2})\.? ([a-z]+)(?:,? (\d{4}))?", re.ASCII)
_DATE_AMERICAN = re.compile(r"([a-z]+) (\d{1,2})(?:,? (\d{4}))?", re.ASCII)
_AGO_DAYS = re.compile(r"(\d{1,5}) days? ago", re.ASCII)
LONGEST_WORDS = 80
"""Nobody describes a moment at greater length."""


def moment_in(text: str, now: datetime) -> Moment | None:
    """The moment a person means; `now` is what the clock on the wall shows. None if it cannot be told."""
    words = " ".join(text.lower().split())
    if len(words) > LONGEST_WORDS:
        return None
    with suppress(ValueError, OverflowError):
        return _moment(words, now)
    return None


def _moment(words: str, now: datetime) -> Moment | None:
    if words == "now":
        return Ago(timedelta())
    return _ago(words, now) or _day_and_clock(words, now) or _iso(words)


# --- how long


def length_in(text: str) -> timedelta | None:
    """How long a person means: `2h`, `30 minutes`, `1 day 12 hours`; None if it cannot be told."""
    words = " ".join(text.lower().split())
    parts = _lengths(words) if len(words) <= LONGEST_WORDS else None
    if parts is None or any(unit in _CALENDAR for _, unit in parts):
        return None
    with suppress(OverflowError):
        return sum((timedelta(**{unit: count}) for count, unit in parts), timedelta())
    return None


def _lengths(words: str) -> list[tuple[int, str]] | None:
    """The parts of a length, each a count and its unit."""
    if _PARTS.fullmatch(words) is None:
        return None
    found = [(part[1], _UNIT_OF.get(part[2], "")) for part in _PART.finditer(words)]
    if not all(unit for _, unit in found):
        return None
    return [(int(count) if count.isdigit() else 1, unit) for count, unit in found]


def _ago(words: str, now: datetime) -> Moment | None:
    if words in ("last week", "last month", "last year"):
        words = words.replace("last", "1")
    parts = _lengths(words.removesuffix(" ago"))
    if parts is None:
        return None
    months = sum(count * _CALENDAR[unit] for count, unit in parts if unit in _CALENDAR)
    rest = sum((timedelta(**{unit: count}) for count, unit in parts if unit not in _CALENDAR), timedelta())
    return Wall(_months_before(now, months) - rest) if months else Ago(rest)


def _months_before(now: datetime, months: int) -> datetime:
    """The same day and time so many months ago; the last of the month where it has no such day."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))


# --- which day, and when


def _day_and_clock(words: str, now: datetime) -> Moment | None:
    for day_words, clock_words in _splits(words):
        day = _day(day_words.removeprefix("on "), now.date())
        clock = _clock(clock_words.removeprefix("at "))
        if day is not None and clock is not None:
            return Wall(datetime.combine(day, clock))
    day = _day(words.removeprefix("on "), now.date())
    if day is not None:
        return Wall(min(datetime.combine(day, time.max), now) if day == now.date() else _end(day))
    clock = _clock(words.removeprefix("at "))
    if clock is None:
        return None
    then = datetime.combine(now.date(), clock)
    return Wall(then if then <= now else then - timedelta(days=1))


def _end(day: date) -> datetime:
    return datetime.combine(day, time.max)


def _splits(words: str) -> Iterator[tuple[str, str]]:
    """Every way to read words as a day and a time, in either order."""
    parts = words.split(" ")
    for at in range(1, len(parts)):
        first, second = " ".join(parts[:at]), " ".join(parts[at:])
        yield first, second
        yield second, first


def _day(words: str, today: date) -> date | None:
    steps = {"today": 0, "yesterday": 1, "the day before yesterday": 2}
    if words in steps:
        return today - timedelta(days=steps[words])
    days_ago = _AGO_DAYS.fullmatch(words)
    if days_ago is not None:
        return today - timedelta(days=int(days_ago[1]))
    weekday = _place(words.removeprefix("last "), _WEEKDAYS)
    if weekday is not None:
        return today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)
    return _date(words, today) or _iso_day(words)


def _date(words: str, today: date) -> date | None:
    """`20 november`, `nov 20, 2025`: without a year the last such date."""
    plain, american = _DATE.fullmatch(words), _DATE_AMERICAN.fullmatch(words)
    if plain is not None:
        day, name, year = plain[1], plain[2], plain[3]
    elif american is not None:
        day, name, year = american[2], american[1], american[3]
    else:
        return None
    month = _place(name, _MONTHS)
    if month is None:
        return None
    if year is not None:
        return date(int(year), month + 1, int(day))
    years = (today.year - back for back in range(LEAP_YEARS))
    dates = (date(each, month + 1, int(day)) for each in years if int(day) <= monthrange(each, month + 1)[1])
    return next((found for found in dates if found <= today), None)


LEAP_YEARS = 9
"""The last 29 February is at most eight years back (1896 to 1904)."""


def _iso_day(words: str) -> date | None:
    return date.fromisoformat(words) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", words, re.ASCII) else None


def _place(word: str, names: tuple[str, ...]) -> int | None:
    """Which of some names a word is, written out or as its first letters."""
    return next((at for at, name in enumerate(names) if word in (name, name[:_SHORT])), None)


def _clock(words: str) -> time | None:
    """`14:00`, `9:05:30`, `9am`, `noon`; a number alone is none."""
    if words in _NAMED_CLOCKS:
        return _NAMED_CLOCKS[words]
    found = _CLOCK.fullmatch(words)
    if found is None or (found[2] is None and found[4] is None):
        return None
    hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if found[4] is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[4] == "pm" else 0)
    return time(hour, minute, second)


def _iso(words: str) -> Moment:
    found = datetime.fromisoformat(words.upper())
    return Wall(found) if found.tzinfo is None else Instant(found)
