"""What versions of one file have in common, held once: its records and its order, in stretches.

    version 1   [ a ][ b ][ c ][ d ]
    version 2   [ a ][ b ][ x ][ d ]        one line changed: one stretch is new, the others are the very same

Rule 1: a value never changes. What a version changes is held in new stretches; the rest is shared.
Rule 2: two versions are compared stretch by stretch, by identity: what they share is never looked at.
Rule 3: stretches keep their order from version to version, so a shared one says the same in both.
Rule 4: it says nothing about bytes; `formats` knows which lines a stretch was read from.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import reduce
from itertools import accumulate, chain, islice
from operator import add, sub
from typing import Any, NamedTuple, overload

from memsync_git.model import Entity, Record, RecordKey, joined_rows, size_of

LINES_TOGETHER = 256
"""A change costs a stretch, and looking up a record costs a glance at each: near the least for both together
at 100 000 lines, where there are 400."""

FEW_STRETCHES = 16
"""A megabyte or two of an ordinary memory, and what it says five times that."""
FEW_NEW = 8
"""An edit or two. Beside more new stretches, what was found in the version before is looked for anew."""
MOST_REMEMBERED = 10_000
"""Keys that were looked for, from version to version: a megabyte."""

Step = Mapping[RecordKey, Record | None]
"""Records to put (None: to take away) to get from one state to another."""

Records = Mapping[RecordKey, Record]


class Counts(NamedTuple):
    """How much some records hold."""

    entities: int = 0
    relations: int = 0
    observations: int = 0
    other: int = 0

    @classmethod
    def of(cls, records: Iterable[Record]) -> Counts:
        """Count records, each of a key of its own."""
        said = list(records)
        kinds = Counter([record.key[0] for record in said])
        observations = sum([len(record.observations) for record in said if isinstance(record, Entity)])
        return cls(kinds["e"], kinds["l"], observations, kinds["r"])

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*map(add, self, other))

    def without(self, other: Counts) -> Counts:
        """What is left after some were taken away."""
        return Counts(*map(sub, self, other))


class Stretch:
    """What some lines that stand together say (None: nothing in this variant)."""

    __slots__ = ("_by_key", "_counts", "_names", "_records", "_sizes")

    def __init__(self, records: Iterable[Record | None]) -> None:
        self._records = tuple(records)
        self._by_key: dict[RecordKey, Record] | None = None
        self._names: Sequence[str] | None = None
        self._counts: Counts | None = None
        self._sizes: Sequence[int] | None = None

    @property
    def records(self) -> tuple[Record | None, ...]:
        """What each of the lines says."""
        return self._records

    @property
    def keys(self) -> Mapping[RecordKey, object]:
        """The keys of its records, in file order."""
        return self.by_key

    @property
    def by_key(self) -> dict[RecordKey, Record]:
        """Its records by key, rows of one key joined, in file order."""
        if self._by_key is None:
            said = [record for record in self.records if record is not None]
            self._by_key = {record.key: record for record in said}
            if len(self._by_key) < len(said):
                self._by_key = joined(said)
        return self._by_key

    def record(self, key: RecordKey) -> Record:
        """One of its records."""
        return self.by_key[key]

    def passing(self) -> Mapping[RecordKey, Record]:
        """The same as `by_key`, for one look: what nobody has asked for so far is not held from now on."""
        return self.by_key

    def looked_up(self, keys: Set[RecordKey]) -> dict[RecordKey, Record]:
        """Some of its records, in file order; not held either."""
        return {key: record for key, record in self.passing().items() if key in keys}

    @property
    def names(self) -> Sequence[str]:
        """Its entities, in file order."""
        if self._names is None:
            self._names = tuple([key[1] for key in self.keys if key[0] == "e"])
        return self._names

    @property
    def counts(self) -> Counts:
        """How much its records hold."""
        if self._counts is None:
            self._counts = Counts.of(self.by_key.values())
        return self._counts

    @property
    def sizes(self) -> Sequence[int]:
        """How many items each of its records says, in file order."""
        if self._sizes is None:
            self._sizes = array("L", map(size_of, self.passing().values()))
        return self._sizes


def _record_in(several: Sequence[Stretch], key: RecordKey) -> Record:
    """A record with rows in these stretches, of which there is one at least."""
    found = [stretch.record(key) for stretch in several]
    return found[0] if len(found) == 1 else reduce(joined_rows, found)


def joined(records: Iterable[Record]) -> dict[RecordKey, Record]:
    """Records by key in the order of their first appearance, rows of one key joined."""
    found: dict[RecordKey, Record] = {}
    for record in records:
        key = record.key
        twin = found.get(key)
        found[key] = record if twin is None else joined_rows(twin, record)
    return found


class Stretched(Mapping[RecordKey, Record]):
    """The records of a graph by key, in file order, held in stretches that versions share.

    has_twins: some key has rows in several stretches.
    """

    __slots__ = ("_distinct", "_holders", "_keys", "has_twins", "stretches")

    def __init__(
        self, stretches: Iterable[Stretch], before: Stretched | None = None, *, has_twins: bool | None = None
    ) -> None:
        """Records in these stretches; `before`: one most were taken from. `has_twins`: where it is known."""
        self.stretches = tuple(stretches)
        self._distinct: set[Stretch] | None = None
        self._keys: list[tuple[Stretch, Mapping[RecordKey, object]]] | None = None
        self.has_twins = self._finds_twins(before) if has_twins is None else has_twins
        self._holders: dict[RecordKey, Sequence[Stretch]] = {}
        if before is not None:
            self._holders = self._still_holding(before)

    @property
    def distinct(self) -> set[Stretch]:
        """The stretches, to be compared by identity."""
        if self._distinct is None:
            self._distinct = set(self.stretches)
        return self._distinct

    def _finds_twins(self, before: Stretched | None) -> bool:
        if before is None or before.has_twins:
            return self._has_twins_among(self._all_keys)
        ours, theirs = self.by_identity, before.by_identity
        new = [keys for at, keys in ours.items() if at not in theirs]
        if self._has_twins_among(new):
            return True
        come = {key for keys in new for key in keys}
        come.difference_update(*(keys for at, keys in theirs.items() if at not in ours))
        if len(come) > LINES_TOGETHER:
            return self._has_twins_among(self._all_keys)
        kept = [keys for at, keys in ours.items() if at in theirs]
        return any(key in keys for keys in kept for key in come)

    @property
    def by_identity(self) -> dict[int, Mapping[RecordKey, object]]:
        """The keys of every stretch; one that says something new about the same keys shares them."""
        return {id(keys): keys for keys in self._all_keys}

    @property
    def _all_keys(self) -> list[Mapping[RecordKey, object]]:
        return [keys for _, keys in self._looked_through]

    @staticmethod
    def _has_twins_among(several: Sequence[Mapping[RecordKey, object]]) -> bool:
        return len(set[RecordKey]().union(*several)) < sum(map(len, several))

    def apart_from(self, other: Stretched) -> Stretched:
        """What its stretches say that another version has not; of twins, each row for itself."""
        return Stretched([stretch for stretch in self.stretches if stretch not in other.distinct])

    def among(self, keys: Set[RecordKey]) -> dict[RecordKey, Record]:
        """Its records of these keys: each stretch is looked through once, whatever their number."""
        return {key: _record_in(several, key) for key, several in self.holding(keys).items()}

    def holding(self, keys: Set[RecordKey]) -> dict[RecordKey, Sequence[Stretch]]:
        """Those of some keys that have records here, and the stretches those are in."""
        if not self.stretches:
            return {}
        known, unknown = self._holders, keys - self._holders.keys()
        if unknown:
            found = self._looked_for(unknown)
            known = {**known, **found}
            self._remember(known, found)
        return {key: several for key in keys if (several := known[key])}

    def _remember(self, *several: dict[RecordKey, Sequence[Stretch]]) -> None:
        """Remember the first of these that is not too much."""
        self._holders = next((each for each in several if len(each) <= MOST_REMEMBERED), self._holders)

    def _looked_for(self, keys: Set[RecordKey]) -> dict[RecordKey, Sequence[Stretch]]:
        """The stretches with records of each of these keys."""
        wanted = frozenset(keys)
        found: dict[RecordKey, Sequence[Stretch]] = dict.fromkeys(wanted, ())
        for stretch, own in self._looked_through:
            alone = (stretch,)  # one for all of its keys
            for key in own.keys() & wanted:
                found[key] = (*found[key], stretch) if found[key] else alone
        return found

    # --- as a mapping

    def __getitem__(self, key: RecordKey) -> Record:
        several = self._holders_of(key)
        if not several:
            raise KeyError(key)
        return _record_in(several, key)

    def __contains__(self, key: object) -> bool:
        return bool(self._holders_of(key))  # type: ignore[arg-type]

    def _holders_of(self, key: RecordKey) -> Sequence[Stretch]:
        """The stretches with a record of this key; who looks for one looks for it again and again."""
        found = self._holders.get(key)
        if found is None:
            holders = (stretch for stretch, keys in self._looked_through if key in keys)
            found = tuple(holders if self.has_twins else islice(holders, 1))
            self._holders[key] = found
        return found

    def _still_holding(self, before: Stretched) -> dict[RecordKey, Sequence[Stretch]]:
        """Where that is now which was looked for in the version before, and what has come since."""
        stays = self._staying(before)
        new = self.distinct.difference(stays.values())
        if self.has_twins or before.has_twins or len(new) > FEW_NEW:
            return {}
        there = {key: (stretch,) for stretch in new for key in stretch.keys}
        gone = (stretch.keys for stretch in before.stretches if there and stretch not in stays)
        before.lack(there.keys() - set[RecordKey]().union(*gone))
        if len(before.holders) > MOST_REMEMBERED:
            return {**there}
        stayed = {
            key: tuple(stays[each] for each in held if each in stays) for key, held in before.holders.items()
        }
        return {**stayed, **there}

    def _staying(self, before: Stretched) -> dict[Stretch, Stretch]:
        """The stretches of the version before that are here, and what says something new about the very keys
        of one in its place.
        """
        theirs = {id(keys): stretch for stretch, keys in before._looked_through}
        ours = ((theirs.get(id(keys)), stretch) for stretch, keys in self._looked_through)
        return {stood: stretch for stood, stretch in ours if stood is not None}

    def lack(self, keys: Iterable[RecordKey]) -> None:
        """Remember that these keys are not here."""
        self._holders.update(dict.fromkeys(keys, ()))

    @property
    def holders(self) -> Mapping[RecordKey, Sequence[Stretch]]:
        """What was looked for so far, and in which stretches it is."""
        return self._holders

    @property
    def _looked_through(self) -> Sequence[tuple[Stretch, Mapping[RecordKey, object]]]:
        if self._keys is None:
            self._keys = [(stretch, stretch.keys) for stretch in self.stretches]
        return self._keys

    def __iter__(self) -> Iterator[RecordKey]:
        keys = chain.from_iterable(stretch.keys for stretch in self.stretches)
        return iter(dict.fromkeys(keys)) if self.has_twins else keys

    def __len__(self) -> int:
        return len(self.whole()) if self.has_twins else sum(len(stretch.keys) for stretch in self.stretches)

    def __repr__(self) -> str:
        return f"Stretched({self.whole()!r})"

    def whole(self) -> dict[RecordKey, Record]:
        """All of them in one dictionary of the caller's own."""
        if self.has_twins:
            return joined(record for stretch in self.stretches for record in stretch.passing().values())
        return dict(self._passing())

    def items(self) -> Any:
        """Like those of a dictionary, as they are passed by; looking each one up would look through all
        stretches each time.
        """
        return self.whole().items() if self.has_twins else self._passing()

    def values(self) -> Any:
        """Likewise."""
        return (record for _, record in self.items())

    def _passing(self) -> Iterator[tuple[RecordKey, Record]]:
        """Of many stretches what is read is let go again; who looks at few is likely to look once more."""
        are_few = len(self.stretches) <= FEW_STRETCHES
        return chain.from_iterable(
            (each.by_key if are_few else each.passing()).items() for each in self.stretches
        )


def stretched(records: Records) -> Stretched:
    """Any records in stretches."""
    if isinstance(records, Stretched):
        return records
    said = list(records.values())
    starts = range(0, len(said), LINES_TOGETHER)
    return Stretched(Stretch(said[start : start + LINES_TOGETHER]) for start in starts)


class Amended(Mapping[RecordKey, Record]):
    """Records one step away from others, which are held only once."""

    __slots__ = ("base", "step")

    def __init__(self, base: Records, step: Step) -> None:
        self.base = base
        self.step = step

    def __getitem__(self, key: RecordKey) -> Record:
        record = self.step[key] if key in self.step else self.base[key]
        if record is None:
            raise KeyError(key)
        return record

    def __contains__(self, key: object) -> bool:
        return self.step[key] is not None if key in self.step else key in self.base  # type: ignore[index]

    def __iter__(self) -> Iterator[RecordKey]:
        return iter(self.whole())

    def __len__(self) -> int:
        come = sum(1 for key, record in self.step.items() if record is not None and key not in self.base)
        gone = sum(1 for key, record in self.step.items() if record is None and key in self.base)
        return len(self.base) + come - gone

    def __repr__(self) -> str:
        return f"Amended({self.whole()!r})"

    def whole(self) -> dict[RecordKey, Record]:
        """All of them in one dictionary of the caller's own."""
        found = whole(self.base)
        apply_step(found, self.step)
        return found

    def items(self) -> Any:
        """Like those of a dictionary."""
        return self.whole().items()

    def values(self) -> Any:
        """Likewise."""
        return self.whole().values()


def whole(records: Records) -> dict[RecordKey, Record]:
    """Any records in one dictionary of the caller's own."""
    return records.whole() if isinstance(records, Stretched | Amended) else dict(records)


def among(records: Records, keys: Collection[RecordKey]) -> dict[RecordKey, Record]:
    """Those of some records that have one of these keys, looked for together."""
    if isinstance(records, Stretched) and len(keys) > FEW_KEYS:
        return records.among(keys if isinstance(keys, Set) else frozenset(keys))
    if isinstance(records, Amended):
        found = among(records.base, [key for key in keys if key not in records.step])
        apply_step(found, {key: records.step[key] for key in keys if key in records.step})
        return found
    return {key: record for key in keys if (record := records.get(key)) is not None}


FEW_KEYS = 8
"""So many are looked for one by one, which costs a glance at each stretch; more, by comparing sets."""


def counts_of(records: Records) -> Counts:
    """How much some records hold; of what versions share, each stretch is counted once for all."""
    if isinstance(records, Amended):
        gone = Counts.of(among(records.base, records.step.keys()).values())
        come = Counts.of(record for record in records.step.values() if record is not None)
        return counts_of(records.base).without(gone).plus(come)
    if isinstance(records, Stretched) and not records.has_twins:
        return reduce(Counts.plus, [stretch.counts for stretch in records.stretches], Counts())
    return Counts.of(whole(records).values())


def apply_step(records: dict[RecordKey, Record], step: Step) -> None:
    """Change `records` in place by one step."""
    for key, record in step.items():
        if record is None:
            records.pop(key, None)
        else:
            records[key] = record


def differing(one: Records, other: Records) -> Iterator[tuple[RecordKey, Record | None, Record | None]]:
    """The records of two graphs that are not the same, as (key, in one, in other)."""
    mine, apart = _unshared(one, other)
    theirs = whole(apart)
    for key, record in mine.items():
        twin = theirs.pop(key, None)
        if twin is not record and twin != record:
            yield key, record, twin
    for key, record in theirs.items():
        yield key, None, record


def _unshared(one: Records, other: Records) -> tuple[Records, Records]:
    """What two graphs hold apart from all that they share."""
    if one is other:
        return {}, {}
    if isinstance(one, Amended) or isinstance(other, Amended):
        below = _unshared(*(each.base if isinstance(each, Amended) else each for each in (one, other)))
        steps = [each.step for each in (one, other) if isinstance(each, Amended)]
        return _both(one, other, chain(*below, *steps))
    if not (isinstance(one, Stretched) and isinstance(other, Stretched)):
        return whole(one), whole(other)
    mine, theirs = one.apart_from(other), other.apart_from(one)
    if one.has_twins or other.has_twins:
        return _both(one, other, chain(mine, theirs))
    return mine, theirs


def _both(one: Records, other: Records, keys: Iterable[RecordKey]) -> tuple[Records, Records]:
    """Some records of two graphs."""
    keys = dict.fromkeys(keys)
    return {key: one[key] for key in keys if key in one}, {key: other[key] for key in keys if key in other}


def in_order(records: Records, keys: Collection[RecordKey]) -> list[RecordKey]:
    """Those of some keys that stand among records, in their order."""
    if not isinstance(records, Stretched):
        return [key for key in records if key in keys]
    stretches: Iterable[Stretch] = records.stretches
    if len(keys) < LINES_TOGETHER:
        stretches = [each for each in stretches if any(key in each.keys for key in keys)]
    return list(dict.fromkeys(key for stretch in stretches for key in stretch.keys if key in keys))


def last_of(records: Records) -> RecordKey | None:
    """The last of some records, None where there is none."""
    if isinstance(records, Stretched) and not records.has_twins:
        return next((key for each in reversed(records.stretches) for key in reversed(tuple(each.keys))), None)
    return next(reversed(whole(records)), None)


def entity_order(records: Records) -> Order:
    """The entities among records, in their order."""
    if isinstance(records, Stretched) and not records.has_twins:
        return Order(stretch.names for stretch in records.stretches)
    return Order.of(key[1] for key in records if key[0] == "e")


class LateNames(Sequence[str]):
    """The entities among some keys, read when somebody asks for one; how many there are is known before."""

    __slots__ = ("_count", "_keys", "_names")

    def __init__(self, count: int, keys: Iterable[RecordKey]) -> None:
        self._count = count
        self._keys = keys
        self._names: tuple[str, ...] | None = None

    @property
    def _read(self) -> tuple[str, ...]:
        if self._names is None:
            self._names = tuple(key[1] for key in self._keys if key[0] == "e")
        return self._names

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...

    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        return self._read[at]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, LateNames | tuple) and self._read == tuple(other))

    def __hash__(self) -> int:
        return hash(self._read)


class Order(Sequence[str]):
    """Names in the order in which they stand, each once, in parts that versions share; and their sizes."""

    __slots__ = ("parts", "sizes")

    def __init__(self, parts: Iterable[Sequence[str]] = ()) -> None:
        sized = [(part, size) for part in parts if (size := len(part))]
        self.parts = tuple([part for part, _ in sized])
        self.sizes = tuple([size for _, size in sized])

    @classmethod
    def of(cls, names: Iterable[str]) -> Order:
        """Names that nobody shares yet."""
        all_names = tuple(names)
        starts = range(0, len(all_names), LINES_TOGETHER)
        return cls(all_names[at : at + LINES_TOGETHER] for at in starts)

    def __len__(self) -> int:
        return sum(self.sizes)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...

    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        return tuple(self)[at]

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self.parts)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Order):
            return self.parts == other.parts or tuple(self) == tuple(other)
        return isinstance(other, tuple) and tuple(self) == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Order.of({list(self)!r})"

    def apart(self, other: Order) -> Apart:
        """Where two orders differ: what lies between their common beginning and their common end."""
        head = _common(self.parts, other.parts)
        most = min(len(self.parts), len(other.parts)) - head
        tail = _common(self.parts[::-1], other.parts[::-1], most)
        mine = tuple(chain.from_iterable(self.parts[head : len(self.parts) - tail]))
        theirs = tuple(chain.from_iterable(other.parts[head : len(other.parts) - tail]))
        at = _common(mine, theirs)
        end = _common(mine[::-1], theirs[::-1], min(len(mine), len(theirs)) - at)
        start = at + sum(self.sizes[:head])
        return Apart(start, mine[at : len(mine) - end], theirs[at : len(theirs) - end])

    def spliced(self, at: int, gone: int, come: Sequence[str]) -> Order:
        """The order with `come` in the place of the `gone` names from `at` on."""
        (head, begin), (tail, end) = self._found(at), self._found(at + gone)
        kept = self.parts[tail][end:] if tail < len(self.parts) else ()
        middle = (*(self.parts[head][:begin] if head < len(self.parts) else ()), *come, *kept)
        order = Order.of(middle)
        order.parts = (*self.parts[:head], *order.parts, *self.parts[tail + 1 :])
        order.sizes = (*self.sizes[:head], *order.sizes, *self.sizes[tail + 1 :])
        return order

    def _found(self, at: int) -> tuple[int, int]:
        """The part in which a place lies, and where in it; behind the last one for the end."""
        ends = list(accumulate(self.sizes, initial=0))
        number = bisect_right(ends, at, lo=1) - 1
        return number, at - ends[number]


class Apart(NamedTuple):
    """Where two orders differ: from place `at` on, one has `mine` and the other `theirs`."""

    at: int
    mine: tuple[str, ...]
    theirs: tuple[str, ...]


def _common(one: Sequence[object], other: Sequence[object], most: int | None = None) -> int:
    """How many members two sequences have in common at their beginning, at most `most`."""
    limit = min(len(one), len(other)) if most is None else most
    if one[:limit] == other[:limit]:
        return limit
    return next(at for at in range(limit) if one[at] is not other[at] and one[at] != other[at])
