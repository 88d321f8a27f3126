"""A deed: what one revision, or several, changed at each place of a memory.

Rule 1: a place is a member of a set, or a register without its value: there a memory says one thing or none.
Rule 2: of a register with several values the one that showed counts.
Rule 3: several deeds are one: at each place what stood before the first of them, and after the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.model import Item, Rid
from memsync_git.values import dataclass

Place = Item
"""An item, without its value where it is a register."""

Said = Mapping[Rid, Intervals]
"""Facts by name: the numbers of each replica."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What stood at a place before and after; None where nothing did."""

    was: Item | None
    now: Item | None


@dataclass(frozen=True, slots=True)
class Deed:
    """What was changed. `said`: the facts that were minted, whether they still live or not.

    beaten: values that stood beside one that showed, and went with it.
    """

    turns: Mapping[Place, Turn]
    said: Said
    beaten: tuple[Item, ...] = ()

    @property
    def added(self) -> list[Item]:
        """What stood there after and not before."""
        return [turn.now for turn in self.turns.values() if turn.now is not None and turn.now != turn.was]

    @property
    def removed(self) -> list[Item]:
        """What stood there before and not after."""
        return [turn.was for turn in self.turns.values() if turn.was is not None and turn.now != turn.was]

    @property
    def items(self) -> list[Item]:
        """Everything it is about."""
        return [*self.added, *self.removed, *(item for item, _ in self.kept)]

    @property
    def kept(self) -> list[tuple[Item, tuple[Item, ...]]]:
        """What was said again as it stood, each with the values it beat.

        Where something was changed besides, only what beat others is told: the rest went along with that.
        """
        changes_something = bool(self)
        found: list[tuple[Item, tuple[Item, ...]]] = []
        for place, turn in self.turns.items():
            if turn.now is not None and turn.now == turn.was and turn.now[0] != "o":
                beaten = tuple(item for item in self.beaten if place_of(item) == place)
                found += [(turn.now, beaten)] if beaten or not changes_something else []
        return found

    def __bool__(self) -> bool:
        """Whether it changed what the memory shows."""
        return any(turn.was != turn.now for turn in self.turns.values())


def is_register(item: Item) -> bool:
    """Whether an item is a value of a register."""
    return item[0] in ("t", "f")


def place_of(item: Item) -> Place:
    """Where an item stands."""
    return item[:-1] if is_register(item) else item


def deed_of(added: Iterable[Item], removed: Iterable[Item], said: Said, beaten: Iterable[Item] = ()) -> Deed:
    """The deed that added and removed these items; what is among both stood there before and after."""
    was = {place_of(item): item for item in removed}
    now = {place_of(item): item for item in added}
    turns = {place: Turn(was.get(place), now.get(place)) for place in {**was, **now}}
    return Deed(turns, said, tuple(item for item in beaten if item != now.get(place_of(item))))


def together(deeds: Iterable[Deed]) -> Deed:
    """Several deeds as one, the oldest first."""
    turns: dict[Place, Turn] = {}
    said: dict[Rid, Intervals] = {}
    beaten: dict[Item, None] = {}
    for deed in deeds:
        beaten |= dict.fromkeys(deed.beaten)
        for place, turn in deed.turns.items():
            before = turns.get(place)
            turns[place] = Turn(before.was if before is not None else turn.was, turn.now)
        for rid, numbers in deed.said.items():
            said[rid] = said.get(rid, EMPTY) | numbers
    return Deed(turns, said, tuple(beaten))
