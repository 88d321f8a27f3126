"""The joined fragments of one store, indexed so that a change costs what it touches.

Rule 1: what a state shows depends on its fragments alone, never on the order they came in.
Rule 2: `replace` and `rewrite` say which records they touched; nothing else is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from memsync_git.crdt.fragment import Dot, Fragment, Header, RecordFacts, Stamp
from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.crdt.view import Conflict, Live, conflicts_of, fields_of, live_of, record_of, type_of
from memsync_git.model import Graph, Item, Record, RecordKey, Rid


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
        return list(conflicts_of(key, self.live(key))) if len(self._facts.get(key, {})) > 1 else []

    def all_conflicts(self) -> Iterator[Conflict]:
        for key in self._facts:
            yield from self.conflicts(key)

    def unanchored(self) -> Iterator[RecordKey]:
        """Records deleted on one machine while another wrote to them (edited while deleted)."""
        for key in self._facts:
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

    def replace(self, fragment: Fragment) -> set[RecordKey]:
        """Put a fragment in the place of the one its replica had; return the records touched."""
        rid = fragment.rid
        old = self._records.get(rid, {})
        changed = {key for key, facts in fragment.records.items() if old.get(key) is not facts}
        changed.update(key for key in old if key not in fragment.records)
        edits = {key: fragment.records.get(key) for key in changed}
        return self.rewrite(fragment.header, edits)

    def rewrite(self, header: Header, edits: Mapping[RecordKey, RecordFacts | None]) -> set[RecordKey]:
        """Give a replica a new header and some new record facts (None: none left)."""
        rid = header.rid
        records = self._records.setdefault(rid, {})
        homes = self._homes.setdefault(rid, {})
        old = self._headers.get(rid)
        self._headers[rid] = header
        for key, facts in edits.items():
            self._move_in(rid, records, homes, key, facts)
        touched = set(edits)
        touched |= self._bury(old, header)
        for key in touched:
            self._views.pop(key, None)
        return touched

    def _move_in(
        self,
        rid: Rid,
        records: dict[RecordKey, RecordFacts],
        homes: dict[int, RecordKey],
        key: RecordKey,
        facts: RecordFacts | None,
    ) -> None:
        before = records.pop(key, None)
        if before is not None:
            for entry in before.entries():
                homes.pop(entry.n, None)
        if facts is not None:
            records[key] = facts
            self._facts.setdefault(key, {})[rid] = facts
            homes.update((entry.n, key) for entry in facts.entries())
        elif before is not None:
            del self._facts[key][rid]
            if not self._facts[key]:
                del self._facts[key]

    def _bury(self, old: Header | None, new: Header) -> set[RecordKey]:
        """Recount what is removed after one replica changed its removals; return the records touched."""
        before = old.removed if old is not None else {}
        touched: set[RecordKey] = set()
        for rid in before.keys() | new.removed.keys():
            if before.get(rid) != new.removed.get(rid):
                touched |= self._recount(rid)
        return touched

    def _recount(self, rid: Rid) -> set[RecordKey]:
        was = self.dead(rid)
        now = EMPTY
        for header in self._headers.values():
            now |= header.removed_of(rid)
        self._dead[rid] = now
        turned = (now - was) | (was - now)
        homes = self._homes.get(rid, {})
        if turned.count() <= len(homes):
            numbers = (n for low, high in turned.spans for n in range(low, high + 1))
            return {homes[n] for n in numbers if n in homes}
        return {key for n, key in homes.items() if n in turned}

    def forget(self, rid: Rid) -> set[RecordKey]:
        """Take a replica out altogether; return the records touched."""
        header = self._headers.get(rid)
        if header is None:
            return set()
        edits: dict[RecordKey, RecordFacts | None] = dict.fromkeys(self._records[rid])
        touched = self.rewrite(replace(header, removed={}), edits)
        del self._headers[rid], self._records[rid], self._homes[rid]
        return touched


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
