"""From refs to fragments: what a fetch found, and what of it may be used.

Rule 1: an allow-list. Only `memory-<rid>.json` with a valid rid, as an ordinary file, at the store's own
place is a fragment; on a host ref only its owner's. Whatever else lies there is left alone.
Rule 2: what cannot be read becomes an `Unreadable` and costs its own file, nothing else.
Rule 3: a fragment is decoded once; its file's object name is its key for as long as a ref holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from memsync_git.crdt.fragment import Fragment
from memsync_git.model import Rid
from memsync_git.ports import KnownRecords, Unreadable, nothing_known
from memsync_git.remotes.clone import Tip
from memsync_git.remotes.known import Known
from memsync_git.remotes.objects import CloneDamaged, Objects, Unfit
from memsync_git.remotes.seen import (
    NOTHING_JUDGED,
    Branch,
    Cache,
    Decoded,
    Files,
    Found,
    Learnt,
    Versions,
)
from memsync_git.remotes.shards import ShardReader
from memsync_git.remotes.trees import EMPTY, Entry, Listing, Oid, subtree
from memsync_git.wire.fragments import LIMITS, Malformed, Newer, WireLimits
from memsync_git.wire.repository import MARKER_PATH, MAX_MARKER_BYTES, Marker, decode_marker
from memsync_git.wire.rid import fragment_path, is_rid, unified_path

MAX_HOST_REFS = LIMITS.max_hosts
"""More than a fragment may speak about are a peer's mischief."""
NEAR_COMMITS = 32
"""Commits others may have made between two fetches, before git itself is asked."""
MAX_UNIFIED_WALK = 200
"""Commits looked through for the time of the unified file."""


class _Trees:
    """The trees of one pass, each read once. `known`: those of an earlier one. What cannot be read is told.

    It stands by itself, so that nobody who reads shards holds the pass, and with it all that was read.
    """

    def __init__(self, objects: Objects, known: Mapping[Oid, Listing], unreadable: list[Unreadable]) -> None:
        self._objects = objects
        self._known = known
        self._unreadable = unreadable
        self.read: dict[Oid, Listing] = {}

    def listing(self, oid: Oid, where: str) -> Listing:
        """The entries of a tree; raises `CloneDamaged` where it is missing."""
        listing = self.read.get(oid) or self._known.get(oid) or self._objects.tree(oid)
        if listing is None:
            raise CloneDamaged(f"the tree {oid} is missing")
        if isinstance(listing, Unfit):
            self._unreadable.append(Unreadable(where, listing.reason))
            listing = EMPTY
        self.read[oid] = listing
        return listing


class Reading:
    """One pass over the refs of a clone, for one store.

    judged: versions that were read whole and taken when these very refs were looked at before, which a newer
    marker would not have let happen. Of one of them only the header is read.
    """

    def __init__(
        self,
        objects: Objects,
        *,
        store: str,
        learnt: Learnt,
        limits: WireLimits = LIMITS,
        records: KnownRecords = nothing_known,
        judged: Versions = NOTHING_JUDGED,
    ) -> None:
        self._objects = objects
        self._store = store
        self._before = learnt
        self._fragments: Cache = {}
        self.unreadable: list[Unreadable] = []
        self._trees = _Trees(objects, learnt.listings, self.unreadable)
        self._listing = self._trees.listing
        self._shards = ShardReader(
            objects, self._listing, store=store, before=learnt, limits=limits, records=records
        )
        self._judged = judged
        self.newer: int | None = None

    def learnt(self) -> Learnt:
        """What this pass has read, or was known and still stands."""
        folders = [files.shards.oid for _, files in self._fragments if files.shards is not None]
        kept = {oid: self._before.listings[oid] for oid in folders if oid in self._before.listings}
        listings = {**kept, **self._trees.read}
        named = {entry.oid for oid in folders for entry in listings.get(oid, EMPTY).values()}
        shards = {**self._before.shards, **self._shards.shards}
        return Learnt(self._fragments, listings, {oid: shards[oid] for oid in shards.keys() & named})

    # --- refs ------------------------------------------------------------------------------------

    def hosts(self, tips: Mapping[str, Tip], main: Branch, before: Mapping[str, Branch]) -> dict[str, Branch]:
        """The host refs among the tips, each with its owner's fragment; those of machines on main first.

        before: the same at the last look.
        """
        names = sorted(name for name in tips if name.startswith(("memsync/", "branches/")))
        names.sort(key=lambda name: name.partition("/")[2] not in main.found)
        for name in names[MAX_HOST_REFS:]:
            self._complain(name, "there are too many host refs; this one was not read")
        wanted = {name: tips[name] for name in names[:MAX_HOST_REFS]}
        return {
            name: self._kept(tip, before.get(name)) or self.host(name, tip) for name, tip in wanted.items()
        }

    def _kept(self, tip: Tip, before: Branch | None) -> Branch | None:
        """A host ref that has not moved, if it was read and nothing about it was odd."""
        if before is None or before.oid != tip.oid or tip.tree is None or not before.found:
            return None
        if not all(found.is_read for found in before.found.values()):
            return None
        self._fragments.update({(rid, found.files): found.fragment for rid, found in before.found.items()})
        self._trees.read[tip.tree] = before.root
        return before

    def host(self, name: str, tip: Tip) -> Branch:
        """One host ref."""
        rid = name.partition("/")[2]
        if not is_rid(rid):
            self._complain(name, "its name is not a replica id")
            return Branch(tip.oid)
        return self._branch(name, tip, (Rid(rid),))

    def main(self, name: str, tip: Tip | None) -> Branch:
        """Main, with every fragment it holds; an empty branch where there is none."""
        if tip is None:
            return Branch()
        branch = self._branch(name, tip, None)
        if not self._judged:
            self._read_marker(name, branch.root)
        return branch

    def at(self, name: str, oid: Oid, rids: Iterable[Rid] | None) -> Branch:
        """The same for a commit no ref names."""
        commit = self._objects.commit(oid)
        return self._branch(name, Tip(oid, commit.tree, commit.at_s), rids) if commit else Branch()

    def _branch(self, where: str, tip: Tip, rids: Iterable[Rid] | None) -> Branch:
        if tip.tree is None:
            self._complain(where, "it does not name a commit")
            return Branch(tip.oid)
        root = self._listing(tip.tree, where)
        folder = self._folder(root)
        wanted = _rids_in(folder, self._store) if rids is None else rids
        decoded = {rid: self._fragment(folder, rid, where) for rid in wanted}
        found = {rid: item for rid, item in decoded.items() if isinstance(item, Found)}
        newer = frozenset(rid for rid, item in decoded.items() if isinstance(item, Newer))
        return Branch(tip.oid, root, found, newer, tip.at_s)

    # --- files ------------------------------------------------------------------------------------

    def _folder(self, root: Listing) -> Listing:
        folder = unified_path(self._store).rpartition("/")[0]
        return subtree(root, folder, lambda oid: self._listing(oid, folder))

    def _fragment(self, folder: Listing, rid: Rid, where: str) -> Found | Newer | None:
        path = fragment_path(rid, self._store)
        entry = folder.get(_name(path))
        if entry is None:
            return None
        where = f"{where}:{path}"
        if not entry.is_file:
            self._complain(where, "it is not an ordinary file")
            return None
        shards = folder.get(_name(path).removesuffix(b".json"))
        files = Files(entry, shards if shards is not None and shards.is_tree else None)
        header = self._shards.header(rid, files) if rid in self._judged else None
        if header is not None and header.version in self._judged[rid]:
            return Found(Fragment(header), files, is_read=False)
        match self._decoded(rid, files, where):
            case Fragment() as fragment:
                return Found(fragment, files)
            case Newer() as newer:
                self.newer = max(self.newer or 0, newer.min_reader)
                return newer
            case Malformed(reason):
                self._complain(where, reason)
                return None

    def _decoded(self, rid: Rid, files: Files, where: str) -> Decoded:
        key = (rid, files)
        if key not in self._fragments:
            known = self._before.decoded.get(key)
            self._fragments[key] = self._shards.read(rid, files, where) if known is None else known
        return self._fragments[key]

    def _read_marker(self, where: str, root: Listing) -> None:
        entry = root.get(MARKER_PATH.encode())
        if entry is None or not entry.is_file:
            return
        data = self._objects.read(entry.oid, "blob", limit=MAX_MARKER_BYTES)
        if not isinstance(data, bytes):
            return
        match decode_marker(data):
            case Newer() as newer:
                self.newer = max(self.newer or 0, newer.min_reader)
            case Malformed(reason):
                self._complain(f"{where}:{MARKER_PATH}", reason)
            case Marker():
                pass

    def follows(self, new: Oid, old: Oid) -> bool:
        """Whether `old` is among the commits just before `new`; False may mean further back."""
        at: Oid | None = new
        for _ in range(NEAR_COMMITS):
            if at is None or at == old:
                break
            commit = self._objects.commit(at)
            at = commit.parents[0] if commit is not None and commit.parents else None
        return at == old

    def unified_at_ms(self, tip: Tip | None, main: Branch, known: Known) -> tuple[Oid, int] | None:
        """Main's newest unified file and the time of the commit that brought it.

        A clone that began without history takes the oldest commit it has: the file may be older.
        """
        name = _name(unified_path(self._store))
        entry = self._folder(main.root).get(name)
        if tip is None or entry is None:
            return None
        before = known.unified.get(self._store)
        if before is not None and before[0] == entry.oid:
            return before
        return entry.oid, self._since_s(tip, name, entry) * 1000

    def _since_s(self, tip: Tip, name: bytes, entry: Entry) -> int:
        at_s, commit = tip.at_s, self._objects.commit(tip.oid)
        for _ in range(MAX_UNIFIED_WALK):
            if commit is None or not commit.parents:
                break
            commit = self._objects.commit(commit.parents[0])
            if commit is None or self._folder(self._listing(commit.tree, "main")).get(name) != entry:
                break
            at_s = commit.at_s
        return at_s

    def _complain(self, where: str, reason: str) -> None:
        self.unreadable.append(Unreadable(where, reason))


def _name(path: str) -> bytes:
    return path.rpartition("/")[2].encode()


def _rids_in(folder: Listing, store: str) -> Iterator[Rid]:
    for name in folder:
        rid = name.decode("utf-8", "replace").removeprefix("memory-").removesuffix(".json")
        if is_rid(rid) and _name(fragment_path(Rid(rid), store)) == name:
            yield Rid(rid)
