"""What the simulated file can suffer beyond the port: power cuts, second processes, backups, clones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from memsync_git.local.memory import WRITEBACK_MS, Choice, MemoryFile, oldest
from memsync_git.ports import Displaced, Prepared, Snapshot, Unusable
from tests.fakes import prepared


class Time:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def time() -> Time:
    return Time()


def newest(versions: Sequence[Snapshot]) -> Snapshot:
    return versions[-1]


def swapped(file: MemoryFile, data: bytes) -> Displaced:
    ready, reading = prepared(file, data), file.read()
    assert isinstance(ready, Prepared)
    assert not isinstance(reading, Unusable)
    displaced = file.exchange(ready, over=reading)
    assert isinstance(displaced, Displaced)
    return displaced


def test_a_power_cut_may_take_every_write_of_a_server_since_the_last_exchange(time: Time) -> None:
    file = MemoryFile(time)
    swapped(file, b"ours")
    file.writer_rename(b"theirs 1")
    file.writer_write_in_place(b"theirs 2")
    assert [version.data for version in file.at_risk()] == [b"ours", b"theirs 1", b"theirs 2"]
    assert file.power_cut().writer_read() == b"ours"


def test_a_power_cut_leaves_the_version_chosen(time: Time) -> None:
    file = MemoryFile(time, b"first")
    file.writer_rename(b"second")
    file.writer_rename(b"third")
    after = file.power_cut(lambda versions: versions[1])
    assert after.writer_read() == b"second"
    assert [version.data for version in after.at_risk()] == [b"second"]


def test_what_we_exchanged_in_survives_a_power_cut(time: Time) -> None:
    file = MemoryFile(time, b"first")
    file.writer_rename(b"second")
    swapped(file, b"ours")
    assert file.power_cut().writer_read() == b"ours"


@pytest.mark.parametrize(("choose", "left"), [(newest, b"second"), (oldest, b"first")])
def test_a_displaced_version_may_fall_back_too_and_is_a_leftover(
    choose: Choice, left: bytes, time: Time
) -> None:
    file = MemoryFile(time, b"first")
    file.writer_write_in_place(b"second")
    swapped(file, b"ours")
    (leftover,) = file.power_cut(choose).leftovers()
    assert leftover.snapshot is not None
    assert leftover.snapshot.data == left


def test_the_kernel_writes_back_by_itself_after_half_a_minute(time: Time) -> None:
    file = MemoryFile(time, b"first")
    file.writer_rename(b"second")
    time.ms += WRITEBACK_MS + 1
    file.writer_rename(b"third")
    assert file.power_cut().writer_read() == b"second"


def test_a_held_inode_is_written_wherever_its_name_went(time: Time) -> None:
    file = MemoryFile(time, b"first")
    held = file.writer_open()
    file.writer_rename(b"second")
    held.commit(b"into the void")
    assert file.writer_read() == b"second"


def test_two_processes_share_the_file_and_keep_their_temporaries_apart(time: Time) -> None:
    daemon = MemoryFile(time, b"first")
    cron = daemon.beside()
    displaced = swapped(daemon, b"daemon's")
    assert cron.writer_read() == b"daemon's"
    assert cron.leftovers() == []
    heir = daemon.restarted()
    assert [found.path for found in heir.leftovers()] == [displaced.path]
    assert [found.path for found in cron.leftovers()] == [displaced.path]


def test_times_and_inodes_tell_what_happened(time: Time) -> None:
    file = MemoryFile(time, b"first")
    first = file.read()
    time.ms += 5
    file.writer_write_in_place(b"second")
    second = file.read()
    time.ms += 5
    file.writer_rename(b"third")
    third = file.read()
    assert isinstance(first, Snapshot)
    assert isinstance(second, Snapshot)
    assert isinstance(third, Snapshot)
    assert first.inode == second.inode != third.inode
    assert (second.mtime_ms - first.mtime_ms, third.mtime_ms - second.mtime_ms) == (5, 5)


def test_a_backup_brings_back_bytes_time_and_witness_but_no_inode(time: Time) -> None:
    file = MemoryFile(time, b"first")
    file.write_witness(b"witness 1")
    image, before = file.image(), file.read()
    time.ms += 1_000
    swapped(file, b"second")
    file.write_witness(b"witness 2")
    file.restore(image)
    after = file.read()
    assert isinstance(before, Snapshot)
    assert isinstance(after, Snapshot)
    assert (after.data, after.mtime_ms, file.read_witness()) == (b"first", before.mtime_ms, b"witness 1")
    assert after.inode != before.inode


def test_a_backup_of_the_file_alone_leaves_the_witness(time: Time) -> None:
    file = MemoryFile(time, b"first")
    image = file.image()
    file.write_witness(b"witness")
    file.restore(image, with_witness=False)
    assert file.read_witness() == b"witness"


def test_a_clone_has_everything_and_shares_nothing(time: Time) -> None:
    file = MemoryFile(time, b"first")
    file.write_witness(b"witness")
    swapped(file, b"second")
    twin = file.clone()
    (leftover,) = twin.leftovers()
    assert leftover.snapshot is not None
    assert (twin.writer_read(), twin.read_witness(), leftover.snapshot.data) == (
        b"second",
        b"witness",
        b"first",
    )
    twin.forget(leftover)
    twin.writer_rename(b"third")
    assert file.writer_read() == b"second"
    assert len(file.temporaries()) == 1


def test_an_obstacle_and_a_full_disk_pass(time: Time) -> None:
    file = MemoryFile(time, b"first")
    obstacle = Unusable("A directory stands there")
    file.obstruct(obstacle)
    assert file.read() == prepared(file, b"second") == obstacle
    file.obstruct(None)
    file.fill_disk(full=True)
    assert isinstance(file.write_witness(b"witness"), Unusable)
    file.fill_disk(full=False)
    assert swapped(file, b"second").snapshot is not None
