"""What a machine did between two cuts, read off its fragments.

Rule 1: it added the facts whose numbers the older fragment had not yet reached.
Rule 2: it removed what its newer fragment lists beyond the older, and the own facts it dropped, unless
somebody else had removed those: then the dropping was only tidying up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memsync_git.crdt.cut import Cut
from memsync_git.crdt.fragment import Entry, Fragment, Header, RecordFacts, Stamp
from memsync_git.crdt.intervals import EMPTY, Intervals
from memsync_git.crdt.records import Records, changed
from memsync_git.crdt.state import State
from memsync_git.deeds.deed import Deed, deed_of, is_register, place_of
from memsync_git.model import Item, Record, RecordKey, Rid, items_of, key_of

Fact = tuple[Stamp, Item]


def step(before: Cut, after: Cut, rid: Rid) -> Deed:
    """What the replica `rid` did from one cut to a later one that holds it."""
    new = after[rid]
    old = before.get(rid, Fragment(Header(rid, new.header.host)))
    first, last = old.header.next, new.header.next - 1
    come, gone = _compared(old, new)
    added = [fact for fact in come if fact[0][2] >= first]
    tidied = _removed_by_others(rid, (before, after))
    removed = [fact for fact in gone if fact[0][2] not in tidied]
    removed += _removed_from_others(old.header, new.header, (before, after))
    said = {rid: Intervals(((first, last),))} if last >= first else {}
    now, was = _winners(added), _winners(removed)
    beaten = {item for _, item in removed if is_register(item)} - set(was)
    hinted = _hinted(before, {**before, rid: new}, now, was)
    return deed_of(now, [*was, *hinted], said, sorted(beaten, key=str))


def _hinted(before: Cut, after: Cut, now: Iterable[Item], was: Iterable[Item]) -> Iterator[Item]:
    """What went though no fact of it was removed: the value of a register that only a hint told, or a machine
    that had not been heard; the existence of a record that hung on its other facts alone.
    """
    gone, written = set(map(place_of, was)), set(map(place_of, now))
    for key in {key_of(item): None for item in (*now, *was)}:
        left = _items(_record(after, key))
        for item in _items(_record(before, key)):
            place = place_of(item)
            if item[0] != "o" and place not in gone and (item not in left or place in written):
                yield item


def _items(record: Record | None) -> set[Item]:
    return set(items_of(record)) if record is not None else set()


def _record(cut: Cut, key: RecordKey) -> Record | None:
    """A record as a cut shows it; nothing else of the cut is looked at."""
    parts = (
        Fragment(each.header, {key: each.records[key]} if key in each.records else {})
        for each in cut.values()
    )
    return State(parts).record(key)


def _compared(old: Fragment, new: Fragment) -> tuple[list[Fact], list[Fact]]:
    """The facts that only the newer, and that only the older fragment holds."""
    come: list[Fact] = []
    gone: list[Fact] = []
    for key in sorted(changed(Records.of(old.records), Records.of(new.records))):
        before = dict(_facts_of(old.rid, key, old.records.get(key)))
        after = dict(_facts_of(new.rid, key, new.records.get(key)))
        come += [(stamp, item) for stamp, item in after.items() if stamp not in before]
        gone += [(stamp, item) for stamp, item in before.items() if stamp not in after]
    return come, gone


def _facts_of(rid: Rid, key: RecordKey, facts: RecordFacts | None) -> Iterator[Fact]:
    """Every fact of a record as (stamp, item)."""
    if facts is None:
        return
    yield from ((_stamp(rid, entry), ("t", key[1], entry.value)) for entry in facts.types)
    yield from ((_stamp(rid, entry), ("o", key[1], entry.value)) for entry in facts.observations)
    existence = ("d", key[1]) if key[0] == "r" else key
    yield from ((_stamp(rid, entry), existence) for entry in facts.existence)
    for name, entries in facts.fields.items():
        yield from ((_stamp(rid, entry), ("f", key, name, entry.value)) for entry in entries)


def _stamp(rid: Rid, entry: Entry) -> Stamp:
    return entry.ts, rid, entry.n


def _removed_by_others(rid: Rid, cuts: Iterable[Cut]) -> Intervals:
    """The facts of a replica that others have removed."""
    gone = EMPTY
    for cut in cuts:
        for other, fragment in cut.items():
            if other != rid:
                gone |= fragment.header.removed_of(rid)
    return gone


def _removed_from_others(old: Header, new: Header, cuts: Iterable[Cut]) -> Iterator[Fact]:
    """What stood in other fragments and is listed as removed for the first time."""
    for owner, numbers in new.removed.items():
        fresh = numbers - old.removed_of(owner)
        held = [cut[owner] for cut in cuts if owner in cut] if fresh else []
        found: dict[Stamp, Item] = {}
        for fragment in held:
            for key in fragment.records:
                facts = _facts_of(owner, key, fragment.records[key])
                found |= {stamp: item for stamp, item in facts if stamp[2] in fresh}
        yield from found.items()


def _winners(facts: Iterable[Fact]) -> list[Item]:
    """The items of some facts; of a register the one with the largest stamp."""
    by_place = {place_of(item): item for _, item in sorted(facts, key=lambda fact: fact[0])}
    return list(by_place.values())
