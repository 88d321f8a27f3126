"""The unit of systemd: its text, its words, and what systemd says of it.

Rule 1: pure; `services.systemd` speaks to systemd.
Rule 2: the unit holds no secret, and of the environment nothing but MEMSYNC_HOME.
Source: the trust page, section 8 (the set a user's manager can apply); systemd.service(5), systemd.syntax(7).
"""

from __future__ import annotations

import time
from typing import Final

from memsync_git.errors import Misused
from memsync_git.ports import Running, Stopped
from memsync_git.services.tool import BY_CRON
from memsync_git.values import dataclass

UNIT: Final = "memsync-git.service"
MARK: Final = "# Written by memsync-git service install; what is changed here is lost.\n"

_NOT_IN_A_PROGRAM: Final = frozenset("\"'\\")
"""systemd refuses a program whose path holds one of these, however it is quoted (`string_is_safe`)."""

_UNIT: Final = """\
# To change something for yourself:  systemctl --user edit memsync-git.service
[Unit]
Description=memsync-git keeps the memory of AI assistants in step
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
ExecStart={program} daemon
ExecReload=kill -HUP $MAINPID
{environment}\
KillMode=mixed
WatchdogSec=120
Restart=on-failure
RestartSec=15
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
MemoryMax=512M
TasksMax=64
Nice=10
IOSchedulingClass=idle

[Install]
WantedBy=default.target
"""

PROPERTIES: Final = (
    "ActiveState",
    "SubState",
    "Result",
    "MainPID",
    "UnitFileState",
    "ActiveEnterTimestampMonotonic",
)


def render(executable: str, memsync_home: str | None = None) -> str:
    """The text of the unit. `executable` is an absolute path.

    Raises:
        Misused: a path cannot be written in a unit.
    """
    unfit = sorted(_NOT_IN_A_PROGRAM.intersection(executable))
    if unfit:
        raise Misused(
            f"systemd starts no program with {' or '.join(unfit)} in its path, and {executable} has it.",
            unharmed="No unit was written.",
            hint=BY_CRON,
        )
    environment = f"Environment={quoted('MEMSYNC_HOME=' + memsync_home)}\n" if memsync_home else ""
    return MARK + _UNIT.format(program=quoted(executable), environment=environment)


def quoted(word: str) -> str:
    r"""One word of a unit's line: in quotes, `\` and `"` escaped, `%` doubled as it would begin a specifier.

    Raises:
        Misused: a control character, which systemd allows in no word.
    """
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in word):
        raise Misused(
            f"The path {word!r} contains a control character, which no unit of systemd can hold.",
            unharmed="No unit was written.",
        )
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def is_ours(data: bytes) -> bool:
    """Whether a unit was written by `install`, of this or an older release."""
    return data.startswith(MARK.split(";")[0].encode())


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """What systemd knows about the unit."""

    active: str
    sub: str
    result: str
    pid: int
    file_state: str
    entered_us: int

    @property
    def runs(self) -> bool:
        return self.active in {"active", "activating", "reloading"} and not self.waits

    @property
    def waits(self) -> bool:
        """It ended, and systemd means to try it again: a start meanwhile is cancelled by that try."""
        return self.sub == "auto-restart"

    def daemon(self, *, changed: bool = False) -> Running | Stopped:
        """How the daemon stands."""
        if self.runs:
            since_s = time.monotonic() - self.entered_us / 1e6 if self.entered_us else None
            return Running(changed, self.pid or None, since_s)
        return Stopped(changed, "" if self.result in {"", "success"} else f"it ended with {self.result}")


def unit_in(text: str) -> KnownUnit:
    """The answer of `systemctl show`: `Property=value` lines, in an order of its own."""
    found = dict(line.partition("=")[::2] for line in text.splitlines())
    words = [found.get(name, "") for name in PROPERTIES]
    active, sub, result, pid, file_state, entered = words
    return KnownUnit(active, sub, result, _number(pid), file_state, _number(entered))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
