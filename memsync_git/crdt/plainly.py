"""Lines of one replica that changed, and show what they showed and show now at a glance.

    old line ── glance ──▶ what it showed
    new line ── glance ──▶ what it shows            no fact of either is made

Rule 1: only lines that nobody has read, of records nobody else speaks of; the rest is for `records.changed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.records import Glance, Records
from memsync_git.model import RecordKey

Pair = tuple[bytes | None, bytes | None]
"""The line that stood under a name, and the one that does; None where there is none."""


class PlainChange(NamedTuple):
    """The lines of a name, before and now, and what its record showed and shows; None: there is none."""

    key: RecordKey
    name: str
    lines: Pair
    was: Glance | None
    now: Glance | None


def plain_changes(
    old: Records, new: Records, lines: Mapping[str, Pair], gone: Intervals
) -> list[PlainChange]:
    """Changes of lines of records only this replica speaks of. `gone`: what of it somebody removed."""
    changes: list[PlainChange] = []
    for name, pair in lines.items():
        stood, line = pair
        was = None if stood is None else old.glance(stood, gone)
        now = None if line is None else old.glance(line, gone)
        shown = now or was
        is_plain = (was is None) == (stood is None) and (now is None) == (line is None)
        if shown is not None and is_plain:
            key = shown.record.key
            if key not in old.read and key not in new.read:
                changes.append(PlainChange(key, name, pair, was, now))
    return changes
