"""Many shards that changed are told by what they are made of, as git keeps them in a pack."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memsync_git.crdt.fragment import Entry, Fragment, Header, RecordFacts
from memsync_git.ports import nothing_known
from memsync_git.remotes.loose import loose_first
from memsync_git.remotes.objects import Objects, Step, Unfit, reading_objects
from memsync_git.remotes.packs import Packs
from memsync_git.remotes.seen import Files, Learnt
from memsync_git.remotes.shards import FEW_SHARDS, ShardReader
from memsync_git.remotes.trees import EMPTY, Kind, Listing, Oid
from memsync_git.remotes.trees import Entry as TreeEntry
from memsync_git.wire.fragments import LIMITS, WireLimits
from memsync_git.wire.patches import parse_patch
from memsync_git.wire.rid import fragment_path, parse_path
from tests.git.hubs import DESK, START_MS, HubFolder, accepted, git, publication

MANY = 3000
FOLDER = fragment_path(DESK).removesuffix(".json")
Parts = dict[bytes, TreeEntry]


def large(rev: int) -> Fragment:
    """A memory in shards; every tenth record says something new each time."""
    said = {("e", f"E{at}"): _says(at + 1, f"{at} " + "word " * 80) for at in range(MANY)}
    first = rev * MANY + 1
    if rev > 1:
        said |= {("e", f"E{at}"): _says(first + at, f"new in {rev}") for at in range(0, MANY, 10)}
    header = Header(DESK, "desk", rev=rev, tok=str(rev), next=first + MANY, wall_ms=START_MS)
    return Fragment(header, said)


def _says(n: int, text: str) -> RecordFacts:
    return RecordFacts(observations=(Entry(n, START_MS, text),))


@dataclass
class Noting(Objects):
    """Objects that note which of them were read whole."""

    objects: Objects
    whole: list[Oid] = field(default_factory=list)

    def each(self, oids: Sequence[Oid], kind: Kind, *, limit: int) -> Iterator[bytes | Unfit | None]:
        self.whole += oids
        return self.objects.each(oids, kind, limit=limit)

    def deltas(self, steps: Sequence[Step]) -> list[bytes | None]:
        return self.objects.deltas(steps)


@contextmanager
def objects_of(hub: HubFolder) -> Iterator[Noting]:
    with loose_first([hub.path / "objects"], reading_objects(hub.path, {})) as objects:
        yield Noting(objects)


def parts_at(hub: HubFolder, commit: str, folder: str = "") -> Parts:
    """What stands in a folder, by name."""
    listed = hub.git("ls-tree", "-z", f"{commit}:{folder}").split("\0")
    entries = [line.replace("\t", " ", 1).split(" ", 3) for line in listed if line]
    return {name.encode(): TreeEntry(mode.lstrip("0"), Oid(oid)) for mode, _, oid, name in entries}


def files_at(hub: HubFolder, commit: str) -> Files:
    parts = parts_at(hub, commit)
    return Files(parts[f"{FOLDER}.json".encode()], parts[FOLDER.encode()])


def shards_at(hub: HubFolder, commit: str) -> dict[bytes, Oid]:
    return {name: entry.oid for name, entry in parts_at(hub, commit, FOLDER).items()}


def reader(hub: HubFolder, objects: Objects, before: Learnt, limits: WireLimits = LIMITS) -> ShardReader:
    def listing(oid: Oid, _where: str) -> Listing:
        return parts_at(hub, oid) or EMPTY

    return ShardReader(objects, listing, store="default", before=before, limits=limits, records=nothing_known)


def learnt(hub: HubFolder, commit: str) -> Learnt:
    """What a reading from scratch knows afterwards."""
    files = files_at(hub, commit)
    with objects_of(hub) as objects:
        shards = reader(hub, objects, Learnt())
        found = shards.read(DESK, files, commit)
    assert isinstance(found, Fragment)
    return Learnt({(DESK, files): found}, {}, shards.shards)


@pytest.fixture
def revised(hub: HubFolder) -> HubFolder:
    """A hub that was given two revisions, the second as a pack."""
    desk = hub.remote("desk", url=f"file://{hub.path}")
    for rev in (1, 2):
        accepted(desk.publish(publication(large(rev))))
    assert len(list(hub.path.glob("objects/pack/*.idx"))) == 2
    return hub


def test_of_many_shards_only_what_changed_is_read(revised: HubFolder) -> None:
    before, whole = learnt(revised, "main~1"), learnt(revised, "main")
    with objects_of(revised) as objects:
        shards = reader(revised, objects, before)
        found = shards.read(DESK, files_at(revised, "main"), "main")
        assert objects.whole == [files_at(revised, "main").entry.oid]
    assert found == whole.decoded[DESK, files_at(revised, "main")] == large(2)
    assert shards.shards == whole.shards


def test_where_no_pack_tells_they_are_read_whole(revised: HubFolder) -> None:
    before, changed = learnt(revised, "main~1"), {now for now, _ in steps(revised).values()}
    assert len(changed) > FEW_SHARDS
    loosened(revised)
    with objects_of(revised) as objects:
        found = reader(revised, objects, before).read(DESK, files_at(revised, "main"), "main")
        assert set(objects.whole) - {files_at(revised, "main").entry.oid} == changed
    assert found == large(2)


def loosened(hub: HubFolder) -> None:
    """Every object gets a file of its own."""
    packs = hub.folder / "packs"
    shutil.move(hub.path / "objects" / "pack", packs)
    for pack in packs.glob("*.pack"):
        git("unpack-objects", "-q", cwd=hub.path, stdin=pack.read_bytes())


def test_beyond_the_limit_they_are_read_whole_and_refused(revised: HubFolder) -> None:
    before, size = learnt(revised, "main~1"), sum(map(len, shards_bytes(revised)))
    with objects_of(revised) as objects:
        small = WireLimits(max_fragment_bytes=size)
        found = reader(revised, objects, before, small).read(DESK, files_at(revised, "main"), "main")
    assert not isinstance(found, Fragment)


def shards_bytes(hub: HubFolder) -> list[bytes]:
    return [git("cat-file", "blob", oid, cwd=hub.path) for oid in shards_at(hub, "main").values()]


def test_a_delta_is_what_git_makes_the_shard_of(revised: HubFolder) -> None:
    changed = steps(revised)
    found = told(revised, changed)
    assert found.keys() == changed.keys()
    for name, (now, was) in changed.items():
        earlier, patch = git("cat-file", "blob", was, cwd=revised.path), parse_patch(found[name])
        assert patch is not None
        assert patch.base_size == len(earlier)
        made = [step if isinstance(step, bytes) else earlier[slice(*step)] for step in patch.steps]
        assert b"".join(made) == git("cat-file", "blob", now, cwd=revised.path)


def steps(hub: HubFolder) -> dict[bytes, tuple[Oid, Oid]]:
    """Of the shards that changed: what stands there, and what stood there."""
    was, now = shards_at(hub, "main~1"), shards_at(hub, "main")
    return {name: (oid, was[name]) for name, oid in now.items() if was[name] != oid}


def told(hub: HubFolder, by_name: Mapping[bytes, tuple[Oid, Oid]]) -> dict[bytes, bytes]:
    """What packs tell of them."""
    with closing(Packs([hub.path / "objects"])) as packs:
        deltas = zip(by_name, packs.deltas([*by_name.values()]), strict=True)
    return {name: delta for name, delta in deltas if delta is not None}


def test_what_has_come_in_several_packs_of_several_folders_is_told_in_one_answer(
    revised: HubFolder, tmp_path: Path
) -> None:
    earlier = [*steps(revised).values()]
    accepted(revised.remote("desk", url=f"file://{revised.path}").publish(publication(large(3))))
    newer = [*steps(revised).values()]
    missing = (Oid("a1" * 20), Oid("b2" * 20))
    mixed = [step for pair in zip(earlier, newer, strict=False) for step in pair]
    with closing(Packs([tmp_path, revised.path / "objects"])) as packs:
        apart = [packs.deltas([step])[0] for step in mixed]
        assert None not in apart
        assert packs.deltas([missing, *mixed, missing]) == [None, *apart, None]


def test_a_delta_may_say_how_far_before_it_its_base_lies(revised: HubFolder) -> None:
    """As `repack` writes it; a push has the name."""
    changed = steps(revised)
    revised.git("-c", "repack.useDeltaBaseOffset=true", "repack", "-adfq", "--window=50")
    backwards = {name: (was, now) for name, (now, was) in changed.items()}
    found = {**told(revised, changed), **told(revised, backwards)}
    assert len(found) > len(changed) // 2  # the newer of two is kept whole
    assert all(parse_patch(delta) is not None for delta in found.values())


def test_only_a_sound_pack_tells(revised: HubFolder) -> None:
    """Wherever one byte is another one, what is told is what was told before, or nothing."""
    changed = steps(revised)
    sound = told(revised, changed)
    (pack,) = [path for path in revised.path.glob("objects/pack/*.pack") if brought(path, changed)]
    data = pack.read_bytes()
    pack.chmod(0o644)
    for at in range(12, 4000, 29):
        pack.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        assert told(revised, changed).items() <= sound.items()
    for size in (0, 11, 12, 40, len(data) // 3):
        pack.write_bytes(data[:size])
        assert told(revised, changed).items() <= sound.items()


def brought(pack: Path, changed: Mapping[bytes, tuple[Oid, Oid]]) -> bool:
    """Whether what stands there now came in this pack."""
    listed = git("verify-pack", "-v", str(pack), cwd=pack.parent).decode()
    return all(now in listed for now, _ in changed.values())


@pytest.mark.parametrize("index", [b"", b"\xfftOc\0\0\0\3", b"\xfftOc\0\0\0\2" + b"\xff" * 2000])
def test_an_index_that_is_none_tells_nothing(revised: HubFolder, index: bytes) -> None:
    for path in revised.path.glob("objects/pack/*.idx"):
        path.chmod(0o644)
        path.write_bytes(index)
    with closing(Packs([revised.path / "objects"])) as packs:
        assert packs.deltas([(Oid("a1" * 20), Oid("b2" * 20))]) == [None]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="what is mapped is read from proc(5)")
def test_no_pack_stays_mapped(revised: HubFolder) -> None:
    """One that upkeep deletes would keep its room on the disk, for as long as a daemon lives."""
    assert told(revised, steps(revised))
    assert str(revised.path) not in Path("/proc/self/maps").read_text()


def test_where_there_are_no_packs_nothing_is_told(tmp_path: Path) -> None:
    with closing(Packs([tmp_path])) as packs:
        assert packs.deltas([(Oid("a1" * 20), Oid("b2" * 20))]) == [None]


# --- names shards had before


def with_former_names(hub: HubFolder, ref: str) -> None:
    """The shards of a fragment under the names an earlier release gave them, in another commit."""
    paths = {name: parse_path(f"{FOLDER}/{name.decode()}") for name in shards_at(hub, ref)}
    lines = [
        f"100644 blob {oid}\t{paths[name].shard:02x}.jsonl"  # type: ignore[union-attr]
        for name, oid in shards_at(hub, ref).items()
    ]
    folder = hub.git("mktree", stdin="".join(f"{line}\n" for line in lines).encode())
    others = [line for line in hub.git("ls-tree", ref).split("\n") if not line.endswith(f"\t{FOLDER}")]
    root = hub.git("mktree", stdin="\n".join([*others, f"040000 tree {folder}\t{FOLDER}", ""]).encode())
    hub.git("update-ref", ref, commit_of(hub, root, ref))


def commit_of(hub: HubFolder, tree: str, parent: str) -> str:
    return git("commit-tree", tree, "-m", "as it was", "-p", parent, cwd=hub.path).decode().strip()


def test_shards_under_their_former_names_are_read_and_get_their_present_ones(hub: HubFolder) -> None:
    accepted(hub.remote("desk").publish(publication(large(1))))
    present = shards_at(hub, "main")
    for ref in ("refs/heads/main", f"refs/memsync/{DESK}"):
        with_former_names(hub, ref)
    assert {len(name) for name in shards_at(hub, "main")} == {len("00.jsonl")}
    laptop = hub.remote("laptop")
    (found,) = laptop.fetch().fragments  # type: ignore[union-attr]
    assert found == large(1)
    desk = hub.remote("desk2")
    desk.fetch()
    accepted(desk.publish(publication(large(2))))
    assert shards_at(hub, "main").keys() == present.keys()
    (found,) = laptop.fetch().fragments  # type: ignore[union-attr]
    assert found == large(2)


def test_a_shard_that_only_has_another_name_is_not_read_again(hub: HubFolder) -> None:
    accepted(hub.remote("desk").publish(publication(large(1))))
    before = learnt(hub, "main")
    with_former_names(hub, "refs/heads/main")
    with objects_of(hub) as objects:
        shards = reader(hub, objects, before)
        assert shards.read(DESK, files_at(hub, "main"), "main") == large(1)
        assert objects.whole == [files_at(hub, "main").entry.oid]


def test_of_two_names_for_one_shard_the_present_one_counts(hub: HubFolder) -> None:
    accepted(hub.remote("desk").publish(publication(large(1))))
    (name, oid), *_ = shards_at(hub, "main").items()
    other = hub.git("hash-object", "-w", "--stdin", stdin=b"no record\n")
    path = parse_path(f"{FOLDER}/{name.decode()}")
    lines = [*hub.git("ls-tree", f"main:{FOLDER}").split("\n")]
    lines.append(f"100644 blob {other}\t{path.shard:02x}.jsonl")  # type: ignore[union-attr]
    folder = hub.git("mktree", stdin="".join(f"{line}\n" for line in lines).encode())
    with objects_of(hub) as objects:
        files = Files(files_at(hub, "main").entry, TreeEntry("40000", Oid(folder)))
        assert reader(hub, objects, Learnt()).read(DESK, files, "main") == large(1)
        assert oid in objects.whole
        assert other not in objects.whole
