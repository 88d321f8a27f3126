"""One fragment from its files: as a whole, or by the shards that changed since it was read last.

    header file   ─┐ always
    shards          │ only those whose object is another one, where the rest is known line by line
                    └▶ a fragment, and what stands in each shard

Rule 1: how it was read makes no difference to what is found; what looks odd is read as a whole.
Rule 2: what is known of a shard is known by the name of its object, so it is never out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.model import Rid
from memsync_git.ports import KnownRecords
from memsync_git.remotes.objects import CloneDamaged, Objects, Unfit
from memsync_git.remotes.seen import Decoded, Files, Learnt, Shard
from memsync_git.remotes.trees import EMPTY, Entry, Listing, Oid
from memsync_git.wire.fragments import Malformed, WireLimits, decode, header_of
from memsync_git.wire.revising import NO_LINES, Later, Marks, follows, marks_in, revised, stood_in
from memsync_git.wire.rid import ShardPath, parse_path, shard_path

T = TypeVar("T")

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
        self.shards: dict[Oid, Shard] = {}

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
        sizes, marks = list[int](), list[Marks]()
        try:
            (data,) = self._contents([files.entry.oid], where)
            measured = _noted(self._contents(shards, where, besides=len(data)), len, sizes)
            found = decode(
                data,
                rid=rid,
                store=self._store,
                shards=_noted(measured, marks_in, marks),
                limits=self._limits,
                known=self._records(rid),
            )
        except _NotToBeRead as error:
            return Malformed(str(error))
        stood = stood_in(found, marks) if marks and isinstance(found, Fragment) else None
        if stood is not None:
            self.shards.update(zip(shards, map(Shard, sizes, stood), strict=True))
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
        self, later: Later, before: Fragment, was: Mapping[bytes, Oid], now: Mapping[bytes, Oid], where: str
    ) -> Fragment | None:
        """The step from the shards there were to those there are."""
        shards = self._before.shards
        other = [name for name in {**was, **now} if was.get(name) != now.get(name)]
        come = [now[name] for name in other if name in now]
        kept = {oid: shards[oid] for name, oid in now.items() if was.get(name) == oid}
        there, sizes = {name: shards[was[name]].stood for name in other if name in was}, list[int]()
        besides = later.size + sum(shard.size for shard in kept.values())
        brought = _noted(self._contents(come, where, besides=besides), len, sizes)
        changes = ((there.get(name, NO_LINES), next(brought) if name in now else None) for name in other)
        try:
            found = revised(later, before, changes, self._limits)
        except _NotToBeRead:
            return None
        if found is None:
            return None
        fragment, stood = found
        self.shards.update({**kept, **dict(zip(come, map(Shard, sizes, stood), strict=True))})
        return fragment

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

    def _shards_of(self, rid: Rid, files: Files, where: str) -> dict[bytes, Oid]:
        """The shards of a fragment by the names of their files, in order."""
        listing = EMPTY if files.shards is None else self._listing_of(files.shards.oid, where)
        return {
            name: entry.oid for name, entry in sorted(listing.items()) if self._is_shard(rid, name, entry)
        }

    def _is_shard(self, rid: Rid, name: bytes, entry: Entry) -> bool:
        shard = name.decode("utf-8", "replace").removesuffix(".jsonl")
        path = parse_path(shard_path(rid, shard, self._store))
        return entry.is_file and isinstance(path, ShardPath) and name.endswith(b".jsonl")


class _NotToBeRead(Exception):
    """A file of a fragment that is unfit."""


def _noted(chunks: Iterable[bytes], told_by: Callable[[bytes], T], notes: list[T]) -> Iterator[bytes]:
    """The same; what each tells is noted as it passes by, and none of them is held."""
    for chunk in chunks:
        notes.append(told_by(chunk))
        yield chunk
