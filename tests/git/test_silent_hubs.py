"""Hubs that take the connection and say nothing: every call ends, and leaves no process behind."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync_git.ports import Unreachable
from memsync_git.remotes import _git
from tests.git.hubs import DESK, HubFolder, accepted, fragment, publication


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port of this machine that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def processes_about(text: str) -> list[str]:
    """The command lines of running processes that mention `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found


def nothing_left_of(text: str) -> bool:
    """Whether the processes about `text` are gone, or go at once: KILL is delivered a moment later."""
    until_s = time.monotonic() + 5
    while processes_about(text) and time.monotonic() < until_s:
        os.sched_yield()
    return not processes_about(text)


def children() -> list[str]:
    """The processes this one has started and not yet ended."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [pid for task in tasks for pid in task.read_text().split()]


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
