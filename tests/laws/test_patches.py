"""The lines a delta makes of others are those of the file it makes; what is no delta is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.wire.patches import Patch, lines_of, parse_patch, planned
from memsync_git.wire.verdicts import Invalid
from tests.laws.deltas import Step, delta, number, steps, written

lines = st.lists(st.binary(max_size=6).filter(lambda line: b"\n" not in line), max_size=8)


def file_of(some: list[bytes]) -> bytes:
    return b"".join([line + b"\n" for line in some])


@st.composite
def told(draw: st.DrawFn) -> tuple[list[bytes], list[Step]]:
    """The lines of a file, and steps that take pieces of it anyhow and bring others."""
    some = draw(lines)
    size = len(file_of(some))
    ends = st.integers(0, size)
    copied = st.tuples(ends, ends).filter(lambda pair: pair[0] < pair[1])
    one = st.one_of(copied, st.binary(min_size=1, max_size=5), st.just(b"\n"))
    return some, draw(st.lists(one if size else st.binary(min_size=1, max_size=5), max_size=8))


def made(base: bytes, some: list[Step]) -> bytes:
    return b"".join([step if isinstance(step, bytes) else base[slice(*step)] for step in some])


def through(some: list[bytes], patch: Patch) -> tuple[list[bytes], set[int]]:
    """The lines a patch makes, and which of the others were looked at."""
    parts, seen = planned(patch, [len(line) + 1 for line in some])
    others = {at: some[at] + b"\n" for at in seen}
    found: list[bytes] = []
    for part in parts:
        found += some[slice(*part)] if isinstance(part, tuple) else lines_of(part, others)
    return found, seen


@given(told())
def test_the_lines_a_delta_makes_are_those_of_the_file_it_makes(case: tuple[list[bytes], list[Step]]) -> None:
    some, taken = case
    now = made(file_of(some), taken)
    patch = parse_patch(written(file_of(some), taken))
    assert patch is not None
    assert patch.size == len(now)
    if now and not now.endswith(b"\n"):
        with pytest.raises(Invalid):
            through(some, patch)
    else:
        assert through(some, patch)[0] == now.split(b"\n")[:-1]


@given(lines, lines)
def test_any_file_is_made_of_any_other(before: list[bytes], after: list[bytes]) -> None:
    patch = parse_patch(delta(file_of(before), file_of(after)))
    assert patch is not None
    assert through(before, patch)[0] == after


def test_only_lines_that_are_cut_are_looked_at() -> None:
    before = [b"line %d" % at for at in range(400)]
    after = [*before[:200], b"line 200 and more", *before[201:]]
    patch = parse_patch(delta(file_of(before), file_of(after)))
    assert patch is not None
    found, seen = through(before, patch)
    assert found == after
    assert seen == {200}


def test_large_pieces_and_pieces_of_the_size_that_is_written_as_none() -> None:
    before = [b"%05d" % at + b"x" * 994 for at in range(300)]
    base = file_of(before)
    for taken in ([(0, 0x10000), (0x10000, len(base))], [(1000, 0x10000 + 1000), b"\n"]):
        patch = parse_patch(written(base, taken))
        assert patch is not None
        now = made(base, taken)
        assert b"".join([line + b"\n" for line in through(before, patch)[0]]) == now


def test_a_line_that_is_taken_over_in_two_pieces_is_not_looked_at() -> None:
    """Git takes over 64 KiB at most in one go, wherever that ends."""
    before = [b"x" * 999] * 300
    size = len(file_of(before))
    patch = parse_patch(written(file_of(before), [(0, 0x10000), (0x10000, 0x20000), (0x20000, size)]))
    assert patch is not None
    assert patch.steps == [(0, size)]
    assert through(before, patch) == (before, set())


@given(told(), st.integers(0, 200), st.integers(1, 255))
def test_a_delta_with_another_byte_makes_what_it_says_or_nothing(
    case: tuple[list[bytes], list[Step]], at: int, other: int
) -> None:
    some, taken = case
    data = bytearray(written(file_of(some), taken))
    data[at % len(data)] ^= other
    patch = parse_patch(bytes(data))
    if patch is None:
        return
    try:
        found = through(some, patch)[0]
    except Invalid:
        return
    assert file_of(found) == made(file_of(some), [*patch.steps])


def test_a_patch_of_other_lines_is_refused() -> None:
    patch = parse_patch(delta(b"one\ntwo\n", b"one\nthree\n"))
    assert patch is not None
    with pytest.raises(Invalid):
        through([b"one", b"longer"], patch)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_delta_or_none(data: bytes) -> None:
    patch = parse_patch(data)
    assert patch is None or all(isinstance(step, bytes) or step[1] <= patch.base_size for step in patch.steps)


BASE = b"0123456789\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        number(11),
        number(11) + number(3) + b"\x05ab",  # cut in what it brings
        number(11) + number(3) + b"\x00",  # an instruction nobody has defined
        number(11) + number(3) + b"\x91",  # cut in what it copies
        number(11) + number(12) + b"\x90\x0c",  # beyond the end
        number(11) + number(3) + b"\x02ab",  # another size than it says
        b"\xff" * 40,  # a number without an end
    ],
)
def test_what_is_no_delta_is_none(data: bytes) -> None:
    assert parse_patch(data) is None


def test_it_is_what_git_would_make_of_it() -> None:
    assert steps(BASE, b"0123456789 and\n") == [(0, 10), b" and", (10, 11)]
    assert delta(BASE, b"0123456789 and\n") == b"\x0b\x0f\x90\x0a\x04 and\x91\x0a\x01"
