"""GET /metrics and GET /healthz for this machine alone, from a thread of its own.

    --metrics 127.0.0.1:9187 ─ bind to loopback ─ a few requests at once, each within seconds

Rule 1: it listens on a loopback address and answers only requests that call it by one: a web page whose
name was rebound to 127.0.0.1 (DNS rebinding) still sends its own name as Host.
Rule 2: it reads and never writes; a request has no body anybody looks at.
Rule 3: whoever is slow or many is dropped; the daemon never waits for a reader.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, SHUT_RDWR, socket
from socketserver import ThreadingMixIn
from typing import Any, Final

from memsync_git.errors import MemsyncError, Misused
from memsync_git.metrics.exposition import CONTENT_TYPE
from memsync_git.values import dataclass

MOST_AT_ONCE: Final = 4
"""A scraper, a health check, a person, and one to spare."""
DEADLINE_S: Final = 10.0
"""A request and its answer are a few KiB between two programs of one machine; Prometheus waits as long."""
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a request."""

    body: str
    code: int = 200
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 takes any that is free."""

    host: str
    port: int


def address_of(text: str) -> Address:
    """The address a person wrote: `127.0.0.1:9187`, `[::1]:9187`, `localhost:9187`.

    Raises:
        Misused: it is none, or not one of this machine alone.
    """
    host, found, port = text.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and int(port) <= 65535
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        if found and is_port and ip_address(host).is_loopback:
            return Address(host, int(port))
    raise Misused(
        f"{text!r} is no address for metrics: it must be a loopback address and a port.",
        unharmed="Nothing was opened.",
        hint="127.0.0.1:9187",
    )


class Endpoint:
    """Serves two texts. `metrics` and `health` are called for each request, on its thread.

    health: whether all is well, and a word for it.
    """

    def __init__(
        self, address: Address, *, metrics: Callable[[], str], health: Callable[[], tuple[bool, str]]
    ) -> None:
        self._wanted = address
        self._answers = {"/metrics": _metrics_answer(metrics), "/healthz": _health_answer(health)}
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> Address:
        """Where it listens; the wanted address while it does not."""
        if self._server is None:
            return self._wanted
        return Address(self._wanted.host, int(self._server.server_address[1]))

    @property
    def busy(self) -> int:
        """How many requests are under way."""
        return 0 if self._server is None else self._server.busy

    def start(self) -> None:
        """Listen, and answer from a thread of its own.

        Raises:
            Misused: the address is taken, or not to be had.
        """
        host, port = self._wanted.host, self._wanted.port
        family = AF_INET6 if ":" in host else AF_INET
        try:
            server = _Server((host, port), family, self._answers)
        except OSError as error:
            raise Misused(
                f"Metrics cannot be served at {host}:{port}: {error.strerror}.",
                hint="choose another port",
            ) from error
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; requests under way end at their deadline."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None


def _metrics_answer(metrics: Callable[[], str]) -> Callable[[], Answer]:
    return lambda: Answer(metrics(), content_type=CONTENT_TYPE)


def _health_answer(health: Callable[[], tuple[bool, str]]) -> Callable[[], Answer]:
    def answer() -> Answer:
        is_well, word = health()
        return Answer(f"{word}\n", 200 if is_well else 503)

    return answer


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, address: tuple[str, int], family: int, answers: Mapping[str, Callable[[], Answer]]
    ) -> None:
        self.address_family = family
        self.answers = answers
        self.busy = 0
        self._turn = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """One of the few at once; any further is dropped."""
        with self._turn:
            is_taken = self.busy < MOST_AT_ONCE
            self.busy += is_taken
        if is_taken:
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Whatever the client does, its connection ends at the deadline."""
        overdue = threading.Timer(DEADLINE_S, _cut, [request])
        overdue.daemon = True
        overdue.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            overdue.cancel()
            with self._turn:
                self.busy -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is nobody's business."""


def _cut(connection: socket) -> None:
    with suppress(OSError):
        connection.shutdown(SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = DEADLINE_S
    server_version = "memsync-git"
    sys_version = ""

    def do_GET(self) -> None:
        """One of the two texts."""
        self._say(self._answer())

    def do_HEAD(self) -> None:
        """The same without the text."""
        self._say(self._answer(), with_body=False)

    def _answer(self) -> Answer:
        if not is_called_by_loopback(self.headers.get_all("Host", [])):
            return Answer("This endpoint answers to its loopback address only.\n", 421)
        make = self.server.answers.get(self.path.partition("?")[0])
        if make is None:
            return Answer("/metrics and /healthz are here.\n", 404)
        try:
            return make()
        except MemsyncError as error:
            return Answer(f"{error.message}\n", 503)

    def _say(self, answer: Answer, *, with_body: bool = True) -> None:
        body = answer.body.encode("utf-8", "backslashreplace")
        self.send_response(answer.code)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is http.server's
        """A scrape every few seconds is no news."""


def is_called_by_loopback(hosts: list[str]) -> bool:
    """Whether a request has exactly one Host header, and it names this machine."""
    if len(hosts) != 1:
        return False
    name, _, port = hosts[0].strip().lower().rpartition(":")
    if not port.isdecimal():  # no port at all, or the last group of a bare IPv6 address
        name = hosts[0].strip().lower()
    return name in _LOOPBACK_NAMES
