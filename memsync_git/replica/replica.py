"""The replica itself: its state, its ring, its holds, and the acts of a round.

Rule 1: `observe` turns a version of the memory file into facts; `target` says what the file should hold.
Rule 2: `behind` names the records where file and target differ; it follows every change at its own cost.
Rule 3: a written state enters the ring as pending before the swap (`intend`) and becomes newest
after it (`settle`), so a crash between them costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from memsync_git.crdt.changes import Pen, VersionVector, Written
from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.crdt.state import State
from memsync_git.crdt.view import record_of
from memsync_git.guards import (
    DeletionLimits,
    Hold,
    is_large_deletion,
    is_restored_backup,
    weight,
)
from memsync_git.inference import (
    CACHED_FOR_MS,
    PAST_HASHES_KEPT,
    UNWRITTEN_FOR_MS,
    Base,
    FileState,
    Inference,
    Kind,
    Ring,
    infer,
    nearest,
    returned_to,
)
from memsync_git.model import (
    EVERYTHING,
    Graph,
    Item,
    Projection,
    Record,
    RecordKey,
    Rid,
    items_of,
    key_of,
    record_with,
    same_items,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """The circumstances of one act: wall clock, boot, a fresh token, and W (model page, section 7).

    writer_caches: the server keeps the memory for longer than W.
    """

    wall_ms: int
    boot: str
    tok: str
    window_ms: int
    writer_caches: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the memory file as it was read.

    order: entity names in row order. whole: no line was unreadable. types_fixed: the writer cannot
    change a type in place. accepted: a person has agreed to whatever it deletes of the newest state.
    """

    graph: Graph
    order: tuple[str, ...]
    hash: str
    mtime_ms: int
    projection: Projection
    types_fixed: bool = True
    whole: bool = True
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of a version: items taken in, a hold, or a verdict that it is a restored backup."""

    added: tuple[Item, ...] = ()
    removed: tuple[Item, ...] = ()
    hold: Hold | None = None
    restored: bool = False
    rev: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """How much of the own fragment a remote has accepted."""

    rev: int = 0
    next: int = 1
    tok: str = ""


@dataclass(frozen=True, slots=True)
class Txn:
    """One revision of the own fragment, for messages, history and undo."""

    rid: Rid
    rev: int
    at_ms: int
    cause: str
    added: tuple[Item, ...]
    removed: tuple[Item, ...]


@dataclass(slots=True)
class Fresh:
    """What has changed since the last save and is not found by comparing small values."""

    records: set[tuple[Rid, RecordKey]] = field(default_factory=set)
    file: set[RecordKey] = field(default_factory=set)
    past: set[str] = field(default_factory=set)
    txns: list[Txn] = field(default_factory=list)
    versions: set[tuple[Rid, int, str]] = field(default_factory=set)


class Replica:
    """What this installation knows about one memory."""

    def __init__(self, rid: Rid, host: str, store: str = "default") -> None:
        self.rid = rid
        self.host = host
        self.store = store
        self.state = State([Fragment(Header(rid, host, store))])
        self.ring = Ring()
        self.holds: dict[str, Hold] = {}
        self.past: dict[str, int] = {}
        self.undone: dict[Item, int] = {}
        self.accepted: dict[str, Mark] = {}
        self.versions: set[tuple[Rid, int, str]] = set()
        self.unpublished: list[Txn] = []
        self.boot = ""
        self.runs_began_ms = (0, 0)
        self.emptied_ms: int | None = None
        self.projection = EVERYTHING
        self.fresh = Fresh()
        self.kept_states: dict[int, FileState] = {}
        self._behind: set[RecordKey] | None = None

    # --- what it holds

    @property
    def header(self) -> Header:
        header = self.state.header(self.rid)
        if header is None:
            raise LookupError(f"no own fragment {self.rid}")
        return header

    def fragment(self) -> Fragment:
        """The own fragment, as a value to publish."""
        return self.state.fragment(self.rid)

    @property
    def emptied(self) -> bool:
        """Whether the file lies empty or missing though it held memories: one hold of everything."""
        return self.emptied_ms is not None

    @property
    def behind(self) -> set[RecordKey]:
        """The records where the file's newest state and the target differ, in the projection."""
        if self._behind is None:
            self._behind = set()
            held = [key for hold in self.holds.values() for key in map(key_of, hold.items)]
            self.recheck([*self.state.keys(), *self.ring.graph.records, *held])
        return self._behind

    def know_behind(self, keys: Iterable[RecordKey]) -> None:
        """Go on from the differences that were saved."""
        self._behind = set(keys)

    def compare_anew(self) -> None:
        """Forget the differences that were known: file or state were replaced as a whole."""
        self._behind = None

    def project(self, projection: Projection) -> None:
        """Compare file and target in the projection of this variant from now on."""
        if projection != self.projection:
            self.projection = projection
            self.compare_anew()

    def recheck(self, keys: Iterable[RecordKey]) -> None:
        """Look again whether some records differ between file and target."""
        if self._behind is None:
            return
        for key in keys:
            if self._is_behind(key):
                self._behind.add(key)
            else:
                self._behind.discard(key)

    def _is_behind(self, key: RecordKey) -> bool:
        wanted, standing = self.target(key), self.ring.graph.records.get(key)
        wanted = self.projection.record(wanted) if wanted is not None else None
        standing = self.projection.record(standing) if standing is not None else None
        if wanted is None or standing is None:
            return wanted is not standing
        return not same_items(wanted, standing)

    # --- what the file should say

    def target(self, key: RecordKey) -> Record | None:
        """A record as the file should hold it: the view without local holds, with those from elsewhere."""
        record = self.state.record(key)
        for hold in self.holds.values():
            items = [item for item in hold.items if key_of(item) == key]
            if items and hold.origin == self.rid:
                record = record_of(key, self.state.live(key, self.hidden))
            elif items:
                record = record_with(record, _still_missing(items, record))
        return record

    @property
    def hidden(self) -> Mapping[Rid, Intervals]:
        """The dots that local holds hide."""
        hidden: dict[Rid, Intervals] = {}
        for hold in self.holds.values():
            if hold.origin == self.rid:
                for rid, numbers in hold.dots.items():
                    hidden[rid] = hidden.get(rid, EMPTY) | numbers
        return hidden

    def target_graph(self) -> Graph:
        """Everything the file should hold, in view order, before projection."""
        keys = [shown.record.key for shown in self.state.shown()]
        held = [key_of(item) for hold in self.holds.values() for item in hold.items]
        found = ((key, self.target(key)) for key in dict.fromkeys([*keys, *held]))
        return Graph({key: record for key, record in found if record is not None})

    # --- observing

    def observe(
        self,
        version: Version,
        moment: Moment,
        *,
        limits: DeletionLimits | None = None,
        below: bool = False,
    ) -> Observed:
        """Take in a version of the file. `below`: it was displaced, something newer stands there now.

        Needs a ring (see `adopting.adopt` for the first version of all). `limits` None: hold nothing.
        """
        self.project(version.projection)
        if self.ring.pending is not None and self.ring.pending[0].hash == version.hash and not below:
            self.settle(moment)
        if self.ring.newest.hash == version.hash:
            self._saw_boot(moment, below=below)
            return Observed()
        seen_ms = min(version.mtime_ms, moment.wall_ms)
        since_ms = seen_ms - self._reach_ms(moment)
        rebooted = self.boot not in ("", moment.boot)
        candidates = self.ring.candidates(since_ms, all_states=rebooted)
        if rebooted:
            candidates.append(self.ring.nothing())
        if version.accepted:
            candidates = candidates[:1]
        self._saw_boot(moment, below=below)
        if version.whole and not (below or version.accepted) and self._is_restored(version, candidates):
            return Observed(restored=True)
        base = nearest(candidates, version.graph, lambda base: self._loss(base, version))
        if not rebooted and returned_to(base, candidates, version.graph):
            base = candidates[0]
        return self._take_in(version, _inferred(base, version), moment, limits, seen_ms=seen_ms, below=below)

    def begin_run(self, now_ms: int) -> None:
        """Note when this run and the one before it began: a writer that caches may be as old as that."""
        self.runs_began_ms = (self.runs_began_ms[1], now_ms)

    def _reach_ms(self, moment: Moment) -> int:
        """How far back a writer may have read: W, or for one that caches to before the previous run."""
        if not moment.writer_caches:
            return moment.window_ms
        return max(moment.window_ms, CACHED_FOR_MS, moment.wall_ms - self.runs_began_ms[0])

    def _loss(self, base: Base, version: Version) -> int:
        """How many live items would go if the version had been written from this base."""
        pen = Pen(self.state, self.header, wall_ms=0)
        known = base.state.vv
        removed = _inferred(base, version).removed
        return sum(any(n.n < known.get(rid, 0) for rid, n in pen.entries(item)) for item in removed)

    def _saw_boot(self, moment: Moment, *, below: bool) -> None:
        """The first look at the path itself after a power cut has been taken; a leftover is none."""
        if not below:
            self.boot = moment.boot

    def _is_restored(self, version: Version, candidates: Collection[Base]) -> bool:
        if version.hash not in self.past:
            return False
        newest = self.ring.graph.items()
        items = version.graph.items()
        return is_restored_backup(
            is_past=True,
            is_candidate=any(base.state.hash == version.hash for base in candidates),
            mtime_ms=version.mtime_ms,
            newest_ms=self.ring.newest.from_ms,
            adds=len(items - newest),
            lacks=len(newest - items),
        )

    def _take_in(
        self,
        version: Version,
        inference: Inference,
        moment: Moment,
        limits: DeletionLimits | None,
        *,
        seen_ms: int,
        below: bool,
    ) -> Observed:
        known = inference.base.state.vv
        removed = inference.removed if version.whole else ()
        recreated = inference.recreated if version.whole else ()
        hold = None
        if limits is not None and not version.accepted:
            hold = self._held_deletion(version, inference, removed, known, moment, limits)
        pen = Pen(self.state, self.header, wall_ms=moment.wall_ms, seen=version.graph.records)
        held = set(hold.items) if hold is not None else set()
        gone = [item for item in removed if item not in held]
        for item in gone:
            pen.remove(item, known)
            self.undone[item] = seen_ms
            self._leave_holds(item, pen)
        self._create_again(pen, inference, version, recreated, known, held)
        for item in (*inference.added, *(() if below else self._reappeared(version))):
            self._leave_holds(item, pen)
            pen.add(item)
        self._add_again(pen, version, inference.base, moment, seen_ms)
        self._anchor(pen, version, gone)
        written = self.finish(pen, moment, "edit", ok=version.accepted and bool(removed))
        if hold is not None:
            self.holds[hold.id] = hold
            self.recheck(map(key_of, hold.items))
        if version.whole:
            self._enter(version, known, moment, seen_ms, below=below)
        elif written and not below:
            self._enter(self._with_the_rest(version), known, moment, seen_ms, below=False)
        rev = self.header.rev if written else None
        return Observed(tuple(written.added), tuple(written.removed), hold, rev=rev)

    def _anchor(self, pen: Pen, version: Version, removed: Iterable[Item]) -> None:
        """Say the registers of records again that were deleted elsewhere and lose something of the rest here.

        The writer saw them stand, took a part away and left them standing: only hints say so until now.
        """
        for key in dict.fromkeys(map(key_of, removed)):
            record = version.graph.records.get(key)
            live = self.state.live(key)
            if record is not None and live.exists and not live.anchored:
                for item in items_of(record):
                    if item[0] != "o":
                        pen.add(item)

    def _create_again(
        self,
        pen: Pen,
        inference: Inference,
        version: Version,
        recreated: Collection[str],
        known: VersionVector,
        held: Collection[Item],
    ) -> None:
        """Entities that were deleted and created: their old dots go, everything they say is said anew.

        What a hold keeps back stays as it is until a person has spoken.
        """
        if not recreated:
            return
        names = set(recreated)
        keys: list[RecordKey] = [("e", name) for name in recreated]
        keys += [
            key for key in version.graph.records if key[0] == "l" and (key[1] in names or key[2] in names)
        ]
        for key in keys:
            was, now = inference.base.record(key), version.graph.records.get(key)
            for item in items_of(was) if was is not None else ():
                if item not in held:
                    pen.remove(item, known)
            if was is not None and now is not None:
                for item in items_of(now):
                    pen.add(item, anew=True)

    def _with_the_rest(self, version: Version) -> Version:
        """What a damaged file would say whole: its readable rows beside all that stood there before.

        The next whole version is compared with that; else what the damaged one added would be added again,
        though somebody has deleted it since.
        """
        graph = Graph.of((*self.ring.graph, *version.graph))
        order = dict.fromkeys((*self.ring.newest.order, *version.order))
        return replace(version, graph=graph, order=tuple(order), hash=f"{version.hash}+")

    def _add_again(self, pen: Pen, version: Version, base: Base, moment: Moment, seen_ms: int) -> None:
        """Items deleted here a moment ago that stand in a later version again: delete-then-create.

        A version older than the deletion is one a power cut put back. An item that stood in a base younger
        than its deletion was put back by our own write, prepared before we knew; the server merely kept it.
        Without this one machine with one writer loses 312 of 2 339 observations (fleet simulation).
        """
        for item, at_ms in list(self.undone.items()):
            if abs(seen_ms - at_ms) > moment.window_ms:
                del self.undone[item]
            elif base.state.from_ms > at_ms and _states(base.record(key_of(item)), item):
                continue
            elif seen_ms >= at_ms and _says(version.graph, item) and not _says(self.ring.graph, item):
                pen.add(item)

    def _held_deletion(
        self,
        version: Version,
        inference: Inference,
        removed: Collection[Item],
        known: VersionVector,
        moment: Moment,
        limits: DeletionLimits,
    ) -> Hold | None:
        replaced = {item[:-1] for item in inference.added if item[0] in ("t", "f")}
        taken = weight(removed, replaced)
        base = inference.base.records()
        gone = set(removed)
        nothing_left = bool(gone) and all(
            item in gone
            for record in base.values()
            for item in items_of(record)
            if version.projection.holds(item)
        )
        if not is_large_deletion(taken, len(base), limits, nothing_left=nothing_left):
            return None
        items = tuple(item for item in removed if item[:-1] not in replaced)
        return Hold(moment.tok, self.rid, moment.wall_ms, items, self._known_dots(items, known))

    def _known_dots(self, items: Iterable[Item], known: VersionVector) -> dict[Rid, Intervals]:
        pen = Pen(self.state, self.header, wall_ms=0)
        numbers: dict[Rid, set[int]] = {}
        for item in items:
            for rid, entry in pen.entries(item):
                if entry.n < known.get(rid, 0):
                    numbers.setdefault(rid, set()).add(entry.n)
        return {rid: Intervals.numbers(found) for rid, found in numbers.items()}

    def _reappeared(self, version: Version) -> list[Item]:
        """What a local hold keeps out of the file and stands in it again, whatever it was written from."""
        held = (item for hold in self.holds.values() if hold.origin == self.rid for item in hold.items)
        return [item for item in held if _says(version.graph, item) and not _says(self.ring.graph, item)]

    def _leave_holds(self, item: Item, pen: Pen) -> None:
        """An item that reappears, or is deleted again, leaves its hold.

        Its held dots are removed, so that it is added anew: keeping them lost 205 re-created
        observations to deletes made elsewhere (fleet simulation).
        """
        for hold in list(self.holds.values()):
            if item not in hold.items:
                continue
            dots = [
                (rid, entry.n) for rid, entry in pen.entries(item) if entry.n in hold.dots.get(rid, EMPTY)
            ]
            pen.remove_dots(dots)
            gone: dict[Rid, Intervals] = {}
            for rid, n in dots:
                gone[rid] = gone.get(rid, EMPTY) | Intervals.numbers([n])
            left = hold.without([item], gone)
            if left.items:
                self.holds[hold.id] = left
            else:
                del self.holds[hold.id]

    def _enter(
        self, version: Version, known: VersionVector, moment: Moment, seen_ms: int, *, below: bool
    ) -> None:
        """Put the version into the ring: it may be the base of a later one."""
        vv = {**known, self.rid: self.header.next}
        from_ms = max(seen_ms, self.ring.newest.from_ms)
        from_ms = (
            min(from_ms, moment.wall_ms) if moment.wall_ms >= self.ring.newest.from_ms else moment.wall_ms
        )
        state = FileState(version.hash, from_ms, None, vv, version.order, Kind.OBSERVED)
        if below:
            self.ring.insert_below(state, version.graph)
        else:
            self.change_file(lambda: self.ring.push(state, version.graph))
        self.ring.trim(moment.wall_ms - max(UNWRITTEN_FOR_MS, self._reach_ms(moment)))
        self.remember(version.hash)

    # --- the file's newest state

    def change_file(self, act: Callable[[], None]) -> None:
        """Run an act that gives the ring another newest graph, and recheck what it changed."""
        before = self.ring.graph.records
        act()
        after = self.ring.graph.records
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        self.fresh.file |= changed
        self.recheck(changed)

    def remember(self, content_hash: str) -> None:
        """Keep the hash of a state of the file among the last thousand."""
        seq = 1 + (self.past[next(reversed(self.past))] if self.past else 0)
        self.past.pop(content_hash, None)
        self.past[content_hash] = seq
        self.fresh.past.add(content_hash)
        while len(self.past) > PAST_HASHES_KEPT:
            oldest = next(iter(self.past))
            del self.past[oldest]
            self.fresh.past.add(oldest)

    def intend(self, graph: Graph, order: tuple[str, ...], content_hash: str, moment: Moment) -> None:
        """A prepared version is about to be swapped in: from now on it is a candidate base."""
        vv = self.state.nexts()
        state = FileState(content_hash, moment.wall_ms, None, vv, order, Kind.PENDING)
        self.ring.intend(state, graph)

    def settle(self, moment: Moment) -> None:
        """The pending version is in place."""
        if self.ring.pending is None:
            return
        self.remember(self.ring.pending[0].hash)
        self.change_file(lambda: self.ring.settle(moment.wall_ms))
        self.ring.trim(moment.wall_ms - max(UNWRITTEN_FOR_MS, self._reach_ms(moment)))

    def confirm(self) -> None:
        """The file says what everything joined says: its newest state knows all of that."""
        if self.ring and not self.behind and self.ring.newest.vv != self.state.nexts():
            self.ring.confirm(self.state.nexts())

    # --- writing

    def finish(
        self,
        pen: Pen,
        moment: Moment,
        cause: str,
        *,
        ok: bool = False,
        retire: Iterable[Rid] = (),
        anyway: bool = False,
    ) -> Written:
        """Make a pen's work one revision, and note it for messages, history and undo."""
        before = self.header.rev
        written = pen.finish(tok=moment.tok, ok=ok, retire=retire, anyway=anyway)
        header = self.header
        if header.rev > before:
            self.fresh.records |= {(self.rid, key) for key in written.records}
            self.note_version(header)
            txn = Txn(
                header.rid, header.rev, moment.wall_ms, cause, tuple(written.added), tuple(written.removed)
            )
            self.fresh.txns.append(txn)
            self.unpublished.append(txn)
            self.recheck(written.touched)
        return written

    def write(
        self,
        removed: Iterable[Item],
        added: Iterable[Item],
        moment: Moment,
        *,
        cause: str,
        ts: int | None = None,
        anew: bool = False,
    ) -> Written:
        """A person's own change: it has seen everything joined so far, and no hold keeps it back."""
        pen = Pen(self.state, self.header, wall_ms=moment.wall_ms)
        known = self.state.nexts()
        for item in removed:
            pen.remove(item, known)
            self._leave_holds(item, pen)
        for item in added:
            self._leave_holds(item, pen)
            pen.add(item, ts=ts, anew=anew)
        return self.finish(pen, moment, cause)

    def note_version(self, header: Header) -> None:
        """Keep a (rev, tok) this store wrote, so that a clone or a rolled-back remote can be told."""
        self.versions.add((header.rid, header.rev, header.tok))
        self.fresh.versions.add((header.rid, header.rev, header.tok))

    # --- publishing

    def is_published(self, remote: str) -> bool:
        """Whether a remote has accepted the newest own revision (an empty fragment needs none)."""
        return self.accepted.get(remote, Mark()).rev >= self.header.rev

    def published(self, remote: str, fragment: Fragment) -> None:
        """A remote has accepted a revision of the own fragment."""
        header = fragment.header
        if header.rid == self.rid and header.rev >= self.accepted.get(remote, Mark()).rev:
            self.accepted[remote] = Mark(header.rev, header.next, header.tok)
            least = min(mark.rev for mark in self.accepted.values())
            self.unpublished = [txn for txn in self.unpublished if txn.rev > least]

    @property
    def accepted_mark(self) -> Mark:
        """The newest own revision any remote has accepted."""
        return max(self.accepted.values(), key=lambda mark: mark.rev, default=Mark())


def _inferred(base: Base, version: Version) -> Inference:
    """What a version says if it was written from this base."""
    return infer(base, version.graph, version.order, version.projection, types_fixed=version.types_fixed)


def _says(graph: Graph, item: Item) -> bool:
    return _states(graph.records.get(key_of(item)), item)


def _states(record: Record | None, item: Item) -> bool:
    return record is not None and item in set(items_of(record))


def _still_missing(items: Iterable[Item], record: Record | None) -> list[Item]:
    """The held items a record does not say; a register that has another value keeps it."""
    said = set(items_of(record)) if record is not None else set()
    registers = {item[:-1] for item in said if item[0] in ("t", "f")}
    return [item for item in items if item not in said and item[:-1] not in registers]
