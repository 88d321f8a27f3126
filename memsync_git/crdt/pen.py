"""The pen: how changes get into the own fragment.

Rule 1: `Pen` is the only thing that mints facts and removals, and only for its own replica.
Rule 2: a removal names only dots the base knew: `n < vv[rid]`. What came later was not seen, so it stays.
Rule 3: writing a register removes every live entry the base knew, so a later write beats any clock.
Rule 4: whatever is written of a record refreshes the hint of its own line.
Rule 5: garbage is dropped only on the back of a real change, so a quiet fleet writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any

from memsync_git.crdt.changes import ALL_SEEN, Unseen, VersionVector
from memsync_git.crdt.first import FirstSayings
from memsync_git.crdt.fragment import (
    NO_EXTRA,
    NO_FIELD_ENTRIES,
    Entry,
    Header,
    Hint,
    RecordFacts,
    Stamp,
)
from memsync_git.crdt.garbage import revisions_seen, still_needed
from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.crdt.state import State
from memsync_git.crdt.view import hint_of
from memsync_git.model import Entity, Item, Record, RecordKey, Rid, Said, items_of, key_of
from memsync_git.values import dataclass, field, replace

LATEST_TS = 1 << 53
"""Readers refuse larger numbers: after a peer's last possible time the next write must stay readable."""


@dataclass(slots=True)
class _Draft:
    """The own facts of one record while they are being written.

    The hint that stood there stays until a newer one takes its place: once the register's last entry is
    dead and dropped, it is all that is known.
    """

    types: list[Entry]
    observations: list[Entry]
    existence: list[Entry]
    fields: dict[str, list[Entry]]
    hint: Hint | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NO_EXTRA)

    @classmethod
    def of(cls, facts: RecordFacts | None) -> _Draft:
        if facts is None:
            return cls([], [], [], {})
        fields = {name: list(entries) for name, entries in facts.fields.items()}
        return cls(
            list(facts.types),
            list(facts.observations),
            list(facts.existence),
            fields,
            facts.hint,
            facts.extra,
        )

    def slot(self, item: Item) -> list[Entry]:
        """Where the entries of an item's element or register stand."""
        match item[0]:
            case "t":
                return self.types
            case "o":
                return self.observations
            case "f":
                return self.fields.setdefault(str(item[2]), [])
            case _:
                return self.existence

    def finished(self) -> RecordFacts | None:
        fields = {name: tuple(entries) for name, entries in self.fields.items() if entries}
        if not (self.types or self.observations or self.existence or fields):
            return None
        return RecordFacts(
            types=tuple(self.types),
            observations=tuple(self.observations),
            existence=tuple(self.existence),
            fields=fields or NO_FIELD_ENTRIES,
            hint=self.hint,
            extra=self.extra,
        )


@dataclass(slots=True)
class Written:
    """What a pen did: the records whose own facts changed, and the items added and removed.

    beaten: values that stood beside the one a register showed, and were removed with it.
    left_out: the names it was not to write about. lines: what was said of records nobody had spoken of, where
    it is stored as lines; of those, `records` does not tell.
    """

    records: set[RecordKey] = field(default_factory=set)
    lines: FirstSayings | None = None
    touched: set[RecordKey] = field(default_factory=set)
    added: Sequence[Item] = ()
    removed: list[Item] = field(default_factory=list)
    beaten: list[Item] = field(default_factory=list)
    left_out: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.records or self.touched or self.added)


class Pen:
    """Writes facts and removals of one replica into a state; `finish` makes them one new revision.

    `seen`: the records as their writer saw them; a type the state lost is hinted from there.
    """

    def __init__(
        self,
        state: State,
        header: Header,
        *,
        wall_ms: int,
        seen: Mapping[RecordKey, Record] = MappingProxyType({}),
    ) -> None:
        self._state = state
        self._header = header
        self._wall_ms = _readable(wall_ms)
        self._seen = seen
        self._next = header.next
        self._drafts: dict[RecordKey, _Draft] = {}
        self._new: FirstSayings | None = None
        self._removed: dict[Rid, set[int]] = {}
        self._written = Written()
        self._added: list[Item] = []

    @property
    def next(self) -> int:
        return self._next

    # --- reading through what is already written

    def entries(self, item: Item) -> list[tuple[Rid, Entry]]:
        """The live entries of an item's element or of its register, own ones as drafted so far."""
        own = self._header.rid
        found: list[tuple[Rid, Entry]] = []
        for rid, facts in self._state.facts(key_of(item)).items():
            if rid != own:
                gone, mine = self._state.dead(rid), self._removed.get(rid, set())
                alive = (e for e in _slot(facts, item) if e.n not in gone and e.n not in mine)
                found.extend((rid, entry) for entry in alive)
        gone = self._state.dead(own)
        found.extend((own, entry) for entry in self._draft(key_of(item)).slot(item) if entry.n not in gone)
        if item[0] == "o":
            return [(rid, entry) for rid, entry in found if entry.value == item[2]]
        return found

    def is_live(self, item: Item) -> bool:
        """Whether an item is in the set, or is the value its register shows."""
        entries = self.entries(item)
        if item[0] in ("t", "f") and entries:
            winner = max(entries, key=lambda pair: (pair[1].ts, pair[0], pair[1].n))
            return bool(winner[1].value == item[-1])
        return bool(entries)

    # --- writing

    def add(self, item: Item, *, anew: bool = False, ts: int | None = None) -> None:
        """Assert an item unless it is live (`anew`: even then). `ts` overrides the clock (first run)."""
        was_live = self.is_live(item)
        if was_live and not anew:
            return
        self._mint(item, ts)
        if not was_live or item in self._written.removed:
            self._added.append(item)

    def add_new(self, records: Mapping[RecordKey, Record], *, ts: int) -> Set[RecordKey]:
        """Assert everything that records say which nobody has ever said anything about; return the others.

        The facts are those of `add` for each item, with `ts` for the registers; only quicker, for nothing
        needs to be asked. It comes once, and such a record cannot be written again before `finish`.
        """
        assert self._new is None, "new records come once"
        known = self._state.speaks_of(records) | (self._drafts.keys() & records.keys())
        rid, now_ms, n = self._header.rid, self._wall_ms, self._next
        self._new = FirstSayings(records, rid, n, now_ms=now_ms, ts=_readable(ts), known=known)
        self._next = self._new.next
        return known

    def remove(self, item: Item, known: VersionVector, unseen: Unseen = ALL_SEEN) -> bool:
        """Remove the live dots of an item (of its whole register) that `known` covers, none `unseen`.

        Return whether there were any. A value only a hint tells has none; it is noted, to be undone.
        """
        if not unseen:
            return self._remove(item, lambda rid, n: n < known.get(rid, 0))
        return self._remove(item, lambda rid, n: n < known.get(rid, 0) and n not in unseen.get(rid, EMPTY))

    def remove_held(self, item: Item, held: Mapping[Rid, Intervals]) -> bool:
        """Remove the live dots of an item (of its whole register) that are among those held.

        Return whether there were any.
        """
        return self._remove(item, lambda rid, n: n in held.get(rid, EMPTY))

    def _remove(self, item: Item, is_meant: Callable[[Rid, int], bool]) -> bool:
        entries = self.entries(item)
        meant = [(rid, entry) for rid, entry in entries if is_meant(rid, entry.n)]
        if meant:
            self.remove_dots(key_of(item), ((rid, entry.n) for rid, entry in meant))
            stood = _as_it_stood(item, meant)
            self._written.removed.append(stood)
            self._written.beaten += _beaten_by(stood, meant)
        elif not entries and self._is_hinted(item):
            self._written.removed.append(item)
        return bool(meant)

    def _is_hinted(self, item: Item) -> bool:
        """Whether a register shows this value though nobody asserts it."""
        if item[0] not in ("t", "f"):
            return False
        record = self._state.record(key_of(item))
        return record is not None and item in set(items_of(record))

    def remove_dots(self, key: RecordKey, dots: Iterable[tuple[Rid, int]]) -> None:
        """Remove facts of a record by name: own ones are dropped, others are listed."""
        own = self._header.rid
        for rid, n in dots:
            if rid == own:
                self._drop_own(n, key)
            else:
                self._removed.setdefault(rid, set()).add(n)
            self._written.touched.add(key)

    def _drop_own(self, n: int, key: RecordKey) -> None:
        draft = self._draft(key)
        for slot in (draft.types, draft.observations, draft.existence, *draft.fields.values()):
            slot[:] = [entry for entry in slot if entry.n != n]

    def _mint(self, item: Item, ts: int | None) -> None:
        key = key_of(item)
        stamped = max(self._wall_ms, self._largest_ts(item) + 1) if ts is None else ts
        stamped = _readable(stamped)
        value = item[-1] if item[0] in ("t", "f", "o") else None
        wall = self._wall_ms if stamped != self._wall_ms and ts is None else None
        self._draft(key).slot(item).append(Entry(self._next, stamped, value, wall))
        self._next += 1
        self._written.touched.add(key)

    def _largest_ts(self, item: Item) -> int:
        """The largest ts ever seen of an element or register, removed ones and hints included."""
        key = key_of(item)
        seen = [self._draft(key).slot(item)]
        hinted = [0]
        for facts in self._state.facts(key).values():
            seen.append(list(_slot(facts, item)))
            if facts.hint is not None:
                hinted += _hinted_ts(facts.hint, item)
        matching = (
            entry.ts for entries in seen for entry in entries if item[0] != "o" or entry.value == item[2]
        )
        return max(*hinted, 0, max(matching, default=0))

    def _draft(self, key: RecordKey) -> _Draft:
        draft = self._drafts.get(key)
        if draft is None:
            own = self._state.facts(key).get(self._header.rid)
            draft = self._drafts[key] = _Draft.of(own)
        return draft

    # --- finishing

    def finish(
        self,
        *,
        tok: str,
        ok: bool = False,
        retire: Iterable[Rid] = (),
        host: str | None = None,
        anyway: bool = False,
    ) -> Written:
        """Make everything written one new revision of the fragment; do nothing if nothing was.

        `ok`: a person accepted a large deletion in this revision. `host`: a new label of this replica.
        `anyway`: rewrite even without a change.
        """
        retire = tuple(retire)
        if not (self._written or self._added or self._new or ok or retire or host or anyway):
            return self._written
        header = self._header
        removed = {rid: Intervals.numbers(numbers) for rid, numbers in self._removed.items()}
        together = {
            rid: header.removed_of(rid) | removed.get(rid, Intervals())
            for rid in header.removed.keys() | removed.keys()
        }
        self._collect_garbage()
        fresh = replace(
            header,
            host=host or header.host,
            rev=header.rev + 1,
            tok=tok,
            prev=header.tok,
            next=self._next,
            wall_ms=self._wall_ms,
            removed=still_needed(together, self._state, header.rid),
            seen=revisions_seen(self._state, header.rid),
            ok=header.rev + 1 if ok else header.ok,
            retired=header.retired | frozenset(retire),
        )
        edits = {key: draft.finished() for key, draft in self._drafts.items() if self._is_changed(key)}
        spoken_of = edits.keys() | self._written.touched
        self._written.touched |= self._state.rewrite(fresh, edits).keys()
        self._written.records |= edits.keys() | self._refresh_hints(fresh, spoken_of)
        self._written.added = tuple(self._added)
        if self._new:
            self._enter(self._new)
        return self._written

    def _enter(self, new: FirstSayings) -> None:
        """Let the new records be said."""
        if self._state.enter(self._header.rid, new):
            self._written.lines = new
        else:
            self._written.records.update(new.keys)
        self._written.added = Said(new, new.kinds, self._added)

    def _is_changed(self, key: RecordKey) -> bool:
        own = self._state.facts(key).get(self._header.rid)
        finished = self._drafts[key].finished()
        if own is None or finished is None:
            return own is not finished
        return list(own.entries()) != list(finished.entries())

    def _collect_garbage(self) -> None:
        """Drop the own facts that others have removed (model page, section 5)."""
        own = self._header.rid
        gone = self._state.dead(own)
        if not gone:
            return
        held = self._state.held_numbers(own)
        if gone.count() <= len(held):
            numbers: Iterable[int] = (n for low, high in gone.spans for n in range(low, high + 1))
        else:
            numbers = [n for n in held if n in gone]
        for n in [n for n in numbers if n in held]:
            self._drop_own(n, held[n])

    def _refresh_hints(self, header: Header, keys: Iterable[RecordKey]) -> set[RecordKey]:
        """Let the own lines of these records hint what shows now, and return those that changed.

        A line whose facts stayed is among them: what was just removed elsewhere must not come back by it.
        """
        hinted: dict[RecordKey, RecordFacts | None] = {}
        for key in keys:
            facts = self._state.facts(key).get(header.rid)
            hint = self._hint(key) if facts is not None else None
            if facts is not None and hint != facts.hint:
                hinted[key] = replace(facts, hint=hint, raw=None)
        self._state.rewrite(header, hinted)
        return set(hinted)

    def _hint(self, key: RecordKey) -> Hint | None:
        """Every register as it shows now; a type that only the file still says, as the file says it.

        The writer added to an entity whose deletion was joined a moment ago but not yet written to the file.
        """
        hint = hint_of(self._state.live(key))
        seen = self._seen.get(key)
        if not isinstance(seen, Entity) or seen.type is None or (hint is not None and hint.type is not None):
            return hint
        said = (self._stamp_of(key, seen.type), seen.type)
        return Hint(said) if hint is None else replace(hint, type=said)

    def _stamp_of(self, key: RecordKey, kind: str) -> Stamp:
        """The newest stamp under which a type was ever said or hinted, dead or alive."""
        stamps: list[Stamp] = [(0, self._header.rid, 1)]
        for rid, facts in self._state.facts(key).items():
            stamps += [(entry.ts, rid, entry.n) for entry in facts.types if entry.value == kind]
            if facts.hint is not None and facts.hint.type is not None and facts.hint.type[1] == kind:
                stamps.append(facts.hint.type[0])
        return max(stamps)


def _as_it_stood(item: Item, removed: Sequence[tuple[Rid, Entry]]) -> Item:
    """What an undo has to say again: of a register the value that showed, whatever the base had."""
    if item[0] not in ("t", "f"):
        return item
    _, winner = max(removed, key=lambda pair: (pair[1].ts, pair[0], pair[1].n))
    return (*item[:-1], winner.value)


def _beaten_by(stood: Item, removed: Iterable[tuple[Rid, Entry]]) -> Iterable[Item]:
    """The other values of a register that went with the one that showed."""
    if stood[0] not in ("t", "f"):
        return ()
    values = dict.fromkeys((*stood[:-1], entry.value) for _, entry in removed)
    return [value for value in values if value != stood]


def _readable(ms: int) -> int:
    """A time every reader takes: a clock may stand before 1970, or a peer's at the end of all numbers."""
    return min(max(ms, 0), LATEST_TS)


def _slot(facts: RecordFacts, item: Item) -> tuple[Entry, ...]:
    match item[0]:
        case "t":
            return facts.types
        case "o":
            return facts.observations
        case "f":
            return facts.fields.get(str(item[2]), ())
        case _:
            return facts.existence


def _hinted_ts(hint: Hint, item: Item) -> list[int]:
    if item[0] == "t" and hint.type is not None:
        return [hint.type[0][0]]
    if item[0] == "f" and str(item[2]) in hint.fields:
        return [hint.fields[str(item[2])][0][0]]
    return []
