"""The joined fragments of one store, indexed so that a change costs what it touches.

Rule 1: what a state shows depends on its fragments alone, never on the order they came in.
Rule 2: `replace` and `rewrite` say which records they touched and what those showed before; nothing
else is looked at again, nor read at all (`records.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from memsync_git.crdt.fragment import Dot, Fragment, Header, RecordFacts, Stamp
from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.crdt.records import Records, changed
from memsync_git.crdt.view import Conflict, Live, conflicts_of, fields_of, live_of, record_of, type_of
from memsync_git.model import Graph, Item, Record, RecordKey, Rid
from memsync_git.values import dataclass

Before = dict[RecordKey, Record | None]
"""What the records touched by a change showed before it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as the view shows it, with its smallest stamp (its place) and its largest (its last write)."""

    record: Record
    first: Stamp
    last: Stamp


class State:
    """Fragments by replica, and the view of their join."""

    def __init__(self, fragments: Iterable[Fragment] = ()) -> None:
        self._headers: dict[Rid, Header] = {}
        self._records: dict[Rid, Records] = {}
        self._dead: dict[Rid, Intervals] = {}
        self._views: dict[RecordKey, Record | None] = {}
        self._shown: dict[RecordKey, Shown] = {}
        for fragment in fragments:
            self._headers[fragment.rid] = fragment.header
            self._records[fragment.rid] = Records.of(fragment.records)
        for header in self._headers.values():
            for rid, removed in header.removed.items():
                self._dead[rid] = self.dead(rid) | removed

    # --- what it holds

    @property
    def rids(self) -> Iterable[Rid]:
        return self._headers.keys()

    def header(self, rid: Rid) -> Header | None:
        return self._headers.get(rid)

    def fragment(self, rid: Rid) -> Fragment:
        """One replica's fragment, as a value of its own."""
        return Fragment(self._headers[rid], Records.of(self._records[rid]))

    def fragments(self) -> dict[Rid, Fragment]:
        return {rid: self.fragment(rid) for rid in self._headers}

    def records_of(self, rid: Rid) -> Mapping[RecordKey, RecordFacts]:
        return self._records.get(rid, {})

    def nexts(self) -> dict[Rid, int]:
        """The version vector of everything joined: rid → next."""
        return {rid: header.next for rid, header in self._headers.items()}

    def home(self, dot: Dot) -> RecordKey | None:
        """The record a fact belongs to, if its owner still holds it."""
        return self.held_numbers(dot[0]).get(dot[1])

    def held_numbers(self, rid: Rid) -> Mapping[int, RecordKey]:
        """The facts a replica still holds: n → record."""
        records = self._records.get(rid)
        return records.homes if records is not None else {}

    def dead(self, rid: Rid) -> Intervals:
        """The numbers of `rid` that somebody has removed."""
        return self._dead.get(rid, EMPTY)

    # --- what it shows

    def keys(self) -> Iterator[RecordKey]:
        """The records that exist, in no particular order."""
        return (key for key in self.read_all() if self.record(key) is not None)

    def read_all(self) -> Mapping[RecordKey, None]:
        """Every record anybody holds facts about; afterwards no line is unread."""
        return dict.fromkeys(key for records in self._records.values() for key in records)

    @property
    def size(self) -> int:
        """How many records anybody holds facts about."""
        spoken = [records for records in self._records.values() if records]
        return len(spoken[0]) if len(spoken) == 1 else len(self.read_all())

    def record(self, key: RecordKey) -> Record | None:
        try:
            return self._views[key]
        except KeyError:
            shown = self._views[key] = record_of(key, self.live(key)) if self.facts(key) else None
            return shown

    def live(self, key: RecordKey, hidden: Mapping[Rid, Intervals] | None = None) -> Live:
        """The live facts of a record; `hidden` dots count as removed."""
        dead: Mapping[Rid, Intervals] = self._dead
        if hidden:
            dead = {**dead, **{rid: self.dead(rid) | gone for rid, gone in hidden.items()}}
        return live_of(self.facts(key), dead)

    def facts(self, key: RecordKey) -> Mapping[Rid, RecordFacts]:
        """What every replica says about one record."""
        found = ((rid, records.get(key)) for rid, records in self._records.items())
        return {rid: facts for rid, facts in found if facts is not None}

    def conflicts(self, key: RecordKey) -> list[Conflict]:
        """The registers of a record where concurrent writes differ.

        One replica alone may hold two: two servers of one machine wrote without having read each other.
        """
        said = [size for facts in self.facts(key).values() for size in _entries_by_register(facts)]
        return list(conflicts_of(key, self.live(key))) if sum(said) > 1 else []

    def is_contested(self, key: RecordKey) -> bool:
        """Whether a register of a record has several values, or it was edited while deleted."""
        return bool(self.conflicts(key)) or self.is_unanchored(key)

    def all_conflicts(self) -> Iterator[Conflict]:
        for key in self.read_all():
            yield from self.conflicts(key)

    def unanchored(self) -> Iterator[RecordKey]:
        """Records deleted on one machine while another wrote to them (edited while deleted)."""
        return (key for key in self.read_all() if self.is_unanchored(key))

    def is_unanchored(self, key: RecordKey) -> bool:
        """Whether a record exists that was deleted on one machine while another wrote to it."""
        facts = self.facts(key).items()
        if any((each.types or each.existence) and not self.dead(rid) for rid, each in facts):
            return False
        live = self.live(key)
        return live.exists and not live.anchored

    def shown(self, keys: Iterable[RecordKey] | None = None) -> list[Shown]:
        """Every record in view order: entities, relations, generic records, each by smallest stamp.

        `keys`: those of them that exist.
        """
        wanted = self.read_all() if keys is None else keys
        found = [shown for shown in map(self._shown_at, wanted) if shown is not None]
        return sorted(
            found, key=lambda shown: (_KIND_ORDER[shown.record.key[0]], shown.first, shown.record.key)
        )

    def _shown_at(self, key: RecordKey) -> Shown | None:
        record = self.record(key)
        if record is None:
            return None
        if key not in self._shown:
            self._shown[key] = self._placed(key, record)
        return self._shown[key]

    def _placed(self, key: RecordKey, record: Record) -> Shown:
        live = self.live(key)
        stamps = list(live.stamps())
        visible = [stamp for stamp, _ in fields_of(live).values()]
        kind = type_of(live) if key[0] == "e" else None
        if kind is not None:
            visible.append(kind[0])
        return Shown(record, min(stamps), max(visible + list(live.observations.values()) + live.existence))

    def graph(self) -> Graph:
        """The whole view; the same state gives the same graph in the same order on every machine."""
        return Graph({shown.record.key: shown.record for shown in self.shown()})

    # --- how it changes

    def replace(self, fragment: Fragment) -> Before:
        """Put a fragment in the place of the one its replica had."""
        new = Records.of(fragment.records)
        keys = changed(self._records.get(fragment.rid, Records()), new)
        return self.rewrite(fragment.header, {key: new.get(key) for key in keys})

    def rewrite(self, header: Header, edits: Mapping[RecordKey, RecordFacts | None]) -> Before:
        """Give a replica a new header and some new record facts (None: none left).

        Return what every record touched showed before.
        """
        dead = self._dead_under(header)
        touched = set(edits)
        for rid, now in dead.items():
            touched |= self._turned(rid, now)
        before = {key: self.record(key) for key in touched}
        self._headers[header.rid] = header
        records = self._records.setdefault(header.rid, Records())
        for key in edits:  # all out before any in: a clone's revision may move a number to another record
            records.pop(key, None)
        records.update((key, facts) for key, facts in edits.items() if facts is not None)
        self._dead.update(dead)
        for key in touched:
            self._views.pop(key, None)
            self._shown.pop(key, None)
        return before

    def _dead_under(self, new: Header) -> dict[Rid, Intervals]:
        """What is removed of whom once `new` has taken its place, where that differs from now."""
        old = self._headers.get(new.rid)
        before = old.removed if old is not None else {}
        changed = {
            rid for rid in before.keys() | new.removed.keys() if before.get(rid) != new.removed.get(rid)
        }
        others = [header for rid, header in self._headers.items() if rid != new.rid]
        dead = {}
        for rid in changed:
            now = new.removed_of(rid)
            for header in others:
                now |= header.removed_of(rid)
            dead[rid] = now
        return dead

    def _turned(self, rid: Rid, now: Intervals) -> set[RecordKey]:
        """The records with a fact of `rid` that becomes dead, or live again."""
        was = self.dead(rid)
        turned = (now - was) | (was - now)
        if not turned:
            return set()
        homes = self.held_numbers(rid)
        if turned.count() <= len(homes):
            numbers = (n for low, high in turned.spans for n in range(low, high + 1))
            return {homes[n] for n in numbers if n in homes}
        return {homes[n] for n in list(homes) if n in turned}

    def forget(self, rid: Rid) -> Before:
        """Take a replica out altogether."""
        header = self._headers.get(rid)
        if header is None:
            return {}
        edits: dict[RecordKey, RecordFacts | None] = dict.fromkeys(self._records[rid])
        before = self.rewrite(replace(header, removed={}), edits)
        del self._headers[rid], self._records[rid]
        return before


def _entries_by_register(facts: RecordFacts) -> Iterator[int]:
    yield len(facts.types)
    yield from map(len, facts.fields.values())


_KIND_ORDER = {"e": 0, "l": 1, "r": 2}


def register_of(item: Item) -> Item | None:
    """The register an item is a value of, or None for a member of a set."""
    match item:
        case ("t", name, _):
            return ("t", name)
        case ("f", key, name, _):
            return ("f", key, name)
        case _:
            return None
