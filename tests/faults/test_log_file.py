"""The log file under several processes, on full disks and in odd places: no line lost, no sync stopped."""

from __future__ import annotations

import io
import json
import logging
import os
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memsync_git.logs import reading
from memsync_git.logs.entries import entries_in
from memsync_git.logs.handlers import LogHandler
from memsync_git.logs.reading import Follower, last
from memsync_git.logs.writing import RotatingFile
from tests.faults.file_circumstances import fill, mounted

PROGRAM = Path(__file__).with_name("programs") / "logging_lines.py"
LINE = b'{"time":"2026-11-20T11:30:00.000Z","level":"info","logger":"x","message":"m"}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "memory_sync.log"


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger of its own, its handlers closed afterwards."""
    found = logging.getLogger("tests.log_file")
    found.propagate = False
    yield found
    for handler in list(found.handlers):
        found.removeHandler(handler)
        handler.close()


def handler_of(path: Path, stderr: io.StringIO, *, falls_back: bool = True) -> LogHandler:
    file = RotatingFile(path, max_bytes=10_000, keep=3)
    return LogHandler(file, stderr, manner="silent", falls_back=falls_back, with_messages=False)


def lines_of(path: Path) -> list[bytes]:
    """Every line of the log and its predecessors, in no order."""
    files = [each for each in path.parent.iterdir() if not each.name.endswith(".lock")]
    return [line for each in files for line in each.read_bytes().split(b"\n") if line]


def test_no_line_of_several_processes_is_lost_or_torn_while_each_of_them_rotates(path: Path) -> None:
    names, wanted = ["daemon", "cron", "hand", "another"], 400
    running = [
        subprocess.Popen([sys.executable, PROGRAM, path, name, str(wanted), "8000"], stderr=subprocess.PIPE)
        for name in names
    ]
    said = [each.communicate(timeout=120)[1] for each in running]
    assert said == [b""] * len(names)
    messages = Counter(json.loads(line)["message"] for line in lines_of(path))
    assert messages == Counter(f"{name} {number}" for name in names for number in range(wanted))
    assert len([*path.parent.glob("memory_sync.log.[0-9]*")]) > 10


def test_a_rotated_file_is_no_larger_than_it_should_be_and_the_oldest_goes(path: Path) -> None:
    file = RotatingFile(path, max_bytes=10 * len(LINE), keep=2)
    for _ in range(55):
        file.append(LINE)
    file.close()
    sizes = {each.name: each.stat().st_size for each in path.parent.iterdir()}
    sizes.pop("memory_sync.log.lock")
    full = 10 * len(LINE)
    assert sizes == {"memory_sync.log": 5 * len(LINE), "memory_sync.log.1": full, "memory_sync.log.2": full}


def test_a_line_larger_than_a_file_is_written_all_the_same(path: Path) -> None:
    file = RotatingFile(path, max_bytes=10, keep=2)
    file.append(LINE)
    file.append(LINE)
    assert path.read_bytes() == path.with_name("memory_sync.log.1").read_bytes() == LINE


def test_a_process_that_was_stopped_while_it_rotated_holds_up_nobody(path: Path) -> None:
    script = (
        "import sys\nfrom filelock import FileLock\nlock = FileLock(sys.argv[1])\nlock.acquire()\n"
        "print('held', flush=True)\nsys.stdin.read()"
    )
    path.parent.mkdir()
    lock = path.with_name("memory_sync.log.lock")
    with subprocess.Popen(
        [sys.executable, "-c", script, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        file = RotatingFile(path, max_bytes=2 * len(LINE), keep=2)
        for _ in range(5):
            file.append(LINE)
        assert path.read_bytes() == 5 * LINE
        holder.communicate()
    file.append(LINE)
    assert path.read_bytes() == LINE


def test_a_file_that_somebody_removed_is_made_anew(path: Path) -> None:
    file = RotatingFile(path, max_bytes=10_000, keep=2)
    file.append(LINE)
    path.unlink()
    file.append(LINE)
    assert path.read_bytes() == LINE


def test_file_and_folder_are_for_this_account_alone_also_when_they_were_not(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    path.chmod(0o644)
    RotatingFile(path, max_bytes=10_000, keep=2).append(LINE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    fresh = path.parent / "new" / "x.log"
    RotatingFile(fresh, max_bytes=10_000, keep=2).append(LINE)
    assert stat.S_IMODE(fresh.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o600


def _a_fifo(path: Path) -> None:
    os.mkfifo(path)


def _a_link(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))


def _a_folder(path: Path) -> None:
    path.mkdir()


def _a_device(path: Path) -> None:
    path.symlink_to("/dev/full")


@pytest.mark.parametrize("put", [_a_fifo, _a_link, _a_folder, _a_device])
def test_what_is_no_file_is_not_written_and_stops_nothing(
    path: Path, put: Callable[[Path], None], log: logging.Logger
) -> None:
    path.parent.mkdir()
    put(path)
    stderr = io.StringIO()
    log.addHandler(handler_of(path, stderr))
    log.warning("first")
    log.warning("second")
    said = stderr.getvalue().splitlines()
    assert said[0].startswith("The log cannot be written (")
    assert said[1:] == ["first", "second"]
    assert not path.with_name("elsewhere").exists()


def test_a_command_says_once_that_it_cannot_log_and_nothing_more(tmp_path: Path, log: logging.Logger) -> None:
    (tmp_path / "logs").write_text("in the way")
    stderr = io.StringIO()
    log.addHandler(handler_of(tmp_path / "logs" / "x.log", stderr, falls_back=False))
    log.warning("first")
    log.warning("second")
    assert stderr.getvalue().count("\n") == 1


def test_a_full_disk_is_said_once_and_the_log_goes_on_when_there_is_room(
    tmp_path: Path, log: logging.Logger
) -> None:
    folder = tmp_path / "small"
    with mounted(folder, "size=32k,mode=700") as is_small:
        assert is_small, "this test needs an account that may mount a tmpfs"
        stderr = io.StringIO()
        handler = handler_of(folder / "x.log", stderr)
        log.addHandler(handler)
        log.warning("before")
        ballast = folder / "ballast"
        fill(ballast)
        for number in range(100):
            log.warning("full %s", number, extra={"filler": "y" * 300})
        assert stderr.getvalue().count("The log cannot be written") == 1
        assert "full 99" in stderr.getvalue()
        ballast.unlink()
        log.warning("after")
        handler.close()
        found = [entry.message for entry in last(folder / "x.log", 1000, "debug")]
        on_stderr = {line.split(" filler=")[0] for line in stderr.getvalue().splitlines()}
        assert found[0] == "before"
        assert found[-1] == "after"
        assert {f"full {number}" for number in range(100)} <= {*found, *on_stderr}


class Hasty:
    """A writer that gets ahead whenever somebody is about to take his next step through the files."""

    def __init__(self, path: Path, *, lines_at_once: int, most: int = 90) -> None:
        self._file = RotatingFile(path, max_bytes=4 * len(LINE), keep=1000)
        self._lines_at_once = lines_at_once
        self._most = most
        self.written = 0

    def write(self, lines: int) -> None:
        for _ in range(lines):
            self._file.append(LINE.replace(b'"m"', b'"%d"' % self.written))
            self.written += 1

    @property
    def is_done(self) -> bool:
        return self.written >= self._most

    def before(self, step: Callable[..., object]) -> Callable[..., object]:
        def hurried(*arguments: object) -> object:
            if not self.is_done:
                self.write(self._lines_at_once)
            return step(*arguments)

        return hurried


@pytest.fixture(params=[1, 3, 7, 9])
def writer(request: pytest.FixtureRequest, path: Path) -> Hasty:
    return Hasty(path, lines_at_once=request.param)


@pytest.fixture(params=["_opened", "is_at", "rotated", "_inode"])
def gets_ahead(
    request: pytest.FixtureRequest, writer: Hasty, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """From then on the writer gets ahead of one of the steps of whoever reads."""
    step = getattr(reading, request.param)
    return lambda: monkeypatch.setattr(reading, request.param, writer.before(step))


def test_who_follows_sees_every_line_once_however_files_are_rotated_meanwhile(
    path: Path, writer: Hasty, gets_ahead: Callable[[], None]
) -> None:
    writer.write(1)
    with Follower(path) as follower:
        gets_ahead()
        seen: list[str] = []
        while not writer.is_done:
            writer.write(1)
            seen += [entry.message for entry in follower.news()]
        seen += [entry.message for entry in follower.news()]
    assert seen == [str(number) for number in range(1, writer.written)]


def test_the_last_lines_are_told_in_their_order_however_files_are_rotated_meanwhile(
    path: Path, writer: Hasty, gets_ahead: Callable[[], None]
) -> None:
    writer.write(7)
    gets_ahead()
    seen = [int(entry.message) for entry in last(path, 1000, "debug")]
    assert seen == [*range(len(seen))]
    assert len(seen) >= 7


def test_lines_behind_a_torn_one_are_read() -> None:
    torn = LINE[:40]
    (found,) = entries_in(torn + LINE.rstrip())
    assert found.message == "m"
    assert [*entries_in(torn)] == []
    assert [entry.message for entry in entries_in(torn + LINE.rstrip() + LINE.rstrip())] == ["m", "m"]


@pytest.mark.parametrize("line", [b"[1]", b'"x"', b"{}", b'{"time":1}', b"\xff", b"[" * 100_000, b"null"])
def test_a_line_that_is_no_entry_is_none(line: bytes) -> None:
    assert [*entries_in(line)] == []
