r"""The rows of a memory file as they stand in it, in lines that versions share.

    file        {"type":"entity", …}\n{"type":"entity", …}\n …
    Lines       └───── text, and what it says ─────┘ └──── …

Rule 1: the texts of all lines, joined by line feeds, are the file, where nothing in it was damaged.
Rule 2: a version read or written after another one holds the very `Lines` of it that did not change.
Rule 3: the bytes of a file are held once. Lines lie in those of the newest version they stand in; where they
lie never changes what they are.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from hashlib import sha256
from itertools import chain, pairwise, takewhile
from typing import NamedTuple, overload
from weakref import ReferenceType, ref

from memsync_git.filebytes import FileBytes, Piece, holder, window
from memsync_git.formats.lying import Cut, Growing, Lengths, Patched, Place, Sliced
from memsync_git.formats.rows import Damage, is_blank
from memsync_git.model import EVERYTHING, Entity, Graph, Projection, Record, RecordKey
from memsync_git.stretches import LINES_TOGETHER, Counts, LateNames, Records, Stretch, Stretched, joined
from memsync_git.values import dataclass, field

FEW_LINES = LINES_TOGETHER // 4
"""Fewer are put together with their neighbours, so that many small changes leave no crumbs."""

MOST_BY_ITSELF = LINES_TOGETHER // 8
"""So many lines of a stretch are cut out and read one by one; then all of them are, which costs as much."""


class Row(NamedTuple):
    """One readable row: its bytes without the line end, and what it says (None: it stays as it is)."""

    raw: bytes
    record: Record | None


class Lines(Stretch):
    """Lines that stand together in a file: their bytes, and what each says in a projection."""

    __slots__ = ("__weakref__", "_blanks", "_count", "_keys", "_lengths", "_place", "_revised", "projection")

    def __init__(self, text: bytes, records: Iterable[Record | None], projection: Projection) -> None:
        super().__init__(records)
        self._place = Place.of(text)
        self._revised: tuple[ReferenceType[Lines], Sequence[int]] | None = None
        self.projection = projection
        self._keys: Mapping[RecordKey, object] | None = None
        self._blanks: int | None = None
        self._count: int | None = None
        self._lengths: Lengths = array("L")

    @property
    def place(self) -> Place:
        """Where they lie, without the last line's end."""
        return self._place

    @property
    def text(self) -> bytes:
        """Their bytes."""
        return self.place.text

    @property
    def size(self) -> int:
        """How many bytes they are."""
        return self._place.size

    def lies_in(self, data: FileBytes, start: int) -> bool:
        """Whether they lie just there."""
        place = self._place
        return place.start == start and place.data is holder(data, place.end)

    def lie_in(self, data: Sliced, start: int) -> None:
        """Lie in the bytes of a whole file, where they stand from `start` on; they are not held besides."""
        end = start + self.size
        self._place = Place(holder(data, end), start, end)

    def stands_in(self, data: FileBytes, at: int) -> bool:
        """Whether these very bytes begin there."""
        return data.startswith(self.text, at)

    @property
    def keys(self) -> Mapping[RecordKey, object]:
        """The keys of its records; lines revised of others have the very keys of those."""
        return self.by_key if self._keys is None else self._keys

    @property
    def raws(self) -> Sequence[bytes]:
        """The bytes of every line."""
        return self.text.split(b"\n")

    @property
    def blanks(self) -> int:
        """How many lines are blank, and so no rows."""
        if self._blanks is None:
            silent = any(record is None for record in self.records)
            self._blanks = sum(map(_is_blank_row, self._lines())) if silent else 0
        return self._blanks

    def rows(self) -> tuple[Sequence[bytes], Sequence[Record | None]]:
        """Its rows in two columns; blank lines are none."""
        if not self.blanks:
            return self.raws, self.records
        rows = list(self)
        return [row.raw for row in rows], [row.record for row in rows]

    @property
    def has_one_each(self) -> bool:
        """Whether every line is a record of its own, so that the keys say which line a record stands on."""
        return len(self.keys) == len(self)

    def places_of(self, keys: Set[RecordKey]) -> dict[RecordKey, int]:
        """On which lines some of its records stand, where every line is a record of its own."""
        return {key: at for at, key in enumerate(self.keys) if key in keys}

    def cut(self, numbers: Iterable[int]) -> Cut:
        """Some of the lines. How long those up to the last of them are is remembered, and carried on."""
        return self.place.cut(numbers, self._lengths)

    def revised(self, cut: Cut, raws: Mapping[int, bytes], new: Mapping[int, Record]) -> Lines:
        """The same with these lines in the place of those that were cut out; `new`: what each says. Each is
        a record of its own and keeps its key.
        """
        lines = Lines(b"", self._said_with(new), self.projection)
        lines._keys = self.keys
        self._hand_on(lines, cut, raws, new)
        return lines

    def anew_since(self, before: Lines) -> Mapping[int, bytes] | None:
        """The lines that were written anew when these were revised of others; None where they were not, or
        not at once.
        """
        if self._revised is None or self._revised[0]() is not before:
            return None
        data = self.place.data
        return data.new if isinstance(data, Patched) else self.cut(self._revised[1]).raws

    def _hand_on(self, lines: Lines, cut: Cut, raws: Mapping[int, bytes], new: Mapping[int, Record]) -> None:
        """Tell lines that were revised of these what is known of them without a look."""
        lines._place = cut.patched(raws)
        lines._lengths = self._lengths[:]
        for number, raw in raws.items():
            lines._lengths[number] = len(raw)
        lines._revised = ref(self), tuple(cut.spans)
        lines._blanks, lines._names, lines._count = 0, self._names, self._count
        if self._counts is not None:
            more = sum(_noted(record) - _noted(self.record(record.key)) for record in new.values())
            lines._counts = self._counts._replace(observations=self._counts.observations + more)

    def _said_with(self, new: Mapping[int, Record]) -> tuple[Record | None, ...]:
        """What the lines say, with some of them written anew."""
        said = list(self.records)
        for at, record in new.items():
            said[at] = record
        return tuple(said)

    def unread(self, read: Reader) -> KeptLines:
        """The same without what they say, which `read` finds again."""
        places = {record.key: at for at, record in enumerate(self.records) if record is not None}
        return KeptLines(self.text, places, self.blanks, self.projection, read, self.counts, self.sizes)

    def _lines(self) -> Iterator[Row]:
        return map(Row._make, zip(self.raws, self.records, strict=True))

    def __len__(self) -> int:
        if self._count is None:
            self._count = self.text.count(b"\n") + 1
        return self._count

    def __iter__(self) -> Iterator[Row]:
        lines = self._lines()
        return (row for row in lines if not _is_blank_row(row)) if self.blanks else lines


class KeptLines(Lines):
    """Lines that were read before, here or by an earlier process: their records are read again when somebody
    asks for one.

    keys: those of the records, with the line each stands on where every line is a record of its own.
    blanks: how many lines are none. read: what the lines of a text say. counts: what they hold, and sizes:
    how many items each record says, if known.
    """

    __slots__ = ("_asked_for", "_places", "_reader", "_said")

    def __init__(
        self,
        text: bytes,
        keys: Mapping[RecordKey, int],
        blanks: int,
        projection: Projection,
        read: Reader,
        counts: Counts | None = None,
        sizes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(text, (), projection)
        self._keys = self._places = keys
        self._said: tuple[Record | None, ...] | None = None
        self._asked_for: dict[RecordKey, Record] = {}
        self._blanks, self._counts, self._sizes = blanks, counts, sizes
        self._reader = read

    @property
    def records(self) -> tuple[Record | None, ...]:
        """What each of the lines says, read now if nobody has asked before."""
        if self._said is None:
            self._said = tuple(self._reader(self.text, self.projection))
        return self._said

    def record(self, key: RecordKey) -> Record:
        """One record, read from its own line where every line is a record of its own."""
        found = self._asked_for.get(key)
        return self._looked_at(key) if found is None else found

    def _looked_at(self, key: RecordKey) -> Record:
        """One that nobody has asked for by itself."""
        if self._said is not None or not self.has_one_each or len(self._asked_for) >= MOST_BY_ITSELF:
            return super().record(key)
        (raw,) = self.cut([self._places[key]]).raws.values()
        (record,) = self._reader(raw, self.projection)
        if record is None:
            raise KeyError(key)
        self._asked_for[key] = record
        return record

    def places_of(self, keys: Set[RecordKey]) -> dict[RecordKey, int]:
        """The same, which is known without a look."""
        return {key: self._places[key] for key in keys}

    def passing(self) -> Mapping[RecordKey, Record]:
        """Its records by key; read for this look, unless somebody has asked for all of them before."""
        if self._said is not None:
            return self.by_key
        return joined(record for record in self._reader(self.text, self.projection) if record is not None)

    def looked_up(self, keys: Set[RecordKey]) -> dict[RecordKey, Record]:
        """Some of its records, read from their own lines where every line is a record of its own."""
        if self._said is not None or not self.has_one_each or len(keys) == len(self):
            return super().looked_up(keys)
        raws = self.raws
        text = b"\n".join([raws[at] for key, at in self._places.items() if key in keys])
        return joined(record for record in self._reader(text, self.projection) if record is not None)

    def revised(self, cut: Cut, raws: Mapping[int, bytes], new: Mapping[int, Record]) -> Lines:
        """The keys are the very same, and but for what is new nothing is held of what the lines say: a memory
        that is changed here and there, time and again, would soon be held whole.
        """
        lines = KeptLines(b"", self._places, 0, self.projection, self._reader)
        self._hand_on(lines, cut, raws, new)
        lines._asked_for = {record.key: record for record in new.values()}
        return lines


class Lying(NamedTuple):
    """Where the text of some lines lies: its bytes, its lines, its digest (empty: unknown), how to get it."""

    size: int
    many: int
    digest: str
    fetched: Callable[[], bytes]


class LyingLines(KeptLines):
    """Kept lines whose text lies in the store until somebody asks for it.

    Whether a file holds them shows by their digest.
    """

    __slots__ = ("_lying",)

    def __init__(
        self,
        lying: Lying,
        keys: Mapping[RecordKey, int],
        blanks: int,
        projection: Projection,
        read: Reader,
        counts: Counts,
    ) -> None:
        super().__init__(b"", keys, blanks, projection, read, counts)
        self._lying: Lying | None = lying
        self._count = lying.many
        self._names = LateNames(counts.entities, keys)

    @property
    def place(self) -> Place:
        """Where they lie; they are fetched now if nobody has asked before."""
        self.fetch()
        return super().place

    def fetch(self) -> None:
        """Hold the text from now on."""
        if self._lying is not None:
            text, self._lying = self._lying.fetched(), None
            self._place = Place.of(text)

    @property
    def size(self) -> int:
        """Known without a look."""
        return super().size if self._lying is None else self._lying.size

    def lies_in(self, data: FileBytes, start: int) -> bool:
        """Not while they lie in the store."""
        return self._lying is None and super().lies_in(data, start)

    def lie_in(self, data: Sliced, start: int) -> None:
        """From now on the store is not asked."""
        super().lie_in(data, start)
        self._lying = None

    def stands_in(self, data: FileBytes, at: int) -> bool:
        """The same, found by the digest where one is known."""
        if self._lying is None or not self._lying.digest:
            return super().stands_in(data, at)
        return text_digest(window(data, at, at + self._lying.size)) == self._lying.digest


def text_digest(text: bytes | memoryview) -> str:
    """What tells one text from another."""
    return sha256(text).hexdigest()[:DIGEST_CHARS]


DIGEST_CHARS = 32

Reader = Callable[[bytes, Projection], Iterable[Record | None]]


def _noted(record: Record) -> int:
    """How many observations a record has."""
    return len(record.observations) if isinstance(record, Entity) else 0


def _is_blank_row(row: Row) -> bool:
    return row.record is None and is_blank(row.raw)


class Gathering:
    """Puts lines together: those that are kept as they are, and new ones between them."""

    def __init__(self, projection: Projection) -> None:
        self._projection = projection
        self._parts: list[Lines] = []
        self._raws: list[bytes] = []
        self._records: list[Record | None] = []

    def keep(self, lines: Lines) -> None:
        """Lines that did not change come next."""
        if 0 < len(self._raws) < FEW_LINES:
            self.add(lines.raws, lines.records)
        else:
            self._close()
            self._parts.append(lines)

    def add(self, raws: Iterable[bytes], records: Iterable[Record | None]) -> None:
        """New lines come next."""
        self._raws += raws
        self._records += records

    def finished(self) -> list[Lines]:
        """All of them."""
        if 0 < len(self._raws) < FEW_LINES and self._parts:
            last = self._parts.pop()
            self._raws[:0], self._records[:0] = last.raws, last.records
        self._close()
        return self._parts

    def _close(self) -> None:
        for start, end in evenly(len(self._raws)):
            text, records = b"\n".join(self._raws[start:end]), self._records[start:end]
            self._parts.append(Lines(text, records, self._projection))
        self._raws.clear()
        self._records.clear()


def evenly(count: int) -> Iterator[tuple[int, int]]:
    """Where so many lines are cut into stretches: from which to before which."""
    pieces = max(1, round(count / LINES_TOGETHER))
    return pairwise([count * at // pieces for at in range(pieces + 1)] if count else [])


class Rows(Sequence[Row]):
    """The rows of a file; blank lines between them are none."""

    __slots__ = ("_said", "parts")

    def __init__(self, parts: Iterable[Lines] = (), before: Rows | None = None) -> None:
        """Rows of these lines; `before`: a version most of them were taken from."""
        self.parts = tuple(parts)
        self._said = None if before is None else self._stretched(before.said)

    @classmethod
    def behind(cls, said: Records, projection: Projection) -> Rows | None:
        """The rows that say this, where it was read from rows in this projection."""
        if not isinstance(said, Stretched):
            return None
        parts = [stretch for stretch in said.stretches if isinstance(stretch, Lines)]
        if len(parts) < len(said.stretches) or any(lines.projection != projection for lines in parts):
            return None
        rows = cls(parts)
        rows._said = said
        return rows

    @classmethod
    def of(
        cls, raws: Iterable[bytes], records: Iterable[Record | None], projection: Projection = EVERYTHING
    ) -> Rows:
        """Rows nobody shares yet."""
        gathering = Gathering(projection)
        gathering.add(raws, records)
        return cls(gathering.finished())

    def __len__(self) -> int:
        return sum(len(lines) - lines.blanks for lines in self.parts)

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        return tuple(self)[at]

    def __iter__(self) -> Iterator[Row]:
        return chain.from_iterable(self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows | tuple) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Rows({list(self)!r})"

    @property
    def text(self) -> bytes:
        """The lines as they stand, joined by line feeds."""
        return b"\n".join([lines.text for lines in self.parts])

    @property
    def size(self) -> int:
        """How many bytes the text has."""
        return max(0, sum(lines.size + 1 for lines in self.parts) - 1)

    def shared_with(self, before: Rows) -> int:
        """How many bytes of the text stand in lines that both begin with, but for the last line's end."""
        both = takewhile(lambda pair: pair[0] is pair[1], zip(self.parts, before.parts, strict=False))
        return max(0, sum(lines.size + 1 for lines, _ in both) - 1)

    def pieces(self) -> Iterator[Piece]:
        """The same in pieces, as they lie now."""
        for at, lines in enumerate(self.parts):
            if at:
                yield b"\n"
            yield from lines.place.pieces()

    def gathered(self) -> bytes:
        """The same, in which they lie from now on; what they hold of their own is let go as it is copied."""
        growing, starts = Growing(), list[int]()
        file = growing.file
        for lines in self.parts:
            file.write(b"\n" if starts else b"")
            starts.append(file.tell())
            file.writelines(lines.place.pieces())
            lines.lie_in(growing, starts[-1])
        data = file.getvalue()
        self.settle_in(data)  # at once: a look at what is growing would copy it now
        return data

    def settle_in(self, data: bytes) -> None:
        """Lie in the bytes of a file that was made of just these rows."""
        at = 0
        for lines in self.parts:
            lines.lie_in(data, at)
            at += lines.size + 1

    def lie_in(self, data: FileBytes) -> None:
        """Lie in the bytes of the file these rows are, as far as they stand in it one after another."""
        at = 0
        for lines in self.parts:
            if not lines.lies_in(data, at):
                if not lines.stands_in(data, at):
                    return
                lines.lie_in(data, at)
            at += lines.size + 1

    @property
    def said(self) -> Stretched:
        """What the rows say together, by key, in file order."""
        if self._said is None:
            self._said = self._stretched(None)
        return self._said

    def _stretched(self, before: Stretched | None) -> Stretched:
        return Stretched(self.parts, before)

    def graph(self) -> Graph:
        """The same, as a graph."""
        return Graph(self.said)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a memory file says. `graph` holds what the readable rows say, in file order.

    shared: so many of its first bytes are those of the version it was read after; it may be more.
    """

    variant: str
    rows: Rows
    graph: Graph
    damage: tuple[Damage, ...] = ()
    shared: int = field(default=0, compare=False)

    @property
    def whole(self) -> bool:
        """Whether everything in the file was readable."""
        return not self.damage


def known_rows(parts: Iterable[Lines]) -> Mapping[bytes, Record]:
    """Raw row → record, of rows that need not be parsed again."""
    return {
        raw: record
        for lines in parts
        for raw, record in zip(lines.raws, lines.records, strict=True)
        if record is not None
    }
