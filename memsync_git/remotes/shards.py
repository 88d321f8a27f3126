"""One fragment from its files: as a whole, or by the shards that changed since it was read last.

    header file   ─┐ always
    shards          │ only those whose object is another one, where the rest is known line by line;
                    │ of many only what they are made of and what is new, if a pack tells
                    └▶ a fragment, and what stands in each shard

Rule 1: how it was read makes no difference to what is found; what looks odd is read as a whole.
Rule 2: what is known of a shard is known by the name of its object, so it is never out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.model import Rid
from memsync_git.ports import KnownRecords
from memsync_git.remotes.objects import CloneDamaged, Objects, Unfit
from memsync_git.remotes.seen import Decoded, Files, Learnt
from memsync_git.remotes.trees import EMPTY, Listing, Oid
from memsync_git.wire.fragments import Malformed, WireLimits, decode, header_of
from memsync_git.wire.patches import Patch, parse_patch
from memsync_git.wire.revising import NO_LINES, Later, Marked, Stood, follows, marked, revised, stood_in
from memsync_git.wire.rid import ShardPath, fragment_path, parse_path

FEW_SHARDS = 32
"""So many are read whole: git keeps what a fetch of less than a hundred objects brings as a file each
(fetch.unpackLimit), and looking into packs begins with ten milliseconds of importing."""

ListingOf = Callable[[Oid, str], Listing]
"""The listing of a tree; the second value says where it stands, should it be unfit."""


class ShardReader:
    """Reads fragments of one store. `before`: what an earlier look has read; `shards`: what this one has."""

    def __init__(
        self,
        objects: Objects,
        listing_of: ListingOf,
        *,
        store: str,
        before: Learnt,
        limits: WireLimits,
        records: KnownRecords,
    ) -> None:
        self._objects = objects
        self._listing_of = listing_of
        self._store = store
        self._before = before
        self._limits = limits
        self._records = records
        self.shards: dict[Oid, Stood] = {}

    def read(self, rid: Rid, files: Files, where: str) -> Decoded:
        """The fragment that stands in some files.

        Raises:
            CloneDamaged: one of them is missing.
        """
        return self._revised(rid, files, where) or self._whole(rid, files, where)

    def header(self, rid: Rid, files: Files) -> Header | None:
        """Only the header of a fragment; None where it is to be read as a whole."""
        data = self._own_file(files)
        header = None if data is None else header_of(data, self._limits)
        is_in_place = header is not None and (header.rid, header.store) == (rid, self._store)
        return header if is_in_place else None

    def _whole(self, rid: Rid, files: Files, where: str) -> Decoded:
        shards = list(self._shards_of(rid, files, where).values())
        lines = list[Marked]()
        try:
            (data,) = self._contents([files.entry.oid], where)
            found = decode(
                data,
                rid=rid,
                store=self._store,
                shards=_noted(self._contents(shards, where, besides=len(data)), lines),
                limits=self._limits,
                known=self._records(rid),
            )
        except _NotToBeRead as error:
            return Malformed(str(error))
        stood = stood_in(found, lines) if lines and isinstance(found, Fragment) else None
        if stood is not None:
            self.shards.update(zip(shards, stood, strict=True))
        return found

    def _revised(self, rid: Rid, files: Files, where: str) -> Fragment | None:
        """By what changed of it since the last look; None where that does not tell."""
        known = self._before.newest(rid) if files.shards is not None else None
        if known is None:
            return None
        stood, before = known
        data = self._own_file(files)
        later = None if data is None else follows(data, before, self._limits)
        was, now = self._shards_of(rid, stood, where), self._shards_of(rid, files, where)
        if later is None or any(oid not in self._before.shards for oid in was.values()):
            return None
        return self._stepped(later, before, was, now, where)

    def _stepped(
        self, later: Later, before: Fragment, was: Mapping[int, Oid], now: Mapping[int, Oid], where: str
    ) -> Fragment | None:
        """The step from the shards there were to those there are."""
        shards = self._before.shards
        other = [number for number in {**was, **now} if was.get(number) != now.get(number)]
        come = {number: now[number] for number in other if number in now}
        kept = {oid: shards[oid] for number, oid in now.items() if was.get(number) == oid}
        patches = self._patches(was, come)
        sizes = (*(known.size for known in kept.values()), *(patch.size for patch in patches.values()))
        besides = later.size + sum(sizes)
        if besides > self._limits.max_fragment_bytes:
            return None
        whole = [oid for number, oid in come.items() if number not in patches]
        read = self._contents(whole, where, besides=besides)
        stood = (shards[was[number]] if number in was else NO_LINES for number in other)
        stands = (patches.get(number) or next(read) if number in come else None for number in other)
        try:
            found = revised(later, before, zip(stood, stands, strict=True), self._limits)
        except _NotToBeRead:
            return None
        if found is None:
            return None
        fragment, lines = found
        self.shards.update({**kept, **dict(zip(come.values(), lines, strict=True))})
        return fragment

    def _patches(self, was: Mapping[int, Oid], come: Mapping[int, Oid]) -> dict[int, Patch]:
        """How shards are made of those that stood there, as far as packs tell; a few are read whole."""
        steps = {number: (oid, was[number]) for number, oid in come.items() if number in was}
        if len(steps) <= FEW_SHARDS:
            return {}
        deltas = zip(steps, self._objects.deltas([*steps.values()]), strict=True)
        patches = {number: parse_patch(delta) for number, delta in deltas if delta is not None}
        return {number: patch for number, patch in patches.items() if patch is not None}

    def _own_file(self, files: Files) -> bytes | None:
        data = self._objects.read(files.entry.oid, "blob", limit=self._limits.max_fragment_bytes)
        return data if isinstance(data, bytes) else None

    def _contents(self, oids: Sequence[Oid], where: str, *, besides: int = 0) -> Iterator[bytes]:
        """The bytes of some files, one after another; `besides` so many of the same fragment.

        Raises:
            CloneDamaged: one of them is missing.
            _NotToBeRead: one of them is unfit.
        """
        for data in self._objects.each(oids, "blob", limit=self._limits.max_fragment_bytes - besides):
            if data is None:
                raise CloneDamaged(f"{where} is missing")
            if isinstance(data, Unfit):
                raise _NotToBeRead(data.reason)
            yield data

    def _shards_of(self, rid: Rid, files: Files, where: str) -> dict[int, Oid]:
        """The shards of a fragment by number, in order; of two names for one its present one counts."""
        listing = EMPTY if files.shards is None else self._listing_of(files.shards.oid, where)
        folder = fragment_path(rid, self._store).removesuffix(".json")
        paths = [
            (parse_path(f"{folder}/{name.decode('utf-8', 'replace')}"), entry.oid)
            for name, entry in listing.items()
            if entry.is_file
        ]
        shards = [(path.shard, not path.is_former, oid) for path, oid in paths if isinstance(path, ShardPath)]
        return {number: oid for number, _, oid in sorted(shards)}


class _NotToBeRead(Exception):
    """A file of a fragment that is unfit."""


def _noted(shards: Iterable[bytes], lines: list[Marked]) -> Iterator[bytes]:
    """The same; their lines are noted as they pass by, and none of them is held."""
    for shard in shards:
        lines.append(marked(shard))
        yield shard
