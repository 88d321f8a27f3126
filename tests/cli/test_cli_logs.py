"""`logs`: the last entries across rotated files, filtered, followed, and never raw."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import pytest

from memsync_git.cli.logs import render_entry
from memsync_git.cli.terminal import Screen
from memsync_git.documents import LogPart
from memsync_git.logs.entries import LogEntry, line_of
from memsync_git.logs.reading import BLOCK_BYTES
from memsync_git.logs.writing import RotatingFile
from tests.cli.conftest import Command
from tests.cli.machines import Home, entity

NASTY = "a\x1b[2Jb\r\nc\u202ed"
WAIT_S = 20.0
"""How long a line may take on a busy machine; it takes a quarter of a second."""


def line(number: int, level: str = "info", message: str = "") -> bytes:
    said = message or f"entry {number}"
    return line_of(LogEntry("2026-11-20T11:30:00.000Z", level, "memsync_git.x", said, {"ms": number}))


@pytest.fixture
def log(home: Path) -> Path:
    return home / "logs" / "memory_sync.log"


def write(log: Path, *lines: bytes, rotate_at: int = 1 << 20) -> None:
    file = RotatingFile(log, max_bytes=rotate_at, keep=50)
    for each in lines:
        file.append(each)
    file.close()


def test_before_anything_was_logged_that_is_said(memsync: Command, log: Path) -> None:
    ended = memsync("logs")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == f"Nothing was logged yet in {log}\n"
    assert json.loads(memsync("logs", "--json").out) == {"schema_version": 1, "path": str(log), "entries": []}


def test_the_last_entries_are_shown_oldest_first_across_rotated_files(memsync: Command, log: Path) -> None:
    write(log, *(line(number) for number in range(200)), rotate_at=2000)
    assert len([*log.parent.glob("*.log.[0-9]*")]) > 9
    shown = [each["message"] for each in json.loads(memsync("logs", "-n", "120", "--json").out)["entries"]]
    assert shown == [f"entry {number}" for number in range(80, 200)]
    assert len(memsync("logs").out.splitlines()) == 50
    assert memsync("logs", "-n", "0").out == ""


def test_lines_longer_than_a_block_are_read_whole(memsync: Command, log: Path) -> None:
    long = "x" * (2 * BLOCK_BYTES + 17)
    write(log, line(0), line(1, message=long), line(2), rotate_at=10 << 20)
    shown = json.loads(memsync("logs", "--json").out)["entries"]
    assert [each["message"] for each in shown] == ["entry 0", long, "entry 2"]


def test_only_what_matters_as_much_as_the_level_is_shown(memsync: Command, log: Path) -> None:
    levels = ["error", "debug", "info", "warning", "critical"]
    write(log, *(line(at, level) for at, level in enumerate(levels)))
    shown = json.loads(memsync("logs", "-n", "3", "--level", "warning", "--json").out)["entries"]
    assert [each["level"] for each in shown] == ["error", "warning", "critical"]


def test_what_is_broken_between_the_lines_is_passed_over(memsync: Command, log: Path) -> None:
    write(log, line(0), b"\x1b[31mno json\n", line(1)[:30], line(2))
    shown = json.loads(memsync("logs", "--json").out)["entries"]
    assert [each["message"] for each in shown] == ["entry 0", "entry 2"]


def test_control_characters_never_reach_the_terminal_raw(memsync: Command, log: Path) -> None:
    write(log, line(0, "info\x1b", NASTY))
    for arguments in ([], ["--json"]):
        out = memsync("logs", *arguments).out
        assert out.count("\n") == 1
        assert not set(out[:-1]) & set("\x1b\r\n\u202e")
    assert "a\\x1b[2Jb\\r\\nc\\u202ed" in memsync("logs").out


def test_an_entry_is_one_line_in_the_colour_of_its_level() -> None:
    part: LogPart = {
        "time": "2026-11-20T11:30:00.123Z",
        "level": "error",
        "logger": "memsync_git.round",
        "message": "Refused",
        "extras": {"ms": 41, "local": {"added": 1}, "error": ["builtins.OSError (errno 5)", "  x.py:1 in f"]},
    }
    local = datetime(2026, 11, 20, 11, 30, tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    plain = render_entry(part, Screen(datetime.now(UTC)))
    assert plain == f"{local}  error     Refused (builtins.OSError (errno 5)) ms=41"
    assert "\x1b[31merror   \x1b[0m" in render_entry(part, Screen(datetime.now(UTC), colour=True))
    assert render_entry({**part, "time": "never"}, Screen(datetime.now(UTC))).startswith("never  ")


def test_a_log_is_shown_where_the_configuration_is_wrong(memsync: Command, home: Path, log: Path) -> None:
    write(log, line(0))
    (home / "config.toml").write_text("[sync]\ndebounce = 1\n")
    assert memsync("logs").code == 0


# --- following


class Following:
    """A process that follows, and its lines as they come."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "memsync_git", "logs", "--follow", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._lines: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def line(self) -> str:
        """The next line; fails after a while."""
        return self._lines.get(timeout=WAIT_S)

    def __enter__(self) -> Following:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def test_following_shows_the_last_and_goes_on_across_rotation_without_a_gap(home: Path, log: Path) -> None:
    """Files are rotated faster than they are looked at."""
    file = RotatingFile(log, max_bytes=300, keep=90)
    file.append(line(0))
    with Following("-n", "1", "--json") as following:
        seen = [json.loads(following.line())]
        for number in range(1, 60):
            file.append(line(number))
        seen += [json.loads(following.line()) for _ in range(59)]
    assert [each["extras"]["ms"] for each in seen] == [*range(60)]
    assert {each["schema_version"] for each in seen} == {1}
    assert len([*log.parent.glob("*.log.[0-9]*")]) > 20


def test_a_log_that_does_not_exist_yet_can_be_followed(home: Path, log: Path) -> None:
    with Following() as following:
        write(log, line(7))
        assert "entry 7" in following.line()


def test_what_another_command_does_is_seen_by_who_follows(process: Command, home: Path) -> None:
    home.mkdir()
    Home(home).write(entity("Alice", "likes tea"))
    with Following() as following:
        assert process("init", "--no-service").code == 0
        assert "outcome=accepted" in following.line()


def test_ctrl_c_ends_following_with_130_and_without_a_word(home: Path, log: Path) -> None:
    write(log, line(0))
    with Following() as following:
        assert "entry 0" in following.line()
        os.kill(following.process.pid, signal.SIGINT)
        assert following.process.wait(timeout=WAIT_S) == 130
        assert following.process.stderr is not None
        assert following.process.stderr.read() == ""


def test_a_reader_that_had_enough_ends_following(home: Path, log: Path) -> None:
    write(log, line(0))
    source, end = os.pipe()
    command = [sys.executable, "-m", "memsync_git", "logs", "--follow"]
    with subprocess.Popen(command, stdout=end, stderr=subprocess.PIPE) as child:
        os.close(end)
        assert b"entry 0" in os.read(source, 65536)
        os.close(source)
        write(log, line(1))
        _, err = child.communicate(timeout=WAIT_S)
        assert (child.returncode, err) == (0, b"")
