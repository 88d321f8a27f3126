"""What servers here wrote under names left out into a version that a swap displaced. Pure.

What is shared becomes facts, and comes back with them. What the rules leave out stands in the file alone:
it would be gone with the version that was displaced, so it is carried over into the next one.

Rule 1: it is told by what the swap was made from. Where that is not known, nothing is taken out.
Rule 2: it is laid over what stands by then, whatever that is: what came is added, what went is taken out. Of
an entity that something is left of only observations are.
Rule 3: what the rules let through before it was written is noted, as what is new in the file is; no deletion
under a name left out is ever shared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from memsync_git.crdt.changes import items_between
from memsync_git.model import Graph, Item, Record, RecordKey, items_of, key_of, record_with
from memsync_git.stretches import Step, differing
from memsync_git.values import dataclass

Hides = Callable[[RecordKey], bool]


@dataclass(frozen=True, slots=True)
class Carried:
    """Items that went and that came, in the order of the file."""

    gone: tuple[Item, ...] = ()
    come: tuple[Item, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.come)

    def and_then(self, later: Carried) -> Carried:
        """Both, one after the other."""
        come_later, gone_later = set(later.come), set(later.gone)
        gone = (item for item in self.gone if item not in come_later)
        come = (item for item in self.come if item not in gone_later)
        return Carried(_once(gone, later.gone), _once(come, later.come))

    def without_deletions(self) -> Carried:
        """What came alone."""
        return Carried((), self.come)

    def split(self, hides: Hides) -> tuple[Carried, tuple[Item, ...]]:
        """What is still left out, and of the rest what came: that is shared now."""
        gone, come = (
            tuple(item for item in items if hides(key_of(item))) for items in (self.gone, self.come)
        )
        return Carried(gone, come), tuple(item for item in self.come if not hides(key_of(item)))

    def records(self) -> list[Record]:
        """What came, where nothing stood before."""
        return [record for record in Carried((), self.come).step_over({}).values() if record is not None]

    def step_over(self, standing: Mapping[RecordKey, Record]) -> Step:
        """What is to be changed of what stands in the file."""
        step = {}
        gone, come = _by_record(self.gone), _by_record(self.come)
        for key in dict.fromkeys((*gone, *come)):
            now = standing.get(key)
            then = _laid_over(now, gone.get(key, ()), come.get(key, ()))
            if any(items_between(now, then)):
                step[key] = then
        return step


def carried_between(was: Graph | None, said: Graph, hides: Hides) -> Carried:
    """What a version says otherwise than the one a swap was made from, under names left out.

    was: None where there was none.
    """
    gone, come = list[Item](), list[Item]()
    for key, now, before in differing(said.records, was.records if was is not None else {}):
        if hides(key):
            went, came = items_between(before, now)
            gone += [item for item in _said(before) if item in went]
            come += [item for item in _said(now) if item in came]
    return Carried(_once(gone), _once(come))


def _by_record(items: Iterable[Item]) -> dict[RecordKey, list[Item]]:
    found: dict[RecordKey, list[Item]] = {}
    for item in items:
        found.setdefault(key_of(item), []).append(item)
    return found


def _laid_over(now: Record | None, gone: Collection[Item], come: Collection[Item]) -> Record | None:
    said, gone = _said(now), set(gone)
    left = [item for item in said if item not in gone]
    if any(item[0] == "o" for item in (*left, *come)):
        left = [item for item in said if item[0] != "o" or item not in gone]
    return record_with(None, (*left, *come))


def _said(record: Record | None) -> list[Item]:
    return list(items_of(record)) if record is not None else []


def _once(*items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(item for some in items for item in some))
