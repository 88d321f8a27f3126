"""What a memory says: entities, relations and generic records, and nothing about who said it when.

Rule 1: identity is the official server's own. An entity is its name, an observation its exact
text inside one entity, a relation its triple, a generic record its id.
Rule 2: values only. No bytes, no clock, no replica is known here.
Rule 3: observations are a set that remembers an order for display; two records are the same
memory if their items are the same, whatever the order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NewType, overload

from memsync_git.values import dataclass, field, replace

Rid = NewType("Rid", str)
"""Replica id: `[a-z0-9][a-z0-9-]{0,40}-[0-9a-f]{4,8}`, minted once per installation."""

JsonText = NewType("JsonText", str)
"""Canonical JSON of a value (`formats/canonical.py`): equal values have equal texts."""

RecordKey = tuple[str, ...]
"""`("e", name)`, `("l", source, target, kind)` or `("r", id)`."""

Item = tuple[Any, ...]
"""The smallest thing that can be said, added or removed; see `items_of`."""


@dataclass(frozen=True, slots=True)
class Verbatim:
    """An observation that is not a string: its identity is its canonical JSON text."""

    text: JsonText


Observation = str | Verbatim

NO_FIELDS: Mapping[str, JsonText] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Entity:
    """A named thing with a type (None where the row has none) and observations."""

    name: str
    type: str | None
    observations: tuple[Observation, ...] = ()
    fields: Mapping[str, JsonText] = field(default_factory=lambda: NO_FIELDS)

    @property
    def key(self) -> RecordKey:
        return ("e", self.name)


@dataclass(frozen=True, slots=True)
class Relation:
    """A directed, typed edge; its ends need not exist."""

    source: str
    target: str
    kind: str
    fields: Mapping[str, JsonText] = field(default_factory=lambda: NO_FIELDS)

    @property
    def key(self) -> RecordKey:
        return ("l", self.source, self.target, self.kind)


@dataclass(frozen=True, slots=True)
class Generic:
    """A row of an unknown type, kept as its fields."""

    id: str
    fields: Mapping[str, JsonText] = field(default_factory=lambda: NO_FIELDS)

    @property
    def key(self) -> RecordKey:
        return ("r", self.id)


Record = Entity | Relation | Generic


class Graph:
    """Records by key, in the order of their first appearance.

    Treated as immutable: every change makes a new graph.
    """

    __slots__ = ("records",)

    def __init__(self, records: Mapping[RecordKey, Record] | None = None) -> None:
        self.records: Mapping[RecordKey, Record] = {} if records is None else records

    @classmethod
    def of(cls, records: Iterable[Record]) -> Graph:
        """Build a graph, joining rows of one key: union of observations, first type, later fields."""
        found: dict[RecordKey, Record] = {}
        for record in records:
            twin = found.get(record.key)
            found[record.key] = record if twin is None else joined_rows(twin, record)
        return cls(found)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records.values())

    def __contains__(self, key: object) -> bool:
        return key in self.records

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return False
        return self.records == other.records or self.items() == other.items()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Graph({list(self.records.values())!r})"

    def items(self) -> set[Item]:
        """Everything the graph says, as a set."""
        return {item for record in self for item in items_of(record)}


def joined_rows(first: Record, later: Record) -> Record:
    """Two rows of one key in one file, as one record (model page, section 3)."""
    fields = {**first.fields, **later.fields} if later.fields else first.fields
    if isinstance(first, Entity) and isinstance(later, Entity):
        seen = dict.fromkeys(first.observations + later.observations)
        return Entity(first.name, first.type, tuple(seen), fields)
    return replace(first, fields=fields)


def items_of(record: Record) -> Iterator[Item]:
    """Everything one record says.

    `("t", name, type)`, `("o", name, observation)`, `("l", source, target, kind)`,
    `("f", record key, field, value)` and `("d", id)` for a generic record.
    """
    match record:
        case Entity(name, kind, observations, fields):
            yield ("t", name, kind)
            for observation in observations:
                yield ("o", name, observation)
        case Relation(source, target, kind, fields):
            yield ("l", source, target, kind)
        case Generic(identity, fields):
            yield ("d", identity)
    if fields:
        key = record.key
        for name, value in fields.items():
            yield ("f", key, name, value)


def size_of(record: Record) -> int:
    """How many items one record says."""
    observations = len(record.observations) if isinstance(record, Entity) else 0
    return 1 + observations + len(record.fields)


class Said(Sequence[Item]):
    """Everything some records say, in order, made as it is asked for: a whole memory is half a million.

    kinds: how many items of each kind that is, if it is known. further: items that come behind those.
    """

    __slots__ = ("_kinds", "further", "records")

    def __init__(
        self,
        records: Iterable[Record],
        kinds: Mapping[str, int] | None = None,
        further: Iterable[Item] = (),
    ) -> None:
        self.records = records
        self.further = tuple(further)
        if kinds is None:
            kinds = Counter(str(item[0]) for record in records for item in items_of(record))
        self._kinds = Counter(kinds) + Counter(str(item[0]) for item in self.further)

    @property
    def kinds(self) -> Mapping[str, int]:
        """How many items of each kind there are."""
        return self._kinds

    def __len__(self) -> int:
        return self._kinds.total()

    def __iter__(self) -> Iterator[Item]:
        for record in self.records:
            yield from items_of(record)
        yield from self.further

    @overload
    def __getitem__(self, at: int) -> Item: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Item, ...]: ...

    def __getitem__(self, at: int | slice) -> Item | tuple[Item, ...]:
        return tuple(self)[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def key_of(item: Item) -> RecordKey:
    """The key of the record an item belongs to."""
    match item:
        case ("t" | "o", str(name), _):
            return ("e", name)
        case ("l", str(source), str(target), str(kind)):
            return ("l", source, target, kind)
        case ("f", tuple(key), _, _):
            return key
        case ("d", str(identity)):
            return ("r", identity)
        case _:
            raise ValueError(f"not an item: {item!r}")


def record_with(record: Record | None, items: Iterable[Item]) -> Record | None:
    """A record (None: not there yet) after some of its items were said as well."""
    for item in items:
        record = _said(record, item)
    return record


def _said(record: Record | None, item: Item) -> Record:
    match item:
        case ("t", str(name), kind):
            known = record if isinstance(record, Entity) else Entity(name, None)
            return replace(known, type=kind)
        case ("o", str(name), observation):
            known = record if isinstance(record, Entity) else Entity(name, None)
            said = dict.fromkeys((*known.observations, observation))
            return replace(known, observations=tuple(said))
        case ("f", tuple(key), str(name), value):
            bare = record if record is not None else _bare(key)
            return replace(bare, fields={**bare.fields, name: value})
        case _:
            return record if record is not None else _bare(key_of(item))


def _bare(key: RecordKey) -> Record:
    match key:
        case ("e", name):
            return Entity(name, None)
        case ("l", source, target, kind):
            return Relation(source, target, kind)
        case _:
            return Generic(key[1])


def same_items(one: Record, other: Record) -> bool:
    """Whether two records of one key say the same, whatever the order of their observations."""
    if one == other:
        return True
    if isinstance(one, Entity) and isinstance(other, Entity):
        return is_same_but_noted(one, other) and set(one.observations) == set(other.observations)
    return set(items_of(one)) == set(items_of(other))


def is_same_but_noted(one: Entity, other: Entity) -> bool:
    """Whether nothing but observations tells two entities apart."""
    return (one.name, one.type, one.fields) == (other.name, other.type, other.fields)


_TEXT = frozenset({str})


@dataclass(frozen=True, slots=True)
class Projection:
    """What a variant of the memory file can hold; the rest is neither added to it nor missed in it.

    hidden: the names this machine leaves out of what it shares; their rows in the file are its own affair.
    """

    fields: bool
    objects: bool
    generics: bool
    hidden: frozenset[str] = frozenset()

    def holds(self, item: Item) -> bool:
        if self.hidden and self.hides(key_of(item)):
            return False
        match item[0]:
            case "f":
                key = item[1]
                is_generic = isinstance(key, tuple) and key[0] == "r"
                return self.generics if is_generic else self.fields
            case "d":
                return self.generics
            case "o":
                return self.objects or isinstance(item[2], str)
            case _:
                return True

    def record(self, record: Record) -> Record | None:
        """The part of a record that the variant can hold, or None."""
        if self.hidden and self.hides(record.key):
            return None
        match record:
            case Generic():
                return record if self.generics else None
            case Entity(name, kind, observations, fields):
                if not self.objects and not _TEXT.issuperset(map(type, observations)):
                    observations = tuple(o for o in observations if isinstance(o, str))
                kept = fields if self.fields else NO_FIELDS
                if observations is record.observations and kept is fields:
                    return record
                return Entity(name, kind, observations, kept)
            case Relation():
                return record if self.fields or not record.fields else replace(record, fields=NO_FIELDS)

    def hides(self, key: RecordKey) -> bool:
        """Whether a record bears one of the names left out."""
        return not self.hidden.isdisjoint(key[1:3] if key[0] == "l" else key[1:2])

    def graph(self, graph: Graph) -> Graph:
        kept = ((key, self.record(record)) for key, record in graph.records.items())
        return Graph({key: record for key, record in kept if record is not None})


EVERYTHING = Projection(fields=True, objects=True, generics=True)
PLAIN = Projection(fields=False, objects=False, generics=False)
