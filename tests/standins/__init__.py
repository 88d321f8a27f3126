"""Programs that stand where a machine's own service managers would: small, real, and with a memory.

Rule 1: a program keeps what it knows in the folder `NAME.d` beside it, a fact a file; `calls` are its calls.
Rule 2: it answers as the real one does: exit codes, words, and what it forgets to say.
Rule 3: a file put into its folder changes how it behaves: `off` (it does not answer), `refuses-VERB`,
`ends-at-once` (what it starts fails).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent


@dataclass(frozen=True)
class Standin:
    """One such program."""

    command: Path

    @property
    def state(self) -> Path:
        return self.command.with_name(f"{self.command.name}.d")

    @property
    def calls(self) -> list[str]:
        """What it was called with, a line each."""
        log = self.state / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def set(self, fact: str, content: str = "") -> None:
        (self.state / fact).write_text(content)

    def unset(self, fact: str) -> None:
        (self.state / fact).unlink()

    def knows(self, fact: str) -> bool:
        return (self.state / fact).exists()


def offer(folder: Path, name: str) -> Standin:
    """Put the program of that name into a folder of programs."""
    folder.mkdir(exist_ok=True)
    command = folder / name
    shutil.copyfile(SCRIPTS / f"{name}.sh", command)
    command.chmod(0o755)
    standin = Standin(command)
    standin.state.mkdir()
    return standin


@contextmanager
def no_service(folder: Path) -> Iterator[None]:
    """Let no service of this machine answer while the block runs."""
    for name in ("systemctl", "loginctl", "launchctl", "crontab"):
        offer(folder, name).set("off")
    with first_on_path(folder):
        yield


@contextmanager
def no_screen(folder: Path) -> Iterator[None]:
    """Let no note reach the screen of this machine while the block runs."""
    for name in ("notify-send", "osascript"):
        (folder / name).write_text("#!/bin/sh\necho 'no screen' >&2\nexit 1\n")
        (folder / name).chmod(0o755)
    with first_on_path(folder):
        yield


@contextmanager
def first_on_path(folder: Path) -> Iterator[None]:
    """Programs of a folder stand before those of the machine while the block runs."""
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before
