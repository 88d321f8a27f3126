"""Temporary names beside the memory file, and whose they are.

`.<file name>.memsync-<ms>-<pid>-<birth>-<token>.<role>`

Rule 1: a name is minted once and never reused, so a writer that still holds a displaced inode can
never write into something newer (facts 1.5: one reused name ended in a corrupt file).
Rule 2: the name itself says when it was made and by which process; nothing else has to be asked.
Rule 3: a name belongs to a running process only for `ABANDONED_AFTER_MS`. Beyond that, as when its
process is gone, it is a leftover.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from memsync_git.values import dataclass

ABANDONED_AFTER_MS = 15 * 60_000
"""One cron interval. The longest honest stay is a linger: 20 parses of a 64 MiB file, under a minute."""

Role = Literal["part", "new", "old"]
"""part: being written, may be torn. new: whole, not yet swapped in. old: displaced."""

_SHAPE = r"(\d{1,16})-(\d{1,10})-(\d{1,20})-([0-9a-f]{16})\.(part|new|old)"


@dataclass(frozen=True, slots=True)
class Temporary:
    """What a temporary name says. `birth` tells a process from a later one of the same pid; 0: unknown."""

    file_name: str
    made_ms: int
    pid: int
    birth: int
    token: str
    role: Role

    @property
    def text(self) -> str:
        """The name as it stands in the directory."""
        stamp = f"{self.made_ms}-{self.pid}-{self.birth}-{self.token}"
        return f"{prefix_of(self.file_name)}{stamp}.{self.role}"

    def is_abandoned(self, now_ms: int) -> bool:
        """Whether no running process can still be using it."""
        return abs(now_ms - self.made_ms) > ABANDONED_AFTER_MS or not is_running(self.pid, self.birth)


def prefix_of(file_name: str) -> str:
    """What all temporary names of one memory file begin with."""
    return f".{file_name}.memsync-"


def witness_name(file_name: str) -> str:
    """The name of the witness beside the memory file (formats page, section 3)."""
    return f".{file_name}.memsync"


def minted(file_name: str, now_ms: int, role: Role) -> Temporary:
    """A fresh name of this process."""
    pid = os.getpid()
    return Temporary(file_name, now_ms, pid, birth_of(pid), os.urandom(8).hex(), role)


def parsed(file_name: str, entry: str) -> Temporary | None:
    """The name of one of our temporary files for `file_name`, or None for anything else."""
    prefix = prefix_of(file_name)
    found = re.fullmatch(_SHAPE, entry.removeprefix(prefix)) if entry.startswith(prefix) else None
    if found is None:
        return None
    made_ms, pid, birth, token, role = found.groups()
    role_of: dict[str, Role] = {"part": "part", "new": "new", "old": "old"}
    return Temporary(file_name, int(made_ms), int(pid), int(birth), token, role_of[role])


def is_running(pid: int, birth: int) -> bool:
    """Whether the process of that pid and birth still runs; by pid alone where births are unknown."""
    if birth:
        return birth_of(pid) == birth
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def birth_of(pid: int) -> int:
    """Clock ticks from boot to a process's start (proc(5), field 22); 0 if it has ended or is unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    # The command name in parentheses may itself hold spaces and parentheses.
    fields = stat[stat.rfind(b")") + 2 :].split()
    return 0 if fields[0] in (b"Z", b"X") else int(fields[19])
