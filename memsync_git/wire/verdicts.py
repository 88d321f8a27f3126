"""What reading foreign bytes can come to, and how much of them is read.

Rule 1: remote bytes are hostile. Whatever they hold, a decoder answers with a value: the thing itself,
`Malformed` or `Newer`. It never raises, never guesses and never applies half of what it read.
Rule 2: every size has a limit. Those here are wider than the limits of a memory file, because a fragment
says more about each line than the line itself; a larger view is held back later, not refused here.
"""

from __future__ import annotations

import sys

from memsync_git.values import dataclass

MIB = 1 << 20

FORMAT = 1
"""The format this release writes."""

MIN_READER = 1
"""The oldest format a reader must know to read what this release writes."""

MAX_NUMBER = 1 << 53
"""The largest integer every JSON reader keeps: bounds numbers, revisions and times in milliseconds."""


@dataclass(frozen=True, slots=True)
class WireLimits:
    """How much of a fragment is read.

    max_fragment_bytes: twice the largest memory file; an entry costs some 25 bytes beside its text.
    max_line_bytes: twice the longest line of a memory file, for the same reason.
    max_text_chars: one name, observation or label of a register; the longest line of a memory file.
    max_facts: facts in one fragment; keeps 9-byte entries from filling the memory of every machine.
    max_hosts: machines one fragment may speak about (in `seen`, in `removed`, in `retired`).
    max_spans: intervals in `removed`; work on them grows faster than their number.
    max_nesting: the most a memory file may be configured to hold; it leaves room below `MOST_NESTING`.
    """

    max_fragment_bytes: int = 128 * MIB
    max_line_bytes: int = 32 * MIB
    max_text_chars: int = 16 * MIB
    max_facts: int = 2_000_000
    max_hosts: int = 256
    max_spans: int = 100_000
    max_nesting: int = 200


LIMITS = WireLimits()
"""For what others wrote."""

STORED = WireLimits(*[sys.maxsize] * 6)
"""For what this machine stored itself: refusing it would harm nobody but its owner."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """These bytes are not what they claim to be. They stay where they are and nothing of them is used."""

    reason: str


@dataclass(frozen=True, slots=True)
class Newer:
    """Written by a release that asks for a reader of at least `min_reader`: kept, unread."""

    min_reader: int


class Invalid(Exception):
    """Inside `wire` only: why a value is refused. Decoders turn it into `Malformed`."""
