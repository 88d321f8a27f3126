"""The same exchange over smart http and over ssh, with git's own programs at the other end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memsync_git.ports import Refused
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, publication
from tests.git.web import Serving


@pytest.fixture
def http(hub: HubFolder) -> Iterator[Serving]:
    serving = Serving(hub.folder)
    yield serving
    serving.close()


@pytest.fixture
def ssh_url(hub: HubFolder, monkeypatch: pytest.MonkeyPatch) -> str:
    """An ssh that runs the command here, as sshd would there."""
    fake = hub.folder / "ssh"
    fake.write_text('#!/bin/sh\nfor last; do :; done\ntest "$1" = -G || exec sh -c "$last"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(fake))
    return f"me@hub.invalid:{hub.path}"


@pytest.fixture(params=["http", "ssh", "file"])
def url(request: pytest.FixtureRequest, hub: HubFolder) -> str:
    match request.param:
        case "http":
            return request.getfixturevalue("http").url
        case "ssh":
            return request.getfixturevalue("ssh_url")
        case _:
            return hub.path.as_uri()


def test_two_machines_meet_whatever_the_transport(hub: HubFolder, url: str) -> None:
    one, two = hub.remote("one", url=url), hub.remote("two", url=url)
    assert fetched(one).fragments == ()
    fetched(two)
    accepted(one.publish(publication(fragment(DESK), unified=b"{}")))
    accepted(two.publish(publication(fragment(LAPTOP))), on_main=False)
    assert fetched(two).on_main == {DESK: (1, "a")}
    accepted(two.publish(publication(fragment(LAPTOP))))
    assert fetched(one).on_main == {DESK: (1, "a"), LAPTOP: (1, "a")}


def test_a_hook_refuses_one_ref_whatever_the_transport(hub: HubFolder, url: str) -> None:
    hub.hook("update", 'test "$1" != refs/heads/main || { echo main is protected >&2; exit 1; }')
    remote = hub.remote("one", url=url)
    accepted(remote.publish(publication(fragment(DESK))), on_main=False)
    assert remote.refs_mode == "host"


def test_a_hub_that_breaks_off_once_is_asked_again_whatever_the_transport(hub: HubFolder, url: str) -> None:
    marker = hub.folder / "killed"
    hub.hook("pre-receive", f"test -e {marker} || {{ touch {marker}; kill -9 $PPID; }}")
    accepted(hub.remote("one", url=url).publish(publication(fragment(DESK))))


def test_a_proxy_that_forbids_host_refs_still_lets_main_through(hub: HubFolder, http: Serving) -> None:
    http.forbids = lambda body: b"refs/memsync/" in body
    remote = hub.remote("one", url=http.url)
    accepted(remote.publish(publication(fragment(DESK))))
    assert remote.refs_mode == "main"
    accepted(remote.publish(publication(fragment(DESK, 2, "b"))))


def test_a_proxy_that_forbids_every_push_is_refusal(hub: HubFolder, http: Serving) -> None:
    http.forbids = lambda _body: True
    outcome = hub.remote("one", url=http.url).publish(publication(fragment(DESK)))
    assert isinstance(outcome, Refused), outcome
    assert "403" in outcome.reason
