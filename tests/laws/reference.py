"""Two independent answers to the question what a history leaves alive. Neither reads any code under test.

`Causal` is the textbook's state-based causal join over dot stores (Almeida, Shoker, Baquero, arXiv
1410.2803, section 5): an add-wins observed-remove set, and a multi-value register as a set of dots.

    join((m, c), (m', c')) = ((m ∩ m') ∪ (m \\ c') ∪ (m' \\ c),  c ∪ c')

`Story` knows no dots at all: only who said and forgot what, and what each act had seen. An item is there iff
somebody said it and nobody forgot it who had seen that saying.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from memsync_git.model import Item, Rid

Dot = tuple[Rid, int]


def slot_of(item: Item) -> Item:
    """What a removal of an item empties: the element itself, or the whole register it is a value of."""
    return item[:-1] if item[0] in ("t", "f") else item


@dataclass(frozen=True, slots=True)
class Causal:
    """A dot store with its causal context."""

    dots: frozenset[tuple[Dot, Item]] = frozenset()
    context: frozenset[Dot] = frozenset()

    def join(self, other: Causal) -> Causal:
        both = self.dots & other.dots
        mine = {pair for pair in self.dots if pair[0] not in other.context}
        theirs = {pair for pair in other.dots if pair[0] not in self.context}
        return Causal(both | mine | theirs, self.context | other.context)

    def add(self, item: Item, dot: Dot) -> Causal:
        return Causal(self.dots | {(dot, item)}, self.context | {dot})

    def remove(self, slot: Item, known: frozenset[Dot]) -> Causal:
        """Remove the dots of a slot, as far as the remover knew them."""
        kept = {pair for pair in self.dots if slot_of(pair[1]) != slot or pair[0] not in known}
        return Causal(frozenset(kept), self.context)

    def items(self) -> set[Item]:
        return {item for _, item in self.dots}


@dataclass(frozen=True, slots=True)
class Act:
    """Something a machine did: it said an item, or forgot a slot. `seen` is its causal past."""

    at: int
    said: Item | None
    forgot: Item | None
    seen: frozenset[int]


@dataclass(slots=True)
class Story:
    """Every act of a history, in the order they happened."""

    acts: list[Act] = field(default_factory=list)

    def say(self, item: Item, seen: frozenset[int]) -> int:
        self.acts.append(Act(len(self.acts), item, None, seen))
        return len(self.acts) - 1

    def forget(self, slot: Item, seen: frozenset[int]) -> int:
        self.acts.append(Act(len(self.acts), None, slot, seen))
        return len(self.acts) - 1

    def standing(self, known: Iterable[int]) -> set[Item]:
        """What is there, for somebody who knows these acts."""
        acts = [self.acts[at] for at in known]
        forgettings = [act for act in acts if act.forgot is not None]
        return {
            act.said
            for act in acts
            if act.said is not None
            and not any(other.forgot == slot_of(act.said) and act.at in other.seen for other in forgettings)
        }
