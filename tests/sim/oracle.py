"""What came of a history, counted against the exact right answer.

Rule 1: counted by item: LOST is alive in the right answer and not shown, RESURR is shown and forgotten.
Rule 2: nothing is counted that no process of ours ever could have known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from memsync_git.model import Entity, Graph
from tests.sim.ledger import ItemKey, Ledger


@dataclass(slots=True)
class Tally:
    """Counts of one history, or of many.

    alive, deletions: observations the right answer holds, and those it does not. links_…: relations.
    young: deletes back that fall under a documented limit;
    young_lost: what was noted again after such a delete, and lost to another machine's.
    strange: shown though nobody ever wrote it.
    rounds: sweeps over all machines until all was quiet.
    """

    runs: int = 0
    calls: int = 0
    events: int = 0
    captured: int = 0
    alive: int = 0
    deletions: int = 0
    lost: int = 0
    back: int = 0
    lost_runs: int = 0
    back_runs: int = 0
    young: int = 0
    young_lost: int = 0
    links: int = 0
    links_lost: int = 0
    links_back: int = 0
    entities: int = 0
    typeless: int = 0
    type_wrong: int = 0
    conflicts: int = 0
    conflicts_missed: int = 0
    conflicts_false: int = 0
    strange: int = 0
    diverged: int = 0
    noisy: int = 0
    unsettled: int = 0
    lies: int = 0
    holds: int = 0
    sweeps: int = 0

    def __iadd__(self, other: Tally) -> Tally:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        return self


def judge(ledger: Ledger, known: int, view: Graph, conflicts: Iterable[str]) -> Tally:
    """Compare what the fleet shows with the right answer for these events."""
    tally = Tally(runs=1, events=ledger.events, captured=known.bit_count())
    shown = {item for item in view.items() if item[0] in ("t", "o", "l")}
    alive = set(ledger.alive(known))
    _count_items(tally, ledger, known, shown, alive)
    _count_types(tally, ledger, known, view, alive, set(conflicts))
    tally.strange = sum(1 for item in shown if item not in ledger.noted)
    tally.lost_runs, tally.back_runs = int(tally.lost > 0), int(tally.back > 0)
    return tally


def missing(ledger: Ledger, known: int, view: Graph) -> Iterator[tuple[str, ItemKey]]:
    """Every observation and relation that is wrong, with what is wrong about it, for the trace."""
    shown, alive = view.items(), set(ledger.alive(known))
    for item in sorted(alive - shown):
        if item[0] != "t":
            yield ("young lost" if ledger.was_young(item, known) else "LOST"), item
    for item in sorted(item for item in shown - alive if item[0] in "ol"):
        yield ("young" if ledger.was_young(item, known) else "RESURR"), item


def _count_items(tally: Tally, ledger: Ledger, known: int, shown: set[ItemKey], alive: set[ItemKey]) -> None:
    for item in ledger.noted:
        if not ledger.noted[item] & known or item[0] == "t":
            continue
        is_link = item[0] == "l"
        is_alive, is_shown = item in alive, item in shown
        if is_link:
            tally.links += is_alive
            tally.links_lost += is_alive and not is_shown and not ledger.was_young(item, known)
            tally.links_back += is_shown and not is_alive and not ledger.was_young(item, known)
        else:
            tally.alive += is_alive
            tally.deletions += not is_alive
            is_lost = is_alive and not is_shown
            tally.young_lost += is_lost and ledger.was_young(item, known)
            tally.lost += is_lost and not ledger.was_young(item, known)
            is_back = is_shown and not is_alive
            tally.young += is_back and ledger.was_young(item, known)
            tally.back += is_back and not ledger.was_young(item, known)


def _count_types(
    tally: Tally, ledger: Ledger, known: int, view: Graph, alive: set[ItemKey], conflicts: set[str]
) -> None:
    kinds: dict[str, set[str]] = {}
    for item in alive:
        if item[0] == "t":
            kinds.setdefault(item[1], set()).add(item[2])
    for record in view:
        if not isinstance(record, Entity):
            continue
        tally.entities += 1
        right = kinds.get(record.name) or ledger.types_seen[record.name]
        tally.typeless += record.type is None
        tally.type_wrong += record.type is not None and record.type not in right
    true = {name for name, values in kinds.items() if len(values) > 1}
    tally.conflicts += len(true)
    tally.conflicts_missed += len(true - conflicts)
    tally.conflicts_false += sum(1 for name in conflicts - true if not _has_young_type(ledger, known, name))


def _has_young_type(ledger: Ledger, known: int, name: str) -> bool:
    """Whether a type of an entity came back under a documented limit."""
    return any(ledger.was_young(("t", name, kind), known) for kind in ledger.types_seen[name])
