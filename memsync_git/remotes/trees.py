"""Git's objects as values: trees read and rewritten, commits and packs written, ids computed.

Rule 1: bytes in, bytes out. No process, no file, no clock.
Rule 2: a tree that came from elsewhere is read without judgement and kept entry by entry; what may
be *used* of it is decided by `reading.py`.
Rule 3: a rewritten tree differs from the old one in the paths asked for and nowhere else.
Source of the formats: gitformat-pack(5), git-hash-object(1), git's tree.c for the order of entries.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NewType

from memsync_git.values import dataclass, replace

Oid = NewType("Oid", str)
"""The hexadecimal SHA-1 name of an object."""

Kind = Literal["commit", "tree", "blob"]
_PACK_TYPES: Mapping[Kind, int] = {"commit": 1, "tree": 2, "blob": 3}

BLOB_MODE = "100644"
TREE_MODE = "40000"
PIECE_BYTES = 16 * 1024
"""Unpacked at once: a hundred KB of text, and sixteen MB of the same byte over and over."""
_OID_BYTES = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree holds under one name. `mode` is as git writes it, octal without leading zero."""

    mode: str
    oid: Oid

    @property
    def is_file(self) -> bool:
        """An ordinary file; an executable one is tolerated."""
        return self.mode in (BLOB_MODE, "100755", "100664")

    @property
    def is_tree(self) -> bool:
        return self.mode in (TREE_MODE, "040000")


Listing = Mapping[bytes, Entry]
"""One tree object: entries by name. Names are bytes, because a peer may have put anything there."""

EMPTY: Listing = {}


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be stored, with the name it will have. It is held as a pack holds it: a large memory is
    some hundred objects with a fifth of its size.
    """

    kind: Kind
    oid: Oid
    size: int
    zipped: bytes

    @property
    def data(self) -> bytes:
        """The bytes of the object."""
        return zlib.decompress(self.zipped)

    @property
    def pieces(self) -> Iterator[bytes]:
        """The same, some at a time."""
        unpacking = zlib.decompressobj()
        cut = (self.zipped[at : at + PIECE_BYTES] for at in range(0, len(self.zipped), PIECE_BYTES))
        yield from map(unpacking.decompress, cut)
        yield unpacking.flush()


class AtHand(Mapping[Oid, Iterable[bytes]]):
    """The bytes of some objects by name, unpacked as they are taken: few are, and all are much."""

    def __init__(self, objects: Iterable[NewObject]) -> None:
        self._objects = {item.oid: item for item in objects}

    def __getitem__(self, oid: Oid) -> Iterator[bytes]:
        return self._objects[oid].pieces

    def __iter__(self) -> Iterator[Oid]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)


def new_object(kind: Kind, data: bytes) -> NewObject:
    return NewObject(kind, oid_of(kind, data), len(data), zlib.compress(data, 1))


def written_object(kind: Kind, pieces: Iterable[bytes]) -> NewObject:
    """The same of bytes that come in pieces, and are never held together.

    Its size stands before what its name is made of, so it is packed first, and read once more.
    """
    packing, size = zlib.compressobj(1), 0
    packed: list[bytes] = []
    for piece in pieces:
        size += len(piece)
        packed.append(packing.compress(piece))
    made = NewObject(kind, Oid(""), size, b"".join([*packed, packing.flush()]))
    name = _naming(kind, size)
    for piece in made.pieces:
        name.update(piece)
    return replace(made, oid=Oid(name.hexdigest()))


def oid_of(kind: Kind, data: bytes) -> Oid:
    """The name of an object."""
    name = _naming(kind, len(data))
    name.update(data)
    return Oid(name.hexdigest())


def _naming(kind: Kind, size: int) -> hashlib._Hash:
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), size), usedforsecurity=False)


def parse_tree(data: bytes) -> Listing:
    """The entries of a tree object; raises `ValueError` where the bytes are not one."""
    entries: dict[bytes, Entry] = {}
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        nul = data.index(b"\0", space)
        end = nul + 1 + _OID_BYTES
        if end > len(data):
            raise ValueError("truncated tree")
        entries[data[space + 1 : nul]] = Entry(data[at:space].decode("ascii"), Oid(data[nul + 1 : end].hex()))
        at = end
    return entries


def _git_order(named: tuple[bytes, Entry]) -> bytes:
    name, entry = named
    return name + b"/" if entry.is_tree else name


def tree_bytes(listing: Listing) -> bytes:
    """A tree object, in git's order: a folder sorts as if its name ended in a slash."""
    ordered = sorted(listing.items(), key=_git_order)
    return b"".join(
        b"%s %s\0%s" % (entry.mode.encode(), name, bytes.fromhex(entry.oid)) for name, entry in ordered
    )


Load = Callable[[Oid], Listing]


def lookup(root: Listing, path: str, load: Load) -> Entry | None:
    """The entry at a slash-separated path, or None."""
    folder, _, name = path.rpartition("/")
    listing = subtree(root, folder, load) if folder else root
    return listing.get(name.encode())


def subtree(root: Listing, folder: str, load: Load) -> Listing:
    """The listing at a path; an empty one where there is no folder."""
    listing = root
    for name in folder.split("/") if folder else ():
        entry = listing.get(name.encode())
        if entry is None or not entry.is_tree:
            return EMPTY
        listing = load(entry.oid)
    return listing


def grafted(
    root: Listing, changes: Mapping[str, Entry | None], load: Load
) -> tuple[NewObject, Sequence[NewObject]]:
    """The tree with `changes` (path → entry, None removes), and every tree object that is new.

    The root is the first value and the last of the second. A folder left empty disappears.
    """
    here, below = _by_folder(changes)
    listing = dict(root)
    made: list[NewObject] = []
    for name, inner in below.items():
        entry = listing.get(name)
        old = load(entry.oid) if entry is not None and entry.is_tree else EMPTY
        child, objects = grafted(old, inner, load)
        made.extend(objects)
        here[name] = Entry(TREE_MODE, child.oid) if child.size else None
    for name, changed in here.items():
        if changed is None:
            listing.pop(name, None)
        else:
            listing[name] = changed
    tree = new_object("tree", tree_bytes(listing))
    return tree, [*made, tree]


def brought(old: Listing, new: Listing, made: Mapping[Oid, Listing], load: Load) -> Iterator[Oid]:
    """What one tree names, down to its files, where another one names nothing or something else.

    made: trees that are not stored yet.
    """
    for name, entry in new.items():
        was = old.get(name)
        if was == entry:
            continue
        yield entry.oid
        if entry.is_tree:
            below = load(was.oid) if was is not None and was.is_tree else EMPTY
            yield from brought(below, made.get(entry.oid) or load(entry.oid), made, load)


def _by_folder(
    changes: Mapping[str, Entry | None],
) -> tuple[dict[bytes, Entry | None], dict[bytes, dict[str, Entry | None]]]:
    here: dict[bytes, Entry | None] = {}
    below: dict[bytes, dict[str, Entry | None]] = {}
    for path, entry in changes.items():
        first, slash, rest = path.partition("/")
        if slash:
            below.setdefault(first.encode(), {})[rest] = entry
        else:
            here[first.encode()] = entry
    return here, below


@dataclass(frozen=True, slots=True)
class Person:
    """Who a commit is by, and when, in seconds since 1970."""

    name: str
    email: str
    at_s: int

    def line(self) -> str:
        return f"{_plain(self.name)} <{_plain(self.email)}> {self.at_s} +0000"


def commit_bytes(tree: Oid, parents: Iterable[Oid], person: Person, message: str) -> bytes:
    """A commit object; author and committer are the same."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {person.line()}", f"committer {person.line()}", "", message.rstrip("\n"), ""]
    return "\n".join(lines).encode("utf-8", "replace")


def _plain(text: str) -> str:
    kept = "".join(char for char in text if char.isprintable() and char not in "<>")
    return kept.strip(" .,:;\"'") or "memsync-git"


@dataclass(frozen=True, slots=True)
class Commit:
    """What we read of a commit."""

    tree: Oid
    parents: tuple[Oid, ...]
    at_s: int


def parse_commit(data: bytes) -> Commit:
    """Tree, parents and committer time; raises `ValueError` where the bytes are not a commit."""
    header = data.partition(b"\n\n")[0].decode("utf-8", "replace").split("\n")
    if not header[0].startswith("tree "):
        raise ValueError("not a commit")
    parents = tuple(Oid(line[7:]) for line in header if line.startswith("parent "))
    times = [line.rsplit(" ", 2)[1] for line in header if line.startswith("committer ")]
    return Commit(Oid(header[0][5:]), parents, int(times[0]) if times and times[0].isdigit() else 0)


def pack(objects: Sequence[NewObject]) -> bytes:
    """A version 2 pack of whole objects: one process of git stores them all."""
    chunks = [b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big")]
    for item in objects:
        chunks.append(_pack_header(_PACK_TYPES[item.kind], item.size))
        chunks.append(item.zipped)
    name = hashlib.sha1(usedforsecurity=False)
    for chunk in chunks:
        name.update(chunk)
    return b"".join([*chunks, name.digest()])


def _pack_header(kind: int, size: int) -> bytes:
    """Type in bits 4–6 of the first byte, size in 4 bits and then 7 a byte, lowest first."""
    byte = kind << 4 | size & 0x0F
    size >>= 4
    out = bytearray()
    while size:
        out.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    out.append(byte)
    return bytes(out)
