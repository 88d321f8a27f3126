"""A fragment read by the shards that changed is the fragment read from scratch.

What is refused there is never taken here.
"""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import assume, given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Entry, Fragment, Header, RecordFacts
from memsync_git.crdt.records import Records
from memsync_git.crdt.unread import Unread
from memsync_git.model import RecordKey, Rid
from memsync_git.wire.fragments import LIMITS, READ_AT_ONCE, Malformed, WireLimits, decode, encode_files
from memsync_git.wire.patches import Patch, parse_patch
from memsync_git.wire.revising import NO_LINES, Stood, follows, marked, revised, stood_in
from memsync_git.wire.rid import fragment_path
from memsync_git.wire.stored import STORED_LINES, digest, line_of
from tests.fakes import Lying
from tests.laws.deltas import delta

RID = Rid("ash-0001")
MANY = READ_AT_ONCE + 50
FIRST = {
    ("e", f"e{at}"): RecordFacts(
        types=(Entry(2 * at + 1, 1, "t"),), observations=(Entry(2 * at + 2, 1, "x"),)
    )
    for at in range(MANY)
}
NEXT = 2 * MANY + 1

Files = dict[str, bytes]


def files_of(records: Mapping[RecordKey, RecordFacts], *, rev: int, next_n: int) -> tuple[bytes, Files]:
    """The own file of a fragment, and its shards by path."""
    fragment = Fragment(Header(RID, "ash", rev=rev, tok=str(rev), next=next_n), records)
    files = encode_files(fragment, shard_over_bytes=0)
    return files.pop(fragment_path(RID)), files


def scratch(data: bytes, shards: Files, limits: WireLimits = LIMITS) -> Fragment | Malformed:
    found = decode(data, rid=RID, store="default", shards=list(shards.values()), limits=limits)
    assert isinstance(found, Fragment | Malformed)
    return found


DATA, SHARDS = files_of(FIRST, rev=1, next_n=NEXT)
BEFORE = scratch(DATA, SHARDS)
assert isinstance(BEFORE, Fragment)
STOOD: Mapping[str, Stood] = dict(
    zip(SHARDS, stood_in(BEFORE, list(map(marked, SHARDS.values()))) or (), strict=True)
)


def lying(fragment: Fragment) -> Fragment:
    """The same, its lines elsewhere."""
    assert isinstance(fragment.records, Records)
    unread = Unread(shelf=Lying(fragment.records.unread))
    return Fragment(fragment.header, Records(unread=unread, stored=STORED_LINES))


def by_steps(data: bytes, shards: Files, limits: WireLimits = LIMITS) -> Fragment | None:
    """The same by what changed of `SHARDS`, or by patches, wherever their lines lie; they are told as they
    stand.
    """
    assert isinstance(BEFORE, Fragment)
    here, elsewhere = (stepped(each, data, shards, limits) for each in (BEFORE, lying(BEFORE)))
    assert here == elsewhere
    patched = stepped(lying(BEFORE), data, shards, limits, is_patched=True)
    assert patched == here
    return here


def stepped(
    before: Fragment, data: bytes, shards: Files, limits: WireLimits, *, is_patched: bool = False
) -> Fragment | None:
    later = follows(data, before, limits)
    if later is None:
        return None
    other = [path for path in {**SHARDS, **shards} if SHARDS.get(path) != shards.get(path)]
    known = [STOOD.get(path, NO_LINES) for path in other]
    stands = [patch_of(path, shards) if is_patched else shards.get(path) for path in other]
    changes = list(zip(known, stands, strict=True))
    found = revised(later, before, changes, limits)
    if found is None:
        return None
    fragment, stood = found
    told = dict(zip([path for path in other if path in shards], stood, strict=True))
    for path, each in told.items():
        lines = shards[path].removesuffix(b"\n").split(b"\n")
        assert isinstance(fragment.records, Records)
        assert [line_of(fragment.records.unread[name]) for name in each.names] == lines
        assert each[1:] == marked(shards[path])
        assert each.size == len(shards[path])
    return Fragment(fragment.header, Records.of(fragment.records))


def patch_of(path: str, shards: Files) -> Patch | bytes | None:
    """How a shard is made of the one that stood there."""
    if path not in SHARDS or path not in shards:
        return shards.get(path)
    return parse_patch(delta(SHARDS[path], shards[path]))


at = st.integers(0, MANY + 5)
said = st.sampled_from(["x", "y", "z"])


@st.composite
def revisions(draw: st.DrawFn, *, acts: tuple[str, ...]) -> tuple[dict[RecordKey, RecordFacts], int]:
    """What a machine does to its fragment: it drops records, says more of some, says all of others anew; a
    strange one takes numbers that are no longer free."""
    records, n = dict(FIRST), NEXT
    for number, what, text in draw(st.lists(st.tuples(at, st.sampled_from(acts), said), max_size=8)):
        key: RecordKey = ("e", f"e{number}")
        known = records.get(key, RecordFacts())
        if what == "drop":
            records.pop(key, None)
            continue
        fresh = Entry(draw(st.integers(1, n)) if what == "clash" else n, 2, text)
        kept = known.observations if what in ("more", "clash") else ()
        records[key] = RecordFacts(types=known.types, observations=(*kept, fresh))
        n += 1
    return records, n


HONEST = ("drop", "more", "anew")
STRANGE = (*HONEST, "clash")


@given(revisions(acts=HONEST))
def test_a_revision_read_by_its_shards_is_the_one_read_from_scratch(
    revision: tuple[dict[RecordKey, RecordFacts], int],
) -> None:
    data, shards = files_of(revision[0], rev=2, next_n=revision[1])
    whole, found = scratch(data, shards), by_steps(data, shards)
    assert isinstance(whole, Fragment)
    assert found == whole


@given(revisions(acts=STRANGE))
def test_numbers_that_are_not_free_are_taken_only_if_they_are_taken_from_scratch(
    revision: tuple[dict[RecordKey, RecordFacts], int],
) -> None:
    data, shards = files_of(revision[0], rev=2, next_n=revision[1])
    found = by_steps(data, shards)
    assert found is None or found == scratch(data, shards)


def test_a_revision_of_a_few_records_is_read_by_its_shards() -> None:
    records = {**FIRST, ("e", "e7"): RecordFacts(observations=(Entry(NEXT, 2, "new"),))}
    del records["e", "e9"]
    data, shards = files_of(records, rev=2, next_n=NEXT + 1)
    assert by_steps(data, shards) == scratch(data, shards)
    assert sum(SHARDS.get(path) != shard for path, shard in shards.items()) <= 2


torn = st.tuples(
    st.sampled_from(["double", "swap", "copy", "cut", "strange", "leave out", "blank"]),
    at,
    st.integers(0, 300),
)


@given(revisions(acts=STRANGE), st.lists(torn, min_size=1, max_size=3))
def test_what_a_hostile_machine_does_to_its_shards_is_taken_only_if_it_is_taken_from_scratch(
    revision: tuple[dict[RecordKey, RecordFacts], int], tears: list
) -> None:
    data, shards = files_of(revision[0], rev=2, next_n=revision[1])
    for tear in tears:
        tore(shards, *tear)
    whole, found = scratch(data, shards), by_steps(data, shards)
    assert found is None or found == whole


def tore(shards: Files, how: str, one: int, other: int) -> None:
    """Break one shard, or move lines between two."""
    paths = list(shards)
    assume(len(paths) > 1)
    path, second = paths[one % len(paths)], paths[other % len(paths)]
    lines = shards[path].removesuffix(b"\n").split(b"\n")
    match how:
        case "double":
            lines.append(lines[0])
        case "swap":
            shards[path], shards[second] = shards[second], shards[path]
            return
        case "copy":
            shards[path] = shards[second]
            return
        case "cut":
            lines[0] = lines[0][: other % len(lines[0])]
        case "strange":
            lines[0] = lines[0].replace(b'"x"', b'"\\ud83d"')
        case "leave out":
            del shards[path]
            return
        case "blank":
            lines.append(b"")
    shards[path] = b"".join([line + b"\n" for line in lines])


def test_a_line_that_only_ends_as_the_known_one_does_is_no_known_line() -> None:
    data, shards = files_of(FIRST, rev=2, next_n=NEXT)
    path = next(iter(shards))
    lines = shards[path].split(b"\n")
    lines[0] = lines[0][5:]
    shards[path] = b"\n".join(lines)
    assert by_steps(data, shards) is None


def test_beyond_a_limit_it_is_read_from_scratch() -> None:
    data, shards = files_of(FIRST, rev=2, next_n=NEXT)
    small = WireLimits(max_facts=NEXT)
    assert isinstance(scratch(data, shards, small), Malformed)
    assert by_steps(data, shards, small) is None


def test_what_was_read_meanwhile_is_read_from_scratch() -> None:
    data, _ = files_of(FIRST, rev=2, next_n=NEXT)
    assert isinstance(BEFORE, Fragment)
    asked = Fragment(BEFORE.header, Records.of(BEFORE.records))
    assert asked.records.get(("e", "e7")) is not None
    later = follows(data, asked)
    assert later is not None
    assert revised(later, asked, []) is None
    assert digest(("e", "e7")) in {name for each in STOOD.values() for name in each.names}
