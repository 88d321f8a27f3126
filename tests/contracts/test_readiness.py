"""What a service manager is told, over a real datagram socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from memsync_git.services.readiness import MOST_STATUS_CHARS, Readiness


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, Readiness]]:
    """A socket as systemd listens on, and the daemon it has started."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@memsync-test-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address.replace("@", "\0", 1))
        listening.settimeout(5)
        yield listening, Readiness.of({"NOTIFY_SOCKET": address})


def test_each_word_is_one_datagram(manager: tuple[socket.socket, Readiness]) -> None:
    listening, readiness = manager
    for tell, word in [
        (readiness.ready, b"READY=1"),
        (readiness.alive, b"WATCHDOG=1"),
        (readiness.stopping, b"STOPPING=1"),
    ]:
        tell()
        assert listening.recv(4096) == word


def test_a_reload_says_when_it_began(manager: tuple[socket.socket, Readiness]) -> None:
    listening, readiness = manager
    readiness.reloading()
    word, _, usec = listening.recv(4096).partition(b"\nMONOTONIC_USEC=")
    assert word == b"RELOADING=1"
    assert int(usec) > 0


def test_a_status_is_one_short_line(manager: tuple[socket.socket, Readiness]) -> None:
    listening, readiness = manager
    readiness.status("in sync\nREADY=0 " + "x" * 1000)
    said = listening.recv(4096).decode()
    assert said.startswith("STATUS=in sync READY=0 xxx")
    assert "\n" not in said
    assert len(said) <= len("STATUS=") + MOST_STATUS_CHARS


def test_without_a_manager_nothing_is_sent_and_without_a_listener_nothing_fails(tmp_path: Path) -> None:
    Readiness.of({}).ready()
    Readiness(str(tmp_path / "nobody")).ready()


def test_a_manager_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "notify"))
        readiness = Readiness(str(tmp_path / "notify"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as noisy:
            noisy.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    noisy.sendto(b"x", str(tmp_path / "notify"))
        readiness.alive()
