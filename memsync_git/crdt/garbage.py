"""What a fragment may forget, and what it says it has seen (model page, section 5).

Rule 1: a removal is needed for as long as its fact may stand in its owner's fragment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.state import State
from memsync_git.model import Rid


def still_needed(removed: Mapping[Rid, Intervals], state: State, own: Rid) -> dict[Rid, Intervals]:
    """The removals whose facts their owners still hold, or may not have written yet."""
    kept: dict[Rid, Intervals] = {}
    for rid, numbers in removed.items():
        header = state.header(rid)
        if rid == own:
            continue
        if header is not None:
            held = state.held_numbers(rid)
            dropped = [n for n in _members(numbers, header.next) if n not in held]
            kept[rid] = numbers - Intervals.numbers(dropped)
        else:
            kept[rid] = numbers
    return {rid: numbers for rid, numbers in kept.items() if numbers}


def _members(numbers: Intervals, limit: int) -> Iterator[int]:
    for low, high in numbers.spans:
        yield from range(low, min(high + 1, limit))


def revisions_seen(state: State, own: Rid) -> dict[Rid, tuple[int, int]]:
    headers = ((rid, state.header(rid)) for rid in state.rids if rid != own)
    return {rid: (header.rev, header.next) for rid, header in headers if header is not None}
