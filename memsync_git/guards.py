"""Guards: pure functions that say go on, wait or hold before something is believed.

Rule 1: a guard never changes anything; it gives a verdict and its reason.
Rule 2: unparsable is never empty, and absent is never deleted without evidence.
Rule 3: what is held is kept by the dots and by the items, so that accepting removes exactly what was
held and rejecting can say it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from memsync_git.crdt.intervals import Intervals
from memsync_git.model import Item, RecordKey, Rid, key_of
from memsync_git.values import dataclass

SMALLEST_WIPE = 5
RESTORED_BACKUP_ITEMS = 3


@dataclass(frozen=True, slots=True)
class DeletionLimits:
    """More than `over` things and more than `share` of the memory at once is a large deletion."""

    over: int = 25
    share: float = 0.20


INBOUND = DeletionLimits(over=100, share=0.50)
"""For deletions that come from another machine, where a guard has already looked."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A large deletion that waits for a person.

    origin: the replica it came from; the own rid for a deletion made in the memory file here.
    dots: what accepting removes (local) or has removed already (from elsewhere).
    """

    id: str
    origin: Rid
    at_ms: int
    items: tuple[Item, ...]
    dots: Mapping[Rid, Intervals]

    def without(self, items: Collection[Item], dots: Mapping[Rid, Intervals]) -> Hold:
        """The hold after some items reappeared."""
        kept = {rid: numbers - dots.get(rid, Intervals()) for rid, numbers in self.dots.items()}
        return Hold(
            self.id,
            self.origin,
            self.at_ms,
            tuple(item for item in self.items if item not in items),
            {rid: numbers for rid, numbers in kept.items() if numbers},
        )


class Withheld:
    """What some holds keep back, by record: a round asks of every record it touches."""

    __slots__ = ("_by_key", "holds")

    def __init__(self, holds: tuple[Hold, ...] = ()) -> None:
        self.holds = holds
        self._by_key: dict[RecordKey, list[tuple[Hold, list[Item]]]] = {}
        for hold in holds:
            for item in hold.items:
                self._enter(hold, item)

    def _enter(self, hold: Hold, item: Item) -> None:
        found = self._by_key.setdefault(key_of(item), [])
        if not found or found[-1][0] is not hold:
            found.append((hold, []))
        found[-1][1].append(item)

    @property
    def keys(self) -> Collection[RecordKey]:
        """The records something is held of, in the order of the holds."""
        return self._by_key.keys()

    def of(self, key: RecordKey) -> Sequence[tuple[Hold, Sequence[Item]]]:
        """The holds that keep something of a record back, with what it is."""
        return self._by_key.get(key, ())


def weight(removed: Iterable[Item], replaced: Collection[Item] = ()) -> int:
    """How much a deletion takes: a deleted entity counts once with its observations and relations.

    `replaced` are registers that got another value in the same step; they are no deletion.
    """
    items = set(removed)
    entities = {item[1] for item in items if item[0] == "t" and item[:2] not in replaced}
    generics = {item[1] for item in items if item[0] == "d"}
    return (
        len(entities)
        + len(generics)
        + sum(1 for item in items if _counts(item, entities, generics, replaced))
    )


def _counts(item: Item, entities: set[object], generics: set[object], replaced: Collection[Item]) -> bool:
    match item:
        case ("o", name, _):
            return name not in entities
        case ("l", source, target, _):
            return source not in entities and target not in entities
        case ("f", (kind, name, *_), _, _):
            gone = entities if kind == "e" else generics
            return name not in gone and item[:3] not in replaced
        case _:
            return False


def is_large_deletion(taken: int, records: int, limits: DeletionLimits, *, nothing_left: bool) -> bool:
    """Whether a deletion of weight `taken` from a memory of `records` records needs a person."""
    if nothing_left and taken >= SMALLEST_WIPE:
        return True
    return taken > max(limits.over, limits.share * records)


def is_restored_backup(
    *, is_past: bool, is_candidate: bool, mtime_ms: int, newest_ms: int, adds: int, lacks: int
) -> bool:
    """Whether a version equal to a past state is an old copy put back, and not a genuine way back to it.

    It is no base a writer can have in its hands, and it is either dated before the newest state or it
    both adds and lacks several items. Anything else is an ordinary edit.
    """
    if not is_past or is_candidate:
        return False
    both = adds >= RESTORED_BACKUP_ITEMS and lacks >= RESTORED_BACKUP_ITEMS
    return mtime_ms < newest_ms or both


def records_of(items: Iterable[Item]) -> set[tuple[str, ...]]:
    """The records some items belong to."""
    return {key_of(item) for item in items}
