"""What a daemon tells besides its pulse: a log, figures at an address, a note about trouble."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from memsync_git.alerts import ADVICE
from memsync_git.app.history import LastRound
from memsync_git.app.resting import QUIET_NOTED_MS
from tests.daemon.machines import Home, publishes, until


def lines(home: Home, logger: str = "memsync_git.round") -> list[dict[str, Any]]:
    """What a logger has written to the log file, with the time of each line taken away."""
    log = home.app.rooms.places.log
    said = [json.loads(line) for line in log.read_text("ascii").splitlines()] if log.exists() else []
    return [each for each in said if each["logger"] == logger]


# --- the log


def test_the_log_has_one_line_for_each_round_that_did_something(laptop: Home, hub: Path) -> None:
    laptop.set(log__level="info")
    before = len(laptop.rounds())
    laptop.start()
    laptop.add("Alice")
    publishes(hub, "Alice")
    until(lambda: len(laptop.rounds()) == before + 1, laptop.rounds)
    laptop.add("Bob")
    publishes(hub, "Bob")
    assert laptop.stop() == 0
    told = [(each["message"], each["cause"], each["level"]) for each in lines(laptop)]
    assert told[1:] == [("Synced: 2 added here", "daemon", "info")] * 2
    assert told[0] == ("Synced", "command", "info"), "init"
    assert [each.cause for each in laptop.rounds()[before:]] == ["daemon"] * 2
    life = [each["message"] for each in lines(laptop, "memsync_git.daemon")]
    assert life == ["The daemon of laptop begins.", "The daemon of laptop ends."]
    assert "Alice" not in laptop.app.rooms.places.log.read_text()


def test_the_log_goes_by_a_configuration_that_was_read_again(laptop: Home) -> None:
    laptop.set(log__level="error")
    laptop.start()
    assert lines(laptop, "memsync_git.daemon") == []
    laptop.set(log__level="debug")
    laptop.send(signal.SIGHUP)
    until(lambda: lines(laptop, "memsync_git.daemon"), lambda: laptop.said)
    until(lambda: any(each["message"] == "Nothing new" for each in lines(laptop)), lambda: laptop.said)
    assert laptop.stop() == 0


# --- figures


def asked(port: int, path: str) -> tuple[int, str]:
    """The answer of the endpoint."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_figures_are_told_while_it_runs_and_go_by_the_newest_configuration(laptop: Home, hub: Path) -> None:
    port = free_port()
    laptop.start(metrics=f"127.0.0.1:{port}")
    laptop.add("Alice")
    publishes(hub, "Alice")
    until(lambda: asked(port, "/healthz") == (200, "in_sync\n"), lambda: asked(port, "/healthz"))
    status, text = asked(port, "/metrics")
    assert status == 200
    assert "memsync_daemon_up 1\n" in text
    assert "Alice" not in text
    laptop.set(remotes__second__url=str(hub), remotes__second__kind="git")
    laptop.send(signal.SIGHUP)
    until(lambda: 'remote="second"' in asked(port, "/metrics")[1], lambda: laptop.said)
    assert laptop.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        asked(port, "/metrics")


@pytest.mark.parametrize("address", ["0.0.0.0:9187", "example.org:80", "9187", ""])
def test_a_daemon_that_would_be_heard_by_others_does_not_begin(laptop: Home, address: str) -> None:
    done = laptop.run("daemon", "--metrics", address)
    assert done.returncode == 2
    assert "it must be a loopback address and a port" in done.stderr
    assert "Hint: 127.0.0.1:9187" in done.stderr
    assert laptop.pulse() is None


def test_a_daemon_whose_address_is_taken_does_not_begin(laptop: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = laptop.run("daemon", "--metrics", f"127.0.0.1:{port}")
    assert done.returncode == 2
    assert f"Metrics cannot be served at 127.0.0.1:{port}" in done.stderr
    assert laptop.pulse() is None


# --- notes on the screen


def test_a_hub_that_refuses_leads_to_exactly_one_note(
    laptop: Home, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = with_screen(tmp_path / "bin", monkeypatch)
    laptop.start()
    refuses(hub)
    laptop.add("Alice")
    until(lambda: laptop.status()["state"] == "attention", laptop.status)
    until(notes.exists, lambda: laptop.said)
    for name in ("Bob", "Carol"):
        seen = tried(laptop)
        laptop.add(name)
        assert laptop.run("sync").returncode != 0
        laptop.send(signal.SIGHUP)  # all lanes are due again
        until(lambda seen=seen: tried(laptop) > seen, lambda: laptop.said)  # type: ignore[misc]
    assert laptop.stop() == 0
    assert notes.read_text().count(ADVICE["refused"].sentence) == 1
    assert "Alice" not in notes.read_text()


def tried(home: Home) -> int:
    """How many of the daemon's rounds were refused."""
    found = [each for each in home.rounds() if (each.outcome, each.cause) == ("refused", "daemon")]
    return sum(each.times for each in found)


def with_screen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for notify-send, and where it keeps what it was told."""
    folder.mkdir()
    program = folder / "notify-send"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >>"$0.said"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    return folder / "notify-send.said"


def refuses(hub: Path) -> None:
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'Alice is not welcome' >&2\nexit 1\n")
    hook.chmod(0o755)


# --- what is known of success


def test_a_daemon_that_only_polls_notes_its_success_now_and_then(laptop: Home) -> None:
    laptop.start()
    with laptop.app.rooms.installation() as installation:
        before_ms = int(time.time() * 1000) - QUIET_NOTED_MS
        installation.note_round(LastRound(before_ms, "nothing", 1, "daemon", "well"))
    until(lambda: succeeded_ms(laptop) > before_ms, laptop.status)
    noted_ms, polls = succeeded_ms(laptop), quiet_polls(laptop)
    until(lambda: quiet_polls(laptop) > polls + 1, lambda: laptop.said)
    assert succeeded_ms(laptop) == noted_ms
    until(lambda: laptop.status()["state"] == "in_sync", laptop.status)
    assert laptop.stop() == 0


def succeeded_ms(home: Home) -> int:
    with home.app.rooms.reading() as installation:
        return installation.streak().succeeded_ms or 0


def quiet_polls(home: Home) -> int:
    return home.said.count("A round ended: nothing")
