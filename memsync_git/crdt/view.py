"""What the facts about one record say: the only reader of facts.

Rule 1: pure and deterministic. The same facts give the same record on every machine.
Rule 2: a record exists iff one live fact of it exists. Observations are a union, ordered by their smallest
stamp. A register shows its live entry with the largest stamp; several live values are a conflict.
Rule 3: a hint is read only where the record's *anchor* (an entity's type, the existence of a relation or a
generic record) has no live entry: then somebody deleted the record while another wrote to it, and
the registers come back as the writer last saw them. A field deleted alone stays deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from memsync_git.crdt.fragment import Entry, Hint, RecordFacts, Stamp
from memsync_git.crdt.intervals import Intervals
from memsync_git.model import (
    NO_FIELDS,
    Entity,
    Generic,
    Item,
    JsonText,
    Observation,
    Record,
    RecordKey,
    Relation,
    Rid,
)
from memsync_git.values import dataclass, field

Facts = Mapping[Rid, RecordFacts]
Dead = Mapping[Rid, Intervals]


@dataclass(slots=True)
class Live:
    """The live entries of one record, by what they are about."""

    types: list[tuple[Stamp, str | None]] = field(default_factory=list)
    observations: dict[Observation, Stamp] = field(default_factory=dict)
    existence: list[Stamp] = field(default_factory=list)
    fields: dict[str, list[tuple[Stamp, JsonText]]] = field(default_factory=dict)
    hints: list[Hint] = field(default_factory=list)

    @property
    def exists(self) -> bool:
        return bool(self.observations or self.types or self.existence or self.fields)

    @property
    def anchored(self) -> bool:
        return bool(self.types or self.existence)

    def stamps(self) -> Iterator[Stamp]:
        yield from (stamp for stamp, _ in self.types)
        yield from self.observations.values()
        yield from self.existence
        for entries in self.fields.values():
            yield from (stamp for stamp, _ in entries)


def live_of(facts: Facts, dead: Dead) -> Live:
    """Collect what is live among the facts every replica holds about one record."""
    found = Live()
    for rid, mine in facts.items():
        if _collect(found, rid, mine, dead.get(rid)) and mine.hint is not None:
            found.hints.append(mine.hint)
    return found


def _collect(found: Live, rid: Rid, facts: RecordFacts, gone: Intervals | None) -> bool:
    """Add one replica's live facts; say whether there were any."""
    types = [((entry.ts, rid, entry.n), entry.value) for entry in _alive(facts.types, gone)]
    observations = _alive(facts.observations, gone)
    existence = [(entry.ts, rid, entry.n) for entry in _alive(facts.existence, gone)]
    found.types += types
    found.existence += existence
    for entry in observations:
        stamp = (entry.ts, rid, entry.n)
        known = found.observations.get(entry.value)
        if known is None or stamp < known:
            found.observations[entry.value] = stamp
    any_field = False
    for name, entries in facts.fields.items():
        alive = [((entry.ts, rid, entry.n), entry.value) for entry in _alive(entries, gone)]
        if alive:
            found.fields.setdefault(name, []).extend(alive)
            any_field = True
    return bool(types or observations or existence) or any_field


def _alive(entries: tuple[Entry, ...], gone: Intervals | None) -> Sequence[Entry]:
    return entries if not gone else [entry for entry in entries if entry.n not in gone]


def type_of(live: Live) -> tuple[Stamp, str | None] | None:
    """The entity type that shows, with its stamp; None where nobody ever said one."""
    if live.types:
        return max(live.types, key=_stamp)
    hinted = [hint.type for hint in live.hints if hint.type is not None]
    return max(hinted, key=_hint_order, default=None)


def fields_of(live: Live) -> dict[str, tuple[Stamp, JsonText]]:
    """The fields that show, with their stamps, by name."""
    shown = {name: max(entries, key=_stamp) for name, entries in live.fields.items()}
    if not live.anchored:
        for hint in live.hints:
            for name, hinted in hint.fields.items():
                if name not in live.fields and _beats(hinted, shown.get(name)):
                    shown[name] = hinted
    return dict(sorted(shown.items(), key=lambda pair: (pair[1][0], pair[0]))) if shown else shown


def _beats(hinted: tuple[Stamp, JsonText], shown: tuple[Stamp, JsonText] | None) -> bool:
    return shown is None or _hint_order(hinted) > _hint_order(shown)


def _hint_order(pair: tuple[Stamp, Any]) -> tuple[Stamp, bool, str]:
    """Hints copy stamps, so a hostile peer can make two differ under one: the value breaks the tie."""
    return pair[0], pair[1] is not None, pair[1] or ""


def _stamp(pair: tuple[Stamp, Any]) -> Stamp:
    return pair[0]


def record_of(key: RecordKey, live: Live) -> Record | None:
    """The record these live facts show, or None if it does not exist."""
    if not live.exists:
        return None
    values = {name: value for name, (_, value) in fields_of(live).items()} or NO_FIELDS
    match key:
        case ("e", name):
            shown = type_of(live)
            ordered = sorted(live.observations, key=live.observations.__getitem__)
            return Entity(name, shown[1] if shown else None, tuple(ordered), values)
        case ("l", source, target, kind):
            return Relation(source, target, kind, values)
        case ("r", identity):
            return Generic(identity, values)
        case _:
            raise ValueError(f"not a record key: {key!r}")


def hint_of(live: Live) -> Hint | None:
    """The hint to leave beside an own fact of this record: every register as it shows now."""
    fields = fields_of(live)
    shown = type_of(live)
    return Hint(shown, fields) if shown is not None or fields else None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A register with several live values, largest stamp (the one that shows) first.

    `register` is an item without its value: `("t", name)` or `("f", record key, field)`.
    """

    register: Item
    values: tuple[tuple[Stamp, Any], ...]


def conflicts_of(key: RecordKey, live: Live) -> Iterator[Conflict]:
    """The registers of one record where concurrent writes differ."""
    registers: list[tuple[Item, list[tuple[Stamp, Any]]]] = [(("t", key[1]), list(live.types))]
    registers += [(("f", key, name), list(entries)) for name, entries in live.fields.items()]
    for register, entries in registers:
        if len({value for _, value in entries}) > 1:
            yield Conflict(register, tuple(sorted(entries, key=_stamp, reverse=True)))
