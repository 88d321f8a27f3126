"""What one replica says, by record; a line is read when somebody first asks for its record.

    stored line ── asked for ──▶ facts          unread: name → stored line      read: key → facts

Rule 1: what is said never depends on what was read: read or not, two of these are equal if their facts are.
Rule 2: a line nobody asks for is never read. Its numbers stand before it, so that nobody has to ask for
them, its place in the fragment, or whether it changed.
Rule 3: what a stored line looks like is known to whoever stored it (`Stored`), not here; nor where it lies
(`unread.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Set
from itertools import chain
from typing import NamedTuple, Protocol

from memsync_git.crdt.first import FirstSaying, FirstSayings
from memsync_git.crdt.fragment import RecordFacts
from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.unread import Shelf, Unread
from memsync_git.model import Record, RecordKey

Spans = Iterable[tuple[int, int]]
"""Numbers as inclusive intervals."""

LOOKS_PER_READING = 8
"""To look a line up on a shelf costs as much as going past so many."""


class Glance(NamedTuple):
    """What a line shows where nobody else speaks of its record and none of its facts is removed.

    first, last: time in ms and number of its first fact and of its last.
    """

    record: Record
    first: tuple[int, int]
    last: tuple[int, int]


class Stored(Protocol):
    """How lines are stored."""

    def name_of(self, key: RecordKey) -> str:
        """The name a record's line is stored under."""
        ...

    def numbers_of(self, stored: bytes) -> Spans:
        """The numbers of the facts in a stored line, lowest first."""
        ...

    def read(self, stored: bytes) -> tuple[RecordKey, RecordFacts]:
        """What a stored line says."""
        ...

    def line(self, key: RecordKey, facts: RecordFacts) -> bytes:
        """The line facts are stored as."""
        ...

    def first_line(self, saying: FirstSaying) -> tuple[str, bytes]:
        """The name and the line of what is said of a record for the first time."""
        ...

    def glance(self, stored: bytes) -> Glance | None:
        """What a plain line shows, without reading its facts; None for any other."""
        ...

    def relation(self, stored: bytes) -> RecordKey | None:
        """The relation a line is about, without reading its facts; None for any other line."""
        ...


class Records(MutableMapping[RecordKey, RecordFacts]):
    """The facts of one replica by record, and the record of every number.

    unread: stored lines by name, all of different records, in the way of `stored`.
    """

    __slots__ = ("_homes", "_read", "_stored", "_unread")

    def __init__(
        self,
        read: Mapping[RecordKey, RecordFacts] | None = None,
        *,
        unread: Mapping[str, bytes] | None = None,
        stored: Stored | None = None,
    ) -> None:
        self._read: dict[RecordKey, RecordFacts] = {} if read is None else dict(read)
        readable = None if stored is None else unread
        self._unread = readable.copy() if isinstance(readable, Unread) else Unread(readable)
        self._stored = stored
        self._homes: Homes | None = None

    @classmethod
    def of(cls, records: Mapping[RecordKey, RecordFacts]) -> Records:
        """A copy of any mapping; what is unread in it stays so."""
        if isinstance(records, Records):
            return cls(records.read, unread=records.unread, stored=records.stored)
        return cls(records)

    @property
    def read(self) -> Mapping[RecordKey, RecordFacts]:
        """What was read so far."""
        return self._read

    @property
    def unread(self) -> Unread:
        """What nobody has asked for yet, as it is stored."""
        return self._unread

    def names(self) -> Iterable[str]:
        """The names all lines are stored under, read or not; nothing, where it is not said how."""
        stored = self._stored
        return () if stored is None else chain(self._unread, map(stored.name_of, self._read))

    def names_among(self, names: Set[str]) -> Set[str]:
        """The names of its lines among some: each is looked for, or where they are many, all are seen."""
        if len(names) * LOOKS_PER_READING > len(self):
            return names & set(self.names())
        read = set() if self._stored is None else names & set(map(self._stored.name_of, self._read))
        return read | {name for name, _ in self._unread.among(names - read)}

    @property
    def weight(self) -> int:
        """How many lines and facts are held here, or known to lie elsewhere no longer."""
        return len(self._read) + self._unread.weight

    def rest_on(self, shelf: Shelf, stored: Stored) -> None:
        """All that is said here lies on this shelf now, in the way of `stored`: it need not be held."""
        self._read, self._unread, self._stored = {}, Unread(shelf=shelf), stored

    def glance(self, line: bytes, gone: Intervals) -> Glance | None:
        """What a stored line shows at a glance; None if it is not plain, or a fact of it is `gone`."""
        stored = self._stored
        if stored is None:
            return None
        if gone and any(n in gone for n in _numbers(stored.numbers_of(line))):
            return None
        return stored.glance(line)

    def relations(self) -> Iterator[RecordKey]:
        """The relations it speaks of; no line is read for it."""
        yield from (key for key in self._read if key[0] == "l")
        if self._stored is not None:
            yield from filter(None, map(self._stored.relation, self._unread.values()))

    @property
    def homes(self) -> Homes:
        """The record of every number; made when first asked for, kept up from then on."""
        if self._homes is None:
            self._homes = Homes(self)
        return self._homes

    @property
    def stored(self) -> Stored | None:
        """How the unread lines are to be read."""
        return self._stored

    def line(self, key: RecordKey) -> bytes | None:
        """The line a record is stored as, unread if it is unread; None where there is none."""
        if self._stored is None:
            return None
        if key not in self._read:
            return self.unread_line(key)
        return self._stored.line(key, self._read[key])

    def put_away(self, new: FirstSayings) -> bool:
        """Take in what is said of records there are none of; nobody is expected to ask for it soon.

        Return whether they are stored as lines.
        """
        if self._stored is None:
            self.update((saying.record.key, saying.facts) for saying in new.sayings())
            return False
        shelf = new.stored_as(self._stored)
        if len(self):
            self.lay_by(shelf.lines())
        else:
            self._unread, self._homes = Unread(shelf=shelf), None
        return True

    def unread_line(self, key: RecordKey) -> bytes | None:
        """The line of a record nobody has asked for; None where there is none."""
        if self._stored is None or not self._unread:
            return None
        return self._unread.get(self._stored.name_of(key))

    def relay(self, lines: Mapping[str, tuple[bytes | None, bytes | None]]) -> None:
        """Put stored lines in the place of the unread ones that stood there, by name; None: there is none."""
        gone = {name: stood for name, (stood, _) in lines.items() if stood is not None}
        self._unread.leave(*gone)
        if self._homes is not None:
            for name, stood in gone.items():
                self._homes.leave_unread(name, stood)
        self.lay_by([(name, line) for name, (_, line) in lines.items() if line is not None])

    def lay_by(self, lines: Iterable[tuple[str, bytes]]) -> None:
        """Take in stored lines, by name, of records there are none of."""
        if self._homes is None:
            self._unread.lay(lines)
            return
        for name, stored in lines:
            self._unread.lay([(name, stored)])
            self._homes.enter_unread(name, stored)

    # --- as a mapping

    def __getitem__(self, key: RecordKey) -> RecordFacts:
        found = self.said_of(key)
        if found is None:
            raise KeyError(key)
        return found

    def said_of(self, key: RecordKey) -> RecordFacts | None:
        """The facts of a record, None where there are none: of all who are asked, few speak of it."""
        found = self._read.get(key)
        if found is None and self._stored is not None and self._unread:
            return self.read_by_name(self._stored.name_of(key))
        return found

    def read_by_name(self, name: str) -> RecordFacts | None:
        """The facts of a line by the name it is stored under; None if it is not unread."""
        line = self._unread.get(name)
        if line is None or self._stored is None:
            return None
        key, facts = self._stored.read(line)
        self._unread.leave(name)
        self._enter(key, facts)
        return facts

    def _enter(self, key: RecordKey, facts: RecordFacts) -> None:
        self._read[key] = facts
        if self._homes is not None:
            self._homes.enter(key, facts)

    def __contains__(self, key: object) -> bool:
        return key in self._read or (isinstance(key, tuple) and self.is_unread(key))

    def is_unread(self, key: RecordKey) -> bool:
        """Whether there is a line of this record that nobody has asked for."""
        return self.unread_line(key) is not None

    def __setitem__(self, key: RecordKey, facts: RecordFacts) -> None:
        if key in self:
            del self[key]
        self._enter(key, facts)

    def __delitem__(self, key: RecordKey) -> None:
        facts = self[key]
        del self._read[key]
        if self._homes is not None:
            self._homes.leave(key, facts)

    def __iter__(self) -> Iterator[RecordKey]:
        if self._stored is not None:
            for key, facts in list(map(self._stored.read, self._unread.values())):
                self._enter(key, facts)
            self._unread = Unread()
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read) + len(self._unread)

    def __repr__(self) -> str:
        return f"Records({dict(self)!r})"


class Homes(Mapping[int, RecordKey]):
    """Number → record, over the lines of one replica; made by `Records.homes`."""

    __slots__ = ("_homes", "_records")

    def __init__(self, records: Records) -> None:
        self._records = records
        self._homes: dict[int, RecordKey | str] = {}
        for key, facts in records.read.items():
            self.enter(key, facts)
        for name, stored in records.unread.items():
            self.enter_unread(name, stored)

    def enter(self, key: RecordKey, facts: RecordFacts) -> None:
        """These facts stand in this record from now on."""
        self._homes.update((entry.n, key) for entry in facts.entries())

    def enter_unread(self, name: str, stored: bytes) -> None:
        """The facts of a stored line stand in the record it is stored for."""
        self._homes.update(dict.fromkeys(_numbers(self._stored.numbers_of(stored)), name))

    @property
    def _stored(self) -> Stored:
        assert self._records.stored is not None
        return self._records.stored

    def leave(self, key: RecordKey, facts: RecordFacts) -> None:
        """These facts do not stand in this record any more; one that has come to another stays there."""
        for entry in facts.entries():
            if self._homes.get(entry.n) == key:
                del self._homes[entry.n]

    def leave_unread(self, name: str, stored: bytes) -> None:
        """The same of those of a stored line. Its home is known by key, if it was read once and let go."""
        for n in _numbers(self._stored.numbers_of(stored)):
            home = self._homes.get(n)
            if home is not None and (home if isinstance(home, str) else self._stored.name_of(home)) == name:
                del self._homes[n]

    def __getitem__(self, n: int) -> RecordKey:
        if isinstance(self._homes[n], str):
            self._records.read_by_name(str(self._homes[n]))
        return tuple(self._homes[n])

    def __contains__(self, n: object) -> bool:
        return n in self._homes

    def __iter__(self) -> Iterator[int]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


def _numbers(spans: Spans) -> Iterator[int]:
    return (n for low, high in spans for n in range(low, high + 1))


def changed(old: Records, new: Records) -> set[RecordKey]:
    """The records of which two fragments of one replica do not hold the same facts.

    A stored line that stands in both is the same without being read.
    """
    return changed_under(old.unread.differing(new.unread), old, new)


def changed_under(names: Iterable[str], old: Records, new: Records) -> set[RecordKey]:
    """The same, where unread lines differ under these names and no others."""
    for name in names:
        for records in (old, new):
            records.read_by_name(name)
    keys = {key for key, facts in new.read.items() if not _is_same(old.get(key), facts)}
    return keys | {key for key in old.read if key not in new}


def _is_same(one: RecordFacts | None, other: RecordFacts) -> bool:
    """Whether these are the very same facts, or were read from one line."""
    return one is other or (one is not None and one.raw is not None and one.raw == other.raw)
