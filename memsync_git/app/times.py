"""Times as documents write them."""

from __future__ import annotations

from datetime import UTC, datetime

LATEST_S = 253402300799
"""The last second of the year 9999."""


def timestamp(ms: int | None) -> str | None:
    """`2026-11-20T11:30:00Z`, or None; a clock beyond every calendar is cut to its last year."""
    if ms is None:
        return None
    seconds = min(max(ms / 1000, 0), LATEST_S)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
