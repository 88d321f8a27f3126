"""Hubs over http on this machine that take a connection and never come to the point."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

DRIP_S = 0.1
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n" + b"0" * 10_000
)


@contextmanager
def listening(drip: bool) -> Iterator[str]:
    """The address of a repository nobody will ever read from; `drip`: a byte now and then."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        thread = Thread(target=_serve, args=(server, over, drip))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/memory.git"
        finally:
            over.set()
            thread.join()


def _serve(server: socket.socket, over: Event, drip: bool) -> None:
    sent: dict[socket.socket, int] = {}
    while not over.is_set():
        with suppress(TimeoutError):
            sent[server.accept()[0]] = 0
        for connection in sent if drip else ():
            with suppress(OSError):
                connection.sendall(ANSWER[sent[connection] :][:1])
                sent[connection] += 1
        over.wait(DRIP_S)
    for connection in sent:
        connection.close()
