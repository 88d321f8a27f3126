"""Taking in what a remote holds: the closed cut, and the guard on deletions from elsewhere.

Rule 1: what a remote says under the own rid is never joined; it is only compared (`identity.py`).
Rule 2: a large deletion from elsewhere is joined like any other; its items are held in the file until a
person agrees, unless one already has where it was made (`ok`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from memsync_git.crdt.changes import items_between
from memsync_git.crdt.cut import closed_cut
from memsync_git.crdt.fragment import Fragment
from memsync_git.crdt.state import State
from memsync_git.guards import INBOUND, DeletionLimits, Hold, is_large_deletion, weight
from memsync_git.model import Item, Rid, size_of
from memsync_git.replica.replica import Replica
from memsync_git.replica.values import Moment
from memsync_git.values import dataclass

LOOKED_AT_TOGETHER = 5000
"""Records of a first fragment: what so many show is let go before the next are looked at."""


@dataclass(frozen=True, slots=True)
class Received:
    """What joining brought: items that appeared in and vanished from the view, and new holds.

    new: how many more items appeared, in records nobody had spoken of; a first fragment may bring millions.
    """

    added: tuple[Item, ...] = ()
    removed: tuple[Item, ...] = ()
    holds: tuple[Hold, ...] = ()
    fragments: tuple[Rid, ...] = ()
    new: int = 0


def receive(
    replica: Replica, found: Iterable[Fragment], moment: Moment, *, limits: DeletionLimits = INBOUND
) -> Received:
    """Join every usable fragment among those found."""
    foreign = [fragment for fragment in found if fragment.rid != replica.rid]
    newer = [fragment for fragment in foreign if _is_news(replica, fragment)]
    if not newer:
        return Received()
    held = replica.state.fragments()
    cut = closed_cut(held, newer)
    added: set[Item] = set()
    removed: set[Item] = set()
    holds: list[Hold] = []
    taken: list[Rid] = []
    new = 0
    for rid, fragment in sorted(cut.items()):
        if rid == replica.rid or not _is_news(replica, fragment):
            continue
        is_whole = not any(other.header.removed_of(rid) for other in cut.values())
        new += _begin(replica, fragment) if is_whole else 0
        come, gone, hold = _join_one(replica, fragment, held, moment, limits)
        held[rid] = fragment
        added, removed = (added - gone) | come, (removed - come) | gone
        holds += [hold] if hold is not None else []
        taken.append(rid)
    return Received(tuple(added), tuple(removed), tuple(holds), tuple(taken), new)


def has_joinable(replica: Replica, found: Iterable[Fragment]) -> bool:
    """Whether something among those found could be joined to what is held: its past has come meanwhile."""
    newer = [each for each in found if each.rid != replica.rid and _is_news(replica, each)]
    if not newer:
        return False
    cut = closed_cut(replica.state.fragments(), newer)
    return any(rid != replica.rid and _is_news(replica, each) for rid, each in cut.items())


def _is_news(replica: Replica, fragment: Fragment) -> bool:
    known = replica.state.header(fragment.rid)
    return known is None or fragment.version > known.version


def _begin(replica: Replica, fragment: Fragment) -> int:
    """Take the lines of a first fragment that say only what is new as they are; return how many items.

    Nothing they say is contested or was said before, so there is nothing to ask of them.
    """
    if replica.state.records_of(fragment.rid):
        return 0
    items = 0
    lines: list[tuple[str, bytes]] = []
    held = replica.withheld.keys
    new = (line for line in replica.state.lines_of_new(fragment) if line[2].record.key not in held)
    while some := list(islice(new, LOOKED_AT_TOGETHER)):
        replica.compare()
        replica.expect([glance.record for _, _, glance in some])
        items += sum(size_of(glance.record) for _, _, glance in some)
        lines += [(name, line) for name, line, _ in some]
    if lines:
        replica.state.begin(fragment, lines)
        replica.fresh.lines.append((fragment.rid, sorted(lines)))
    return items


def _join_one(
    replica: Replica, fragment: Fragment, held: Mapping[Rid, Fragment], moment: Moment, limits: DeletionLimits
) -> tuple[set[Item], set[Item], Hold | None]:
    """Replace one replica's fragment; hold what it deletes if that is a lot of what was `held` before."""
    state = replica.state
    known = state.header(fragment.rid)
    last_used = known.rev if known is not None else 0
    before, laid, read = state.succeed(fragment)
    steps = {key: items_between(record, state.record(key)) for key, record in before.items()}
    removed = set[Item]().union(*(gone for gone, _ in steps.values()))
    added = set[Item]().union(*(come for _, come in steps.values()))
    hold = None
    if fragment.header.ok <= last_used and _is_large(removed, added, held, limits):
        hold = _held(replica, fragment, removed, added, moment)
    revised = {name: line for name, (stood, line) in laid.items() if stood is not None and line is not None}
    others = sorted((name, line) for name, (_, line) in laid.items() if name not in revised)
    if revised:
        replica.fresh.revised[fragment.rid] = {**replica.fresh.revised.get(fragment.rid, {}), **revised}
    replica.fresh.lines += [(fragment.rid, others)] if others else []
    replica.fresh.records |= {(fragment.rid, key) for key in read}
    replica.follow(steps)
    return added, removed, hold


def _is_large(
    removed: set[Item], added: set[Item], held: Mapping[Rid, Fragment], limits: DeletionLimits
) -> bool:
    """Whether a deletion is a large one; what there was is only counted where that decides it."""
    taken = weight(removed, _replaced(added))
    return taken > limits.over and is_large_deletion(
        taken, State(held.values()).size, limits, nothing_left=False
    )


def _replaced(added: Iterable[Item]) -> set[Item]:
    """The registers that got another value."""
    return {item[:-1] for item in added if item[0] in ("t", "f")}


def _held(replica: Replica, fragment: Fragment, removed: set[Item], added: set[Item], moment: Moment) -> Hold:
    replaced = _replaced(added)
    standing = tuple(item for item in removed if item[:-1] not in replaced)
    hold = Hold(f"{moment.tok}-{fragment.rid}", fragment.rid, moment.wall_ms, standing, {})
    replica.holds[hold.id] = hold
    return hold
