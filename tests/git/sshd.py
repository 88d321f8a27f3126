"""A real sshd on this machine, for one test: its own keys, its own port, its own client configuration."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

STARTING_S = 10.0


def found() -> str | None:
    """Where sshd is, if this machine has it and a client for it."""
    where = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    return shutil.which("sshd", path=where) if shutil.which("ssh") is not None else None


def program() -> str:
    """Where sshd is. A machine without one is told, and CI has one."""
    where = found()
    if where is not None:
        return where
    missing = "No sshd on this machine: apt-get install openssh-server"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@dataclass
class Sshd:
    """A server on loopback that lets this account in, and the ssh that gets there.

    `command` is for GIT_SSH_COMMAND. Connections are counted by what the server writes into its log.
    """

    folder: Path
    port: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700)
        for name in ("host", "me"):
            key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
            subprocess.run(key, check=True)
        shutil.copy(self.folder / "me.pub", self.folder / "authorized")
        self.log = self.folder / "log"
        self.port = self.port or _free_port()
        self._configure()
        self._server = self._started()

    def _configure(self) -> None:
        server = {
            "ListenAddress": "127.0.0.1",
            "Port": self.port,
            "HostKey": self.folder / "host",
            "AuthorizedKeysFile": self.folder / "authorized",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PermitRootLogin": "yes",
            "PasswordAuthentication": "no",
            "AcceptEnv": "GIT_PROTOCOL",
        }
        client = {
            "IdentityFile": self.folder / "me",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.folder / "known",
            "GlobalKnownHostsFile": "none",
        }
        for name, settings in (("server", server), ("client", client)):
            lines = [f"{key} {value}" for key, value in settings.items()]
            (self.folder / name).write_text("\n".join(lines) + "\n")
        self.also_at(self.port)

    def also_at(self, port: int) -> None:
        """Let the client know this server at a port, its own or one that leads to it."""
        kind, key, *_ = (self.folder / "host.pub").read_text().split()
        with (self.folder / "known").open("a") as known:
            known.write(f"[127.0.0.1]:{port} {kind} {key}\n")

    def _started(self) -> subprocess.Popen[bytes]:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd gives up its privileges there
        words = [program(), "-D", "-E", str(self.log), "-f", str(self.folder / "server")]
        server = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        until_s = time.monotonic() + STARTING_S
        while not _answers(self.port):
            assert server.poll() is None, self.log.read_text()
            assert time.monotonic() < until_s, "sshd does not answer"
            time.sleep(0.02)
        return server

    @property
    def command(self) -> str:
        return f"ssh -F {shlex.quote(str(self.folder / 'client'))}"

    def at(self, port: int) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{port}"

    def url(self, path: Path) -> str:
        return f"{self.at(self.port)}{path}"

    def connections(self) -> int:
        """How many connections were let in so far."""
        return self.log.read_text().count("Accepted publickey")

    def stop(self) -> None:
        self._server.terminate()
        self._server.wait(10)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as there:
            return there.recv(4) == b"SSH-"
    except OSError:
        return False
