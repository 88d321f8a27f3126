"""From a publication to what it brings: the objects to store, and what is wanted of the refs. No process,
no network; commits are made of it in `shares.py`.

        H → refs/memsync/<rid>   parent: the own commit before it   tree: this machine's fragments
        M → refs/heads/main      parent: the main before it         tree: the parent's, with what it lacks

Rule 1: nothing is made where the remote holds it already; a commit the hub has lost is pushed again.
Rule 2: main's tree is kept entry by entry, things nobody can read included.
Rule 3: H is a function of the fragments and its parent, so making it again makes the same commit.
"""

from __future__ import annotations

from collections.abc import Collection

from memsync_git.crdt.fragment import Fragment
from memsync_git.model import Rid
from memsync_git.ports import Publication, Stale
from memsync_git.remotes.plan import Ahead, Foreign, Present, lacking, own_plan
from memsync_git.remotes.readme import README_PATH, README_TEXT
from memsync_git.remotes.seen import Branch, Files, Found, Seen
from memsync_git.remotes.shares import STORE, Move, Part, Share, Step
from memsync_git.remotes.trees import (
    BLOB_MODE,
    TREE_MODE,
    Entry,
    Listing,
    Load,
    NewObject,
    Oid,
    Person,
    lookup,
    new_object,
    oid_of,
    tree_bytes,
    written_object,
)
from memsync_git.wire.fragments import written_files
from memsync_git.wire.repository import MARKER_PATH, encode_marker
from memsync_git.wire.rid import DEFAULT_STORE, fragment_path, unified_path

MAX_COMMIT_S = 1 << 33
"""The year 2242: git refuses dates far beyond."""


class Drafting:
    """Making one share. `now_ms` dates main's commit; `load` reads a tree of the clone."""

    def __init__(self, publication: Publication, seen: Seen, *, store: str, now_ms: int, load: Load) -> None:
        self._publication = publication
        self._seen = seen
        self._store = store
        self._now_s = _seconds(now_ms)
        self._load = load
        self._objects: dict[Oid, NewObject] = {}
        self._files: dict[tuple[Rid, int, str], Files] = {}

    def share(self, *, host_name: str | None, main: bool) -> Share | Stale:
        """The whole share; `host_name` is the tracking name of the own host ref, None to leave it out."""
        host = self._host(host_name)
        if isinstance(host, Stale):
            return host
        part = self._main() if main else None
        publication = self._publication
        stored = tuple(self._objects.values())
        return Share(stored, host, part, publication.message, self._trailers())

    def _trailers(self) -> tuple[tuple[str, str], ...]:
        """The trailers of the publication, behind the store where it is not the one all begin with."""
        of_store = () if self._store == DEFAULT_STORE else ((STORE, self._store),)
        return (*of_store, *self._publication.trailers)

    # --- the host ref ----------------------------------------------------------------------------

    def _host(self, name: str | None) -> Part | Stale:
        own = self._publication.own
        if own is None:
            return None
        there = self._seen.hosts.get(name, Branch()) if name else self._seen.main
        match own_plan(own, there.versions().get(own.rid), onto=self._publication.onto):
            case Present():
                return None
            case Foreign(reason):
                return Stale(reason)
            case Ahead():
                pass
        if name is None:
            return None
        parent = self._seen.mine.get(name) or there
        if parent.versions().get(own.rid) == own.version:
            return self._again(parent)
        person = self._person(_seconds(own.header.wall_ms) if own.header.wall_ms else self._now_s)
        return Step(parent, self._placed(own), {own.rid: self._found(own)}, person)

    def _again(self, branch: Branch) -> Move:
        """A commit that was made before: the hub lost it, or never got it."""
        return Move(branch, oid_of("tree", tree_bytes(branch.root)), self._now_s)

    # --- main --------------------------------------------------------------------------------------

    def _main(self) -> Part:
        base = self._seen.base
        missing = lacking(self._publication, base.versions())
        changes = self._moves(base)
        for fragment in missing.values():
            changes |= self._placed(fragment)
        changes |= self._unified(base) | self._furniture(base, is_first=bool(changes))
        if not changes:
            return self._again(base) if base.oid != self._seen.main.oid else None
        found = {rid: self._found(fragment) for rid, fragment in missing.items()}
        return Step(base, changes, found, self._person(self._now_s))

    def _moves(self, base: Branch) -> dict[str, Entry | None]:
        changes: dict[str, Entry | None] = {}
        for old, new in self._publication.relocate:
            entry = lookup(base.root, old, self._load)
            if entry is not None:
                changes |= {old: None, new: entry}
        return changes

    def _unified(self, base: Branch) -> dict[str, Entry | None]:
        if self._publication.unified is None:
            return {}
        path = unified_path(self._store)
        there = lookup(base.root, path, self._load)
        made = written_object("blob", self._publication.unified)
        if there is not None and made.oid == there.oid:
            return {}
        self._objects[made.oid] = made
        return {path: Entry(BLOB_MODE, made.oid)}

    def _furniture(self, base: Branch, *, is_first: bool) -> dict[str, Entry | None]:
        """README.md and the marker, where a repository with memories in it has none."""
        if not is_first and not base.found:
            return {}
        texts = {
            README_PATH: README_TEXT,
            MARKER_PATH: encode_marker(self._now_s * 1000),
        }
        return {path: self._blob(text) for path, text in texts.items() if path.encode() not in base.root}

    # --- objects -------------------------------------------------------------------------------------

    def _found(self, fragment: Fragment) -> Found:
        """The files of a fragment: those that were read, or new ones."""
        key = (fragment.rid, *fragment.version)
        if key not in self._files:
            self._files[key] = self._seen.files_of(fragment) or self._encoded(fragment)
        return Found(fragment, self._files[key])

    def _encoded(self, fragment: Fragment) -> Files:
        path, there = fragment_path(fragment.rid, self._store), self._shards_there(fragment.rid)
        entries = {name: self._blob(data, there) for name, data in written_files(fragment)}
        shards = {name.rpartition("/")[2].encode(): entry for name, entry in entries.items() if name != path}
        return Files(entries[path], self._folder(shards) if shards else None)

    def _shards_there(self, rid: Rid) -> set[Oid]:
        """The shards of the revisions the remote holds: most of them are those of the next one."""
        branches = (self._seen.base, *self._seen.hosts.values())
        found = [branch.found[rid].files.shards for branch in branches if rid in branch.found]
        return {entry.oid for folder in found if folder for entry in self._load(folder.oid).values()}

    def _placed(self, fragment: Fragment) -> dict[str, Entry | None]:
        """The changes that put a fragment into a tree, shards of an earlier revision removed."""
        path, files = fragment_path(fragment.rid, self._store), self._found(fragment).files
        return {path: files.entry, path.removesuffix(".json"): files.shards}

    def _folder(self, listing: Listing) -> Entry:
        tree = new_object("tree", tree_bytes(listing))
        self._objects[tree.oid] = tree
        return Entry(TREE_MODE, tree.oid)

    def _blob(self, data: bytes, there: Collection[Oid] = ()) -> Entry:
        oid = oid_of("blob", data)
        if oid not in there and oid not in self._objects:
            self._objects[oid] = new_object("blob", data)
        return Entry(BLOB_MODE, oid)

    def _person(self, at_s: int) -> Person:
        own = self._publication.own
        if own is None:
            return Person("memsync-git", "memsync-git@localhost.invalid", at_s)
        return Person(own.header.host, f"{own.rid}@localhost.invalid", at_s)


def _seconds(ms: int) -> int:
    return min(max(ms // 1000, 0), MAX_COMMIT_S)
