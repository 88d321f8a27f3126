"""Credentials over http: sent at once, told to git as it expects, and seen by nobody else."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync_git.ports import Fetched, Refused, Unreachable
from memsync_git.remotes.credentials import Credential, description, parsed, presented
from memsync_git.remotes.url import validate
from tests.git.hubs import DESK, HubFolder, accepted, fetched, fragment, publication
from tests.git.processes import children
from tests.git.web import Serving, basic

SECRET = "open-sesame-7f3a"
READ = "GET info/refs?service=git-upload-pack"
SEND = ["GET info/refs?service=git-receive-pack", "POST git-receive-pack"]


@pytest.fixture
def http(hub: HubFolder) -> Iterator[Serving]:
    serving = Serving(hub.folder)
    serving.opens_to = basic("me", SECRET)
    yield serving
    serving.close()


class Helper:
    """A credential helper of the person, with the questions it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "asked"
        self.log.write_text("")
        self.answers = folder / "answers"
        self.say("me", SECRET)
        self.told = folder / "told"
        self.script = folder / "helper"
        self.write('test "$1" != get || head -2 answers')
        (folder / "gitconfig").write_text(f"[credential]\n\thelper = !{shlex.quote(str(self.script))}\n")

    def write(self, last: str) -> None:
        lines = [
            "#!/bin/sh",
            f"cd {shlex.quote(str(self.folder))}",
            'echo "$1" >> asked',
            "cat >> told",
            last,
        ]
        self.script.write_text("\n".join(lines) + "\n")
        self.script.chmod(0o755)

    def say(self, name: str, secret: str) -> None:
        self.answers.write_text(f"username={name}\npassword={secret}\n")

    def asked(self) -> list[str]:
        return self.log.read_text().split()


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Helper:
    folder = tmp_path / "person"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
    return Helper(folder)


def test_no_call_is_turned_away_first_and_the_helper_is_asked_once(
    hub: HubFolder, http: Serving, helper: Helper
) -> None:
    remote = hub.remote("desk", url=http.url)
    accepted(remote.publish(publication(fragment(DESK))))
    assert http.asked() == SEND
    fetched(remote)
    assert http.asked() == [READ]
    other = hub.remote("desk", url=http.url)
    fetched(other)
    assert http.asked() == [READ]
    assert helper.asked() == ["get", "store"]
    assert f"password={SECRET}" in helper.told.read_text()


def test_a_rejected_credential_is_told_to_git_which_is_asked_once_more(
    hub: HubFolder, http: Serving, helper: Helper
) -> None:
    helper.say("me", "an old one")
    helper.write(f'test "$1" != get || head -2 answers; test "$1" != erase || echo "username=me\n'
                 f'password={SECRET}" > answers')  # fmt: skip
    accepted(hub.remote("desk", url=http.url).publish(publication(fragment(DESK))))
    assert helper.asked() == ["get", "erase", "get", "store"]


def test_a_credential_that_stays_wrong_is_a_refusal_with_the_way_out(
    hub: HubFolder, http: Serving, helper: Helper
) -> None:
    helper.say("me", "wrong")
    remote = hub.remote("desk", url=http.url)
    outcome = remote.fetch()
    assert isinstance(outcome, Refused), outcome
    assert outcome.hint.startswith(f"git ls-remote {http.url}")
    assert helper.asked() == ["get", "erase", "get"]
    assert len(http.asked()) == 1
    published = remote.publish(publication(fragment(DESK)))
    assert isinstance(published, Refused)
    assert published.hint


def test_without_any_helper_a_closed_hub_is_a_refusal_and_nobody_is_prompted(
    hub: HubFolder, http: Serving, helper: Helper
) -> None:
    (helper.folder / "gitconfig").write_text("")
    outcome = hub.remote("desk", url=http.url).fetch()
    assert isinstance(outcome, Refused), outcome
    assert outcome.hint


def test_an_open_hub_needs_no_credential_and_is_shown_none_it_was_not_given(
    hub: HubFolder, http: Serving, helper: Helper
) -> None:
    http.opens_to = ""
    (helper.folder / "gitconfig").write_text("")
    fetched(hub.remote("desk", url=http.url))
    assert {each.authorization for each in http.requests} == {()}


def test_a_helper_that_waits_for_a_person_is_not_waited_for(
    hub: HubFolder, http: Serving, helper: Helper
) -> None:
    helper.write("exec sleep 77.75")
    outcome = hub.remote("desk", url=http.url, timeout_s=0.5).fetch()
    assert isinstance(outcome, Unreachable | Refused), outcome
    assert children() == []


def test_a_header_of_the_persons_own_is_left_to_do_its_work(
    hub: HubFolder, http: Serving, helper: Helper
) -> None:
    with (helper.folder / "gitconfig").open("a") as settings:
        settings.write(f'[http "{http.url}"]\n\textraHeader = Authorization: {http.opens_to}\n')
    fetched(hub.remote("desk", url=http.url))
    assert helper.asked() == []
    assert {each.authorization for each in http.requests} == {(http.opens_to,)}


def test_a_hub_that_stands_elsewhere_never_hands_the_secret_on(
    hub: HubFolder, http: Serving, helper: Helper
) -> None:
    other = Serving(hub.folder)
    try:
        http.opens_to, http.elsewhere = "", other.url.removesuffix("/hub.git")
        fetched(hub.remote("desk", url=http.url))
        assert http.requests[0].authorization == (basic("me", SECRET),)
        assert {each.authorization for each in other.requests} == {()}
    finally:
        other.close()


def test_the_secret_is_in_no_command_line_no_message_and_no_log(
    hub: HubFolder, http: Serving, helper: Helper, caplog: pytest.LogCaptureFixture
) -> None:
    """Looked at from a hook of the hub, while the push is under way."""
    seen = hub.folder / "command-lines"
    hub.hook("pre-receive", f"cat /proc/[0-9]*/cmdline > {seen} 2>/dev/null; echo {SECRET} | head -c 4 >&2")
    caplog.set_level(logging.DEBUG)
    accepted(hub.remote("desk", url=http.url).publish(publication(fragment(DESK))))
    lines = seen.read_bytes()
    assert b"memsync-origin" in lines
    assert SECRET.encode() not in lines
    assert http.opens_to.removeprefix("Basic ").encode() not in lines
    assert SECRET not in caplog.text
    assert http.opens_to.removeprefix("Basic ") not in caplog.text


def test_a_credential_shows_itself_to_nobody() -> None:
    held = Credential("me", SECRET, b"password=" + SECRET.encode())
    assert SECRET not in f"{held} {held!r}"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://example.org/me/memory.git", b"protocol=https\nhost=example.org\npath=me/memory.git\n\n"),
        (
            "https://me@example.org:8443/x",
            b"protocol=https\nhost=example.org:8443\npath=x\nusername=me\n\n",
        ),
        ("http://[::1]:80/x", b"protocol=http\nhost=[::1]:80\npath=x\n\n"),
    ],
)
def test_a_hub_as_git_credential_takes_it(url: str, said: bytes) -> None:
    assert description(validate(url)) == said


@pytest.mark.parametrize("out", [b"", b"quit=1\n", b"username=me\n", b"username=\npassword=x\n", b"\xff\n"])
def test_half_an_answer_is_none(out: bytes) -> None:
    assert parsed(out) is None


def test_settings_that_stand_in_the_environment_are_kept() -> None:
    around = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "a.b"}
    env = presented(validate("https://me@example.org/x"), Credential("me", "s", b""), around)
    assert env["GIT_CONFIG_COUNT"] == "5"
    assert env["GIT_CONFIG_KEY_2"] == "http.https://example.org/.extraHeader"
    assert "GIT_CONFIG_KEY_0" not in env
    assert os.environ.get("GIT_CONFIG_COUNT") is None


# --- the protocol


def test_a_hub_of_the_second_protocol_is_spoken_to_in_it(hub: HubFolder, http: Serving) -> None:
    http.opens_to, http.wants_second_protocol = "", True
    accepted(hub.remote("one").publish(publication(fragment(DESK))))
    remote = hub.remote("desk", url=http.url)
    assert isinstance(remote.fetch(), Fetched)
    http.asked()
    assert isinstance(remote.fetch(), Fetched)
    assert http.asked()[0] == READ
    assert len(http.requests) == 0


def test_a_hub_that_fails_is_asked_in_the_second_protocol_no_more_once_the_first_worked(
    hub: HubFolder, http: Serving
) -> None:
    http.opens_to = ""
    remote = hub.remote("desk", url=http.url)
    fetched(remote)
    http.wants_second_protocol = True
    http.asked()
    assert isinstance(remote.fetch(), Unreachable)
    assert len(http.asked()) == 1
