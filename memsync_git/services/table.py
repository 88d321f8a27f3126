"""The services there are, the better ones first.

Rule 1: a service is one row here and one module; nobody else knows their names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from memsync_git.ports import Service
from memsync_git.values import dataclass

UNIX: Final = ("linux", "darwin", "freebsd", "openbsd", "netbsd", "dragonfly", "sunos", "aix", "cygwin")
DEFAULT_INTERVAL_MIN: Final = 15


@dataclass(frozen=True, slots=True)
class Program:
    """What a service is to run: this program, by its absolute path, for this installation."""

    executable: str
    interval_min: int = DEFAULT_INTERVAL_MIN
    memsync_home: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One service. `platforms`: beginnings of `sys.platform` it is for."""

    name: str
    platforms: tuple[str, ...]
    make: Callable[[Program], Service]


def _systemd(program: Program) -> Service:
    from memsync_git.services.systemd import SystemdService

    folder = Path.home() / ".config" / "systemd" / "user"
    return SystemdService(program.executable, folder, program.memsync_home)


def _launchd(program: Program) -> Service:
    from memsync_git.services.launchd import LaunchdService

    folder = Path.home() / "Library" / "LaunchAgents"
    return LaunchdService(program.executable, folder, os.getuid(), program.memsync_home)


def _schtasks(program: Program) -> Service:
    from memsync_git.services.schtasks import TaskService

    return TaskService(program.executable, windows_account(os.environ), program.memsync_home)


def _cron(program: Program) -> Service:
    from memsync_git.services.cron import CronService

    return CronService(program.executable, program.interval_min, program.memsync_home)


SERVICES: Final = (
    Row("systemd", ("linux",), _systemd),
    Row("launchd", ("darwin",), _launchd),
    Row("schtasks", ("win32",), _schtasks),
    Row("cron", UNIX, _cron),
)


def windows_account(environment: Mapping[str, str]) -> str:
    r"""`DOMAIN\user` as Windows tells it to every program."""
    domain, user = environment.get("USERDOMAIN", ""), environment.get("USERNAME", "")
    return f"{domain}\\{user}" if domain else user


def suited(platform: str) -> tuple[Row, ...]:
    """The services a platform may have, the better ones first."""
    return tuple(row for row in SERVICES if platform.startswith(row.platforms))
