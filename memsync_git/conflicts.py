"""What a person has to decide, and what a decision writes.

Rule 1: pure. A contest is found in a state, an answer is items to remove and to add; `Replica.write`
carries it out like any other write, so it ends the contest wherever it arrives.
Rule 2: an answer removes every entry it saw and says the chosen value anew. Two machines that answer
differently at the same time have thereby written a new conflict, and neither answer undoes the other.
Rule 3: a restore says everything anew, so it beats a delete decided elsewhere at the same time: add wins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from memsync_git.crdt.fragment import Stamp
from memsync_git.crdt.state import State
from memsync_git.crdt.view import Conflict, Live
from memsync_git.formats.canonical import NotJson, canonical, parse
from memsync_git.model import Item, RecordKey, Rid, items_of, key_of, record_with
from memsync_git.values import dataclass

TYPE = "type"
NEWEST = "newest"
MINE = "mine"


@dataclass(frozen=True, slots=True)
class Survivor:
    """A record deleted on one machine while another wrote to it. `kept`: what was written, oldest first."""

    key: RecordKey
    kept: tuple[tuple[Stamp, Item], ...]


Contest = Conflict | Survivor


@dataclass(frozen=True, slots=True)
class Answer:
    """What a decision removes and says."""

    removed: tuple[Item, ...] = ()
    added: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The value somebody wrote."""

    value: Any


@dataclass(frozen=True, slots=True)
class Nobody:
    """None of the values is by the machine named."""


@dataclass(frozen=True, slots=True)
class Several:
    """Several machines with values bear the label named."""

    rids: tuple[Rid, ...]


# --- finding


def contests(state: State) -> list[Contest]:
    """Everything a person might decide, by record."""
    found: list[Contest] = [*state.all_conflicts()]
    found += [Survivor(key, _in_order(facts_of(key, state.live(key)))) for key in state.unanchored()]
    return sorted(found, key=lambda contest: (record_key(contest), field_of(contest)))


def _in_order(facts: Iterable[tuple[Stamp, Item]]) -> tuple[tuple[Stamp, Item], ...]:
    return tuple(sorted(facts, key=lambda fact: fact[0]))


def record_key(contest: Contest) -> RecordKey:
    """The record a contest is about."""
    match contest:
        case Conflict(register):
            return key_of((*register, None))
        case Survivor(key):
            return key


def field_of(contest: Contest) -> str:
    """The register a contest is about, as people name it; empty for a survivor."""
    match contest:
        case Conflict(("t", *_)):
            return TYPE
        case Conflict(register):
            return str(register[2])
        case Survivor():
            return ""


def facts_of(key: RecordKey, live: Live) -> Iterator[tuple[Stamp, Item]]:
    """The live facts of a record as items; of an observation said several times, the first."""
    yield from ((stamp, ("t", key[1], value)) for stamp, value in live.types)
    yield from ((stamp, ("o", key[1], value)) for value, stamp in live.observations.items())
    yield from ((stamp, ("d", key[1]) if key[0] == "r" else key) for stamp in live.existence)
    for name, entries in live.fields.items():
        yield from ((stamp, ("f", key, name, value)) for stamp, value in entries)


# --- a register with several values


def value_by(
    conflict: Conflict, who: str, *, own: Rid, labels: Mapping[Rid, str]
) -> Chosen | Nobody | Several:
    """The value of a machine: a rid, its label, `mine`, or `newest` for whoever wrote last."""
    if who == NEWEST:
        return Chosen(conflict.values[0][1])
    wanted = own if who == MINE else who
    theirs = [(stamp[1], value) for stamp, value in conflict.values if stamp[1] == wanted]
    if not theirs and who != MINE:
        theirs = [(stamp[1], value) for stamp, value in conflict.values if labels.get(stamp[1]) == who]
    rids = tuple(sorted({rid for rid, _ in theirs}))
    if len(rids) > 1:
        return Several(rids)
    return Chosen(theirs[0][1]) if theirs else Nobody()


def written_value(conflict: Conflict, text: str) -> Any:
    """What a person typed, as a value of the register: a field takes JSON, or else the text itself."""
    if conflict.register[0] == "t":
        return text
    try:
        return canonical(parse(text))
    except NotJson:
        return canonical(text)


def settled(conflict: Conflict, value: Any) -> Answer:
    """The answer that gives a register one value."""
    shown = conflict.values[0][1]
    return Answer(((*conflict.register, shown),), ((*conflict.register, value),))


# --- a record edited while it was deleted


def taken_by_delete(before: State, after: State, key: RecordKey) -> list[Item]:
    """What went with a record between two states: its own items, and an entity's relations."""
    return [
        item
        for each in [key, *_relations_of(before, key)]
        for item in _items(before, each)
        if item not in _items(after, each)
    ]


def touches(item: Item, key: RecordKey) -> bool:
    """Whether an item belongs to a record, or is a relation of that entity."""
    own = key_of(item)
    return own == key or (key[0] == "e" and own[0] == "l" and key[1] in own[1:3])


def restored(state: State, survivor: Survivor, taken: Collection[Item]) -> Answer:
    """The answer that brings back what a delete took; what the record says by now comes first."""
    key = survivor.key
    missing = [item for item in taken if not _stands(state, item)]
    whole = record_with(state.record(key), [item for item in missing if key_of(item) == key])
    relations = [item for item in missing if key_of(item) != key]
    live = {item[:-1] for _, item in survivor.kept if item[0] == "f"}
    said = items_of(whole) if whole is not None else ()
    return Answer(added=(*(item for item in said if item[:-1] not in live), *relations))


def _stands(state: State, item: Item) -> bool:
    """Whether the memory says an item, or another value of its register."""
    return any(
        said == item or (item[0] in ("t", "f") and said[:-1] == item[:-1] and said[-1] is not None)
        for said in _items(state, key_of(item))
    )


def deleted(state: State, survivor: Survivor) -> Answer:
    """The answer that deletes what was kept, and an entity's relations with it, as the server does."""
    keys = [survivor.key, *_relations_of(state, survivor.key)]
    return Answer(tuple(item for key in keys for item in _items(state, key)))


def together(answers: Iterable[Answer]) -> Answer:
    """Several answers as one write."""
    every = list(answers)
    removed = dict.fromkeys(item for answer in every for item in answer.removed)
    added = dict.fromkeys(item for answer in every for item in answer.added)
    return Answer(tuple(removed), tuple(added))


def _relations_of(state: State, key: RecordKey) -> list[RecordKey]:
    if key[0] != "e":
        return []
    existing = state.keys()
    return sorted(other for other in existing if other[0] == "l" and key[1] in other[1:3])


def _items(state: State, key: RecordKey) -> list[Item]:
    record = state.record(key)
    return list(items_of(record)) if record is not None else []
