"""The log of a process: what a line holds, what it must not hold, and who is spoken to on stderr."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memsync_git.app.logbook import start_logging
from memsync_git.app.opening import Rooms
from memsync_git.config import Places, load
from memsync_git.logs.entries import LogEntry
from memsync_git.logs.handlers import LogHandler
from memsync_git.logs.streams import words_for
from memsync_git.model import Entity
from memsync_git.options import SyncOptions

from .machines import Machine

SECRETS = ("hunter2", "ghp_0123456789abcdef", "glpat-0123456789", "AGE-SECRET-KEY-1QQQ", "Zm9vYmFyZm9v")
LEAKY = f"https://me:{SECRETS[0]}@host {' '.join(SECRETS[1:4])} Bearer {SECRETS[4]}"
ALICE = "Alice likes tea"


def rooms_at(home: Path, **options: object) -> Rooms:
    places = Places.of({"MEMSYNC_HOME": str(home)})
    return Rooms(places, load(places, environment={}, options=options))


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return rooms_at(tmp_path / "home")


@pytest.fixture
def log() -> logging.Logger:
    return logging.getLogger("memsync_git.tests")


def entries(rooms: Rooms) -> list[dict[str, Any]]:
    text = rooms.places.log.read_text("ascii")
    return [json.loads(line) for line in text.splitlines()]


def our_handler() -> LogHandler:
    (handler,) = (each for each in logging.getLogger().handlers if isinstance(each, LogHandler))
    return handler


def _fail(text: str) -> None:
    raise ValueError(text) from OSError(5, text)


def test_a_line_has_its_time_level_logger_message_and_what_was_noted(
    rooms: Rooms, log: logging.Logger
) -> None:
    with start_logging(rooms):
        log.warning("%s of %d", "one", 2, extra={"ms": 41, "remote": {"name": "origin"}, "odd": float("nan")})
    (entry,) = entries(rooms)
    assert entry["time"].endswith("Z")
    assert (entry["level"], entry["logger"]) == ("warning", "memsync_git.tests")
    assert (entry["message"], entry["ms"], entry["odd"]) == ("one of 2", 41, "nan")
    assert entry["remote"] == {"name": "origin"}


def test_no_secret_comes_through_in_a_message_an_argument_a_note_or_an_exception(tmp_path: Path) -> None:
    rooms = rooms_at(tmp_path / "home", **{"log.level": "debug"})
    log = logging.getLogger("memsync_git.tests")
    with start_logging(rooms):
        log.info("said: " + LEAKY)
        log.info("said: %s", LEAKY)
        log.info("noted", extra={"url": LEAKY, "deep": [{"argv": (LEAKY,)}], LEAKY: 1})
        try:
            _fail(LEAKY)
        except ValueError:
            log.exception("failed")
    text = rooms.places.log.read_text("ascii")
    assert len(text.splitlines()) == 4
    assert [secret for secret in SECRETS if secret in text] == []
    assert text.count("***") > 10


def test_a_message_of_an_exception_is_written_only_at_debug(tmp_path: Path) -> None:
    for level in ("info", "debug"):
        rooms = rooms_at(tmp_path / level, **{"log.level": level})
        with start_logging(rooms):
            try:
                _fail(ALICE)
            except ValueError:
                logging.getLogger("memsync_git.tests").exception("failed")
        (entry,) = entries(rooms)
        assert "builtins.ValueError" in entry["error"]
        assert "in _fail" in "\n".join(entry["error"])
        assert ("Alice" in json.dumps(entry)) is (level == "debug")


def test_control_characters_are_escaped_in_the_file_and_replaced_on_a_terminal(rooms: Rooms) -> None:
    """Handed to our handler alone: the test runner's own passes on what no UTF-8 can hold."""
    odd = logging.LogRecord("memsync_git.tests", logging.INFO, "", 0, "a\r\nb\x1b[2J\u202e\ud83d", (), None)
    with start_logging(rooms):
        our_handler().handle(odd)
    raw = rooms.places.log.read_bytes()
    assert raw.count(b"\n") == 1
    assert not set(raw[:-1]) & {0x0A, 0x0D, 0x1B}
    entry = LogEntry("2026-11-20T11:30:00.000Z", "info", "x", "a\r\nb\x1b[2J", {"why": "\x9b"})
    for manner in ("journal", "terminal", "silent"):
        assert words_for(manner, entry).isprintable()  # type: ignore[arg-type]


def test_the_level_of_the_configuration_holds_and_libraries_speak_from_warning_on(tmp_path: Path) -> None:
    rooms = rooms_at(tmp_path / "home", **{"log.level": "error"})
    with start_logging(rooms):
        logging.getLogger("memsync_git.tests").warning("unheard")
        logging.getLogger("memsync_git.tests").error("heard")
        logging.getLogger("some.library").info("unheard")
        logging.getLogger("some.library").warning("heard")
    assert [entry["message"] for entry in entries(rooms)] == ["heard", "heard"]


def test_a_record_that_does_not_fit_its_message_is_said_to_be_so(rooms: Rooms) -> None:
    """Handed to our handler alone: the test runner's own raises."""
    with start_logging(rooms):
        our_handler().handle(logging.makeLogRecord({"msg": "%d apples", "args": ("some",), "name": "x"}))
    assert entries(rooms)[0]["message"] == "A log record is malformed: TypeError"


def test_a_process_has_one_log(rooms: Rooms, log: logging.Logger) -> None:
    with start_logging(rooms):
        with start_logging(rooms):
            log.warning("once")
        log.warning("still open")
    log.warning("closed")
    assert [entry["message"] for entry in entries(rooms)] == ["once", "still open"]


def test_a_log_goes_on_as_another_configuration_says_without_being_closed(
    rooms: Rooms, log: logging.Logger, tmp_path: Path
) -> None:
    quieter = rooms_at(tmp_path / "other", **{"log.level": "error"})
    with start_logging(rooms) as book:
        log.info("here")
        book.go_on(quieter)
        with start_logging(rooms):
            log.info("unheard")
        log.error("there")
    log.error("closed")
    assert [entry["message"] for entry in entries(rooms)] == ["here"]
    assert [entry["message"] for entry in entries(quieter)] == ["there"]


# --- stderr

SPEAKING = """
import logging, os, sys
from memsync_git.app.logbook import start_logging
from memsync_git.app.opening import Rooms
from memsync_git.config import Places, load
if "--journal" in sys.argv:
    about = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{about.st_dev}:{about.st_ino}"
places = Places.of()
with start_logging(Rooms(places, load(places)), aloud=True):
    log = logging.getLogger("memsync_git.tests")
    log.debug("unheard")
    log.info("first\\n<0>second")
    log.warning("third", extra={"ms": 41})
    log.error("fourth")
"""


def spoken(home: Path, *arguments: str, **options: Any) -> str:
    environment = {**os.environ, "MEMSYNC_HOME": str(home), "JOURNAL_STREAM": "1:2"}
    done = subprocess.run(
        [sys.executable, "-c", SPEAKING, *arguments],
        env=environment,
        timeout=60,
        check=True,
        **({"stderr": subprocess.PIPE} | options),
    )
    return (done.stderr or b"").decode()


def test_the_journal_gets_plain_lines_with_their_priority(tmp_path: Path) -> None:
    assert spoken(tmp_path, "--journal").splitlines() == ["<6>first�<0>second", "<4>third ms=41", "<3>fourth"]
    assert len((tmp_path / "logs" / "memory_sync.log").read_bytes().splitlines()) == 3


def test_a_pipe_that_is_not_the_journal_gets_nothing(tmp_path: Path) -> None:
    assert spoken(tmp_path) == ""


def test_where_the_file_cannot_be_written_a_daemon_speaks_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    said = spoken(tmp_path).splitlines()
    assert said[0].startswith("The log cannot be written (")
    assert said[1:] == ["first�<0>second", "third ms=41", "fourth"]


def test_a_person_at_a_terminal_gets_a_line_for_each_with_the_time_of_day(tmp_path: Path) -> None:
    main, end = pty.openpty()
    spoken(tmp_path, stderr=end)
    os.close(end)
    text = os.read(main, 65536).decode()
    os.close(main)
    lines = text.splitlines()
    assert [line[8:] for line in lines] == [
        " info    first�<0>second",
        " warning third ms=41",
        " error   fourth",
    ]


def test_a_reader_of_stderr_that_left_stops_nothing(rooms: Rooms, log: logging.Logger) -> None:
    gone = io.StringIO()
    gone.close()
    rooms.places.log.parent.parent.mkdir(parents=True)
    rooms.places.log.parent.write_text("in the way")
    with start_logging(rooms, aloud=True, stderr=gone):
        log.error("unheard")


# --- rounds


def test_a_round_that_did_something_or_failed_is_one_line_and_a_quiet_one_none(laptop: Machine) -> None:
    rooms = laptop.app.rooms
    before = len(entries(rooms))
    laptop.adds(Entity("Alice", "person", ("likes tea",)))
    laptop.app.sync(SyncOptions(if_stale_min=0, cause="cron"))
    laptop.sync()
    laptop.unplug()
    laptop.adds(Entity("Alice", "person", ("sings",)))
    laptop.sync()
    synced, offline = entries(rooms)[before:]
    assert (synced["message"], synced["level"]) == ("Synced: 2 added here", "info")
    assert (synced["outcome"], synced["cause"]) == ("accepted", "cron")
    assert synced["local"] == {"added": 2, "removed": 0, "changed": 0}
    assert synced["ms"] >= 0
    assert (offline["outcome"], offline["level"]) == ("offline", "warning")
    assert offline["message"].startswith("Offline: 1 added here. origin: ")
    assert "tea" not in rooms.places.log.read_text()
    assert [each["logger"] for each in (synced, offline)] == ["memsync_git.round"] * 2


def test_a_quiet_round_is_a_line_at_debug(laptop: Machine) -> None:
    laptop.sync()
    rooms = Rooms(
        laptop.app.rooms.places, load(laptop.app.rooms.places, environment={}, options={"log.level": "debug"})
    )
    from memsync_git.app.syncing import sync

    sync(rooms, SyncOptions())
    last = entries(rooms)[-1]
    assert (last["message"], last["level"]) == ("Nothing new", "debug")


def test_a_file_that_cannot_be_read_is_named_and_not_quoted(laptop: Machine) -> None:
    laptop.file.write_bytes(b'{"type":"entity","name":"Alice SECRET"\n{"type":"SECRET"}\n')
    laptop.sync()
    last = entries(laptop.app.rooms)[-1]
    assert (last["outcome"], last["level"]) == ("unusable", "error")
    assert "Line 1 of the memory file is not a memory record" in last["message"]
    assert "SECRET" not in laptop.app.rooms.places.log.read_text()


def test_a_hold_that_waits_is_logged_when_it_comes_and_not_at_each_round(laptop: Machine) -> None:
    """The file keeps more than it loses, so that it was written from the newest state however soon."""
    laptop.adds(*(Entity(f"thing {number}", "thing", ("x",)) for number in range(40)))
    laptop.adds(Entity("Alice", "person", tuple(f"fact {number}" for number in range(80))))
    laptop.sync()
    before = len(entries(laptop.app.rooms))
    laptop.removes(*(f"thing {number}" for number in range(36)))
    for _ in range(3):
        laptop.sync()
    assert [each["outcome"] for each in entries(laptop.app.rooms)[before:]] == ["held"]


def test_a_sync_whose_log_cannot_be_written_goes_on(
    laptop: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = laptop.app.rooms.places.log.parent
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    laptop.adds(Entity("Alice", "person", ("likes tea",)))
    assert laptop.sync()["outcome"] == "accepted"
    assert capsys.readouterr().err.count("The log cannot be written") == 1
