"""Observing: what a version of the memory file says is taken in as facts.

    version ─ candidates ─ base ─ inference ─ guards ─ pen ─ ring

Rule 1: a version is compared with what it was written from, never simply with the newest state.
Rule 2: what cannot be told is kept: a restored backup says nothing, a damaged file only adds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from memsync_git.crdt.changes import items_in
from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.pen import Pen
from memsync_git.guards import (
    SMALLEST_WIPE,
    DeletionLimits,
    Hold,
    is_large_deletion,
    is_restored_backup,
    weight,
)
from memsync_git.inference import (
    SURE_PART,
    UNWRITTEN_FOR_MS,
    Base,
    FileState,
    Inference,
    Kind,
    infer,
    is_taken_back,
    nearest,
    readable,
    standing,
)
from memsync_git.model import (
    Graph,
    Item,
    RecordKey,
    Rid,
    items_of,
    key_of,
)
from memsync_git.replica.filtering import without_names
from memsync_git.replica.replica import Replica
from memsync_git.replica.values import Moment, Observed, Version
from memsync_git.stretches import Order, Records, among
from memsync_git.values import replace


def observe(
    replica: Replica,
    version: Version,
    moment: Moment,
    *,
    limits: DeletionLimits | None = None,
    below: bool = False,
    displaced_by: int | None = None,
) -> Observed:
    """Take in a version of the file. `below`: it was displaced, something newer stands there now.

    displaced_by: the state that took its place, where that is known. Whoever wrote it had opened the file
    before that, and read it earlier still: no state from then on is its base, however near it comes.
    Needs a ring (see `adopting.adopt` for the first version of all). `limits` None: hold nothing.
    """
    replica.project(version.projection)
    if replica.ring.pending is not None and replica.ring.pending[0].hash == version.hash and not below:
        replica.settle(moment)
    if replica.ring.newest.hash == version.hash:
        _saw_boot(replica, moment, below=below)
        _let_pending_go(replica, moment)
        return Observed()
    replica.ring.stand_on(version.graph)
    seen_ms = min(version.mtime_ms, moment.wall_ms)
    reach_ms = replica.reach_ms(moment)
    rebooted = replica.boot not in ("", moment.boot)
    candidates = replica.ring.candidates(seen_ms - reach_ms, all_states=rebooted, before=displaced_by)
    if rebooted:
        candidates.append(replica.ring.nothing())
    if version.accepted:
        candidates = candidates[:1]
    else:
        candidates = [replace(base, state=base.state.read_about(seen_ms, reach_ms)) for base in candidates]
    candidates = [base.within(version.projection) for base in candidates]
    _saw_boot(replica, moment, below=below)
    if version.whole and not (below or version.accepted) and _is_restored(replica, version, candidates):
        return Observed(restored=True)
    _forget_overheard(replica, seen_ms, moment)
    likely = readable(candidates, version.graph, seen_ms, moment.window_ms, replica.overheard) or candidates
    base = nearest(likely, version.graph, lambda base: _loss(replica, base, version))
    age_ms, sure_ms = seen_ms - replica.ring.newest.from_ms, moment.window_ms // SURE_PART
    may_be_sure = not (rebooted or moment.writer_caches)
    if may_be_sure and is_taken_back(base, candidates, version.graph, age_ms, sure_ms):
        base = candidates[0]
    inference = _of_the_shared(_inferred(base, version), replica.unshared)
    return _take_in(replica, version, inference, moment, limits, seen_ms=seen_ms, below=below)


def _loss(replica: Replica, base: Base, version: Version) -> int:
    """How many live items would go if the version had been written from this base."""
    pen = Pen(replica.state, replica.header, wall_ms=0)
    known = base.state
    removed = _inferred(base, version).removed
    return sum(any(known.knows(rid, entry.n) for rid, entry in pen.entries(item)) for item in removed)


def _forget_overheard(replica: Replica, seen_ms: int, moment: Moment) -> None:
    """Who was writing a version that could not be read whole has ended by now."""
    for item, at_ms in list(replica.overheard.items()):
        if abs(seen_ms - at_ms) > moment.window_ms:
            del replica.overheard[item]


def _let_pending_go(replica: Replica, moment: Moment) -> None:
    """The newest state stands in the file, and a swap prepared long ago is in nobody's hands any more.

    A crash left it, and a server wrote over it or it never happened. As a candidate for ever it would
    explain a later deletion away.
    """
    pending = replica.ring.pending
    if pending is not None and abs(moment.wall_ms - pending[0].from_ms) > 2 * replica.reach_ms(moment):
        replica.ring.abandon()


def _saw_boot(replica: Replica, moment: Moment, *, below: bool) -> None:
    """The first look at the path itself after a power cut has been taken; a leftover is none."""
    if not below:
        replica.boot = moment.boot


def _is_restored(replica: Replica, version: Version, candidates: Collection[Base]) -> bool:
    if version.hash not in replica.past:
        return False
    newest = replica.ring.graph.items()
    items = version.graph.items()
    return is_restored_backup(
        is_past=True,
        is_candidate=any(base.state.hash == version.hash for base in candidates),
        mtime_ms=version.mtime_ms,
        newest_ms=replica.ring.newest.from_ms,
        adds=len(items - newest),
        lacks=len(newest - items),
    )


def _take_in(
    replica: Replica,
    version: Version,
    inference: Inference,
    moment: Moment,
    limits: DeletionLimits | None,
    *,
    seen_ms: int,
    below: bool,
) -> Observed:
    known = inference.base.state
    removed = inference.removed if version.whole else ()
    recreated = inference.recreated if version.whole else ()
    hold = None
    if limits is not None and not version.accepted:
        hold = _held_deletion(replica, version, inference, removed, known, moment, limits)
    pen = Pen(replica.state, replica.header, wall_ms=moment.wall_ms, seen=version.graph.records)
    held = set(hold.items) if hold is not None else set()
    gone = [item for item in removed if item not in held]
    for item in gone:
        pen.remove(item, known.vv, known.unseen)
        replica.undone[item] = seen_ms
        replica.leave_holds(item, pen)
    _create_again(pen, inference, version, recreated, known, held)
    for item in (*inference.added, *(() if below else _reappeared(replica, version))):
        replica.leave_holds(item, pen)
        pen.add(item)
    _add_again(replica, pen, version, inference.base, moment, seen_ms)
    _anchor(replica, pen, version, gone)
    written = replica.finish(pen, moment, "edit", ok=version.accepted and bool(removed))
    if hold is not None:
        replica.holds[hold.id] = hold
        replica.recheck(map(key_of, hold.items))
    if version.whole:
        _enter(replica, version, known, moment, seen_ms, below=below)
    elif written and below:
        replica.overheard |= dict.fromkeys(written.added, seen_ms)
    elif written:
        _enter(replica, _with_the_rest(replica, version), known, moment, seen_ms, below=False)
    rev = replica.header.rev if written else None
    return Observed(tuple(written.added), tuple(written.removed), hold, rev=rev)


def _anchor(replica: Replica, pen: Pen, version: Version, removed: Iterable[Item]) -> None:
    """Say the registers of records again that were deleted elsewhere and lose something of the rest here.

    The writer saw them stand, took a part away and left them standing: only hints say so until now. Fields
    that its file cannot hold stay with them: once a record stands by itself, none is read off a hint.
    """
    for key in dict.fromkeys(map(key_of, removed)):
        record = version.graph.records.get(key)
        live = replica.state.live(key)
        if record is not None and live.exists and not live.anchored:
            for item in (*items_of(record), *_untold_fields(replica, version, key)):
                if item[0] != "o":
                    pen.add(item)


def _untold_fields(replica: Replica, version: Version, key: RecordKey) -> list[Item]:
    """The fields a record shows that no file of this variant can say."""
    shown = replica.state.record(key)
    said = () if shown is None else items_of(shown)
    return [item for item in said if item[0] == "f" and not version.projection.holds(item)]


def _create_again(
    pen: Pen,
    inference: Inference,
    version: Version,
    recreated: Collection[str],
    known: FileState,
    held: Collection[Item],
) -> None:
    """Entities that were deleted and created: their old dots go, everything they say is said anew.

    What a hold keeps back stays as it is until a person has spoken.
    """
    if not recreated:
        return
    names = set(recreated)
    keys: list[RecordKey] = [("e", name) for name in recreated]
    keys += [key for key in version.graph.records if key[0] == "l" and (key[1] in names or key[2] in names)]
    for key in keys:
        was, now = inference.base.record(key), version.graph.records.get(key)
        for item in items_of(was) if was is not None else ():
            if item not in held:
                pen.remove(item, known.vv, known.unseen)
        if was is not None and now is not None:
            for item in items_of(now):
                pen.add(item, anew=True)


def _with_the_rest(replica: Replica, version: Version) -> Version:
    """What a damaged file would say whole: its readable rows beside all that stood there before.

    The next whole version is compared with that; else what the damaged one added would be added again,
    though somebody has deleted it since.
    """
    said = Graph.of((*replica.ring.graph, *version.graph)).records
    order = Order.of(dict.fromkeys((*replica.ring.newest.order, *version.order)))
    graph = Graph({**{("e", name): said["e", name] for name in order}, **said})
    return replace(version, graph=graph, order=order, hash=f"{version.hash}+")


def _add_again(
    replica: Replica, pen: Pen, version: Version, base: Base, moment: Moment, seen_ms: int
) -> None:
    """Items deleted here a moment ago that stand in a later version again: delete-then-create.

    A version older than the deletion is one a power cut put back. What its base says and `_was_kept` was not
    created. Without this one machine with one writer loses 312 of 2 339 observations (fleet simulation).
    """
    shown, known = version.graph.records, replica.ring.graph.records
    created = {item[1] for item in replica.undone if item[0] == "t"}
    in_place = standing(base.state.order, version.order, created) if created else set()
    for item, at_ms in list(replica.undone.items()):
        if abs(seen_ms - at_ms) > moment.window_ms:
            del replica.undone[item]
        elif _was_kept(replica, item, base, at_ms, in_place):
            continue
        elif seen_ms >= at_ms and _says(shown, item) and not _says(known, item):
            pen.add(item)


def _was_kept(replica: Replica, item: Item, base: Base, at_ms: int, in_place: Collection[str]) -> bool:
    """Whether a writer that shows an item had merely read it.

    From a base younger than the deletion: our own write, prepared before we knew, had put it back. From an
    older one: a second server had read before the first one deleted the entity. It stands `in_place`, and
    what a server creates it appends; an observation forgotten alone and noted again has no place that tells.
    (450 histories with two servers a file: deletes back 5 instead of 34, nothing more lost.)
    """
    if item not in items_in(base.record(key_of(item))):
        return False
    names = item[1:3] if item[0] == "l" else item[1:2] if item[0] in ("t", "o") else ()
    gone = (name for name in names if ("e", name) not in replica.ring.graph.records)
    return base.state.from_ms > at_ms or any(name in in_place for name in gone)


def _held_deletion(
    replica: Replica,
    version: Version,
    inference: Inference,
    removed: Collection[Item],
    known: FileState,
    moment: Moment,
    limits: DeletionLimits,
) -> Hold | None:
    replaced = {item[:-1] for item in inference.added if item[0] in ("t", "f")}
    taken = weight(removed, replaced)
    nothing_left = taken >= SMALLEST_WIPE and _takes_everything(inference.base, set(removed), version)
    if not is_large_deletion(taken, inference.base.size, limits, nothing_left=nothing_left):
        return None
    items = tuple(item for item in removed if item[:-1] not in replaced)
    return Hold(moment.tok, replica.rid, moment.wall_ms, items, _known_dots(replica, items, known))


def _takes_everything(base: Base, gone: Collection[Item], version: Version) -> bool:
    """Whether nothing that a base says in the projection is left."""
    said = (item for record in base.records().values() for item in items_of(record))
    return all(item in gone for item in said if version.projection.holds(item))


def _known_dots(replica: Replica, items: Iterable[Item], known: FileState) -> dict[Rid, Intervals]:
    pen = Pen(replica.state, replica.header, wall_ms=0)
    numbers: dict[Rid, set[int]] = {}
    for item in items:
        for rid, entry in pen.entries(item):
            if known.knows(rid, entry.n):
                numbers.setdefault(rid, set()).add(entry.n)
    return {rid: Intervals.numbers(found) for rid, found in numbers.items()}


def _reappeared(replica: Replica, version: Version) -> list[Item]:
    """What a local hold keeps out of the file and stands in it again, whatever it was written from."""
    held = [item for hold in replica.holds.values() if hold.origin == replica.rid for item in hold.items]
    if not held:
        return []
    keys = replica.withheld.keys
    shown, known = among(version.graph.records, keys), among(replica.ring.graph.records, keys)
    return [item for item in held if _says(shown, item) and not _says(known, item)]


def _enter(
    replica: Replica, version: Version, known: FileState, moment: Moment, seen_ms: int, *, below: bool
) -> None:
    """Put the version into the ring: it may be the base of a later one."""
    vv = {**known.vv, replica.rid: replica.header.next}
    from_ms = max(seen_ms, replica.ring.newest.from_ms)
    from_ms = (
        min(from_ms, moment.wall_ms) if moment.wall_ms >= replica.ring.newest.from_ms else moment.wall_ms
    )
    state = FileState(version.hash, from_ms, None, vv, version.order, Kind.OBSERVED, unseen=known.unseen)
    if below:
        replica.ring.insert_below(state, version.graph)
    else:
        replica.file_changed(replica.ring.push(state, version.graph))
    replica.ring.trim(moment.wall_ms - max(UNWRITTEN_FOR_MS, replica.reach_ms(moment)))
    replica.remember(version.hash)


def _inferred(base: Base, version: Version) -> Inference:
    """What a version says if it was written from this base."""
    return infer(base, version.graph, version.order, version.projection, types_fixed=version.types_fixed)


def _of_the_shared(inference: Inference, hidden: frozenset[str]) -> Inference:
    """The same without deletions under names that were left out until now.

    Of what happened to them meanwhile nothing is known, though a base older than the rule makes it seem so.
    """
    if not hidden:
        return inference
    removed = tuple(without_names(inference.removed, hidden))
    recreated = tuple(name for name in inference.recreated if name not in hidden)
    return replace(inference, removed=removed, recreated=recreated)


def _says(records: Records, item: Item) -> bool:
    return item in items_in(records.get(key_of(item)))
