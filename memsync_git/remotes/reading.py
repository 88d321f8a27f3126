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
from memsync_git.remotes.seen import Branch, Cache, Decoded, Files, Found
from memsync_git.remotes.trees import EMPTY, Entry, Listing, Oid, subtree
from memsync_git.wire.fragments import LIMITS, Malformed, Newer, WireLimits, decode
from memsync_git.wire.repository import MARKER_PATH, MAX_MARKER_BYTES, Marker, decode_marker
from memsync_git.wire.rid import ShardPath, fragment_path, is_rid, parse_path, shard_path, unified_path

MAX_HOST_REFS = LIMITS.max_hosts
"""More than a fragment may speak about are a peer's mischief."""
NEAR_COMMITS = 32
"""Commits others may have made between two fetches, before git itself is asked."""
MAX_UNIFIED_WALK = 200
"""Commits looked through for the time of the unified file."""


class Reading:
    """One pass over the refs of a clone, for one store."""

    def __init__(
        self,
        objects: Objects,
        *,
        store: str,
        decoded: Cache,
        limits: WireLimits = LIMITS,
        records: KnownRecords = nothing_known,
    ) -> None:
        self._objects = objects
        self._store = store
        self._limits = limits
        self._before = decoded
        self._records = records
        self.decoded: Cache = {}
        self.listings: dict[Oid, Listing] = {}
        self.unreadable: list[Unreadable] = []
        self.newer: int | None = None

    # --- refs ------------------------------------------------------------------------------------

    def hosts(self, tips: Mapping[str, Tip], main: Branch) -> dict[str, Branch]:
        """The host refs among the tips, each with its owner's fragment; those of machines on main first."""
        names = sorted(name for name in tips if name.startswith(("memsync/", "branches/")))
        names.sort(key=lambda name: name.partition("/")[2] not in main.found)
        for name in names[MAX_HOST_REFS:]:
            self._complain(name, "there are too many host refs; this one was not read")
        return {name: self.host(name, tips[name]) for name in names[:MAX_HOST_REFS]}

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

    def _listing(self, oid: Oid, where: str) -> Listing:
        known = self.listings.get(oid)
        if known is not None:
            return known
        listing = self._objects.tree(oid)
        if listing is None:
            raise CloneDamaged(f"the tree {oid} is missing")
        if isinstance(listing, Unfit):
            self._complain(where, listing.reason)
            listing = EMPTY
        self.listings[oid] = listing
        return listing

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
        if key not in self.decoded:
            before = self._before.get(key)
            self.decoded[key] = self._decode(rid, files, where) if before is None else before
        return self.decoded[key]

    def _decode(self, rid: Rid, files: Files, where: str) -> Decoded:
        oids = [entry.oid for entry in (files.entry, *self._shards(rid, files.shards, where))]
        chunks: list[bytes] = []
        for data in self._objects.read_all(oids, "blob", limit=self._limits.max_fragment_bytes):
            if data is None:
                raise CloneDamaged(f"{where} is missing")
            if isinstance(data, Unfit):
                return Malformed(data.reason)
            chunks.append(data)
        return decode(
            chunks.pop(0),
            rid=rid,
            store=self._store,
            shards=_let_go(chunks),
            limits=self._limits,
            known=self._records(rid),
        )

    def _shards(self, rid: Rid, folder: Entry | None, where: str) -> Iterator[Entry]:
        listing = EMPTY if folder is None else self._listing(folder.oid, where)
        for name, entry in sorted(listing.items()):
            shard = name.decode("utf-8", "replace").removesuffix(".jsonl")
            path = parse_path(shard_path(rid, shard, self._store))
            if entry.is_file and isinstance(path, ShardPath) and name.endswith(b".jsonl"):
                yield entry

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


def _let_go(chunks: list[bytes]) -> Iterator[bytes]:
    """Chunks in turn; a large fragment is held once, in the lines it is made of."""
    chunks.reverse()
    while chunks:
        yield chunks.pop()


def _name(path: str) -> bytes:
    return path.rpartition("/")[2].encode()


def _rids_in(folder: Listing, store: str) -> Iterator[Rid]:
    for name in folder:
        rid = name.decode("utf-8", "replace").removeprefix("memory-").removesuffix(".json")
        if is_rid(rid) and _name(fragment_path(Rid(rid), store)) == name:
            yield Rid(rid)
