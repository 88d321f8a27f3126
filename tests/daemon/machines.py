"""Real daemons on real homes, seen from outside: processes, files, and what commands say.

Rule 1: nothing waits for a time; it waits for a condition, at most so long, and says what it saw instead.
Rule 2: every process that was started is ended, by its id.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import memsync_git
from memsync_git.app import App
from memsync_git.app.history import LastRound
from memsync_git.app.pulse import Pulse
from memsync_git.config import Places
from memsync_git.config.writing import change
from memsync_git.documents import StatusDocument
from memsync_git.options import InitOptions
from tests.cli.machines import entity

ROOT = Path(memsync_git.__file__).parents[1]
PATIENCE_S = 20.0
"""For anything that takes well under a second on a machine with nothing else to do."""
QUICK = "[sync]\ndebounce_s = 0.2\nmax_delay_s = 2.0\npoll_s = [0.5, 3]\n[log]\nlevel = 'debug'\n"


def until(condition: Callable[[], object], what: object = "", *, within_s: float = PATIENCE_S) -> None:
    """Wait until something holds."""
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, what() if callable(what) else what or condition
        time.sleep(0.02)


@dataclass
class Home:
    """One machine: its folder, its memory file, and its daemon."""

    path: Path
    hub: str = ""
    child: subprocess.Popen[bytes] | None = None
    elsewhere: Path | None = None

    @property
    def file(self) -> Path:
        return self.elsewhere or self.path / "memory.json"

    # --- commands

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MEMSYNC_")}
        return {**kept, "MEMSYNC_HOME": str(self.path), "PYTHONPATH": str(ROOT)}

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "memsync_git"]

    def run(self, *arguments: str, within_s: float = 60) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        return subprocess.run(
            [*self.command, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=within_s,
            check=False,
        )

    @property
    def app(self) -> App:
        """The installation, as a process of its own would open it."""
        return App.open(Places.of({"MEMSYNC_HOME": str(self.path)}))

    def init(self, *, settings: str = QUICK) -> None:
        self.path.mkdir(exist_ok=True)
        (self.path / "config.toml").write_text(settings)
        app = self.app
        app.join(app.plan(InitOptions(remote=self.hub, host=self.path.name)), service=False)

    def set(self, **values: object) -> None:
        """Change settings: `sync__debounce_s=1`."""
        change(self.path / "config.toml", {key.replace("__", "."): value for key, value in values.items()})

    def status(self) -> StatusDocument:
        return self.app.status()

    def pulse(self) -> Pulse | None:
        """What the daemon left, read without starting a program."""
        with self.app.rooms.reading() as installation:
            return installation.pulse()

    def rounds(self) -> list[LastRound]:
        """The rounds that did something or failed, oldest first."""
        with self.app.rooms.reading() as installation:
            return installation.rounds()

    def has_synced(self, since_ms: int) -> bool:
        """Whether the daemon has run a round since then."""
        with self.app.rooms.reading() as installation:
            last = installation.last_round()
        return last is not None and last.cause == "daemon" and last.at_ms >= since_ms

    # --- the daemon

    @property
    def said(self) -> str:
        """What the daemon has logged so far."""
        return (self.path / "daemon.log").read_text(errors="replace")

    def start(self, **circumstances: Any) -> None:
        """Start the daemon and wait until it has synced once."""
        began_ms = time.time_ns() // 1_000_000
        self.begin(**circumstances)
        until(lambda: self.has_synced(began_ms), lambda: self.said)

    def begin(self, **circumstances: Any) -> None:
        """Start the daemon and wait for its pulse; `circumstances` as programs/serving.py takes them."""
        with (self.path / "daemon.log").open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "tests.daemon.programs.serving", json.dumps(circumstances)],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        pid = self.child.pid
        until(lambda: (pulse := self.pulse()) is not None and pulse.pid == pid, lambda: self.said)

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float) -> None:
        """Let it live for so long: a moment drawn by lot, not a condition."""
        assert self.child is not None
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(seconds)

    def stop(self, number: int = signal.SIGTERM, *, within_s: float = 20) -> int:
        """End the daemon and return its exit code."""
        assert self.child is not None
        with suppress(ProcessLookupError):
            self.child.send_signal(number)
        code = self.child.wait(within_s)
        self.child = None
        return code

    def kill(self) -> None:
        """kill -9, wherever it is."""
        assert self.stop(signal.SIGKILL) == -signal.SIGKILL

    # --- the memory

    def write(self, *names: str, said: str = "likes tea") -> None:
        """The server saves just these entities, as it does: a new file, renamed over the old."""
        fresh = self.file.with_name("memory.json.tmp")
        fresh.write_text("\n".join(entity(name, said) for name in names), encoding="utf-8")
        fresh.rename(self.file)

    def add(self, *names: str, said: str = "likes tea") -> None:
        """The server adds some entities: it reads the file and writes all of it back."""
        self.write(*dict.fromkeys([*self.names(), *names]), said=said)

    def names(self) -> list[str]:
        """The entities of the file."""
        try:
            lines = self.file.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line)["name"] for line in lines if line]

    def holds(self, *names: str) -> bool:
        return set(names) <= set(self.names())

    def gets(self, *names: str, within_s: float = PATIENCE_S) -> None:
        """Wait until the file holds these entities."""
        until(lambda: self.holds(*names), lambda: f"{self.names()}\n{self.said}", within_s=within_s)


def shared(hub: Path) -> set[str]:
    """The entities of the unified file on main."""
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", hub, "show", "main:memory.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {json.loads(line)["name"] for line in done.stdout.splitlines() if '"entity"' in line}


def commits(hub: Path, ref: str = "main") -> int:
    done = subprocess.run(["git", "-C", hub, "rev-list", "--count", ref], capture_output=True, check=False)
    return int(done.stdout or 0)


def publishes(hub: Path, *names: str, within_s: float = PATIENCE_S) -> None:
    """Wait until main holds these entities."""
    until(lambda: set(names) <= shared(hub), lambda: shared(hub), within_s=within_s)


@contextmanager
def ended(*homes: Home) -> Iterator[None]:
    """Whatever happens, no daemon of these homes outlives the block."""
    try:
        yield
    finally:
        for home in homes:
            if home.child is not None:
                home.send(signal.SIGCONT)
                home.stop(signal.SIGKILL)
