"""The command of the machine by which a service is spoken to.

Rule 1: the command is given at construction, so any program that behaves like it can stand there.
Rule 2: a command that cannot be run, or hangs, is an answer and no exception.
Rule 3: its words are asked for in English, shown to people, and decide only where no exit code does.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Final

from memsync_git.ports import Unserved
from memsync_git.values import dataclass, field

INSTALL: Final = "memsync-git service install"
BY_CRON: Final = f"{INSTALL} --kind cron"

QUICK_S: Final = 10.0
"""A question to a service manager takes milliseconds; longer means a hung manager or home directory."""
LOOK_S: Final = 0.1
"""Between two looks whether something has happened: a person does not notice, a machine does not mind."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def problem(self) -> str:
        """Its own words, on one line."""
        words = self.err.strip() or self.out.strip() or "it says nothing"
        return " ".join(words.split())


@dataclass(frozen=True, slots=True)
class Tool:
    """One command. `name` is what people call it, `hint` what they can do where it is missing."""

    name: str
    command: str
    hint: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def ask(self, *words: str, stdin: bytes = b"", timeout_s: float = QUICK_S) -> Said | Unserved:
        """Run the command with these words."""
        try:
            done = subprocess.run(
                [self.command, *words],
                input=stdin,
                capture_output=True,
                env={**os.environ, **self.environment, "LC_ALL": "C"},
                timeout=timeout_s,
                check=False,
            )
        except FileNotFoundError:
            return Unserved(f"This machine has no {self.name} command.", self.hint, lacks_tool=True)
        except (OSError, subprocess.TimeoutExpired) as problem:
            return Unserved(f"{self.name} could not be run: {problem}", self.hint)
        return Said(done.returncode, _text(done.stdout), _text(done.stderr))


def happens(condition: Callable[[], bool], *, within_s: float) -> bool:
    """Whether a condition comes true in time; it is looked at once in any case."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(LOOK_S)
    return True


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
