"""The joined fragments of one store, indexed so that a change costs what it touches.

Rule 1: what a state shows depends on its fragments alone, never on the order they came in.
Rule 2: `replace` and `rewrite` say which records they touched and what those showed before; nothing
else is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from memsync_git.crdt.fragment import Dot, Fragment, Header, RecordFacts, Stamp
from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.crdt.view import Conflict, Live, conflicts_of, fields_of, live_of, record_of, type_of
from memsync_git.model import Graph, Item, Record, RecordKey, Rid

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
        self._records: dict[Rid, dict[RecordKey, RecordFacts]] = {}
        self._facts: dict[RecordKey, dict[Rid, RecordFacts]] = {}
        self._homes: dict[Rid, dict[int, RecordKey]] = {}
        self._dead: dict[Rid, Intervals] = {}
        self._views: dict[RecordKey, Record | None] = {}
        for fragment in fragments:
            self.replace(fragment)

    # --- what it holds

    @property
    def rids(self) -> Iterable[Rid]:
        return self._headers.keys()

    def header(self, rid: Rid) -> Header | None:
        return self._headers.get(rid)

    def fragment(self, rid: Rid) -> Fragment:
        """One replica's fragment, as a value of its own."""
        return Fragment(self._headers[rid], dict(self._records[rid]))

    def fragments(self) -> dict[Rid, Fragment]:
        return {rid: self.fragment(rid) for rid in self._headers}

    def records_of(self, rid: Rid) -> Mapping[RecordKey, RecordFacts]:
        return self._records.get(rid, {})

    def nexts(self) -> dict[Rid, int]:
        """The version vector of everything joined: rid → next."""
        return {rid: header.next for rid, header in self._headers.items()}

    def home(self, dot: Dot) -> RecordKey | None:
        """The record a fact belongs to, if its owner still holds it."""
        return self._homes.get(dot[0], {}).get(dot[1])

    def held_numbers(self, rid: Rid) -> Mapping[int, RecordKey]:
        """The facts a replica still holds: n → record."""
        return self._homes.get(rid, {})

    def dead(self, rid: Rid) -> Intervals:
        """The numbers of `rid` that somebody has removed."""
        return self._dead.get(rid, EMPTY)

    # --- what it shows

    def keys(self) -> Iterator[RecordKey]:
        """The records that exist, in no particular order."""
        return (key for key in self._facts if self.record(key) is not None)

    @property
    def size(self) -> int:
        """How many records anybody holds facts about."""
        return len(self._facts)

    def record(self, key: RecordKey) -> Record | None:
        try:
            return self._views[key]
        except KeyError:
            shown = self._views[key] = record_of(key, self.live(key)) if key in self._facts else None
            return shown

    def live(self, key: RecordKey, hidden: Mapping[Rid, Intervals] | None = None) -> Live:
        """The live facts of a record; `hidden` dots count as removed."""
        dead: Mapping[Rid, Intervals] = self._dead
        if hidden:
            dead = {**dead, **{rid: self.dead(rid) | gone for rid, gone in hidden.items()}}
        return live_of(self._facts.get(key, {}), dead)

    def facts(self, key: RecordKey) -> Mapping[Rid, RecordFacts]:
        return self._facts.get(key, {})

    def conflicts(self, key: RecordKey) -> list[Conflict]:
        """The registers of a record where concurrent writes differ.

        One replica alone may hold two: two servers of one machine wrote without having read each other.
        """
        said = [size for facts in self.facts(key).values() for size in _entries_by_register(facts)]
        return list(conflicts_of(key, self.live(key))) if sum(said) > 1 else []

    def all_conflicts(self) -> Iterator[Conflict]:
        for key in self._facts:
            yield from self.conflicts(key)

    def unanchored(self) -> Iterator[RecordKey]:
        """Records deleted on one machine while another wrote to them (edited while deleted)."""
        for key, facts in self._facts.items():
            if any((each.types or each.existence) and not self.dead(rid) for rid, each in facts.items()):
                continue
            live = self.live(key)
            if live.exists and not live.anchored:
                yield key

    def shown(self) -> list[Shown]:
        """Every record in view order: entities, relations, generic records, each by smallest stamp."""
        found = [shown for shown in map(self._shown, self._facts) if shown is not None]
        return sorted(
            found, key=lambda shown: (_KIND_ORDER[shown.record.key[0]], shown.first, shown.record.key)
        )

    def _shown(self, key: RecordKey) -> Shown | None:
        record = self.record(key)
        if record is None:
            return None
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
        rid = fragment.rid
        old = self._records.get(rid, {})
        changed = {key for key, facts in fragment.records.items() if old.get(key) is not facts}
        changed.update(key for key in old if key not in fragment.records)
        return self.rewrite(fragment.header, {key: fragment.records.get(key) for key in changed})

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
        self._records.setdefault(header.rid, {})
        for key in edits:
            self._take_out(header.rid, key)
        for key, facts in edits.items():
            if facts is not None:
                self._put_in(header.rid, key, facts)
        self._dead.update(dead)
        for key in touched:
            self._views.pop(key, None)
        return before

    def _take_out(self, rid: Rid, key: RecordKey) -> None:
        """Take out all before putting in any: a clone's revision may move a number to another record."""
        facts = self._records[rid].pop(key, None)
        if facts is None:
            return
        for entry in facts.entries():
            self._homes[rid].pop(entry.n, None)
        del self._facts[key][rid]
        if not self._facts[key]:
            del self._facts[key]

    def _put_in(self, rid: Rid, key: RecordKey, facts: RecordFacts) -> None:
        self._records[rid][key] = facts
        self._facts.setdefault(key, {})[rid] = facts
        self._homes.setdefault(rid, {}).update((entry.n, key) for entry in facts.entries())

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
        homes = self._homes.get(rid, {})
        if turned.count() <= len(homes):
            numbers = (n for low, high in turned.spans for n in range(low, high + 1))
            return {homes[n] for n in numbers if n in homes}
        return {key for n, key in homes.items() if n in turned}

    def forget(self, rid: Rid) -> Before:
        """Take a replica out altogether."""
        header = self._headers.get(rid)
        if header is None:
            return {}
        edits: dict[RecordKey, RecordFacts | None] = dict.fromkeys(self._records[rid])
        before = self.rewrite(replace(header, removed={}), edits)
        del self._headers[rid], self._records[rid]
        self._homes.pop(rid, None)
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
