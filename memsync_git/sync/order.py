"""What comes first with a remote, the push or the fetch. Pure.

Rule 1: a push may come first only where it is the check itself: the remote held everything when it was last
looked at, and has accepted something from this very identity. What moved since makes a ref stale, and a fetch
follows; somebody else under the own rid makes the own ref stale, and the clone rule applies.
Rule 2: it is a bet that nobody else wrote meanwhile. None is made on a remote that was not looked at lately,
or brought news lately: a lost bet costs a connection more, a won one a connection less, neither costs a fact.
Source: the formats page, section 2, "The publish round", step 2; the model page, section 6.
"""

from __future__ import annotations

from memsync_git.values import dataclass

QUIET_MS = 10 * 60 * 1000
"""What another machine wrote less than this ago makes more of it likely (formats page)."""
LOOKED_MS = 10 * 60 * 1000
"""A remote nobody has looked at for longer may have news by now: after a sleep, or after hours offline. So
what only a fetch shows (a host ref that main lags behind) arrives in time, however busy this machine is."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is remembered of a remote from one round to the next. Times in wall-clock milliseconds.

    looked_ms: when it was last fetched. news_ms: when a fetch last brought something of another machine.
    unified_ms: the time of main's unified file. None: never, or not known.
    """

    looked_ms: int | None = None
    news_ms: int | None = None
    unified_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a remote before it is asked.

    has_news: the own fragment has a revision that the remote has not accepted.
    is_confirmed: it has accepted an earlier one, from this identity on this machine.
    is_complete: it lacked nothing that this machine holds, when it was last looked at.
    """

    has_news: bool
    is_confirmed: bool
    is_complete: bool
    sighting: Sighting = Sighting()


def pushes_first(outlook: Outlook, now_ms: int, *, quiet_ms: int = QUIET_MS) -> bool:
    """Whether the push may come first: the fetch is spared where the push shows that no ref has moved."""
    return (
        outlook.has_news
        and outlook.is_confirmed
        and outlook.is_complete
        and _is_within(outlook.sighting.looked_ms, now_ms, LOOKED_MS)
        and not _is_within(outlook.sighting.news_ms, now_ms, quiet_ms)
    )


def _is_within(at_ms: int | None, now_ms: int, span_ms: int) -> bool:
    """Whether something happened that recently; a time ahead, by a clock that jumped, counts alike."""
    return at_ms is not None and abs(now_ms - at_ms) <= span_ms
