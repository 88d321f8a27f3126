"""Hubs that say nothing, or very little: every call ends at its deadline, and leaves no process behind."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from memsync_git.ports import Unreachable
from memsync_git.remotes import _git
from tests.git.hubs import DESK, HubFolder, accepted, fetched, fragment, publication
from tests.git.processes import children, nothing_left_of
from tests.git.web import Serving


class Dripping:
    """A server that says the same few words for ever, a byte at a time."""

    def __init__(self, words: bytes) -> None:
        self.words = words
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        self.server.settimeout(0.05)
        callers: list[socket.socket] = []
        for byte in itertools.cycle(self.words):
            with suppress(TimeoutError):
                callers.append(self.server.accept()[0])
            for caller in callers:
                with suppress(OSError):
                    caller.send(bytes([byte]))
            if self.closing.wait(0.05):
                break
        for caller in callers:
            caller.close()

    def close(self) -> None:
        self.closing.set()
        self.thread.join()
        self.server.close()


@pytest.fixture
def dripping(request: pytest.FixtureRequest) -> Iterator[Dripping]:
    server = Dripping(request.param)
    yield server
    server.close()


@pytest.fixture
def http(hub: HubFolder) -> Iterator[Serving]:
    serving = Serving(hub.folder)
    yield serving
    serving.close()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port of this machine that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_silent_http_hub_ends_at_the_deadline_without_survivors(hub: HubFolder, silent_port: int) -> None:
    url = f"http://127.0.0.1:{silent_port}/memory.git"
    remote = hub.remote(url=url, timeout_s=0.5)
    begun_s = time.monotonic()
    assert remote.fetch() == Unreachable("The hub did not answer in time")
    assert time.monotonic() - begun_s < 0.5 + _git.GRACE_S + 1.5
    assert nothing_left_of(url)


def test_a_silent_ssh_hub_ends_at_the_deadline_without_survivors(
    hub: HubFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ssh that ignores TERM and has a child of its own."""
    fake = tmp_path / "fake-ssh"
    fake.write_text("#!/bin/sh\ntrap '' TERM\nsleep 77.25 &\nwait\nsleep 77.25\n")
    fake.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(fake))
    remote = hub.remote(url="git@silent.invalid:memory.git", timeout_s=0.5)
    assert isinstance(remote.fetch(), Unreachable)
    assert nothing_left_of("77.25")


@pytest.mark.parametrize("scheme", ["http", "ssh"])
@pytest.mark.parametrize(
    "dripping", [b"HTTP/1.1 200 OK\r\nX: y\r\n", b"SSH-2.0-slow\r\n", b"0000"], indirect=True
)
def test_a_hub_that_says_a_byte_now_and_then_ends_at_the_deadline(
    hub: HubFolder, dripping: Dripping, scheme: str
) -> None:
    """Words of its own protocol, and of others; both programs would listen for ever, or for long."""
    url = f"{scheme}://127.0.0.1:{dripping.port}/memory.git"
    remote = hub.remote(url=url, timeout_s=0.5)
    begun_s = time.monotonic()
    assert isinstance(remote.fetch(), Unreachable)
    assert isinstance(remote.publish(publication(fragment(DESK))), Unreachable)
    assert time.monotonic() - begun_s < 2 * (0.5 + _git.GRACE_S + 1.5)
    assert children() == []


def test_a_silent_ssh_server_ends_at_the_deadline(hub: HubFolder, silent_port: int) -> None:
    remote = hub.remote(url=f"ssh://127.0.0.1:{silent_port}/memory.git", timeout_s=0.5)
    assert remote.fetch() == Unreachable("The hub did not answer in time")
    assert children() == []


def test_a_git_hub_that_drips_its_answers_ends_at_the_deadline(hub: HubFolder, http: Serving) -> None:
    accepted(hub.remote("one").publish(publication(fragment(DESK))))
    http.drip_s = 0.2
    remote = hub.remote("desk", url=http.url, timeout_s=0.5)
    assert remote.fetch() == Unreachable("The hub did not answer in time")
    assert children() == []
    http.drip_s = 0.0
    fetched(remote)


def test_a_push_the_hub_finishes_after_the_deadline_is_repeated_without_a_second_commit(
    hub: HubFolder, http: Serving
) -> None:
    pause = hub.folder / "pause"
    pause.touch()
    hub.hook("pre-receive", f"while test -e {pause}; do sleep 0.1; done")
    remote = hub.remote("desk", url=http.url, timeout_s=1.0)
    assert isinstance(remote.publish(publication(fragment(DESK), unified=b"{}")), Unreachable)
    assert nothing_left_of(http.url)
    pause.unlink()
    until_s = time.monotonic() + 10
    while not hub.git("for-each-ref", "refs/memsync") and time.monotonic() < until_s:
        os.sched_yield()
    before = hub.git("for-each-ref")
    assert before
    later = hub.remote("desk", url=http.url)
    accepted(later.publish(publication(fragment(DESK), unified=b"{}")))
    assert hub.git("for-each-ref") == before


def test_a_hub_that_hangs_in_a_push_is_unreachable_and_the_same_push_later_is_accepted(
    hub: HubFolder,
) -> None:
    pause = hub.folder / "pause"
    pause.touch()
    hub.hook("pre-receive", f"while test -e {pause}; do sleep 0.1; done")
    remote = hub.remote("desk", timeout_s=0.5)
    assert isinstance(remote.publish(publication(fragment(DESK))), Unreachable)
    pause.unlink()
    accepted(hub.remote("desk").publish(publication(fragment(DESK))))


def test_what_git_says_is_redacted(hub: HubFolder) -> None:
    ran = _git.run(["ls-remote", "http://me:secret@127.0.0.1:1/x.git"], git_dir=hub.path,
                   env={"GIT_ALLOW_PROTOCOL": "http"})  # fmt: skip
    assert ran.code == 128
    assert "127.0.0.1" in ran.err
    assert "secret" not in ran.err


def test_a_conversation_ends_with_its_block(hub: HubFolder) -> None:
    with _git.conversation(["cat-file", "--batch-command"], git_dir=hub.path) as (ask, answer):
        ask.write(b"info " + b"1" * 40 + b"\n")
        ask.flush()
        assert answer.readline().split()[-1] == b"missing"
        running = children()
    assert running
    assert children() == []


def test_a_conversation_nobody_answers_ends_at_its_deadline(hub: HubFolder) -> None:
    with _git.conversation(["cat-file", "--batch-command"], git_dir=hub.path, deadline_s=0.2) as (_, answer):
        assert answer.readline() == b""
    assert children() == []


def test_ssh_gets_time_limits_and_keeps_the_command_of_the_person(
    hub: HubFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    fake = tmp_path / "fake-ssh"
    fake.write_text(f'#!/bin/sh\necho "$@" >> {said}\nexit 255\n')
    fake.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", f"{fake} -p 2222")
    hub.remote(url="ssh://me@silent.invalid/memory.git").fetch()
    words = said.read_text()
    assert words.index("-p 2222") < words.index("BatchMode=yes")
    assert "ConnectTimeout=10" in words
    assert "StrictHostKeyChecking" not in words
