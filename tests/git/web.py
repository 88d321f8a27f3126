"""A git hub over http on this machine: `git http-backend` behind Python's own server."""

from __future__ import annotations

import os
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What a server was asked. authorization: the headers shown to it."""

    method: str
    path: str
    authorization: tuple[str, ...]


def basic(name: str, secret: str) -> str:
    """The value of an Authorization header."""
    return f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"


class Backend(BaseHTTPRequestHandler):
    """One connection to a `Serving`."""

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
        serving = self.serving
        shown = self.headers.get_all("Authorization", [])
        serving.requests.append(Request(self.command, self.path, tuple(shown)))
        path, _, query = self.path.partition("?")
        if serving.elsewhere:
            self.reply(301, [("Location", serving.elsewhere + self.path)], b"")
        elif serving.opens_to and shown != [serving.opens_to]:
            self.reply(401, [("WWW-Authenticate", 'Basic realm="memories"')], b"who are you?")
        elif serving.wants_second_protocol and self.reads_refs_of_the_first(path, query):
            self.reply(400, [], b"protocol version 2 only")
        elif path.endswith("git-receive-pack") and self.command == "POST" and serving.forbids(body):
            self.reply(403, [], b"this branch only")
        else:
            self.pass_on(path, query, body)

    def reads_refs_of_the_first(self, path: str, query: str) -> bool:
        is_reading = path.endswith("git-upload-pack") or query == "service=git-upload-pack"
        return is_reading and self.headers.get("Git-Protocol") != "version=2"

    def pass_on(self, path: str, query: str, body: bytes) -> None:
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
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
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
        self.write(body)

    def write(self, body: bytes) -> None:
        """The answer, at once or a byte at a time for as long as somebody reads it."""
        if not self.serving.drip_s or not body:
            self.wfile.write(body)
            return
        with suppress(OSError):
            for byte in body:
                self.wfile.write(bytes([byte]))
                if self.serving.closing.wait(self.serving.drip_s):
                    return

    def log_message(self, *args: object) -> None:
        """Quiet."""


class Serving:
    """`git http-backend` behind Python's http server, with what it was asked and switches for what it does.

    forbids: which pushes get a 403. opens_to: the one Authorization header it lets in. elsewhere: where it
    sends everybody. drip_s: how long it takes over each byte of an answer.
    """

    def __init__(self, folder: Path) -> None:
        self.requests: list[Request] = []
        self.forbids: Callable[[bytes], bool] = lambda _body: False
        self.opens_to = ""
        self.elsewhere = ""
        self.wants_second_protocol = False
        self.drip_s = 0.0
        self.closing = threading.Event()
        handler = partial(Backend, folder=folder, serving=self)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub.git"

    def asked(self) -> list[str]:
        """The requests since the last time this was asked, without the repository's own path."""
        found = [f"{each.method} {each.path.partition('/hub.git/')[2]}" for each in self.requests]
        self.requests.clear()
        return found

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
