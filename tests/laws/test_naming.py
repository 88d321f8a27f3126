"""The name of a version is the digest of its bytes, whatever it was read after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.formats import Decoded, decode
from memsync_git.sync.naming import MARK_BYTES, Named, content_hash
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
