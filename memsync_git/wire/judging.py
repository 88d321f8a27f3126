"""Record lines judged without making facts of them.

Rule 1: what is taken at a glance, `read_record` takes as well, only slower, for it makes facts of what it
reads. Whatever is not plain is left to it, good or bad.
Rule 2: lines are looked at some together: a question put to a handful costs little more than put to one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias

import orjson

from memsync_git.model import RecordKey
from memsync_git.wire.records import read_record
from memsync_git.wire.rid import is_rid
from memsync_git.wire.verdicts import MAX_NUMBER, WireLimits

Judged: TypeAlias = tuple[RecordKey, list[int]]
"""The record of a line and the numbers of its facts, in their order."""

TOGETHER = 32
"""One line that is not plain has so many looked at one by one."""


def judged_all(lines: Sequence[bytes], limits: WireLimits) -> Iterator[Judged]:
    """What must be known of lines that nobody reads, in their order.

    Raises:
        Invalid: one is no record line.
    """
    for at in range(0, len(lines), TOGETHER):
        some = lines[at : at + TOGETHER]
        plain = plainly(some, limits)
        yield from plain if plain is not None else [_alone(line, limits) for line in some]


def plainly(lines: Sequence[bytes], limits: WireLimits) -> list[Judged] | None:
    """That of lines of entities that say only what the official server can say; None if one does not."""
    if max(map(len, lines)) > min(limits.max_line_bytes, limits.max_text_chars):
        return None
    try:
        said = [orjson.loads(line) for line in lines]
        hints = [each["h"] for each in said]
        entries = [(each["t"], each.get("o", [])) for each in said]
        rows = [[*types, *noted] for types, noted in entries]
        numbers, times, texts = zip(*chain.from_iterable(rows), strict=True)
        stamps, kinds = zip(*[hint["t"] for hint in hints], strict=True)
        stamped, owners, hinted = zip(*stamps, strict=True)
        names = [each["e"] for each in said]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    is_plain = (
        _MEMBERS.issuperset(chain.from_iterable(said))
        and _HINTED.issuperset(chain.from_iterable(hints))
        and _are(list, chain.from_iterable(entries))
        and _are(str, chain(names, owners, kinds, texts))
        and _are(int, chain(stamped, hinted, times, numbers))
        and min(*hinted, *numbers) > 0
        and min(*stamped, *times) >= 0
        and max(*stamped, *hinted, *times, *numbers) <= MAX_NUMBER
        and all(map(is_rid, {*owners}))
        and len(numbers) <= limits.max_facts
    )
    if not is_plain:
        return None
    return [(("e", name), [row[0] for row in some]) for name, some in zip(names, rows, strict=True)]


_MEMBERS, _HINTED = frozenset("etoh"), frozenset("t")


def _are(kind: type, values: Any) -> bool:
    """Whether all of them are of this very type."""
    return {kind}.issuperset(map(type, values))


def _alone(line: bytes, limits: WireLimits) -> Judged:
    """One whose neighbours are not all plain, itself maybe."""
    plain = plainly([line], limits)
    if plain is not None:
        return plain[0]
    key, facts = read_record(line, limits)
    return key, [entry.n for entry in facts.entries()]
