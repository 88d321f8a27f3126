"""Times for people: ISO 8601 in UTC, whole seconds, `Z` only."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
_WRITTEN = r"(?a)\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"


def instant_of(ms: int) -> str:
    """Milliseconds since 1970 as text, cut to the second; outside 1970 to 9999 the nearest of them."""
    moment = _EPOCH + timedelta(milliseconds=min(max(ms, 0), _LAST_MS))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def ms_of(text: str) -> int | None:
    """Milliseconds since 1970 of an instant `instant_of` wrote, or None for any other text."""
    if re.fullmatch(_WRITTEN, text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    return ms if ms >= 0 else None
