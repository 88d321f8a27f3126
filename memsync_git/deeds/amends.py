"""What taking a deed back, or going back to a former memory, writes onto the memory of today.

Rule 1: only what the deed itself said goes: what another machine said at the same time, or anybody said
again later, stands.
Rule 2: only what the deed itself took comes back, and not over what was written there since.
Rule 3: what holds others up stays: the type of an entity to which something else was added, say.
Rule 4: nothing comes back to a record that is gone and does not come back itself.
Rule 5: a record that lived by hints alone, and stays, is said with all they show: once it stands by itself,
no field is read off a hint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property

from memsync_git.crdt.fragment import Dot, Entry, Header
from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.crdt.pen import Pen
from memsync_git.crdt.state import State
from memsync_git.deeds.deed import Deed, Place, Said, Turn, is_register, place_of
from memsync_git.model import Graph, Item, RecordKey, Rid, items_of, key_of
from memsync_git.values import dataclass

Found = Sequence[tuple[Rid, Entry]]
"""Live facts of one place, and whose they are."""

Rests = Callable[[RecordKey], bool]
"""Whether the entities at the ends of a relation stay for its sake."""

Going = Mapping[RecordKey, Collection[Dot]]
"""The facts that are to go, by record."""

_NOBODY = Rid("")


@dataclass(frozen=True, slots=True)
class Amends:
    """What is to be written: facts to remove, by item, and items to say.

    kept: places that somebody wrote to since, as they stand now (None: gone); they stay so.
    """

    removed: tuple[tuple[Item, Said], ...] = ()
    added: tuple[Item, ...] = ()
    kept: tuple[tuple[Item, Item | None], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.removed or self.added)

    @property
    def keys(self) -> set[RecordKey]:
        """The records it touches."""
        return {key_of(item) for item in (*(item for item, _ in self.removed), *self.added)}


class _Draft:
    """Amends while they are made. `decided`: places of which it is known already what becomes of them."""

    def __init__(
        self, state: State, rests: Rests = lambda _: False, decided: Collection[Place] = frozenset()
    ) -> None:
        self.state = state
        self._rests = rests
        self._decided = decided
        self.removed: dict[Item, Found] = {}
        self.added: list[Item] = []
        self.kept: list[tuple[Item, Item | None]] = []
        self._reader = Pen(state, Header(_NOBODY, ""), wall_ms=0)

    def live(self, item: Item) -> Found:
        """The live facts of an item's place."""
        return self._reader.entries(item)

    def finished(self) -> Amends:
        """The amends, without what rules 3 and 4 forbid."""
        added = self._with_a_home()
        comes = {key_of(item) for item in added}
        going = self._going()
        added += self._made_sure(added, comes, going)
        replaced = set(map(place_of, added))
        removed = {
            item: facts
            for item, facts in self.removed.items()
            if not _is_anchor(item) or place_of(item) in replaced or not self._holds_up(item, comes, going)
        }
        dots = tuple((item, _named(facts)) for item, facts in removed.items())
        return Amends(dots, tuple(added), tuple(self.kept))

    def _with_a_home(self) -> list[Item]:
        """What comes back to a record that is there, or comes back itself."""
        coming = {key_of(item) for item in self.added if _is_anchor(item)}
        found: list[Item] = []
        for item in self.added:
            key = key_of(item)
            if key in coming or self.state.record(key) is not None:
                found.append(item)
            else:
                self.kept.append((item, None))
        return found

    def _made_sure(self, added: Sequence[Item], comes: set[RecordKey], going: Going) -> list[Item]:
        """What hints alone show of what is touched and stays: they die with their lines."""
        anchored = {key_of(item) for item in added if _is_anchor(item)}
        decided = {*self._decided, *map(place_of, added)}
        touched = {key_of(item): None for item in (*added, *self.removed)}
        found: list[Item] = []
        for key in touched:
            record = self.state.record(key)
            if record is None or key in anchored or self.state.live(key).anchored:
                continue
            if key in comes or self._has_more(key, going):
                found += [
                    item
                    for item in items_of(record)
                    if _is_anchor(item) or not (place_of(item) in decided or self.live(item))
                ]
        return found

    def _holds_up(self, anchor: Item, comes: set[RecordKey], going: Going) -> bool:
        """Whether anything stays, or comes back, that needs the record of an anchor."""
        key = key_of(anchor)
        return key in comes or self._has_more(key, going) or self._has_relation(anchor)

    def _has_more(self, key: RecordKey, going: Going) -> bool:
        """Whether a record is left with a fact."""
        return any(
            entry.n not in self.state.dead(rid) and (rid, entry.n) not in going.get(key, ())
            for rid, facts in self.state.facts(key).items()
            for entry in facts.entries()
        )

    def _going(self) -> Going:
        going: dict[RecordKey, set[Dot]] = defaultdict(set)
        for item, facts in self.removed.items():
            going[key_of(item)].update((rid, entry.n) for rid, entry in facts)
        return going

    def _has_relation(self, anchor: Item) -> bool:
        """Whether a relation stays that needs an entity to do so."""
        return anchor[0] == "t" and anchor[1] in self._ends

    @cached_property
    def _ends(self) -> set[str]:
        """The entities at the ends of relations that stay and need them."""
        keys = [key for key in self.state.keys() if key[0] == "l"]  # noqa: SIM118 - a state is no mapping
        return {end for key in keys if key not in self.removed and self._rests(key) for end in key[1:3]}


def _is_anchor(item: Item) -> bool:
    """Whether the existence of a record hangs on an item."""
    return item[0] in ("t", "l", "d")


def _named(facts: Found) -> Said:
    numbers: dict[Rid, list[int]] = defaultdict(list)
    for rid, entry in facts:
        numbers[rid].append(entry.n)
    return {rid: Intervals.numbers(found) for rid, found in numbers.items()}


# --- taking a deed back


def taking_back(state: State, deed: Deed) -> Amends:
    """What takes a deed back."""
    draft = _Draft(state, decided=deed.turns)
    for turn in deed.turns.values():
        item = turn.now if turn.now is not None else turn.was
        if turn.was == turn.now or item is None:
            continue
        live = draft.live(item)
        ours = [(rid, entry) for rid, entry in live if entry.n in deed.said.get(rid, EMPTY)]
        if is_register(item):
            _take_back_value(draft, turn, live, ours)
        elif turn.now is None and not live:
            draft.added.append(item)
        elif turn.now is not None and ours:
            draft.removed[item] = ours
    return draft.finished()


def _take_back_value(draft: _Draft, turn: Turn, live: Found, ours: Found) -> None:
    """What became of a register: deleted, or written."""
    if turn.now is None:
        if not live and turn.was is not None:
            draft.added.append(turn.was)
        else:
            _keep(draft, turn, live)
    elif not ours:
        _keep(draft, turn, live)
    else:
        draft.removed[turn.now] = ours
        if turn.was is not None and len(ours) == len(live):
            draft.added.append(turn.was)


def _keep(draft: _Draft, turn: Turn, live: Found) -> None:
    """Note that a register has been written or deleted since, unless that is what was wanted."""
    item = turn.now if turn.now is not None else turn.was
    winner = max(live, key=lambda fact: (fact[1].ts, fact[0], fact[1].n), default=None)
    stands = None if winner is None or item is None else (*place_of(item), winner[1].value)
    if item is not None and stands != turn.was:
        draft.kept.append((item, stands))


# --- going back to a former memory


def going_back(
    state: State,
    then: Graph,
    own: Rid,
    *,
    exactly: bool = False,
    is_meant: Callable[[RecordKey], bool] = lambda _: True,
) -> Amends:
    """What makes the memory say again what it said then.

    What was deleted or overwritten since, by whomever, comes back. What was added since goes if this
    replica (`own`) alone said it; with `exactly`, whoever said it.
    """
    draft = _Draft(state, lambda relation: not exactly and relation not in then.records)
    keys = [key for key in dict.fromkeys([*then.records, *state.keys()]) if is_meant(key)]
    for key in keys:
        record, former = state.record(key), then.records.get(key)
        now = _by_place(items_of(record) if record is not None else ())
        was = _by_place(items_of(former) if former is not None else ())
        if now == was:
            continue
        for place, item in was.items():
            live = draft.live(item)
            if not live or now.get(place) != item:  # what only a hint says may go with the rest
                draft.removed |= {now[place]: live} if live else {}
                draft.added.append(item)
        for item in (item for place, item in now.items() if place not in was):
            live = draft.live(item)
            if live and (exactly or all(rid == own for rid, _ in live)):
                draft.removed[item] = live
    return draft.finished()


def _by_place(items: Iterable[Item]) -> Mapping[Item, Item]:
    return {place_of(item): item for item in items}
