"""The name of a version is the digest of its bytes, whatever it was read after."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsync_git.filebytes import Pieces
from memsync_git.formats import Decoded, decode
from memsync_git.local.memory import MemoryFile
from memsync_git.model import Rid
from memsync_git.replica import Replica
from memsync_git.stores.memory import MemoryStore
from memsync_git.sync import RoundOptions, Session, World, sync_round
from memsync_git.sync.naming import MARK_BYTES, Named, Trail, content_hash
from tests.fakes import CountedChance, QuietClock
from tests.laws.test_stretches import ENTITIES, RELATIONS, edited, edits

SIZES = (0, 1, MARK_BYTES - 1, MARK_BYTES, MARK_BYTES + 1, 2 * MARK_BYTES, 2 * MARK_BYTES + 5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("other", SIZES)
def test_a_version_is_named_by_its_bytes_wherever_hashing_goes_on(size: int, other: int) -> None:
    whole = bytes(range(256)) * (2 * MARK_BYTES // 256 + 1)
    before = Named(whole[:other])
    for shared in {0, min(size, other) // 2, min(size, other)}:
        data = whole[:shared] + b"x" * (size - shared)
        assert Named(data, before, shared).name == content_hash(data)
        pieces = Pieces([data[:shared], data[shared : size - 1], data[max(shared, size - 1) :]])
        assert Named(pieces).trail == Named(data).trail


@given(st.lists(edits, min_size=1, max_size=4))
def test_what_two_versions_are_said_to_share_they_share(story: list[tuple]) -> None:
    lines = [*ENTITIES, *RELATIONS]
    before, data = None, b"\n".join(lines)
    for edit in story:
        now = decode(data, "jsonl", before=None if before is None else before[1].rows)
        assert isinstance(now, Decoded)
        if before is not None:
            assert now.shared <= min(len(data), len(before[0]))
            assert data[: now.shared] == before[0][: now.shared]
        before, lines = (data, now), edited(lines, edit)
        data = b"\n".join(lines)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shared", SIZES)
def test_trails_tell_how_far_two_versions_are_the_same(size: int, shared: int) -> None:
    data = bytes(2 * MARK_BYTES + 7)
    other = data[:shared] + b"x" * max(0, size - shared)
    found = Named(data).trail.shared_with(Named(other).trail)
    assert found == min(shared, len(other)) // MARK_BYTES * MARK_BYTES
    assert Named(other).trail == Named(other, Named(data), min(shared, len(other))).trail


def test_a_trail_is_kept_as_a_line_and_anything_else_is_none() -> None:
    trail = Named(bytes(2 * MARK_BYTES)).trail
    assert len(trail.names) == 2
    assert Trail.read(trail.line()) == trail
    for line in (b"", b"abc", b"abc def", b"abc -1 x", b"\xff \xff"):
        assert Trail.read(line) == Trail()


LONG = [
    b'{"type":"entity","name":"e%d","entityType":"t","observations":["%s"]}' % (at, b"x" * 4000)
    for at in range(900)
]
more = st.lists(st.sampled_from(LONG), max_size=2)


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(st.tuples(st.integers(0, len(LONG)), st.sampled_from([0, 0, 1, 30]), more), max_size=4))
def test_whoever_starts_reads_what_stands_there_wherever_the_store_stops_knowing_it(
    story: list[tuple],
) -> None:
    clock, store, lines = QuietClock(), MemoryStore(), list(LONG)
    file = MemoryFile(clock.wall_ms, b"\n".join(lines))
    begun = Session(World(file, store, clock, CountedChance("ash")))
    begun.begin(Replica(Rid("ash-0001"), "ash"))
    sync_round(begun)
    for edit in story:
        lines = edited(lines, edit)
        data = b"\n".join(lines)
        file.writer_rename(data)
        fresh = Session(World(file, store, clock, CountedChance("ash")))
        sync_round(fresh, RoundOptions(apply=False))
        found = decode(data, "jsonl")
        assert isinstance(found, Decoded)
        assert fresh.decoded is not None
        assert fresh.decoded.graph == found.graph
        assert fresh.decoded.rows.text == data
        assert fresh.name_of(data) == content_hash(data)
        kept = Trail.read(store.row("trail", "one") or b"")
        assert kept.name != content_hash(data) or kept == Named(data).trail
