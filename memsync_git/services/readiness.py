"""Telling systemd how the daemon is: the datagrams of sd_notify(3), without its library.

Rule 1: where nobody asked (no NOTIFY_SOCKET), nothing is sent.
Rule 2: a service manager that does not listen is no reason to fail.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress

VARIABLE = "NOTIFY_SOCKET"
MOST_STATUS_CHARS = 200
PATIENCE_S = 1.0
"""A manager whose queue is full for a second does not read it."""


class Readiness:
    """What is told to the service manager, if there is one."""

    def __init__(self, address: str = "") -> None:
        """`address`: a path, or `@NAME` for an abstract socket; empty where there is no service manager."""
        self._address = "\0" + address[1:] if address.startswith("@") else address

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Readiness:
        """The service manager that started this process."""
        return cls(environment.get(VARIABLE, ""))

    def ready(self) -> None:
        """The daemon works."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """The configuration is being read again; `ready` follows."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def alive(self) -> None:
        """It is not wedged."""
        self._tell("WATCHDOG=1")

    def status(self, line: str) -> None:
        """One line for people, as `systemctl status` shows it."""
        self._tell("STATUS=" + " ".join(line.split())[:MOST_STATUS_CHARS])

    def stopping(self) -> None:
        """It is about to end."""
        self._tell("STOPPING=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as post:
            post.settimeout(PATIENCE_S)
            post.sendto("\n".join(lines).encode(), self._address)
