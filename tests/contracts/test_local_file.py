"""What every `LocalFile` promises: both ways to swap on the real disk, and the one in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pytest

import memsync_git
from memsync_git.filebytes import COMPARED_BYTES, Continued, Pieces, same_beginning
from memsync_git.local.disk import read_regular
from memsync_git.local.file import OsFile
from memsync_git.local.memory import MemoryFile
from memsync_git.local.swaps import SWAPS, ExchangeSwap, LinkSwap, Swap
from memsync_git.ports import Displaced, LocalFile, Missing, Occupied, Prepared, Snapshot, Unusable
from tests.fakes import prepared

FIRST = b'{"type":"entity","name":"a"}'
SERVER = b'{"type":"entity","name":"server"}'
MERGED = b'{"type":"entity","name":"merged"}'

WITH_PACKAGE = {**os.environ, "PYTHONPATH": str(Path(memsync_git.__file__).parents[1])}

DYING = """
import os, sys
from memsync_git.filebytes import Pieces
from memsync_git.local import swaps
from memsync_git.local.file import OsFile
path, way, stop, data = sys.argv[1:]
file = OsFile(path, swaps=(getattr(swaps, way)(),))
prepared = file.prepare(Pieces([data.encode()])).finished()
if stop == "exchanged":
    file.exchange(prepared, over=file.read())
os._exit(9)
"""


class Stage(Protocol):
    """One memory file with the hands of a server, of a lock holder and of death on it."""

    file: LocalFile

    def rename(self, data: bytes) -> None: ...

    def hold(self) -> Callable[[bytes], None]:
        """Open the file for writing in place; the answer writes into that inode."""
        ...

    def remove(self) -> None: ...

    def lock(self, age_ms: int) -> None: ...

    def unlock(self) -> None: ...

    def refuse(self) -> None:
        """From now on a version as long as MERGED cannot be written."""
        ...

    def die_after(self, stop: str, data: bytes) -> LocalFile:
        """A process dies after "prepared" or "exchanged"; the answer is the next process's file."""
        ...

    def debris(self) -> list[str]:
        """Names of temporary files."""
        ...


class DiskStage:
    def __init__(self, directory: Path, swap: Swap) -> None:
        self.path = directory / "memory.json"
        self.swap = swap
        self.file: LocalFile = self.opened()

    def opened(self, max_bytes: int = 1 << 20) -> OsFile:
        return OsFile(self.path, max_bytes=max_bytes, swaps=(self.swap,), sleep=lambda _: None)

    def rename(self, data: bytes) -> None:
        fresh = self.path.with_suffix(".tmp")
        fresh.write_bytes(data)
        fresh.replace(self.path)

    def hold(self) -> Callable[[bytes], None]:
        fd = os.open(self.path, os.O_RDWR)

        def commit(data: bytes) -> None:
            os.ftruncate(fd, 0)
            os.write(fd, data)
            os.close(fd)

        return commit

    def remove(self) -> None:
        self.path.unlink()

    def lock(self, age_ms: int) -> None:
        lock = Path(f"{self.path}.lock")
        lock.touch()
        made_ns = lock.stat().st_mtime_ns - age_ms * 1_000_000
        os.utime(lock, ns=(made_ns, made_ns))

    def unlock(self) -> None:
        Path(f"{self.path}.lock").unlink()

    def refuse(self) -> None:
        self.file = self.opened(max_bytes=len(MERGED) - 1)

    def die_after(self, stop: str, data: bytes) -> LocalFile:
        command = [sys.executable, "-c", DYING, str(self.path), type(self.swap).__name__, stop, data.decode()]
        assert subprocess.run(command, check=False, env=WITH_PACKAGE).returncode == 9
        return self.opened()

    def debris(self) -> list[str]:
        return [entry.name for entry in self.path.parent.glob(".memory.json.memsync-*")]


class MemoryStage:
    def __init__(self) -> None:
        self.time_ms = 1_000_000
        self.memory = MemoryFile(lambda: self.time_ms)
        self.file: LocalFile = self.memory

    def rename(self, data: bytes) -> None:
        self.memory.writer_rename(data)

    def hold(self) -> Callable[[bytes], None]:
        return self.memory.writer_open().commit

    def remove(self) -> None:
        self.memory.writer_remove()

    def lock(self, age_ms: int) -> None:
        self.memory.writer_lock()
        self.time_ms += age_ms

    def unlock(self) -> None:
        self.memory.writer_unlock()

    def refuse(self) -> None:
        self.memory.fill_disk(full=True)

    def die_after(self, stop: str, data: bytes) -> LocalFile:
        process = self.memory.beside()
        prepared = prepared_in(process, data)
        if stop == "exchanged":
            exchanged(process, prepared)
        return process.restarted()

    def debris(self) -> list[str]:
        return list(self.memory.temporaries())


@pytest.fixture(params=[*(type(swap).__name__ for swap in SWAPS), "memory"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    ways: dict[str, Swap] = {"ExchangeSwap": ExchangeSwap(), "LinkSwap": LinkSwap()}
    swap = ways.get(request.param)
    return MemoryStage() if swap is None else DiskStage(tmp_path, swap)


def prepared_in(file: LocalFile, data: bytes) -> Prepared:
    ready = prepared(file, data)
    assert isinstance(ready, Prepared)
    return ready


def exchanged(file: LocalFile, prepared: Prepared) -> Displaced:
    reading = file.read()
    assert not isinstance(reading, Unusable)
    displaced = file.exchange(prepared, over=reading)
    assert isinstance(displaced, Displaced)
    return displaced


def standing(file: LocalFile) -> bytes | None:
    reading = file.read()
    return reading.data if isinstance(reading, Snapshot) else None


def test_no_file_is_missing_and_not_empty(stage: Stage) -> None:
    assert stage.file.read() == Missing()


def test_an_empty_file_is_read_as_no_bytes(stage: Stage) -> None:
    stage.rename(b"")
    assert standing(stage.file) == b""


def test_a_file_is_read_byte_for_byte_with_its_inode(stage: Stage) -> None:
    data = "\ud83d\u2028\x00ä".encode("utf-8", "surrogatepass") + b"\r\n\xff"
    stage.rename(data)
    before = stage.file.read()
    stage.rename(data)
    after = stage.file.read()
    assert isinstance(before, Snapshot)
    assert isinstance(after, Snapshot)
    assert before.data == after.data == data
    assert before.inode != after.inode


def test_another_version_of_the_same_size_is_not_taken_for_the_one_that_stood_there(stage: Stage) -> None:
    size = 3 << 18
    for at in (0, size // 2, size - 1, size - 1):
        data = b"a" * at + b"b" + b"a" * (size - at - 1)
        stage.rename(data)
        assert standing(stage.file) == data
        assert standing(stage.file) == data
    late = b"c" * size
    commit = stage.hold()
    displaced = exchanged(stage.file, prepared_in(stage.file, b"d" * size))
    commit(late)
    found = stage.file.look(displaced)
    assert found is not None
    assert found.data == late
    assert standing(stage.file) == b"d" * size


def test_a_version_that_goes_on_from_the_one_that_stood_there_is_read_byte_for_byte(stage: Stage) -> None:
    first = bytes(range(256)) * (6 * COMPARED_BYTES // 256)
    noted = first + b"a note"
    for data in (
        first,
        noted,
        noted + b" and another",
        noted[:-1],
        first[: 4 * COMPARED_BYTES],
        first + b"x" * (3 * COMPARED_BYTES),
        first + b"y" * (3 * COMPARED_BYTES),
        b"z" + first[1:],
        b"",
        first,
        first[:-1] + b"z",
    ):
        stage.rename(data)
        assert standing(stage.file) == data
        assert standing(stage.file) == data
    displaced = exchanged(stage.file, prepared_in(stage.file, noted))
    assert displaced.snapshot is not None
    assert displaced.snapshot.data == first[:-1] + b"z"
    assert standing(stage.file) == noted


def test_of_a_file_that_grows_only_what_is_new_is_held_anew(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    first = b"a" * (8 * COMPARED_BYTES)
    path.write_bytes(first)
    file = OsFile(path)
    before = file.read()
    for note in range(5):
        with path.open("ab") as server:
            server.write(b"%d" % note)
        after = file.read()
        assert isinstance(before, Snapshot)
        assert isinstance(after, Snapshot)
        assert after.data == first + b"01234"[: note + 1]
        assert same_beginning(before.data, after.data) == len(first)


class Meddling(Continued):
    """A version before, while a file is compared with which a server writes it in place."""

    __slots__ = ("write",)

    write: Callable[[], object]

    def startswith(self, prefix: bytes, at: int) -> bool:
        if at == COMPARED_BYTES:
            self.write()
        return super().startswith(prefix, at)


def test_a_file_that_is_written_while_it_is_compared_is_read_again_whole(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    like = Meddling(b"a" * (8 * COMPARED_BYTES), 8 * COMPARED_BYTES, b"")
    late = b"b" + bytes(like)[1:] + b"late"
    like.write = partial(path.write_bytes, late)
    path.write_bytes(bytes(like) + b"note")
    os.utime(path, (0, 0))
    found = read_regular(str(path), 1 << 20, like)
    assert isinstance(found, Snapshot)
    assert found.data == late


def test_the_first_version_goes_where_nothing_stands(stage: Stage) -> None:
    displaced = exchanged(stage.file, prepared_in(stage.file, MERGED))
    assert displaced == Displaced(None)
    assert stage.file.look(displaced) is None
    stage.file.forget(displaced)
    assert standing(stage.file) == MERGED
    assert stage.debris() == []


def test_the_first_version_never_covers_a_file_that_appeared(stage: Stage) -> None:
    prepared = prepared_in(stage.file, MERGED)
    stage.rename(SERVER)
    assert stage.file.exchange(prepared, over=Missing()) == Occupied()
    assert standing(stage.file) == SERVER
    assert stage.debris() == []


def test_a_file_that_vanished_is_not_brought_back_by_a_swap(stage: Stage) -> None:
    stage.rename(FIRST)
    seen = stage.file.read()
    prepared = prepared_in(stage.file, MERGED)
    stage.remove()
    assert isinstance(seen, Snapshot)
    assert stage.file.exchange(prepared, over=seen) == Occupied()
    assert stage.file.read() == Missing()
    assert stage.debris() == []


def test_what_was_displaced_can_be_compared_with_what_was_merged(stage: Stage) -> None:
    stage.rename(FIRST)
    seen = stage.file.read()
    displaced = exchanged(stage.file, prepared_in(stage.file, MERGED))
    assert displaced.snapshot == seen
    assert standing(stage.file) == MERGED


def test_a_version_renamed_in_after_the_reading_is_displaced_and_offered(stage: Stage) -> None:
    stage.rename(FIRST)
    seen = stage.file.read()
    prepared = prepared_in(stage.file, MERGED)
    stage.rename(SERVER)
    assert isinstance(seen, Snapshot)
    displaced = stage.file.exchange(prepared, over=seen)
    assert isinstance(displaced, Displaced)
    assert displaced.snapshot is not None
    assert displaced.snapshot.data == SERVER
    assert standing(stage.file) == MERGED


def test_a_version_written_in_place_after_the_reading_is_displaced_and_offered(stage: Stage) -> None:
    stage.rename(FIRST)
    seen = stage.file.read()
    prepared = prepared_in(stage.file, MERGED)
    stage.hold()(SERVER)
    assert isinstance(seen, Snapshot)
    displaced = stage.file.exchange(prepared, over=seen)
    assert isinstance(displaced, Displaced)
    assert displaced.snapshot is not None
    assert (displaced.snapshot.data, displaced.snapshot.inode) == (SERVER, seen.inode)


def test_a_writer_that_held_the_inode_over_the_swap_is_found_by_a_late_look(stage: Stage) -> None:
    stage.rename(FIRST)
    commit = stage.hold()
    displaced = exchanged(stage.file, prepared_in(stage.file, MERGED))
    commit(SERVER)
    late = stage.file.look(displaced)
    assert late is not None
    assert late.data == SERVER
    assert standing(stage.file) == MERGED


def test_a_late_write_into_one_displaced_inode_never_reaches_the_next_version(stage: Stage) -> None:
    stage.rename(FIRST)
    commit = stage.hold()
    first = exchanged(stage.file, prepared_in(stage.file, MERGED))
    stage.file.forget(first)
    second = exchanged(stage.file, prepared_in(stage.file, FIRST))
    commit(SERVER)
    assert first.path != second.path
    assert standing(stage.file) == FIRST
    late = stage.file.look(second)
    assert late is not None
    assert late.data == MERGED


def test_forgetting_leaves_nothing_and_may_be_repeated(stage: Stage) -> None:
    stage.rename(FIRST)
    displaced = exchanged(stage.file, prepared_in(stage.file, MERGED))
    stage.file.forget(displaced)
    stage.file.forget(displaced)
    assert stage.file.look(displaced) is None
    assert standing(stage.file) == MERGED
    assert stage.debris() == []


def test_a_discarded_version_leaves_nothing(stage: Stage) -> None:
    stage.rename(FIRST)
    stage.file.discard(prepared_in(stage.file, MERGED))
    assert standing(stage.file) == FIRST
    assert stage.debris() == []


def test_a_hundred_exchanges_lose_no_version(stage: Stage) -> None:
    stage.rename(b"0")
    for n in range(1, 101):
        displaced = exchanged(stage.file, prepared_in(stage.file, str(n).encode()))
        assert displaced.snapshot is not None
        assert displaced.snapshot.data == str(n - 1).encode()
        stage.file.forget(displaced)
    assert stage.debris() == []


def test_a_lock_kept_by_a_server_postpones_the_swap_and_nothing_is_lost(stage: Stage) -> None:
    stage.rename(FIRST)
    stage.lock(age_ms=5_000)
    seen = stage.file.read()
    assert isinstance(seen, Snapshot)
    assert stage.file.exchange(prepared_in(stage.file, MERGED), over=seen) == Occupied()
    assert standing(stage.file) == FIRST
    assert stage.debris() == []
    stage.unlock()
    exchanged(stage.file, prepared_in(stage.file, MERGED))
    assert standing(stage.file) == MERGED


def test_a_lock_older_than_thirty_seconds_belongs_to_nobody(stage: Stage) -> None:
    stage.rename(FIRST)
    stage.lock(age_ms=31_000)
    exchanged(stage.file, prepared_in(stage.file, MERGED))
    assert standing(stage.file) == MERGED


def test_a_version_a_dead_process_displaced_is_offered_before_it_goes(stage: Stage) -> None:
    stage.rename(SERVER)
    file = stage.die_after("exchanged", MERGED)
    (leftover,) = file.leftovers()
    assert leftover.snapshot is not None
    assert leftover.snapshot.data == SERVER
    assert standing(file) == MERGED
    file.forget(leftover)
    assert file.leftovers() == []
    assert stage.debris() == []


def test_a_version_a_dead_process_only_prepared_is_offered_too(stage: Stage) -> None:
    stage.rename(SERVER)
    file = stage.die_after("prepared", MERGED)
    (leftover,) = file.leftovers()
    assert leftover.snapshot is not None
    assert leftover.snapshot.data == MERGED
    assert standing(file) == SERVER
    file.forget(leftover)
    assert stage.debris() == []


def test_leftovers_come_oldest_first(stage: Stage) -> None:
    stage.rename(b"0")
    for n in range(1, 4):
        file = stage.die_after("exchanged", str(n).encode())
    offered = [leftover.snapshot for leftover in file.leftovers()]
    assert [snapshot.data for snapshot in offered if snapshot is not None] == [b"0", b"1", b"2"]


def test_nothing_is_taken_from_a_sync_that_is_running(stage: Stage) -> None:
    stage.rename(FIRST)
    displaced = exchanged(stage.file, prepared_in(stage.file, MERGED))
    prepared = prepared_in(stage.file, SERVER)
    assert stage.file.leftovers() == []
    stage.file.forget(displaced)
    exchanged(stage.file, prepared)
    assert standing(stage.file) == SERVER


def test_the_witness_is_what_was_written_last(stage: Stage) -> None:
    assert stage.file.read_witness() is None
    assert stage.file.write_witness(b"one") is None
    assert stage.file.write_witness(b"two") is None
    assert stage.file.read_witness() == b"two"
    assert stage.debris() == []


def test_a_version_that_is_prepared_in_pieces_stands_there_whole_when_it_is_finished(stage: Stage) -> None:
    stage.rename(FIRST)
    rows = [b"%d: %s" % (n, b"x" * (n % 90)) for n in range(3000)]
    data = b"\n".join(rows)
    ends = [0, 1, 1, 7, *range(1000, len(data), 53), len(data)]
    pieces = [memoryview(data)[start:end] for start, end in pairwise(ends)]
    with stage.file.prepare(Pieces([*pieces[:1], b"", bytes(pieces[1]), *pieces[2:]])) as preparing:
        assert standing(stage.file) == FIRST
        ready = preparing.finished()
    assert isinstance(ready, Prepared)
    assert exchanged(stage.file, ready).snapshot is not None
    assert standing(stage.file) == data


def test_a_version_that_is_left_before_it_is_finished_leaves_nothing(stage: Stage) -> None:
    stage.rename(FIRST)
    with stage.file.prepare(Pieces([MERGED, MERGED])):
        pass
    assert standing(stage.file) == FIRST
    assert stage.debris() == []


def test_a_version_that_cannot_be_written_is_refused_when_it_is_finished(stage: Stage) -> None:
    stage.rename(FIRST)
    stage.refuse()
    with stage.file.prepare(Pieces([MERGED])) as preparing:
        refusal = preparing.finished()
    assert isinstance(refusal, Unusable)
    assert refusal.hint
    assert stage.debris() == []


def test_the_witness_is_no_leftover(stage: Stage) -> None:
    stage.file.write_witness(b"one")
    assert stage.file.leftovers() == []
    assert stage.file.read() == Missing()


def test_what_cannot_be_written_is_refused_in_a_sentence_and_the_old_stays(stage: Stage) -> None:
    stage.rename(FIRST)
    stage.refuse()
    refusal = prepared(stage.file, MERGED)
    assert isinstance(refusal, Unusable)
    assert " " in refusal.reason
    assert refusal.hint
    assert standing(stage.file) == FIRST
    assert stage.debris() == []


def test_protecting_a_file_that_is_not_there_does_nothing(stage: Stage) -> None:
    stage.file.protect()
    assert stage.file.read() == Missing()
