"""The endpoint of metrics: for this machine alone, read only, and never in the way of the daemon."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from memsync_git.app import measuring
from memsync_git.errors import Misused, StoreDamaged
from memsync_git.metrics import endpoint
from memsync_git.metrics.endpoint import Address, Endpoint, address_of, is_called_by_loopback
from tests.laws.test_exposition import parsed

from .machines import Machine

# --- where it listens


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9187", Address("127.0.0.1", 9187)),
        ("127.8.8.8:1", Address("127.8.8.8", 1)),
        ("localhost:0", Address("127.0.0.1", 0)),
        ("[::1]:65535", Address("::1", 65535)),
    ],
)
def test_an_address_of_this_machine_is_taken(text: str, address: Address) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "9187", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "127.1:80", "::1:²"),
        *("0.0.0.0:9187", "[::]:9187", "192.168.1.2:9187", "example.org:80", "localhost.example.org:80"),
    ],
)
def test_any_other_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Misused) as caught:
        address_of(text)
    assert caught.value.hint == "127.0.0.1:9187"


# --- what it answers


class Figures:
    """What the endpoint asks for."""

    def __init__(self) -> None:
        self.text = "memsync_x 1\n"
        self.is_well = True
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def metrics(self) -> str:
        self.gate.wait(20)
        if self.error is not None:
            raise self.error
        return self.text

    def health(self) -> tuple[bool, str]:
        return self.is_well, "in_sync" if self.is_well else "attention"


@pytest.fixture
def figures() -> Figures:
    return Figures()


@pytest.fixture(params=["127.0.0.1", "::1"])
def served(request: pytest.FixtureRequest, figures: Figures) -> Iterator[Endpoint]:
    found = Endpoint(Address(request.param, 0), metrics=figures.metrics, health=figures.health)
    found.start()
    yield found
    figures.gate.set()
    found.stop()


def ask(
    served: Endpoint, path: str, method: str = "GET", **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(served.address.host, served.address.port, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def raw(served: Endpoint, request: bytes) -> bytes:
    """The answer to exactly these bytes."""
    with socket.create_connection((served.address.host, served.address.port), timeout=20) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_the_two_texts_are_served(served: Endpoint, figures: Figures) -> None:
    code, text, headers = ask(served, "/metrics")
    assert (code, text) == (200, "memsync_x 1\n")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["Server"].strip() == "memsync-git"
    assert ask(served, "/healthz")[:2] == (200, "in_sync\n")
    figures.is_well = False
    assert ask(served, "/healthz")[:2] == (503, "attention\n")
    assert ask(served, "/metrics", "HEAD")[:2] == (200, "")


def test_nothing_else_is(served: Endpoint) -> None:
    for path in ("/", "/metrics/", "/../etc/passwd", "/config"):
        assert ask(served, path)[0] == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(served, "/metrics", method)[0] == 501


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9187", "127.0.0.1.evil.example", "192.168.0.1", ""]
)
def test_a_page_whose_name_was_rebound_to_this_machine_gets_nothing(served: Endpoint, host: str) -> None:
    code, text, _ = ask(served, "/metrics", Host=host)
    assert code == 421
    assert "memsync_x" not in text


def test_a_request_without_a_host_or_with_two_gets_nothing(served: Endpoint) -> None:
    assert b" 421 " in raw(served, b"GET /metrics HTTP/1.0\r\n\r\n")
    two = b"GET /metrics HTTP/1.0\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
    assert b" 421 " in raw(served, two)


def test_names_of_this_machine_are_known_with_and_without_a_port() -> None:
    for name in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST"):
        assert is_called_by_loopback([name])
        assert is_called_by_loopback([f"{name}:9187"])
    for name in ("::1", "localhost:x", "localhost.evil.example", "a:b:c"):
        assert not is_called_by_loopback([name])


def test_a_store_that_cannot_be_read_is_a_503(served: Endpoint, figures: Figures) -> None:
    figures.error = StoreDamaged("The replica store is gone.")
    assert ask(served, "/metrics")[:2] == (503, "The replica store is gone.\n")
    figures.error = None
    assert ask(served, "/metrics")[0] == 200


def test_more_than_a_few_at_once_are_dropped_and_later_ones_are_served(
    served: Endpoint, figures: Figures
) -> None:
    figures.gate.clear()
    answers: list[int] = []
    waiting = [
        threading.Thread(target=lambda: answers.append(ask(served, "/metrics")[0]))
        for _ in range(endpoint.MOST_AT_ONCE)
    ]
    for each in waiting:
        each.start()
    _until(lambda: served.busy == endpoint.MOST_AT_ONCE)
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(served, "/healthz")
    figures.gate.set()
    for each in waiting:
        each.join(20)
    assert answers == [200] * endpoint.MOST_AT_ONCE
    _until(lambda: served.busy == 0)
    assert ask(served, "/healthz")[0] == 200


def _until(is_so: Callable[[], bool]) -> None:
    """Wait for something that comes at once, on a busy machine a little later."""
    for _ in range(2000):
        if is_so():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come")


def test_whoever_drips_is_cut_off(figures: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "DEADLINE_S", 0.3)
    served = Endpoint(Address("127.0.0.1", 0), metrics=figures.metrics, health=figures.health)
    served.start()
    try:
        with socket.create_connection(("127.0.0.1", served.address.port), timeout=20) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: loc")
            assert connection.recv(100) == b""
        assert ask(served, "/metrics")[0] == 200
    finally:
        served.stop()


def test_a_port_that_is_taken_is_a_sentence(served: Endpoint, figures: Figures) -> None:
    with pytest.raises(Misused, match="Metrics cannot be served at"):
        Endpoint(served.address, metrics=figures.metrics, health=figures.health).start()


def test_after_stop_nobody_listens_and_no_thread_is_left(figures: Figures) -> None:
    before = threading.active_count()
    served = Endpoint(Address("127.0.0.1", 0), metrics=figures.metrics, health=figures.health)
    served.start()
    address = served.address
    assert ask(served, "/metrics")[0] == 200
    served.stop()
    served.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address.host, address.port), timeout=5)
    _until(lambda: threading.active_count() == before)


def test_it_listens_on_its_address_alone(figures: Figures) -> None:
    served = Endpoint(Address("127.0.0.2", 0), metrics=figures.metrics, health=figures.health)
    served.start()
    try:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.3", served.address.port), timeout=5)
    finally:
        served.stop()


def test_the_whole_of_it_over_a_machine(laptop: Machine) -> None:
    rooms = laptop.app.rooms
    served = Endpoint(
        address_of("127.0.0.1:0"),
        metrics=lambda: measuring.metrics(rooms),
        health=lambda: measuring.health(rooms),
    )
    served.start()
    try:
        code, text, _ = ask(served, "/metrics")
        assert code == 200
        assert parsed(text)["memsync_state", 'state="in_sync"'] == 1
        assert ask(served, "/healthz")[:2] == (200, "in_sync\n")
    finally:
        served.stop()
