"""Every notifier keeps the rules of `ports.Notifier`, with a stand-in for the command of its system."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import pytest

from memsync_git import notifiers
from memsync_git.notifiers import NOTIFIERS, running, usual
from memsync_git.notifiers.notify_send import BUS_VARIABLE, NotifySend, with_bus
from memsync_git.notifiers.osascript import OsaScript
from memsync_git.ports import Told, Untold

STAND_IN = """#!/bin/sh
printf '%s\\0' "$@" >"$0.said"
"""
TITLE = "memsync-git"
TEXTS = [
    "A large deletion waits for your word. memsync-git holds",
    "two\nlines",
    'it\'s $(touch harm) `touch harm` "quoted" & <b>bold</b> \\ %s',
    "--urgency=critical",
    '" & (do shell script "touch harm") & "',
]

Member = NotifySend | OsaScript


@dataclass(frozen=True)
class Desktop:
    """A system whose command only writes down what it was told."""

    notifier: Member
    program: Path

    def said(self) -> list[str]:
        return self.program.with_name(self.program.name + ".said").read_text().split("\0")[:-1]

    def becomes(self, script: str) -> None:
        self.program.write_text(script)
        self.program.chmod(0o755)


def _notify_send(program: Path) -> Member:
    return NotifySend(str(program), {**os.environ, BUS_VARIABLE: "unix:path=/nowhere"})


def _osascript(program: Path) -> Member:
    return OsaScript(str(program))


MEMBERS: dict[str, Callable[[Path], Member]] = {"linux": _notify_send, "darwin": _osascript}


@pytest.fixture(params=sorted(NOTIFIERS))
def desktop(request: pytest.FixtureRequest, tmp_path: Path) -> Desktop:
    program = tmp_path / "a program"
    found = Desktop(MEMBERS[request.param](program), program)
    assert type(found.notifier) is NOTIFIERS[request.param]
    found.becomes(STAND_IN)
    return found


# --- the contract, for every notifier ----------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_told_arrives_word_for_word_and_nothing_of_it_is_run(
    desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert desktop.notifier.tell(TITLE, text) == Told()
    *options, title, said = desktop.said()
    assert (title, unescape(said)) == (TITLE, text)
    assert not any(text in option for option in options)
    assert not (tmp_path / "harm").exists()


def test_a_command_that_fails_is_a_sentence(desktop: Desktop) -> None:
    desktop.becomes("#!/bin/sh\necho 'no display' >&2\nexit 1\n")
    assert desktop.notifier.tell(TITLE, "x") == Untold(f"{desktop.program} failed: no display")


def test_a_machine_without_the_command_is_told_so(desktop: Desktop) -> None:
    desktop.program.unlink()
    assert desktop.notifier.tell(TITLE, "x") == Untold(f"This machine has no {desktop.program} command.")


def test_a_command_that_is_no_program_is_a_sentence(desktop: Desktop) -> None:
    desktop.becomes("#!/nowhere/interpreter\n")
    answer = desktop.notifier.tell(TITLE, "x")
    assert isinstance(answer, Untold)
    assert "could not be run" in answer.reason


def test_a_session_that_never_answers_is_left_after_a_while(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "TIMEOUT_S", 0.2)
    desktop.becomes("#!/bin/sh\nexec sleep 60\n")
    answer = desktop.notifier.tell(TITLE, "x")
    assert isinstance(answer, Untold)
    assert "did not answer" in answer.reason


def test_a_system_we_know_no_notifier_for_has_none() -> None:
    assert usual("win32") is None
    assert isinstance(usual("linux"), NotifySend)
    assert isinstance(usual("darwin"), OsaScript)
    assert set(MEMBERS) == set(notifiers.NOTIFIERS)


# --- notify-send: the session of an account ------------------------------------------------------------


@contextmanager
def bus(folder: Path) -> Iterator[Path]:
    """A socket where systemd puts the session bus."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "bus"))
        yield folder


def test_without_a_session_nobody_is_spoken_to(tmp_path: Path) -> None:
    program = tmp_path / "notify-send"
    desktop = Desktop(NotifySend(str(program), {"XDG_RUNTIME_DIR": str(tmp_path)}), program)
    desktop.becomes(STAND_IN)
    assert desktop.notifier.tell(TITLE, "x") == Untold("This account has no desktop session.")
    assert not program.with_name("notify-send.said").exists()


def test_cron_finds_the_bus_of_the_account(tmp_path: Path) -> None:
    with bus(tmp_path):
        found = with_bus({"XDG_RUNTIME_DIR": str(tmp_path), "HOME": "/h"}, 0)
        assert found == {
            "XDG_RUNTIME_DIR": str(tmp_path),
            "HOME": "/h",
            BUS_VARIABLE: f"unix:path={tmp_path}/bus",
        }


def test_a_bus_that_is_given_is_taken_as_it_is(tmp_path: Path) -> None:
    with bus(tmp_path):
        given = {BUS_VARIABLE: "unix:abstract=x", "XDG_RUNTIME_DIR": str(tmp_path)}
        assert with_bus(given, 0) == given


def test_a_bus_that_is_no_socket_is_none(tmp_path: Path) -> None:
    (tmp_path / "bus").write_text("")
    assert BUS_VARIABLE not in with_bus({"XDG_RUNTIME_DIR": str(tmp_path), BUS_VARIABLE: ""}, 0)


def test_markup_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    desktop = Desktop(_notify_send(tmp_path / "notify-send"), tmp_path / "notify-send")
    desktop.becomes(STAND_IN)
    desktop.notifier.tell(TITLE, "<img src=x> & more")
    assert desktop.said()[-1] == "&lt;img src=x&gt; &amp; more"
    assert desktop.said()[-3] == "--"
    assert replace(desktop.notifier).name == "notify-send"
