"""What is said of records nobody has spoken of: every fact of each at once.

    records of a file ── numbered ──▶ sayings ── asked for ──▶ stored lines    (a shelf over the file itself)

Rule 1: the facts are those of saying its items one by one; only quicker, for there is nothing to ask.
Rule 2: nothing is held but where in the file a record stands and the number of its first fact: the lines of
a whole memory are made some at a time, when they are saved or asked for.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from itertools import groupby
from typing import NamedTuple, Protocol

from memsync_git.crdt.fragment import NO_FIELD_ENTRIES, NO_HINTS, Entry, Hint, RecordFacts
from memsync_git.model import Entity, Record, RecordKey, Rid
from memsync_git.stretches import Records, Stretched, counts_of, stretched

LINES_MADE_TOGETHER = 4096
"""Two MiB of an ordinary memory. Each time the whole file is cut into lines once, a fifth of what reading the
records costs."""
PREFIX_CHARS = 16
"""Of a name: 64 bits tell the names of a memory apart, or put a few of them next to each other."""


class FirstSaying(NamedTuple):
    """A whole record, said for the first time.

    n: the number of the first fact; they are numbered on from there. now_ms: what the clock says. ts: the
    time of registers.
    """

    record: Record
    rid: Rid
    n: int
    now_ms: int
    ts: int

    @property
    def stamped_ms(self) -> int:
        """The time of what is no register, as `Pen.add` stamps what was never seen before."""
        return max(self.now_ms, 1)

    @property
    def facts(self) -> RecordFacts:
        """The facts, made anew each time."""
        record, rid, n, now_ms, ts = self
        first, stamped_ms = n, self.stamped_ms
        wall_ms = now_ms if stamped_ms != now_ms else None
        types: tuple[Entry, ...] = ()
        observations: tuple[Entry, ...] = ()
        existence: tuple[Entry, ...] = ()
        if isinstance(record, Entity):
            types = (Entry(n, ts, record.type),)
            said = enumerate(dict.fromkeys(record.observations), n + 1)
            observations = tuple([Entry(at, stamped_ms, each, wall_ms) for at, each in said])
        else:
            existence = (Entry(n, stamped_ms, None, wall_ms),)
        n += 1 + len(observations)
        fields = {name: (Entry(at, ts, value),) for at, (name, value) in enumerate(record.fields.items(), n)}
        hinted = {name: ((ts, rid, entries[0].n), entries[0].value) for name, entries in fields.items()}
        kind = ((ts, rid, first), record.type) if isinstance(record, Entity) else None
        hint = Hint(kind, hinted or NO_HINTS) if kind is not None or hinted else None
        return RecordFacts(types, observations, existence, fields or NO_FIELD_ENTRIES, hint)


class Naming(Protocol):
    """How lines are stored, as far as it is needed here; see `crdt.records.Stored`."""

    def name_of(self, key: RecordKey) -> str: ...

    def first_line(self, saying: FirstSaying) -> tuple[str, bytes]: ...


class FirstSayings:
    """What one replica says of all those records of a file that nobody has spoken of; see `Shelf`.

    n: the number of the first fact. now_ms, ts: as in `FirstSaying`. known: the records that are left out.
    """

    def __init__(
        self, records: Records, rid: Rid, n: int, *, now_ms: int, ts: int, known: Set[RecordKey]
    ) -> None:
        self._records = _without_twins(records)
        self._rid, self._now_ms, self._ts = rid, now_ms, ts
        self._keys: list[RecordKey] = []
        self._numbers = array("Q")
        self._ends = array("Q")
        self._stored: Naming | None = None
        self._places: dict[str, int] | None = None
        for stretch in self._records.stretches:
            for key, size in zip(stretch.keys, stretch.sizes, strict=True):
                if key not in known:
                    self._keys.append(key)
                    self._numbers.append(n)
                    n += size
            self._ends.append(len(self._keys))
        self.next = n
        self._is_whole = not known

    @property
    def keys(self) -> Collection[RecordKey]:
        """The records, in file order."""
        return self._keys

    @property
    def kinds(self) -> Mapping[str, int] | None:
        """How many facts of each kind there are; None where only some of the records are said."""
        if not self._is_whole or not self._keys:
            return None
        counts = counts_of(self._records)
        fields = self.next - self._numbers[0] - sum(counts)
        kinds = {"t": counts.entities, "o": counts.observations, "l": counts.relations}
        return {**kinds, "d": counts.other, "f": fields}

    def __iter__(self) -> Iterator[Record]:
        """The records, passed by."""
        return (saying.record for saying in self.sayings())

    def sayings(self) -> Iterator[FirstSaying]:
        """What is said, record by record."""
        begin = 0
        for number, end in enumerate(self._ends):
            if end > begin:
                yield from self._in_stretch(number, range(begin, end))
            begin = end

    def _in_stretch(self, number: int, places: Sequence[int]) -> Iterator[FirstSaying]:
        """What is said of some records that stand in one stretch."""
        at = {self._keys[place]: place for place in places}
        for key, record in self._records.stretches[number].looked_up(at.keys()).items():
            yield FirstSaying(record, self._rid, self._numbers[at[key]], self._now_ms, self._ts)

    # --- as a shelf

    def stored_as(self, stored: Naming) -> FirstSayings:
        """The same as lines that are stored like this."""
        self._stored = stored
        return self

    @property
    def naming(self) -> Naming:
        assert self._stored is not None, "nobody has said how lines are stored"
        return self._stored

    @property
    def weight(self) -> int:
        """How much is remembered here."""
        return len(self._keys)

    def line(self, name: str) -> bytes | None:
        """One line, or None."""
        return next((line for _, line in self.among([name])), None)

    @property
    def _by_name(self) -> Mapping[str, int]:
        """Name → place, made when somebody first asks for a line by its name."""
        if self._places is None:
            self._places = {each: place for place, each in enumerate(self.names())}
        return self._places

    def among(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Those under some names, made now."""
        places = self._by_name
        return self._lines_at(sorted(places[name] for name in names if name in places))

    def lines(self, together: int = LINES_MADE_TOGETHER) -> Iterator[tuple[str, bytes]]:
        """All of them in the order of their names, made as they are taken, so many `together`."""
        prefixes = array("Q", (int(name[:PREFIX_CHARS], 16) for name in self.names()))
        order = sorted(range(len(prefixes)), key=prefixes.__getitem__)
        for begin in range(0, len(order), together):
            yield from sorted(self._lines_at(sorted(order[begin : begin + together])))

    def _lines_at(self, places: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        for number, some in groupby(places, lambda place: bisect_right(self._ends, place)):
            yield from map(self.naming.first_line, self._in_stretch(number, list(some)))

    def names(self) -> Iterator[str]:
        """Their names alone, in file order."""
        return map(self.naming.name_of, self._keys)

    def rested_on(self, by: object) -> None:
        """It says the same for as long as anybody rests on it."""

    def __len__(self) -> int:
        return len(self._keys)


def _without_twins(records: Records) -> Stretched:
    """Records in stretches, so that each is read from one of them."""
    found = stretched(records)
    return stretched(found.whole()) if found.has_twins else found
