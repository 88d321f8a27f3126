"""Whose a temporary file is: ours or not, running or gone, whole or torn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memsync_git.local.file import OsFile, wall_ms
from memsync_git.local.names import ABANDONED_AFTER_MS, Role, Temporary, birth_of, is_running, minted, parsed
from memsync_git.local.sidecar import STALE_AFTER_MS, WAIT_S, Kept, Sidecar, Taken, Unneeded

GONE = (4_194_305, 1)
"""A pid beyond the kernel's largest, and a birth."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.json"


def leave(path: Path, role: Role, data: bytes, *, pid: int, birth: int, made_ms: int | None = None) -> Path:
    made = wall_ms() if made_ms is None else made_ms
    left = path.with_name(Temporary(path.name, made, pid, birth, "0123456789abcdef", role).text)
    left.write_bytes(data)
    return left


def offered(path: Path) -> list[bytes]:
    return [found.snapshot.data for found in OsFile(path).leftovers() if found.snapshot is not None]


def test_a_name_says_what_it_was_minted_from() -> None:
    name = minted("memory.json", 1_763_637_000_123, "old")
    assert name.text.startswith(".memory.json.memsync-1763637000123-")
    assert name.text.endswith(".old")
    assert parsed("memory.json", name.text) == name
    assert minted("memory.json", 1_763_637_000_123, "old").text != name.text


@pytest.mark.parametrize(
    "entry",
    [
        "memory.json",
        ".memory.json.memsync",
        ".memory.json.memsync-notes.new",
        ".memory.json.memsync-1-1-1-0123456789abcdef.tmp",
        ".other.json.memsync-1-1-1-0123456789abcdef.new",
        "memory.json.0123456789abcdef0123456789abcdef.tmp",
    ],
)
def test_nothing_else_is_taken_for_ours(entry: str, path: Path) -> None:
    path.with_name(entry).write_bytes(b"theirs")
    assert parsed("memory.json", entry) is None
    assert offered(path) == []
    assert path.with_name(entry).exists()


def test_two_memory_files_in_one_directory_keep_their_leftovers_apart(path: Path) -> None:
    leave(path, "old", b"ours", pid=GONE[0], birth=GONE[1])
    leave(path.with_name("memory.json.bak"), "old", b"theirs", pid=GONE[0], birth=GONE[1])
    assert offered(path) == [b"ours"]


def test_a_torn_file_of_a_dead_process_is_never_offered_and_swept(path: Path) -> None:
    left = leave(path, "part", b"torn", pid=GONE[0], birth=GONE[1])
    assert offered(path) == []
    assert not left.exists()


@pytest.mark.parametrize("role", ["part", "new", "old"])
def test_files_of_a_running_process_are_left_alone(role: Role, path: Path) -> None:
    left = leave(path, role, b"busy", pid=os.getpid(), birth=birth_of(os.getpid()))
    assert offered(path) == []
    assert left.exists()


def test_a_pid_used_again_does_not_hide_a_leftover(path: Path) -> None:
    leave(path, "old", b"left", pid=os.getpid(), birth=birth_of(os.getpid()) + 1)
    assert offered(path) == [b"left"]


@pytest.mark.parametrize("direction", [-1, 1])
def test_a_file_no_round_can_still_be_using_is_a_leftover_whoever_runs(direction: int, path: Path) -> None:
    made_ms = wall_ms() + direction * (ABANDONED_AFTER_MS + 60_000)
    leave(path, "old", b"left", pid=os.getpid(), birth=birth_of(os.getpid()), made_ms=made_ms)
    assert offered(path) == [b"left"]


def test_leftovers_come_in_the_order_of_their_making(path: Path) -> None:
    for age in (3, 1, 2):
        leave(path, "old", b"%d" % age, pid=GONE[0], birth=GONE[1], made_ms=wall_ms() - age * 1000)
    assert offered(path) == [b"3", b"2", b"1"]


def test_a_leftover_that_cannot_be_read_stays(path: Path) -> None:
    left = leave(path, "old", b"x" * 101, pid=GONE[0], birth=GONE[1])
    assert OsFile(path, max_bytes=100).leftovers() == []
    assert left.exists()


def test_a_process_that_ended_runs_no_more_even_before_it_is_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        birth = birth_of(child.pid)
        assert is_running(child.pid, birth)
        assert is_running(child.pid, 0)
        assert child.stdin is not None
        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not is_running(child.pid, birth)
    assert not is_running(child.pid, 0)


class Waiting:
    """A clock that stands still but for sleeping, and what happens meanwhile."""

    def __init__(self, path: Path) -> None:
        self.lock = Path(f"{path}.lock")
        self.slept_s = 0.0
        self.release_after_s = float("inf")
        self.sidecar = Sidecar(str(path), sleep=self.sleep, now_ms=wall_ms)

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        if self.slept_s > self.release_after_s:
            self.lock.unlink(missing_ok=True)


def test_where_nobody_locks_neither_do_we(path: Path) -> None:
    waiting = Waiting(path)
    with waiting.sidecar.held() as lock:
        assert lock == Unneeded()
        assert not waiting.lock.exists()


def test_a_lock_released_while_we_wait_is_taken_and_released_by_us(path: Path) -> None:
    waiting = Waiting(path)
    waiting.lock.touch()
    waiting.release_after_s = 0.5
    with waiting.sidecar.held() as lock:
        assert isinstance(lock, Taken)
        assert waiting.lock.exists()
    assert not waiting.lock.exists()
    assert 0.5 < waiting.slept_s < WAIT_S


def test_a_lock_once_seen_is_honoured_from_then_on(path: Path) -> None:
    waiting = Waiting(path)
    waiting.lock.touch()
    waiting.sidecar.notice()
    waiting.lock.unlink()
    with waiting.sidecar.held() as lock:
        assert isinstance(lock, Taken)
        assert waiting.lock.exists()


def test_waiting_for_a_lock_ends(path: Path) -> None:
    waiting = Waiting(path)
    waiting.lock.touch()
    with waiting.sidecar.held() as lock:
        assert lock == Kept()
    assert waiting.lock.exists()
    assert waiting.slept_s == pytest.approx(WAIT_S)


def test_a_lock_taken_from_us_as_stale_is_not_released_by_us(path: Path) -> None:
    waiting = Waiting(path)
    waiting.lock.touch()
    waiting.release_after_s = 0
    with waiting.sidecar.held() as lock:
        assert isinstance(lock, Taken)
        waiting.lock.unlink()
        waiting.lock.write_bytes(b"another's")
        os.utime(waiting.lock, (1, 1))
    assert waiting.lock.read_bytes() == b"another's"


@pytest.mark.parametrize("age_ms", [STALE_AFTER_MS + 1_000, -STALE_AFTER_MS - 60_000])
def test_a_lock_of_a_dead_holder_or_a_wrong_clock_is_taken_over(age_ms: int, path: Path) -> None:
    waiting = Waiting(path)
    waiting.lock.touch()
    made_s = (wall_ms() - age_ms) / 1000
    os.utime(waiting.lock, (made_s, made_s))
    with waiting.sidecar.held() as lock:
        assert isinstance(lock, Taken)
    assert waiting.slept_s == 0


def test_a_stale_thing_that_cannot_be_removed_does_not_stop_us(path: Path) -> None:
    waiting = Waiting(path)
    waiting.lock.mkdir()
    os.utime(waiting.lock, (1, 1))
    with waiting.sidecar.held() as lock:
        assert lock == Unneeded()
