"""The same exchange over smart http and over ssh, with git's own programs at the other end."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from memsync_git.ports import Refused
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, publication


class Backend(BaseHTTPRequestHandler):
    """`git http-backend` behind Python's http server. `serving.forbids` decides which pushes get a 403."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: object, folder: Path, serving: Serving) -> None:
        self.folder = folder
        self.serving = serving
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        body = self.chunks() if self.headers.get("Transfer-Encoding") else self.rfile.read(self.length())
        self.answer(body)

    def length(self) -> int:
        return int(self.headers.get("Content-Length", 0))

    def chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        if path.endswith("git-receive-pack") and self.command == "POST" and self.serving.forbids(body):
            self.reply(403, [], b"this branch only")
            return
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "me",
            "REMOTE_ADDR": "127.0.0.1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, env=environment, check=False
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split(" ")[0])
        self.reply(status, list(headers.items()), rest)

    def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


class Serving:
    """A server, and the switch for what it forbids."""

    def __init__(self, folder: Path) -> None:
        self.forbids: Callable[[bytes], bool] = lambda _body: False
        handler = partial(Backend, folder=folder, serving=self)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub.git"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


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
