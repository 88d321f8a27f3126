"""Bytes that continue those of an earlier version are bytes: nobody can tell, and they are read alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.filebytes import COMPARED_BYTES, Continued, FileBytes, Pieces, continued, same_beginning
from memsync_git.formats import Decoded, Rows, decode
from memsync_git.sync.naming import Named, content_hash
from tests.laws.test_stretches import ENTITIES, LENGTH, RELATIONS, edited, edits, new_rows

few = st.binary(max_size=12).map(lambda data: bytes(b"ab\n "[byte % 4] for byte in data))
places = st.integers(-2, 26)


@st.composite
def held_in_two(draw: st.DrawFn) -> tuple[Continued, bytes]:
    """Some bytes as they are held after others, and by themselves."""
    before, rest = draw(few), draw(few)
    shared = draw(st.integers(0, len(before)))
    return Continued(before, shared, rest), before[:shared] + rest


@given(held_in_two(), places, places, few)
def test_whoever_looks_at_them_cannot_tell_how_they_are_held(
    held: tuple[Continued, bytes], start: int, end: int, some: bytes
) -> None:
    data, plain = held
    assert (len(data), bool(data), bytes(data)) == (len(plain), bool(plain), plain)
    assert (data[start:end], data[start:], data[:end]) == (plain[start:end], plain[start:], plain[:end])
    at = min(max(0, start), len(plain))
    assert data.startswith(some, at) == plain.startswith(some, at)
    assert data.find(some, at, max(at, end)) == plain.find(some, at, max(at, end))
    assert data.isspace() == plain.isspace()


@given(held_in_two(), held_in_two())
def test_they_equal_what_holds_the_same_however_it_is_held(
    one: tuple[Continued, bytes], other: tuple[Continued, bytes]
) -> None:
    (data, plain), (twin, also) = one, other
    assert data == plain
    assert plain == data
    assert hash(data) == hash(plain)
    assert (data == twin, data == also, plain == twin) == (plain == also,) * 3


def test_two_large_versions_differ_by_their_last_byte() -> None:
    before = bytes(3 * COMPARED_BYTES)
    one, other = (Continued(before, len(before), bytes(COMPARED_BYTES) + end) for end in (b"a", b"b"))
    assert one != other
    assert one == Continued(bytes(before), len(before) - 1, b"\0" + one.rest)


@given(st.lists(st.tuples(st.integers(0, 60), few), max_size=6))
def test_a_version_goes_on_from_any_one_before_it(story: list[tuple[int, bytes]]) -> None:
    data: FileBytes = bytes(range(60))
    for shared, rest in story:
        plain = bytes(data)[:shared] + rest
        now = continued(data, min(shared, len(data)), rest)
        if now is not None:
            assert now == plain
            assert same_beginning(now, data) <= min(shared, len(data))
            assert isinstance(now, Continued)
            assert isinstance(now.before, bytes)
        data = plain if now is None else now


def test_no_more_is_held_of_two_versions_than_one_and_a_quarter() -> None:
    before = bytes(100)
    assert continued(before, 80, b"") is not None
    assert continued(before, 79, b"") is None
    assert continued(before, 100, bytes(25)) is not None
    assert continued(before, 100, bytes(26)) is None
    noted = continued(before, 100, bytes(10))
    assert noted is not None
    assert continued(noted, 110, bytes(16)) is None


late_edits = st.one_of(
    st.tuples(st.integers(LENGTH, LENGTH + 50), st.sampled_from([0, 1, 2]), st.lists(new_rows, max_size=3)),
    edits,
)


@given(st.lists(late_edits, min_size=1, max_size=5))
def test_versions_that_continue_one_another_are_read_and_named_like_any_other(story: list[tuple]) -> None:
    lines = [*ENTITIES, *RELATIONS]
    data: FileBytes = b"\n".join(lines)
    rows, named = read(data, None), Named(data)
    for edit in story:
        lines = edited(lines, edit)
        now = after(data, b"\n".join(lines))
        again = read(now, rows)
        assert again == read(bytes(now), None)
        assert again.text == bytes(now)
        named = Named(now, named, again.shared_with(rows))
        assert named.name == content_hash(bytes(now))
        data, rows = now, again


def after(before: FileBytes, data: bytes) -> FileBytes:
    """A version as it is held after another one."""
    both = zip(bytes(before), data, strict=False)
    shared = next((at for at, (one, other) in enumerate(both) if one != other), min(len(before), len(data)))
    return continued(before, shared, data[shared:]) or data


def read(data: FileBytes, before: Rows | None) -> Rows:
    decoded = decode(data, "jsonl", before=before)
    assert isinstance(decoded, Decoded)
    if decoded.whole:
        decoded.rows.lie_in(data)
    return decoded.rows


@given(st.lists(st.binary(max_size=5)), st.booleans(), st.integers(1, 7))
def test_pieces_are_the_bytes_they_make_together(some: list[bytes], as_views: bool, size: int) -> None:
    data = b"".join(some)
    pieces = Pieces(map(memoryview, some) if as_views else some)
    for _ in range(2):
        assert len(pieces) == len(data)
        assert b"".join(pieces) == data
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        assert [b"".join(part) for part in pieces.every(size)] == parts
        assert bytes(pieces) == data
        assert bytes(pieces) is bytes(pieces)
