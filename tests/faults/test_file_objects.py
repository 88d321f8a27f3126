"""What may stand in the place of the memory file, or around it, and is refused without waiting."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync_git.local.disk import COARSEST_MS, Stamp, is_open_to_others
from memsync_git.local.file import OsFile, wall_ms
from memsync_git.ports import Displaced, Missing, Occupied, Prepared, Snapshot, Unusable
from tests.fakes import prepared
from tests.faults.file_circumstances import IS_ROOT, NOBODY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.json"


def refusal_of(file: OsFile) -> Unusable:
    reading = file.read()
    assert isinstance(reading, Unusable)
    assert reading.hint
    return reading


def prepared_in(file: OsFile, data: bytes) -> Prepared:
    ready = prepared(file, data)
    assert isinstance(ready, Prepared)
    return ready


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def _impatient() -> Iterator[None]:
    """Whatever waits is interrupted after five seconds."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(5)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("_impatient")
def test_a_named_pipe_is_refused_at_once(path: Path) -> None:
    os.mkfifo(path)
    assert "a named pipe" in refusal_of(OsFile(path)).reason


def test_a_directory_is_refused(path: Path) -> None:
    path.mkdir()
    assert "a directory" in refusal_of(OsFile(path)).reason


def test_a_socket_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)  # the name of a socket holds 108 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
        assert "a socket" in refusal_of(OsFile(path)).reason


def test_a_device_is_refused() -> None:
    assert "a character device" in refusal_of(OsFile("/dev/zero")).reason


def test_a_path_through_a_file_is_refused(path: Path) -> None:
    path.write_bytes(b"file")
    assert "is a file" in refusal_of(OsFile(path / "memory.json")).reason


def test_a_file_in_a_directory_that_is_not_there_is_missing_and_cannot_be_prepared(path: Path) -> None:
    file = OsFile(path.parent / "gone" / "memory.json")
    assert file.read() == Missing()
    refusal = prepared(file, b"data")
    assert isinstance(refusal, Unusable)
    assert "mkdir" in refusal.hint


def test_a_symbolic_link_is_refused_by_default(path: Path) -> None:
    target = path.with_name("target.json")
    target.write_bytes(b"secret")
    path.symlink_to(target)
    refusal = refusal_of(OsFile(path))
    assert "symbolic link" in refusal.reason
    assert "follow_symlink" in refusal.hint


def test_a_followed_link_is_read_and_written_at_its_target(path: Path) -> None:
    target = path.parent / "elsewhere" / "target.json"
    target.parent.mkdir()
    target.write_bytes(b"old")
    path.symlink_to(target)
    file = OsFile(path, follow_symlink=True)
    seen = file.read()
    assert isinstance(seen, Snapshot)
    assert isinstance(file.exchange(prepared_in(file, b"new"), over=seen), Displaced)
    assert path.is_symlink()
    assert target.read_bytes() == b"new"
    assert file.path == target


def test_a_followed_link_that_the_server_replaced_is_told_instead_of_forking_in_silence(path: Path) -> None:
    target = path.with_name("target.json")
    target.write_bytes(b"old")
    path.symlink_to(target)
    file = OsFile(path, follow_symlink=True)
    path.unlink()
    path.write_bytes(b"the server's own")
    assert str(target) in refusal_of(file).reason
    assert isinstance(prepared(file, b"new"), Unusable)


def test_something_put_in_the_place_of_the_file_during_a_sync_is_never_swapped(path: Path) -> None:
    path.write_bytes(b"old")
    file = OsFile(path)
    seen = file.read()
    assert isinstance(seen, Snapshot)
    prepared = prepared_in(file, b"new")
    path.unlink()
    path.mkdir()
    assert isinstance(file.exchange(prepared, over=seen), Unusable)
    assert path.is_dir()
    assert [entry.name for entry in path.parent.iterdir()] == ["memory.json"]


def test_a_dangling_link_that_appears_is_not_covered_by_a_first_version(path: Path) -> None:
    file = OsFile(path)
    prepared = prepared_in(file, b"new")
    path.symlink_to(path.with_name("nowhere"))
    assert isinstance(file.exchange(prepared, over=Missing()), Unusable | Occupied)
    assert path.is_symlink()


def test_a_file_beyond_the_limit_is_refused_without_being_read(path: Path) -> None:
    with path.open("wb") as sparse:
        sparse.truncate(1 << 40)
    refusal = refusal_of(OsFile(path, max_bytes=64 << 20))
    assert "1048576.0 MiB" in refusal.reason
    assert "max_file_mib" in refusal.hint


def test_a_file_of_exactly_the_limit_is_read(path: Path) -> None:
    path.write_bytes(b"x" * 100)
    assert isinstance(OsFile(path, max_bytes=100).read(), Snapshot)
    assert isinstance(OsFile(path, max_bytes=99).read(), Unusable)


def test_a_displaced_file_that_grew_beyond_the_limit_was_not_offered_and_so_stays(path: Path) -> None:
    path.write_bytes(b"old")
    file = OsFile(path, max_bytes=100)
    seen = file.read()
    assert isinstance(seen, Snapshot)
    displaced = file.exchange(prepared_in(file, b"new"), over=seen)
    assert isinstance(displaced, Displaced)
    Path(displaced.path).write_bytes(b"x" * 101)
    assert file.look(displaced) is None
    file.forget(displaced)
    assert Path(displaced.path).stat().st_size == 101


def test_the_file_of_another_account_is_refused(path: Path) -> None:
    path.write_bytes(b"theirs")
    if IS_ROOT:
        os.chown(path, NOBODY, NOBODY)
    refusal = refusal_of(OsFile(path if IS_ROOT else "/etc/passwd"))
    assert "belongs to user id" in refusal.reason


@pytest.mark.parametrize(
    ("mode", "owner", "is_open"),
    [
        (0o40777, 1, True),
        (0o40775, 1, True),
        (0o40755, 1, False),
        (0o41777, 1, False),
        (0o40777, 2, False),
    ],
)
def test_a_directory_is_open_to_others_if_it_is_theirs_and_not_sticky(
    mode: int, owner: int, is_open: bool
) -> None:
    assert is_open_to_others(mode, owner=owner, account=2) is is_open


def test_a_file_in_a_directory_open_to_others_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(0o700)
    (theirs / "memory.json").write_bytes(b"ours")
    theirs.chmod(0o777)
    if not IS_ROOT:
        assert isinstance(OsFile(theirs / "memory.json").read(), Snapshot)
        return
    os.chown(theirs, NOBODY, NOBODY)
    assert "others may write" in refusal_of(OsFile(theirs / "memory.json")).reason
    assert isinstance(prepared(OsFile(theirs / "memory.json"), b"new"), Unusable)


def test_our_files_are_private_whatever_the_umask(path: Path) -> None:
    file = OsFile(path, private_directory=True)
    before = os.umask(0)
    try:
        prepared = prepared_in(file, b"new")
        file.write_witness(b"witness")
    finally:
        os.umask(before)
    assert mode_of(Path(prepared.path)) == 0o600
    assert mode_of(path.with_name(".memory.json.memsync")) == 0o600


def test_a_private_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = OsFile(tmp_path / "cache" / "mcp-memory" / "memory.json", private_directory=True)
    prepared = prepared_in(file, b"new")
    assert file.exchange(prepared, over=Missing()) == Displaced(None)
    assert mode_of(tmp_path / "cache" / "mcp-memory") == 0o700


def test_the_mode_a_server_loosened_is_tightened_and_a_shared_directory_left(path: Path) -> None:
    path.write_bytes(b"data")
    path.chmod(0o644)
    path.parent.chmod(0o755)
    OsFile(path).protect()
    assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o755)
    OsFile(path, private_directory=True).protect()
    assert mode_of(path.parent) == 0o700


def test_protecting_touches_neither_time_nor_a_mode_that_is_right(path: Path) -> None:
    path.write_bytes(b"data")
    path.chmod(0o600)
    before = path.stat()
    OsFile(path).protect()
    after = path.stat()
    assert (before.st_ctime_ns, before.st_mtime_ns) == (after.st_ctime_ns, after.st_mtime_ns)


def test_protecting_never_follows_a_link(path: Path) -> None:
    target = path.with_name("target.json")
    target.write_bytes(b"theirs")
    target.chmod(0o644)
    path.symlink_to(target)
    OsFile(path).protect()
    assert mode_of(target) == 0o644


def test_a_witness_that_is_a_link_is_not_read(path: Path) -> None:
    path.with_name("secret").write_bytes(b"secret")
    path.with_name(".memory.json.memsync").symlink_to(path.with_name("secret"))
    file = OsFile(path)
    assert file.read_witness() is None
    assert file.write_witness(b"own") is None
    assert (file.read_witness(), path.with_name("secret").read_bytes()) == (b"own", b"secret")


def test_the_times_of_the_file_are_those_of_its_inode(path: Path) -> None:
    path.write_bytes(b"data")
    os.utime(path, ns=(5, 1_763_637_000_123_999_999))
    reading = OsFile(path).read()
    assert isinstance(reading, Snapshot)
    assert (reading.mtime_ms, reading.inode) == (1_763_637_000_123, path.stat().st_ino)


def test_a_file_nobody_has_written_is_not_read_again(path: Path) -> None:
    path.write_bytes(b"some bytes")
    file = OsFile(path, now_ms=lambda: wall_ms() + 2 * COARSEST_MS)
    first = file.read()
    assert file.read() is first
    stamp = Stamp.at(str(path))
    while Stamp.at(str(path)) == stamp:  # until the kernel's clock has moved on
        with path.open("r+b") as writer:
            writer.write(b"other")
    again = file.read()
    assert isinstance(again, Snapshot)
    assert again.data == b"otherbytes"
    assert file.read() is again
    path.chmod(0o640)
    assert file.read() is not again
    path.unlink()
    assert file.read() == Missing()


def test_a_file_that_was_written_just_now_is_read_again_whatever_its_times_say(path: Path) -> None:
    path.write_bytes(b"some bytes")
    file = OsFile(path)
    first = file.read()
    assert isinstance(first, Snapshot)
    times_ns = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    with path.open("r+b") as writer:
        writer.write(b"moderately")
    os.utime(path, ns=times_ns)
    again = file.read()
    assert isinstance(again, Snapshot)
    assert again.data == b"moderately"
