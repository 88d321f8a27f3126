"""What a service's programs find around them: the environment each service gives.

Rule 1: only variables that lead somewhere, and none that may hold a secret.
Source: crontab(5); systemd.exec(5), "Environment variables in spawned processes"; launchd.plist(5).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from memsync_git.ports import Unserved
from memsync_git.services.tool import Tool

USUAL_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CRON_PATH: Final = "/usr/bin:/bin"
LED_BY: Final = ("PATH", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")
"""What decides whether git finds a key or a password, of all that a manager may have been given."""


def environment_of(service: str) -> dict[str, str]:
    """The environment of a service's programs on this machine, by the service's name."""
    match service:
        case "systemd":
            return _account(os.environ) | {"PATH": USUAL_PATH} | _of_manager()
        case "launchd":
            kept = {name: os.environ[name] for name in ("SSH_AUTH_SOCK",) if name in os.environ}
            return _account(os.environ) | {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"} | kept
        case _:
            return _account(os.environ) | {"PATH": CRON_PATH, "SHELL": "/bin/sh"}


def _account(around: Mapping[str, str]) -> dict[str, str]:
    user = around.get("USER") or around.get("LOGNAME") or ""
    return {"HOME": str(Path.home()), **({"USER": user, "LOGNAME": user} if user else {})}


def _of_manager() -> dict[str, str]:
    """What the person's manager was given: `systemctl --user show-environment`."""
    said = Tool("systemctl", "systemctl").ask("--user", "show-environment")
    return {} if isinstance(said, Unserved) or said.code else led_by(said.out)


def led_by(text: str) -> dict[str, str]:
    """The variables that matter of `NAME=value` lines; a value that had to be quoted (`$'…'`) is left out."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, _, value in pairs if name in LED_BY and not value.startswith("$'")}
