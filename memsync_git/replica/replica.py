"""The replica itself: its state, its ring, its holds, and the acts of a round.

Rule 1: `observe` turns a version of the memory file into facts; `target` says what the file should hold.
Rule 2: `behind` names the records where file and target differ, `contested` those a person has to look at;
both follow every change at its own cost.
Rule 3: a written state enters the ring as pending before the swap (`intend`) and becomes newest
after it (`settle`), so a crash between them costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from itertools import chain

from memsync_git.crdt.changes import Unseen
from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.crdt.pen import Pen, Written
from memsync_git.crdt.places import place_behind
from memsync_git.crdt.state import State
from memsync_git.crdt.view import record_of
from memsync_git.guards import Hold, Withheld
from memsync_git.inference import (
    CACHED_FOR_MS,
    PAST_HASHES_KEPT,
    UNWRITTEN_FOR_MS,
    FileState,
    Kind,
    Ring,
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
from memsync_git.replica.beside import Beside
from memsync_git.replica.carrying import Carried
from memsync_git.replica.filtering import Rules, left_out, names_in, without_names
from memsync_git.replica.leaving import Leaving, bearing
from memsync_git.replica.shelves import Shelves
from memsync_git.replica.values import Fresh, KeptFile, KeptPending, Mark, Moment, Txn
from memsync_git.stretches import Order, Step, among
from memsync_git.values import replace

Joined = tuple[frozenset[tuple[Rid, int, str]], tuple[Hold, ...], Projection]
"""The revisions that are joined, the holds, and what of that a file can hold."""


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
        self.overheard: dict[Item, int] = {}
        self.carried = Carried()
        self.accepted: dict[str, Mark] = {}
        self.versions: set[tuple[Rid, int, str]] = set()
        self.unpublished: list[Txn] = []
        self.boot = ""
        self.runs_began_ms = (0, 0)
        self.emptied_ms: int | None = None
        self.projection = EVERYTHING
        self.unshared: frozenset[str] = frozenset()
        self.rules = Rules()
        self.leaving = Leaving()
        self.fresh = Fresh()
        self.beside = Beside()
        self.kept_headers: dict[Rid, Header] = {}
        self.kept_states: dict[int, FileState] = {}
        self.kept_file = KeptFile()
        self.kept_differences: Mapping[str, Set[RecordKey]] = {}
        self.kept_pending: KeptPending | None = None
        self.intended: tuple[Joined, Set[RecordKey]] | None = None
        self.shelves: Shelves | None = None
        self._behind: set[RecordKey] | None = None
        self._contested: set[RecordKey] | None = None
        self._withheld = Withheld()

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
            self.recheck([*self.state.keys(), *self.ring.graph.records, *self.withheld.keys])
        return self._behind

    @property
    def contested(self) -> set[RecordKey]:
        """The records with a conflict, or edited while deleted."""
        if self._contested is None:
            self._contested = set(self.state.contested())
        return self._contested

    def go_on_from(self, behind: Iterable[RecordKey], contested: Iterable[RecordKey]) -> None:
        """Go on from the differences that were saved."""
        self._behind, self._contested = set(behind), set(contested)

    def compare_anew(self) -> None:
        """Forget the differences that were known: file or state were replaced as a whole."""
        self._behind = self._contested = None

    def compare(self) -> None:
        """Know the differences from now on, so that they are followed step by step."""
        _ = self.behind, self.contested

    def project(self, projection: Projection) -> None:
        """Compare file and target in the projection of this variant from now on."""
        if projection == self.projection:
            return
        before, self.projection = self.projection, projection
        if replace(before, hidden=projection.hidden) != projection:
            self.compare_anew()
        elif self._behind is not None:
            self._look_under(before.hidden - projection.hidden)

    def _look_under(self, let_through: Set[str]) -> None:
        """Compare what is left out no longer, and nothing of what is from now on."""
        if let_through <= self.unshared:
            relations = chain(self.state.relations(), self.withheld.keys) if let_through else ()
            self._behind = {key for key in self.behind if not self.projection.hides(key)}
            self._recheck_behind({*bearing(let_through, relations)})
        else:
            self.compare_anew()

    def share_by(self, rules: Rules, variant: Projection, file: Graph | None = None) -> None:
        """Share what these rules let through from now on; see `shared`."""
        self.rules = rules
        self.project(self.shared(variant, file))

    def shared(self, variant: Projection, file: Graph | None = None) -> Projection:
        """What this machine shares: what its variant can hold, without the names that are left out.

        file: what the memory file says, where that may be more than what was taken in of it. As long as
        nobody has looked, what was left out because of it still is.
        """
        return replace(variant, hidden=self.leaving.names(self, file)) if self.rules else variant

    def recheck(self, keys: Iterable[RecordKey]) -> None:
        """Look again whether some records differ between file and target, or within the state."""
        keys = list(keys)
        self._recheck_behind(keys)
        self._recheck_contested(keys)

    def follow(self, steps: Mapping[RecordKey, tuple[Set[Item], Set[Item]]]) -> None:
        """Look again at records of the state by what went and came: where the file said what one showed, it
        does not any more. Only those that differed before, or are held, are compared with the file.
        """
        if self._behind is not None:
            odd = {key for key in self.withheld.keys if key in steps} | (self._behind & steps.keys())
            holds = self.projection.holds
            turned = (key for key, step in steps.items() if any(map(holds, chain(*step))))
            self._behind.update([key for key in turned if key not in odd])
            self._recheck_behind(odd)
        self._recheck_contested(steps.keys())

    def expect(self, records: Iterable[Record]) -> None:
        """Records nobody had spoken of are about to come, and nothing about them is contested or held."""
        if self._behind is None:
            return
        new = {record.key: record for record in records}
        standing = among(self.ring.graph.records, new)
        self._behind.difference_update(new)
        self._behind.update(key for key, record in new.items() if self._differs(record, standing.get(key)))

    def _recheck_behind(self, keys: Collection[RecordKey]) -> None:
        """Look again whether some records differ between file and target."""
        if self._behind is None:
            return
        standing = among(self.ring.graph.records, keys)
        self._behind.difference_update(keys)
        self._behind.update(key for key in keys if self._differs(self.target(key), standing.get(key)))

    def _recheck_contested(self, keys: Collection[RecordKey]) -> None:
        """Look again whether some records are contested."""
        if self._contested is not None:
            self._contested.difference_update(keys)
            self._contested.update(filter(self.state.is_contested, keys))

    def _differs(self, wanted: Record | None, standing: Record | None) -> bool:
        """Whether two records say something else, in the projection."""
        if wanted is standing:
            return False
        wanted = self.projection.record(wanted) if wanted is not None else None
        standing = self.projection.record(standing) if standing is not None else None
        if wanted is None or standing is None:
            return wanted is not standing
        return not same_items(wanted, standing)

    # --- what the file should say

    def target(self, key: RecordKey) -> Record | None:
        """A record as the file should hold it: the view without local holds, with those from elsewhere."""
        record = self.state.record(key)
        for hold, items in self.withheld.of(key):
            if hold.origin == self.rid:
                record = record_of(key, self.state.live(key, self.hidden))
            else:
                record = record_with(record, _still_missing(items, record))
        return record

    @property
    def withheld(self) -> Withheld:
        """What all holds keep back, by record."""
        holds = tuple(self.holds.values())
        if self._withheld.holds != holds:
            self._withheld = Withheld(holds)
        return self._withheld

    @property
    def hidden(self) -> Mapping[Rid, Intervals]:
        """The dots that local holds hide."""
        hidden: dict[Rid, Intervals] = {}
        for hold in self.holds.values():
            if hold.origin == self.rid:
                for rid, numbers in hold.dots.items():
                    hidden[rid] = hidden.get(rid, EMPTY) | numbers
        return hidden

    def _unseen_in(self, left: Iterable[RecordKey]) -> Unseen:
        """The facts of others about some records that the newest state of the file does not know."""
        unseen: dict[Rid, set[int]] = {}
        for key in left:
            for rid, facts in self.state.facts(key).items():
                for entry in facts.entries() if rid != self.rid else ():
                    if not self.ring.newest.knows(rid, entry.n):
                        unseen.setdefault(rid, set()).add(entry.n)
        return {rid: Intervals.numbers(numbers) for rid, numbers in unseen.items()}

    def targets(self) -> Iterator[Record]:
        """The same in no particular order, one after another: nobody needs to hold them all."""
        held = self.withheld.keys
        yield from (each for each in self.state.records() if each.key not in held)
        yield from filter(None, map(self.target, held))

    def targets_placed(self) -> Iterator[tuple[bytes, Record]]:
        """The same, each with its place in a file; those come as the view has them, entities first. What only
        holds bring back stands behind the others.
        """
        held = {key: self.target(key) for key in self.withheld.keys}
        for place, shown in State(self.state.fragments().values()).placed():
            target = held.pop(shown.record.key, shown.record)
            if target is not None:
                yield place, target
        late = ((key, target) for key, target in held.items() if target is not None)
        yield from ((place_behind(key, at), target) for at, (key, target) in enumerate(late))

    def target_graph(self) -> Graph:
        """Everything the file should hold, in view order, before projection."""
        shown = {each.record.key: each.record for each in self.state.shown(kept=True)}
        found = {**shown, **{key: self.target(key) for key in self.withheld.keys}}
        return Graph({key: record for key, record in found.items() if record is not None})

    def lacking(self, keys: Collection[RecordKey]) -> Step:
        """What the file's newest state lacks of some records, as a step; new ones in view order."""
        shown = {each.record.key: each.record for each in self.state.shown(keys)}
        held = self.withheld.keys
        others = [key for key in dict.fromkeys([*held, *sorted(keys)]) if key in keys]
        return {**shown, **{key: self.target(key) for key in others if key not in shown or key in held}}

    # --- runs

    def begin_run(self, now_ms: int) -> None:
        """Note when this run and the one before it began: a writer that caches may be as old as that."""
        self.runs_began_ms = (self.runs_began_ms[1], now_ms)

    def reach_ms(self, moment: Moment) -> int:
        """How far back a writer may have read: W, or for one that caches to before the previous run."""
        if not moment.writer_caches:
            return moment.window_ms
        return max(moment.window_ms, CACHED_FOR_MS, moment.wall_ms - self.runs_began_ms[0])

    # --- the file's newest state

    def file_changed(self, back: Step, doubtful: Set[RecordKey] | None = None) -> None:
        """The ring has another newest state: look again where the step back from it leads elsewhere.

        It was read, or made, without the names that are left out now (`unshared`). `doubtful`: where it is
        known, the records of those at which file and target may differ; the others agree.
        """
        self.unshared = self.projection.hidden
        self.fresh.file = self.fresh.file or bool(back)
        if doubtful is not None and self._behind is not None:
            self._behind.difference_update(back.keys() - doubtful)
        self._recheck_behind(back.keys() if doubtful is None else back.keys() & doubtful)

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

    def intend(
        self,
        graph: Graph,
        order: Order,
        content_hash: str,
        moment: Moment,
        *,
        ahead: Step | None = None,
        made_of: Joined | None = None,
    ) -> None:
        """A prepared version is about to be swapped in: from now on it is a candidate base.

        Who reads it has not seen what is new about the records it leaves as they stand (a picked apply).
        `ahead`: the step from the file's newest state to it, where that is known. `made_of`: what was joined
        when it was made, where all of that is in it.
        """
        left = set[RecordKey]() if made_of == self.joined else self._left_by(graph)
        self.intended = (self.joined, self.behind - left)
        vv, unseen = self.state.nexts(), self._unseen_in({*left, *self.records_left_out})
        state = FileState(content_hash, moment.wall_ms, None, vv, order, Kind.PENDING, unseen=unseen)
        self.ring.intend(state, graph, ahead)

    @property
    def joined(self) -> Joined:
        """Names what the target is made of: the same makes the same one."""
        revisions = frozenset((each.rid, each.rev, each.tok) for each in self.state.headers)
        return revisions, self.withheld.holds, self.projection

    def _left_by(self, graph: Graph) -> set[RecordKey]:
        """The records that are not in a version as they should be."""
        written = among(graph.records, self.behind)
        return {key for key in self.behind if self._differs(self.target(key), written.get(key))}

    def settle(self, moment: Moment) -> None:
        """The pending version is in place."""
        if self.ring.pending is None:
            return
        self.remember(self.ring.pending[0].hash)
        back = self.ring.settle(moment.wall_ms)
        joined, agreed = self.intended or (None, set[RecordKey]())
        self.file_changed(back, back.keys() - agreed if joined == self.joined else None)
        self.ring.trim(moment.wall_ms - max(UNWRITTEN_FOR_MS, self.reach_ms(moment)))

    def confirm(self, moment: Moment) -> None:
        """The file says what everything joined says: its newest state knows all of that."""
        if self.ring and not self.behind and not self.is_confirmed:
            unseen = self._unseen_in(self.records_left_out)
            now_ms, reach_ms = moment.wall_ms, self.reach_ms(moment)
            self.ring.confirm(self.state.nexts(), unseen, now_ms=now_ms, reach_ms=reach_ms)

    @property
    def is_confirmed(self) -> bool:
        """Whether the file's newest state knows everything joined that this machine shares."""
        newest = self.ring.newest
        return newest.vv == self.state.nexts() and newest.unseen == self._unseen_in(self.records_left_out)

    @property
    def records_left_out(self) -> frozenset[RecordKey]:
        """The records that never come into the file, by the rules of this machine."""
        return self.leaving.records(self)

    # --- writing

    def leave_holds(self, item: Item, pen: Pen) -> None:
        """An item that reappears, or is deleted again, leaves its hold.

        Its held dots are removed, so that it is added anew: keeping them lost 205 re-created
        observations to deletes made elsewhere (fleet simulation).
        """
        for hold, held in self.withheld.of(key_of(item)):
            if item not in held:
                continue
            dots = [
                (rid, entry.n) for rid, entry in pen.entries(item) if entry.n in hold.dots.get(rid, EMPTY)
            ]
            pen.remove_dots(key_of(item), dots)
            gone: dict[Rid, Intervals] = {}
            for rid, n in dots:
                gone[rid] = gone.get(rid, EMPTY) | Intervals.numbers([n])
            left = hold.without([item], gone)
            if left.items:
                self.holds[hold.id] = left
            else:
                del self.holds[hold.id]

    def finish(
        self,
        pen: Pen,
        moment: Moment,
        cause: str,
        *,
        ok: bool = False,
        retire: Iterable[Rid] = (),
        host: str | None = None,
        anyway: bool = False,
    ) -> Written:
        """Make a pen's work one revision, and note it for messages, history and undo."""
        before = self.header
        written = pen.finish(tok=moment.tok, ok=ok, retire=retire, host=host, anyway=anyway)
        header = self.header
        if header.rev > before.rev:
            self.fresh.records |= {(self.rid, key) for key in written.records}
            if written.lines is not None:
                self.fresh.lines.append((self.rid, written.lines.lines()))
            self.note_version(header)
            txn = Txn(
                header.rid,
                header.rev,
                moment.wall_ms,
                cause,
                written.added,
                tuple(written.removed),
                (before.next, header.next - 1),
                tuple(written.beaten),
                _newly_seen(before, header),
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
        """A person's own change: it has seen everything joined so far, and no hold keeps it back.

        What it says under a name this machine leaves out is dropped; the answer names it.
        """
        removed, added = list(removed), list(added)
        out = self.left_out([*removed, *added])
        pen = Pen(self.state, self.header, wall_ms=moment.wall_ms)
        known = self.state.nexts()
        for item in without_names(removed, out):
            pen.remove(item, known)
            self.leave_holds(item, pen)
        for item in without_names(added, out):
            self.leave_holds(item, pen)
            pen.add(item, ts=ts, anew=anew)
        return replace(self.finish(pen, moment, cause), left_out=out)

    def carry(self, carried: Carried) -> None:
        """Keep what a server wrote under names left out, until it is in the file again."""
        self.carried = self.carried.and_then(carried)

    def share_carried(self, projection: Projection, moment: Moment) -> None:
        """Note what the rules let through before it came back into the file."""
        self.project(projection)
        self.carried, come = self.carried.split(self.projection.hides)
        if come:
            self.write((), come, moment, cause="edit")

    def left_out(self, items: Collection[Item]) -> frozenset[str]:
        """The names in these items that this machine does not share, as far as anything is known of them."""
        if not self.rules:
            return frozenset()
        names = {name for item in items for name in names_in(key_of(item))}
        keys: list[RecordKey] = [("e", name) for name in names]
        known = [*map(self.state.record, keys), *map(self.ring.graph.records.get, keys)]
        found = left_out(self.rules, items, [record for record in known if record is not None])
        return found | (self.projection.hidden & names) - self.leaving.untyped

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
            self._drop_published()

    def expect_remotes(self, remotes: Iterable[str]) -> None:
        """These remotes are to have everything: what they have not accepted waits for them."""
        for remote in remotes:
            self.accepted.setdefault(remote, Mark())

    def forget_remote(self, remote: str) -> None:
        """Nothing waits for a remote any more."""
        self.accepted.pop(remote, None)
        self._drop_published()

    def _drop_published(self) -> None:
        least = min((mark.rev for mark in self.accepted.values()), default=0)
        self.unpublished = [txn for txn in self.unpublished if txn.rev > least]

    @property
    def accepted_mark(self) -> Mark:
        """The newest own revision any remote has accepted."""
        return max(self.accepted.values(), key=lambda mark: mark.rev, default=Mark())


def _newly_seen(before: Header, after: Header) -> dict[Rid, int]:
    """The revisions of others that a revision had seen, and the own one before it had not."""
    return {rid: seen[0] for rid, seen in after.seen.items() if before.seen.get(rid) != seen}


def _still_missing(items: Iterable[Item], record: Record | None) -> list[Item]:
    """The held items a record does not say; a register that has another value keeps it."""
    said = set(items_of(record)) if record is not None else set()
    registers = {item[:-1] for item in said if item[0] in ("t", "f")}
    return [item for item in items if item not in said and item[:-1] not in registers]
