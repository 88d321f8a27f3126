"""What a version of the memory file says against its base.

Rule 1: only what the base held can have been deleted.
Rule 2: row order tells delete-then-create: a server appends what it creates.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from memsync_git.crdt.changes import items_between
from memsync_git.inference.ring import Base
from memsync_git.model import Graph, Item, Projection, Record, RecordKey, items_of
from memsync_git.stretches import Order, differing, in_order
from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class Inference:
    """What a version of the file says against its base.

    removed, added: items; recreated: entities that were deleted and created again, whose items are
    removed and asserted anew although they stand in both.
    """

    base: Base
    removed: tuple[Item, ...]
    added: tuple[Item, ...]
    recreated: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.removed or self.added or self.recreated)


def infer(base: Base, graph: Graph, order: Order, projection: Projection, *, types_fixed: bool) -> Inference:
    """The difference between a version and its base, in the projection of the file's variant.

    `types_fixed`: the server that writes this file cannot change a type in place, so a changed type
    means delete-then-create.
    """
    removed: list[Item] = []
    added: list[Item] = []
    retyped: list[str] = []
    for key in _changed_in_order(base, graph):
        was, now = base.record(key), graph.records.get(key)
        gone, come = items_between(was, now)
        removed += [item for item in _said(was) if item in gone and projection.holds(item)]
        added += [item for item in _said(now) if item in come]
        if was is not None and now is not None and any(item[0] == "t" for item in come):
            retyped.append(key[1])
    moved = moved_entities(base.state.order, order)
    recreated = dict.fromkeys(moved + retyped) if types_fixed else dict.fromkeys(moved)
    return Inference(base, tuple(removed), tuple(added), tuple(recreated))


def _changed_in_order(base: Base, graph: Graph) -> list[RecordKey]:
    """The records that may differ, in the order of the file, then those that are gone.

    Facts are numbered as they are added and the view orders by number: rows keep their order everywhere.
    """
    changed = {key for key, _, _ in differing(graph.records, base.newest)} | base.overlay.keys()
    standing = in_order(graph.records, changed)
    return [*standing, *sorted(changed.difference(standing))]


def _said(record: Record | None) -> Iterator[Item]:
    return iter(dict.fromkeys(items_of(record))) if record is not None else iter(())


def moved_entities(before: Order, now: Order) -> list[str]:
    """The entities that stand behind one they preceded: the server appends what it creates.

    Nothing, if more than half of the rows moved: then a tool sorted the file. Where both orders begin and end
    alike nothing has moved, so only what lies between is looked at.
    """
    apart = before.apart(now)
    place = {name: at for at, name in enumerate(apart.mine)}
    furthest = -1
    common = len(before) - len(apart.mine)
    moved = []
    for name in apart.theirs:
        at = place.get(name)
        if at is None:
            continue
        common += 1
        if at < furthest:
            moved.append(name)
        furthest = max(furthest, at)
    return moved if 2 * len(moved) <= common else []


def standing(before: Order, now: Order, created: Container[str]) -> set[str]:
    """The entities that still stand before one they preceded, those `created` since not counted."""
    place = {name: at for at, name in enumerate(now)}
    kept, furthest = set(), -1
    for name in reversed(tuple(before)):
        at = place.get(name, furthest)
        if at < furthest:
            kept.add(name)
        if name not in created:
            furthest = max(furthest, at)
    return kept
