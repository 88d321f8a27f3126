"""The joined fragments of one store, indexed so that a change costs what it touches.

Rule 1: what a state shows depends on its fragments alone, never on the order they came in.
Rule 2: `replace` and `rewrite` say which records they touched and what those showed before; nothing
else is looked at again, nor read at all (`records.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import chain
from typing import NamedTuple

from memsync_git.crdt.first import FirstSayings
from memsync_git.crdt.fragment import Dot, Fragment, Header, RecordFacts, Stamp
from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.crdt.places import kind_order, place_of
from memsync_git.crdt.plainly import Pair, plain_changes
from memsync_git.crdt.records import Glance, Records, Stored, changed_under
from memsync_git.crdt.touched import Touched
from memsync_git.crdt.unread import Shelf
from memsync_git.crdt.view import Conflict, Live, conflicts_of, fields_of, live_of, record_of, type_of
from memsync_git.model import Graph, Record, RecordKey, Rid
from memsync_git.values import dataclass, field, replace

Before = dict[RecordKey, Record | None]
"""What the records touched by a change showed before it."""


class Succeeded(NamedTuple):
    """A revision in the place of the one before it.

    before: what the records touched showed. laid: by name, lines that stood and those that were laid in their
    place, unread. read: the records that were touched in any other way.
    """

    before: Before
    laid: Mapping[str, Pair]
    read: Set[RecordKey]


_Line = tuple[Records, str]
"""Whose line, and its name."""

GLANCES_PER_READING = 8
"""To read a line and make its facts costs as much as to glance at so many, and the facts stay."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as the view shows it, with its smallest stamp (its place) and its largest (its last write).

    wall_ms: what the clock said at its last write. is_plain: it was shown at a glance.
    """

    record: Record
    first: Stamp
    last: Stamp
    wall_ms: int
    is_plain: bool = field(default=False, compare=False)


class State:
    """Fragments by replica, and the view of their join."""

    def __init__(self, fragments: Iterable[Fragment] = ()) -> None:
        self._headers: dict[Rid, Header] = {}
        self._records: dict[Rid, Records] = {}
        self._dead: dict[Rid, Intervals] = {}
        self._views: dict[RecordKey, Record | None] = {}
        self._shown: dict[RecordKey, Shown] = {}
        self.touched = Touched()
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

    @property
    def headers(self) -> Iterable[Header]:
        return self._headers.values()

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
        """The records that exist, by key, in no particular order; what they show will be asked for."""
        return (shown.record.key for shown in self._all_shown(kept=True))

    def records(self) -> Iterator[Record]:
        """The records that exist, in no particular order."""
        return (shown.record for shown in self._all_shown())

    def read_all(self) -> Mapping[RecordKey, None]:
        """Every record anybody holds facts about; afterwards no line is unread."""
        return dict.fromkeys(key for records in self._records.values() for key in records)

    def relations(self) -> Iterator[RecordKey]:
        """The relations anybody holds facts about, some more than once; no line is read for it."""
        return chain.from_iterable(records.relations() for records in self._records.values())

    @property
    def size(self) -> int:
        """How many records anybody holds facts about. No line of whoever holds most is read for it."""
        if not self._records:
            return 0
        *fewer, most = sorted(self._records.values(), key=len)
        if self._has_names:
            named = set(chain.from_iterable(records.names() for records in fewer))
            return len(most) + len(named) - len(most.names_among(named))
        others = dict.fromkeys(key for records in fewer for key in records)
        return len(most) + sum(1 for key in others if key not in most)

    def is_larger_than(self, many: int) -> bool:
        """Whether somebody holds facts about more records than that. One who alone does is enough."""
        return any(len(records) > many for records in self._records.values()) or self.size > many

    def record(self, key: RecordKey) -> Record | None:
        try:
            return self._views[key]
        except KeyError:
            return self._look_at(key, self._glance_at(key))

    def _look_at(self, key: RecordKey, glanced: tuple[Rid, Glance] | None) -> Record | None:
        """What a record shows, found out and remembered."""
        if glanced is not None:
            shown: Record | None = glanced[1].record
        else:
            facts = self.facts(key)
            shown = record_of(key, live_of(facts, self._dead)) if facts else None
        self._views[key] = shown
        return shown

    def _glance_at(self, key: RecordKey) -> tuple[Rid, Glance] | None:
        """What a record shows where one unread line alone speaks of it, plainly; None for any other."""
        found: list[tuple[Rid, bytes]] = []
        for rid, records in self._records.items():
            if key in records.read:
                return None
            line = records.unread_line(key)
            found += [] if line is None else [(rid, line)]
        if len(found) != 1:
            return None
        rid, line = found[0]
        glance = self._records[rid].glance(line, self.dead(rid))
        return None if glance is None else (rid, glance)

    def live(self, key: RecordKey, hidden: Mapping[Rid, Intervals] | None = None) -> Live:
        """The live facts of a record; `hidden` dots count as removed."""
        dead: Mapping[Rid, Intervals] = self._dead
        if hidden:
            dead = {**dead, **{rid: self.dead(rid) | gone for rid, gone in hidden.items()}}
        return live_of(self.facts(key), dead)

    def facts(self, key: RecordKey) -> Mapping[Rid, RecordFacts]:
        """What every replica says about one record."""
        return {
            rid: facts
            for rid, records in self._records.items()
            if (facts := records.said_of(key)) is not None
        }

    def conflicts(self, key: RecordKey) -> list[Conflict]:
        """The registers of a record where concurrent writes differ.

        One replica alone may hold two: two servers of one machine wrote without having read each other.
        """
        return self._conflicts_among(key, self.facts(key))

    def _conflicts_among(self, key: RecordKey, facts: Mapping[Rid, RecordFacts]) -> list[Conflict]:
        said = [size for each in facts.values() for size in _entries_by_register(each)]
        return list(conflicts_of(key, live_of(facts, self._dead))) if sum(said) > 1 else []

    def is_contested(self, key: RecordKey) -> bool:
        """Whether a register of a record has several values, or it was edited while deleted."""
        shown = self._shown.get(key)
        if (shown is not None and shown.is_plain) or self._glance_at(key) is not None:
            return False
        facts = self.facts(key)
        return bool(self._conflicts_among(key, facts)) or self._is_unanchored_by(facts)

    def contested(self) -> Iterator[RecordKey]:
        """The records that are contested; what is shown at a glance is not."""
        left: list[_Line] = []
        for _ in self._glances(left):
            pass
        return (key for key in self._beside(left) if self.record(key) and self.is_contested(key))

    def all_conflicts(self) -> Iterator[Conflict]:
        for key in self.read_all():
            yield from self.conflicts(key)

    def unanchored(self) -> Iterator[RecordKey]:
        """Records deleted on one machine while another wrote to them (edited while deleted)."""
        return (key for key in self.read_all() if self.is_unanchored(key))

    def is_unanchored(self, key: RecordKey) -> bool:
        """Whether a record exists that was deleted on one machine while another wrote to it."""
        return self._is_unanchored_by(self.facts(key))

    def _is_unanchored_by(self, facts: Mapping[Rid, RecordFacts]) -> bool:
        if any((each.types or each.existence) and not self.dead(rid) for rid, each in facts.items()):
            return False
        live = live_of(facts, self._dead)
        return live.exists and not live.anchored

    def shown(self, keys: Iterable[RecordKey] | None = None, *, kept: bool = False) -> list[Shown]:
        """Every record in view order: entities, relations, generic records, each by smallest stamp.

        `keys`: those of them that exist. `kept`: what they show is remembered, to be asked for again.
        """
        return sorted(
            self._found(keys, kept=kept),
            key=lambda shown: (kind_order(shown.record.key), shown.first, shown.record.key),
        )

    def _found(self, keys: Iterable[RecordKey] | None, *, kept: bool) -> Iterator[Shown]:
        """These records, as far as they exist; of many, all are glanced at instead of these being read."""
        if keys is None:
            return self._all_shown(kept=kept)
        wanted = frozenset(keys)
        if len(wanted) * GLANCES_PER_READING < sum(map(len, self._records.values())):
            return filter(None, map(self._shown_at, wanted))
        return (shown for shown in self._all_shown(kept=True) if shown.record.key in wanted)

    def _all_shown(self, *, kept: bool = False) -> Iterator[Shown]:
        """Every record that exists. Lines shown at a glance stay unread: most of a large memory is.

        `kept`: what they show is remembered.
        """
        left: list[_Line] = []
        for rid, _, glance in self._glances(left):
            key = glance.record.key
            shown = self._views.get(key) or glance.record
            if kept:
                self._views[key] = shown
            yield _shown_by(rid, glance, shown)
        yield from filter(None, map(self._shown_at, self._beside(left)))

    def placed(self) -> Iterator[tuple[bytes, Shown]]:
        """Every record that exists, with its place in the view (`places.py`), in no particular order. The
        state must not change on the way, nor be asked for anything else.
        """
        left: list[_Line] = []
        for rid, _, glance in self._glances(left):
            shown = _shown_by(rid, glance, glance.record)
            yield place_of(shown.record.key, shown.first), shown
        for found in filter(None, map(self._shown_at, self._beside(left))):
            yield place_of(found.record.key, found.first), found

    def _glances(self, left: list[_Line]) -> Iterator[tuple[Rid, str, Glance]]:
        """The unread lines, by name, that alone speak of their record, plainly and with no fact removed; the
        others are put to what is `left`.
        """
        shared = self._shared_names() if self._has_names else None
        for rid, records in self._records.items():
            gone = self.dead(rid)
            for name, line in records.unread.items():
                glance = records.glance(line, gone) if shared is not None and name not in shared else None
                if glance is None:
                    left.append((records, name))
                else:
                    yield rid, name, glance

    @property
    def _has_names(self) -> bool:
        """Whether every line has a name, so that records can be told apart without reading them."""
        return all(records.stored is not None for records in self._records.values() if records)

    def _shared_names(self) -> Set[str]:
        """The names of the lines of records several replicas speak of. Those of whoever holds most are not
        gone through if the others hold little.
        """
        if not self._records:
            return frozenset()
        *fewer, most = sorted(self._records.values(), key=len)
        named, shared = set[str](), set[str]()
        for name in chain.from_iterable(records.names() for records in fewer):
            (shared if name in named else named).add(name)
        return shared | most.names_among(named)

    def _beside(self, left: Iterable[_Line]) -> Mapping[RecordKey, None]:
        """Every record anybody holds facts about, but for those shown at a glance; these lines are read."""
        for records, name in left:
            records.read_by_name(name)
        return dict.fromkeys(key for records in self._records.values() for key in records.read)

    def _shown_at(self, key: RecordKey) -> Shown | None:
        if key not in self._shown:
            glanced = self._glance_at(key)
            record = self._views[key] if key in self._views else self._look_at(key, glanced)
            if record is None:
                return None
            placed = self._placed(key, record) if glanced is None else _shown_by(*glanced, record)
            self._shown[key] = placed
        return self._shown[key]

    def _placed(self, key: RecordKey, record: Record) -> Shown:
        live = self.live(key)
        stamps = list(live.stamps())
        visible = [stamp for stamp, _ in fields_of(live).values()]
        kind = type_of(live) if key[0] == "e" else None
        if kind is not None:
            visible.append(kind[0])
        last = max(visible + list(live.observations.values()) + live.existence)
        return Shown(record, min(stamps), last, self._wall_ms(key, last))

    def _wall_ms(self, key: RecordKey, stamp: Stamp) -> int:
        """What the clock said when a fact was written; its time, where that is all that is known."""
        ts, rid, n = stamp
        facts = self._records[rid].get(key) if rid in self._records else None
        walls = (entry.wall_ms for entry in facts.entries() if entry.n == n) if facts is not None else ()
        return next((wall for wall in walls if wall is not None), ts)

    def graph(self) -> Graph:
        """The whole view; the same state gives the same graph in the same order on every machine."""
        return Graph({shown.record.key: shown.record for shown in self.shown()})

    # --- how it changes

    def lines_of_new(self, fragment: Fragment) -> Iterator[tuple[str, bytes, Glance]]:
        """The unread lines of a replica's first fragment that are plain, of records nobody has spoken of."""
        if self._records.get(fragment.rid) or not self._has_names:
            return iter(())
        records, gone = Records.of(fragment.records), self.dead(fragment.rid)
        known = set(chain.from_iterable(each.names() for each in self._records.values()))
        lines = ((name, line) for name, line in records.unread.items() if name not in known)
        glances = ((name, line, records.glance(line, gone)) for name, line in lines)
        return ((name, line, glance) for name, line, glance in glances if glance is not None)

    def replace(self, fragment: Fragment) -> Before:
        """Put a fragment in the place of the one its replica had."""
        return self.succeed(fragment).before

    def succeed(self, fragment: Fragment) -> Succeeded:
        """The same, and what of it was laid unread."""
        old, new = self._records.get(fragment.rid, Records()), Records.of(fragment.records)
        lines = old.unread.differing(new.unread)
        before, laid = self._relay(fragment.rid, new, lines)
        keys = changed_under(lines.keys() - laid.keys(), old, new)
        others = self.rewrite(fragment.header, {key: new.get(key) for key in keys})
        return Succeeded(others | before, laid, others.keys())

    def _relay(self, rid: Rid, new: Records, lines: Mapping[str, Pair]) -> tuple[Before, dict[str, Pair]]:
        """Lay lines of a replica in the place of its own, where all that changed is shown at a glance."""
        old = self._records.get(rid)
        if old is None or old.stored is None or not self._has_names:
            return {}, {}
        others = (records for other, records in self._records.items() if other != rid)
        shared = set[str]().union(*(records.names_among(lines.keys()) for records in others))
        alone = {name: pair for name, pair in lines.items() if name not in shared}
        plain = plain_changes(old, new, alone, self.dead(rid))
        laid = {each.name: each.lines for each in plain}
        old.relay(laid)
        self.touched.note([each.key for each in plain])
        self._views.update((key, None if now is None else now.record) for key, _, _, _, now in plain)
        for key, _, _, _, now in plain:
            if now is None:
                self._shown.pop(key, None)
            else:
                self._shown[key] = _shown_by(rid, now, now.record)
        return {each.key: None if each.was is None else each.was.record for each in plain}, laid

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
        self.touched.note(touched)
        for key in touched:
            self._views.pop(key, None)
            self._shown.pop(key, None)
        return before

    def enter(self, rid: Rid, new: FirstSayings) -> bool:
        """Let a replica say whole records nobody has said anything about: there is nothing to compare.
        Return whether they are stored as lines.
        """
        self.touched.note(new.keys)
        for key in new.keys if self._views else ():
            self._views.pop(key, None)
        return self._records.setdefault(rid, Records()).put_away(new)

    def speaks_of(self, keys: Iterable[RecordKey]) -> set[RecordKey]:
        """Those of some records that anybody has facts about."""
        said = [records for records in self._records.values() if len(records)]
        return {key for key in keys if any(key in records for records in said)} if said else set()

    def begin(self, fragment: Fragment, new: Iterable[tuple[str, bytes]]) -> None:
        """Lay lines of new records of a first fragment by, unread; `replace` with all of it follows.

        What is remembered as absent may be among them: no line is read to find out.
        """
        for key in [key for key, shown in self._views.items() if shown is None]:
            del self._views[key]
        self.touched.lose()
        records = Records.of(fragment.records)
        mine = self._records[fragment.rid] = Records(unread={}, stored=records.stored)
        mine.lay_by(new)

    @property
    def weight(self) -> int:
        """How many lines and facts are held here; what lies on shelves is not."""
        return sum(records.weight for records in self._records.values())

    @property
    def views(self) -> int:
        """Of how many records it is remembered what they show."""
        return len(self._views)

    def rest_on(self, shelves: Mapping[Rid, Shelf], stored: Stored, *, kept: Set[RecordKey]) -> None:
        """All that everybody says lies on these shelves now: what was read of it is let go, and what records
        show, but for those `kept`.
        """
        for rid, records in self._records.items():
            records.rest_on(shelves[rid], stored)
        self._views = {key: self._views[key] for key in kept if key in self._views}
        self._shown = {key: self._shown[key] for key in kept if key in self._shown}

    def sizes(self) -> dict[Rid, int]:
        """How many records each replica holds facts about."""
        return {rid: len(records) for rid, records in self._records.items()}

    def line(self, rid: Rid, key: RecordKey) -> bytes | None:
        """The line a record of a replica is stored as; None where there is none, or it is not said how."""
        records = self._records.get(rid)
        return records.line(key) if records is not None else None

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


def _shown_by(rid: Rid, glance: Glance, record: Record) -> Shown:
    """A record as it is shown at a glance. `record`: the one that is held for it."""
    _, first, last = glance
    return Shown(record, (first[0], rid, first[1]), (last[0], rid, last[1]), last[0], is_plain=True)


def _entries_by_register(facts: RecordFacts) -> Iterator[int]:
    yield len(facts.types)
    yield from map(len, facts.fields.values())
