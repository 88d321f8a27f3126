"""A disk that will not: every failure is a sentence, the old version stands, nothing is left about."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from memsync_git.local.swaps import numbered_call
from tests.faults.file_circumstances import bound, immutable, mounted, unwritable_directory, written_back

OLD = "old"
BIG = 300_000
"""Bytes of a version too large for its disk."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "memory.json"
    path.write_text(OLD)
    return path


def assert_left_alone(path: Path, refusal: dict[str, Any], *words: str) -> None:
    assert refusal["kind"] == "Unusable"
    assert str(path) in refusal["reason"]
    assert all(word in refusal["reason"] for word in words), refusal["reason"]
    assert refusal["hint"]
    assert path.read_text() == OLD
    assert [entry for entry in path.parent.iterdir() if ".memsync-" in entry.name] == []


def test_a_full_disk_refuses_the_new_version_and_keeps_the_old(tmp_path: Path) -> None:
    directory = tmp_path / "small"
    with mounted(directory, "size=64k,mode=700") as is_small:
        path = directory / "memory.json"
        path.write_text(OLD)
        circumstances, word = ({}, "full") if is_small else ({"largest": 65_536}, "largest")
        _, prepared, witness = written_back(path, size=BIG, **circumstances)
        assert_left_alone(path, prepared, word)
        assert witness["kind"] == "NoneType"


def test_a_disk_without_inodes_refuses_the_new_version_and_keeps_the_old(tmp_path: Path) -> None:
    directory = tmp_path / "crowded"
    with mounted(directory, "nr_inodes=2,mode=700") as is_crowded:
        path = directory / "memory.json"
        path.write_text(OLD)
        circumstances = {} if is_crowded else {"denied": {"linkat": errno.ENOSPC}, "largest": 0}
        _, prepared, witness = written_back(path, **circumstances)
        assert_left_alone(path, prepared)
        assert witness["kind"] == "Unusable"


def test_a_limit_on_file_sizes_refuses_the_new_version_and_keeps_the_old(path: Path) -> None:
    _, prepared, _ = written_back(path, size=BIG, largest=100_000)
    assert_left_alone(path, prepared, "largest file")


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_version_that_could_not_be_fsynced_is_never_used(path: Path, code: int) -> None:
    _, prepared, witness = written_back(path, denied={"fsync": code})
    assert_left_alone(path, prepared)
    assert witness["kind"] == "Unusable"


def test_an_exchange_whose_names_could_not_be_fsynced_has_happened_all_the_same(path: Path) -> None:
    *_, displaced = written_back(path, denied_later={"fsync": errno.EIO})
    assert displaced["snapshot"]["data"] == OLD
    assert path.read_text() == "new"


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.EBUSY, errno.EOPNOTSUPP])
def test_without_an_exchange_the_link_way_is_gone(path: Path, code: int) -> None:
    *_, displaced = written_back(path, denied={"renameat2": code})
    assert displaced["kind"] == "Displaced"
    assert Path(displaced["path"]).read_text() == displaced["snapshot"]["data"] == OLD
    assert path.read_text() == "new"


def test_the_exchange_is_found_by_its_number_where_the_c_library_has_no_name_for_it(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("other")
    call = numbered_call(ctypes.CDLL(None, use_errno=True))
    ends = ctypes.c_char_p(os.fsencode(path)), ctypes.c_char_p(os.fsencode(other))
    assert call(-100, ends[0], -100, ends[1], ctypes.c_uint(2)) == 0
    assert (path.read_text(), other.read_text()) == ("other", OLD)


def test_without_an_exchange_the_first_version_still_covers_nothing(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    *_, displaced = written_back(path, denied={"renameat2": errno.ENOSYS})
    assert displaced["kind"] == "Displaced"
    assert displaced["snapshot"] is None
    assert path.read_text() == "new"


def test_with_neither_exchange_nor_links_nothing_is_swapped(path: Path) -> None:
    *_, refusal = written_back(path, denied={"renameat2": errno.EINVAL, "linkat": errno.EPERM})
    assert_left_alone(path, refusal, "neither exchange nor link")


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_a_failing_exchange_is_not_tried_another_way(path: Path, code: int) -> None:
    *_, refusal = written_back(path, denied_later={"renameat2": code})
    assert_left_alone(path, refusal)


def test_a_failing_rename_takes_the_link_back(path: Path) -> None:
    *_, refusal = written_back(path, ways=["LinkSwap"], denied_later={"rename": errno.EIO})
    assert_left_alone(path, refusal)


def test_what_was_displaced_is_offered_though_it_cannot_be_renamed_aside(path: Path) -> None:
    *_, displaced = written_back(path, denied_later={"rename": errno.EIO})
    assert displaced["kind"] == "Displaced"
    assert Path(displaced["path"]).read_text() == displaced["snapshot"]["data"] == OLD
    assert path.read_text() == "new"


def test_a_read_only_file_system_is_named(tmp_path: Path) -> None:
    directory = tmp_path / "fixed"
    with mounted(directory, "mode=700") as is_mounted:
        path = directory / "memory.json"
        path.write_text(OLD)
        if is_mounted:
            assert os.system(f"mount -o remount,ro '{directory}'") == 0
            _, refusal, witness = written_back(path)
            assert witness["kind"] == "Unusable"
        else:
            *_, refusal = written_back(path, denied_later={"renameat2": errno.EROFS})
        assert_left_alone(path, refusal, "read-only")


def test_a_directory_without_permission_is_named() -> None:
    with unwritable_directory() as (directory, circumstances):
        reading, refusal, _ = written_back(directory / "memory.json", **circumstances)
        assert reading["kind"] == "Snapshot"
        assert_left_alone(directory / "memory.json", refusal, "permission")


def test_a_file_without_permission_is_neither_missing_nor_empty() -> None:
    with unwritable_directory() as (directory, circumstances):
        path = directory / "memory.json"
        path.chmod(0o000)
        reading, *_ = written_back(path, **circumstances)
        path.chmod(0o600)
        assert_left_alone(path, reading, "permission")


def test_an_immutable_file_is_left_as_it_is(path: Path) -> None:
    with immutable(path) as circumstances:
        *_, refusal = written_back(path, **circumstances)
        assert_left_alone(path, refusal, "immutable")


def test_an_immutable_directory_is_left_as_it_is(path: Path) -> None:
    with immutable(path.parent) as circumstances:
        outcomes = written_back(path, **circumstances)
        refusal = next(outcome for outcome in outcomes if outcome["kind"] == "Unusable")
        assert_left_alone(path, refusal, "immutable")


def test_a_single_file_mounted_into_a_container_is_named(path: Path) -> None:
    with bound(path) as circumstances:
        *_, refusal = written_back(path, **circumstances)
        assert_left_alone(path, refusal, "mount point")
        assert "directory" in refusal["hint"]
