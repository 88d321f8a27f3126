"""What a version of the memory file was written from.

The server reads the file, changes it in memory and writes all of it back, with no lock. A version may have
been computed from something older than what stood there last; rows that had just been joined in are then
missing from it. Absent is not deleted.

Rule 1: the base is the state, among those a writer can have read, that differs least from the version.
Rule 2: what a version shows, and does not show, of our own writes tells which of them its writer had read.
A rule that carries a number says what its removal cost in the fleet simulation (docs/MODEL.md).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from memsync_git.crdt.changes import items_between, items_in
from memsync_git.inference.ring import Base, Kind
from memsync_git.model import Entity, Graph, Item, Record, RecordKey
from memsync_git.stretches import differing

SURE_PART = 8
"""Who writes later than W / 8 after a state came up has read it: a window is a part of a full parse."""


def nearest(bases: Sequence[Base], graph: Graph, loss: Callable[[Base], int] = lambda _base: 0) -> Base:
    """The base with the smallest symmetric difference to `graph`, ties to the smallest loss, then the newest.

    `loss`: how much that is live a deletion from this base would take. A server that read before our
    swap, and deleted what the swap deleted too, stands as near to both states.
    "Fewest deletions" alone would refuse ten times more genuine deletes (fleet simulation).
    """
    changed = {key for key, _, _ in differing(graph.records, bases[0].newest)}
    distances = [_distance(base, graph, changed | base.overlay.keys()) for base in bases]
    tied = [base for base, distance in zip(bases, distances, strict=True) if distance == min(distances)]
    return min(tied, key=loss) if len(tied) > 1 else tied[0]


def readable(
    candidates: Sequence[Base],
    graph: Graph,
    seen_ms: int,
    window_ms: int,
    overheard: Collection[Item] = frozenset(),
) -> list[Base]:
    """The candidates a version of `seen_ms` can have been written from, by what it shows of our own writes.

    Who shows what one of them was the first to bring has read it: a state without that is no base. Who shows
    nothing of all that one brought, within W of it, has read the file before it, or has deleted
    exactly that: it cannot be told, so it is kept (a documented limit). By distance alone, a server that
    meanwhile deletes what our write deleted too stands nearer to the write that it never read.

    Who shows what one took away, within W / 8 of it and where it stood, and nothing that it brought, has not
    read it either. By distance alone that would be noted again, and a deletion would come back.

    overheard: what a writer here has said in a version that could not be read whole. Our own write did not
    bring it, though it is the first state to have it.
    """
    newest_first = sorted(candidates, key=lambda base: base.state.kind is not Kind.PENDING)
    possible, read = [], []
    for at, base in enumerate(newest_first):
        is_ours = base.state.kind is not Kind.OBSERVED
        brought = _without(base.brought(), overheard) if is_ours else {}
        shown = {key: items & items_in(graph.records.get(key)) for key, items in brought.items()}
        read.append(_without_older(shown, newest_first[at + 1 :]))
        age_ms = seen_ms - base.state.from_ms
        lacks_all = brought and not any(shown.values()) and age_ms <= window_ms
        has_read = any(any(items.values()) for items in read)
        may_be_late = is_ours and not has_read and abs(age_ms) <= window_ms // SURE_PART
        if not lacks_all and not (may_be_late and _shows_what_went(base, graph)):
            possible.append(base)
    return [base for base in possible if all(base.says(items) for items in read)]


def _shows_what_went(base: Base, graph: Graph) -> bool:
    """Whether a version still shows, where it stood, what a write of ours took away."""
    gone = ((key, items & items_in(graph.records.get(key))) for key, items in base.took().items())
    return any(
        _is_in_place(item, base.before[key], graph.records[key]) for key, items in gone for item in items
    )


def _is_in_place(item: Item, was: Record | None, now: Record) -> bool:
    """Whether an item is not behind an observation that it preceded: a server appends what it notes."""
    if item[0] != "o" or not (isinstance(was, Entity) and isinstance(now, Entity)):
        return True
    followed_by = was.observations[was.observations.index(item[2]) :]
    behind = now.observations[: now.observations.index(item[2])]
    return set(followed_by).isdisjoint(behind)


def _without(
    brought: Mapping[RecordKey, set[Item]], overheard: Collection[Item]
) -> dict[RecordKey, set[Item]]:
    left = {key: items.difference(overheard) for key, items in brought.items()}
    return {key: items for key, items in left.items() if items}


def _without_older(shown: Mapping[RecordKey, set[Item]], older: Sequence[Base]) -> dict[RecordKey, set[Item]]:
    """Of these items, those that none of the older states says."""
    return {
        key: items.difference(*(items_in(base.record(key)) for base in older))
        for key, items in shown.items()
        if items
    }


def is_taken_back(base: Base, candidates: Sequence[Base], graph: Graph, age_ms: int, sure_ms: int) -> bool:
    """Whether a version that an older state is nearest to takes out again what was just noted, on purpose.

    A stale writer adds something of its own to the state it read, and has held that for a small part of W.
    A version that only lacks things of the newest state, which stood there for `age_ms`, was written from
    it, if all that came since the nearest state was noted by servers here. What *we* brought since is
    another matter: who lacks that may not have read it.
    (450 histories with two servers a file: lost 6 instead of 12, deletes back 46 instead of 60, of young
    things 312 instead of 449; without `sure_ms` lost 19.)
    """
    newer = candidates[: candidates.index(base)]
    if not newer or any(other.state.kind is not Kind.OBSERVED for other in newer) or age_ms < sure_ms:
        return False
    changed = {key for key, _, _ in differing(graph.records, newer[0].newest)} | newer[0].overlay.keys()
    steps = (items_between(newer[0].record(key), graph.records.get(key)) for key in changed)
    return not any(come for _, come in steps)


def _distance(base: Base, graph: Graph, keys: set[RecordKey]) -> int:
    distance = 0
    for key in keys:
        gone, come = items_between(base.record(key), graph.records.get(key))
        distance += len(gone) + len(come)
    return distance
