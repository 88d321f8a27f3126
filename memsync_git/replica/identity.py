"""Who this replica is: clones, restored backups, retirement.

Rule 1: the store keeps every (rev, tok) it wrote. A fragment under the own rid that it did not write means
two installations share the rid: this one takes a new one.
Rule 2: only what no remote had accepted is minted again; what was accepted lives on in the old fragment,
which is a foreign one from now on.
Rule 3: nobody else's statement about the own dots is believed.
"""

from __future__ import annotations

from collections.abc import Iterable

from memsync_git.crdt.cut import closed_cut
from memsync_git.crdt.fragment import Entry, Fragment, Header, RecordFacts
from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.pen import Pen
from memsync_git.guards import Hold
from memsync_git.model import Item, RecordKey, Rid
from memsync_git.replica.adopting import adopt_from
from memsync_git.replica.replica import Replica
from memsync_git.replica.values import Mark, Moment, Observed, Version


def is_shared(replica: Replica, upstream: Iterable[Fragment]) -> bool:
    """Whether a remote holds something under the own rid that this store did not write."""
    header = replica.header
    return any(
        (fragment.rid, fragment.rev, fragment.header.tok) not in replica.versions
        or fragment.header.next > header.next
        for fragment in upstream
        if fragment.rid == replica.rid and fragment.rev > 0
    )


def is_retired(replica: Replica) -> bool:
    """Whether somebody has retired the own rid."""
    headers = map(replica.state.header, replica.state.rids)
    return any(replica.rid in header.retired for header in headers if header is not None)


def take_new_rid(replica: Replica, rid: Rid, upstream: Fragment | None, moment: Moment) -> None:
    """Become a new replica, beside the fragment that stays under the old rid."""
    old = replica.fragment()
    limit = replica.accepted_mark.next
    if upstream is None:
        upstream = _published_part(old, limit)
    again = list(_unpublished(replica, old, upstream, limit))
    removed = dict(old.header.removed)
    removed[old.rid] = _dropped_since(old, upstream, limit)
    touched = {**replica.state.forget(old.rid), **replica.state.replace(upstream)}
    replica.fresh.records |= {(old.rid, key) for key in old.records.keys() | upstream.records.keys()}
    replica.rid = rid
    header = Header(rid, replica.host, replica.store, removed={r: n for r, n in removed.items() if n})
    touched |= replica.state.rewrite(header, {})
    replica.accepted = {name: Mark() for name in replica.accepted}
    replica.unpublished.clear()
    numbers = _mint_again(replica, again, moment)
    replica.ring.cut_vv(old.rid, limit)
    replica.ring.extend_vv(rid, replica.header.next)
    replica.holds = {hold.id: _renamed(hold, old.rid, rid, numbers) for hold in replica.holds.values()}
    replica.recheck({*touched, *old.records, *upstream.records})


def _published_part(old: Fragment, limit: int) -> Fragment:
    """What of the own fragment is known to be accepted, where the remote itself holds nothing of it."""
    records = {key: _below(facts, limit) for key, facts in old.records.items()}
    kept = {key: facts for key, facts in records.items() if next(facts.entries(), None) is not None}
    return Fragment(old.header, kept)


def _below(facts: RecordFacts, limit: int) -> RecordFacts:
    def kept(entries: Iterable[Entry]) -> tuple[Entry, ...]:
        return tuple(entry for entry in entries if entry.n < limit)

    fields = {name: kept(entries) for name, entries in facts.fields.items()}
    return RecordFacts(
        kept(facts.types),
        kept(facts.observations),
        kept(facts.existence),
        {name: entries for name, entries in fields.items() if entries},
        facts.hint,
        facts.extra,
    )


def _unpublished(
    replica: Replica, old: Fragment, upstream: Fragment, limit: int
) -> Iterable[tuple[Item, Entry]]:
    """The live own facts no remote had accepted, unless the old fragment carries the very same one."""
    gone = replica.state.dead(old.rid)
    for key, facts in old.records.items():
        twins = set(upstream.records[key].entries()) if key in upstream.records else set()
        for item, entry in _items(key, facts):
            if entry.n >= limit and entry.n not in gone and entry not in twins:
                yield item, entry


def _items(key: RecordKey, facts: RecordFacts) -> Iterable[tuple[Item, Entry]]:
    for entry in facts.types:
        yield ("t", key[1], entry.value), entry
    for entry in facts.observations:
        yield ("o", key[1], entry.value), entry
    for entry in facts.existence:
        yield (("l", *key[1:]) if key[0] == "l" else ("d", key[1])), entry
    for name, entries in facts.fields.items():
        for entry in entries:
            yield ("f", key, name, entry.value), entry


def _dropped_since(old: Fragment, upstream: Fragment, limit: int) -> Intervals:
    """Facts the remote still holds that this replica had dropped before it noticed."""
    held = {entry.n for facts in old.records.values() for entry in facts.entries()}
    standing = {entry.n for facts in upstream.records.values() for entry in facts.entries()}
    return Intervals.numbers(n for n in standing - held if n < limit)


def _mint_again(replica: Replica, again: list[tuple[Item, Entry]], moment: Moment) -> dict[int, int]:
    """Assert the facts anew under the new rid; return old n → new n."""
    pen = Pen(replica.state, replica.header, wall_ms=moment.wall_ms, seen=replica.ring.graph.records)
    numbers = {}
    for item, entry in sorted(again, key=lambda pair: pair[1].n):
        numbers[entry.n] = pen.next
        pen.add(item, anew=True, ts=entry.ts)
    replica.finish(pen, moment, "new identity", anyway=bool(replica.header.removed))
    return numbers


def _renamed(hold: Hold, old: Rid, new: Rid, numbers: dict[int, int]) -> Hold:
    """A hold whose own dots were minted again under another rid."""
    moved = [numbers[n] for n in numbers if n in hold.dots.get(old, Intervals())]
    dots = {**hold.dots, new: Intervals.numbers(moved)}
    origin = new if hold.origin == old else hold.origin
    return Hold(hold.id, origin, hold.at_ms, hold.items, {rid: n for rid, n in dots.items() if n})


def rebuild_from_witness(
    replica: Replica,
    rid: Rid,
    cut: list[Fragment],
    upstream: Iterable[Fragment],
    version: Version,
    moment: Moment,
) -> Observed:
    """Replace a store that is older than its file.

    `cut`: what the file was written from (the witness's `seen` and the newest own revision published
    before it). Unpublished facts, ring and holds of the old store are gone: the file is what is known.
    """
    for known in list(replica.state.rids):
        replica.fresh.records |= {(known, key) for key in replica.state.records_of(known)}
        replica.state.forget(known)
    replica.rid = rid
    replica.holds.clear()
    replica.undone.clear()
    replica.overheard.clear()
    replica.unpublished.clear()
    replica.accepted = {name: Mark() for name in replica.accepted}
    replica.state.replace(Fragment(Header(rid, replica.host, replica.store)))
    for fragment in closed_cut({}, upstream).values():
        replica.state.replace(fragment)
        replica.fresh.records |= {(fragment.rid, key) for key in fragment.records}
    replica.compare_anew()
    return adopt_from(replica, cut, version, moment)
