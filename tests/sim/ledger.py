"""Who noted and forgot what, and who can know of it: the exact right answer of a history.

Rule 1: every call of a server that changed something is an event with a past: the events in the version it
read. Sets of events are bit masks, so joining two machines' knowledge is one `|`.
Rule 2: an event counts once some process of ours has read a version that holds it and then committed. A
version that a server overwrote before anybody looked is nobody's loss but the servers'.
Rule 3: an item is alive iff a known event noted it and no known event forgot it whose past held that note.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from memsync_git.crdt.fragment import Header
from tests.sim.memory_server import Memory

ItemKey = tuple[str, ...]
"""`("t", name, type)`, `("o", name, text)` or `("l", source, target, kind)`."""


Hidden = Mapping[tuple[str, ...], int]
"""By record, events that a version stands for and does not show: a picked apply left the record out."""


def record_of(item: ItemKey) -> tuple[str, ...]:
    """The record an item belongs to."""
    return item if item[0] == "l" else ("e", item[1])


@dataclass(frozen=True, slots=True)
class Shown:
    """What the version a server read stands for and hides, and what the one W earlier did."""

    past: int
    hidden: Hidden
    long_past: int
    long_hidden: Hidden

    def of(self, item: ItemKey) -> int:
        """The events behind an item that its reader has seen."""
        return self.past & ~self.hidden.get(record_of(item), 0)

    def long_of(self, item: ItemKey) -> int:
        """The events behind an item that stood there for W."""
        return self.long_past & ~self.long_hidden.get(record_of(item), 0)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """One event that took an item out: the event's bit, and the bits of the notes it had seen.

    is_young: some of the notes had stood in that file for less than W, so their return is a documented limit.
    """

    bit: int
    seen: int
    is_young: bool


class Ledger:
    """Every event of a history, and what each published fragment can know."""

    def __init__(self) -> None:
        self.events = 0
        self.noted: dict[ItemKey, int] = defaultdict(int)
        self.forgotten: dict[ItemKey, list[Forgetting]] = defaultdict(list)
        self.types_seen: dict[str, set[str]] = defaultdict(set)
        self._fragments: dict[tuple[str, int, str], int] = {}

    # --- servers

    def enter(self, before: Memory, after: Memory, shown: Shown) -> int:
        """A server turned one version into another; return the mask of what it wrote."""
        old, new = before.items(), after.items()
        if old == new:
            return shown.past
        bit = 1 << self.events
        self.events += 1
        for item in new - old:
            self.noted[item] |= bit
            if item[0] == "t":
                self.types_seen[item[1]].add(item[2])
        for item in old - new:
            for gone in self._together(item):
                seen = self.noted[gone] & shown.of(gone)
                self.forgotten[gone].append(Forgetting(bit, seen, bool(seen & ~shown.long_of(gone))))
        return shown.past | bit

    def _together(self, item: ItemKey) -> list[ItemKey]:
        """What goes with an item: a type takes along those that lost a conflict to it."""
        if item[0] != "t":
            return [item]
        return [("t", item[1], kind) for kind in self.types_seen[item[1]]]

    # --- what a fragment can know

    def publishes(self, header: Header, known: int) -> None:
        """A replica has written this revision while knowing these events."""
        self._fragments.setdefault((header.rid, *header.version), known)

    def carried(self, header: Header) -> int:
        """What a revision carries."""
        return self._fragments.get((header.rid, *header.version), 0)

    # --- the right answer

    def is_alive(self, item: ItemKey, known: int) -> bool:
        """Whether the right answer holds an item, for somebody who knows these events."""
        notes = self.noted.get(item, 0) & known
        for forgetting in self.forgotten.get(item, ()):
            if forgetting.bit & known:
                notes &= ~forgetting.seen
        return bool(notes)

    def alive(self, known: int) -> Iterator[ItemKey]:
        """Everything the right answer holds."""
        return (item for item in list(self.noted) if self.is_alive(item, known))

    def was_young(self, item: ItemKey, known: int) -> bool:
        """Whether anybody known forgot an item that had only just arrived there."""
        return any(each.is_young and each.bit & known for each in self.forgotten.get(item, ()))
