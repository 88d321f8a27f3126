"""systemd: a unit of the person's own service manager that keeps the daemon running.

Rule 1: it speaks to `systemctl --user` and `loginctl` only; the text of the unit is `services.systemd_unit`.
Rule 2: what a person adds with `systemctl --user edit` stands in a folder beside the unit and stays.
Rule 3: a unit that systemd refuses is taken back: nothing is left that would fail at every login.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from memsync_git.errors import Misused
from memsync_git.ports import (
    AtLogin,
    Beginning,
    ByHand,
    DaemonStanding,
    Installed,
    Removed,
    Running,
    ServiceStanding,
    Stopped,
    Unserved,
    WithMachine,
)
from memsync_git.services.systemd_unit import PROPERTIES, UNIT, KnownUnit, is_ours, render, unit_in
from memsync_git.services.tool import BY_CRON, INSTALL, QUICK_S, Said, Tool
from memsync_git.services.unitfile import UnitFile
from memsync_git.values import dataclass

LINGER: Final = "loginctl enable-linger"

PATIENCE_S: Final = 100.0
"""A start or a stop may take what systemd itself allows for it (90 s), and a little more."""


@dataclass(frozen=True, slots=True)
class SystemdService:
    """The unit of whoever runs this. `folder` is where the person's manager reads units."""

    executable: str
    folder: Path
    memsync_home: str | None = None
    systemctl: str = "systemctl"
    loginctl: str = "loginctl"
    name: str = "systemd"
    keeps_daemon: bool = True

    def install(self) -> Installed | Unserved:
        try:
            text = render(self.executable, self.memsync_home).encode()
        except Misused as refusal:
            return Unserved(refusal.message, refusal.hint)
        found = self._file.found(self._look)
        if isinstance(found, Unserved):
            return found
        before, unit = found
        if before == text and unit.file_state == "enabled":
            if not unit.runs:
                self._begin("start", unit)
            return Installed(self._what, changed=False)
        refused = self._put(text, before)
        if refused is not None:
            return refused
        self._begin("restart", unit)
        return Installed(self._what)

    def remove(self) -> Removed | Unserved:
        found = self._file.ours(self._look)
        if not isinstance(found, KnownUnit):
            return found
        refused = self._told("disable", "--now", UNIT, timeout_s=PATIENCE_S) or self._file.remove()
        if refused is not None:
            return refused
        self._ask("daemon-reload")
        self._ask("reset-failed", UNIT)
        return Removed()

    def status(self) -> ServiceStanding:
        found = self._file.found(self._look)
        if isinstance(found, Unserved):
            return found
        before, _ = found
        if before is None:
            return Removed(changed=False)
        return Installed(self._what, changed=False, is_current=before == self._wanted())

    def renew(self) -> ServiceStanding:
        return self.status()  # nothing of the configuration stands in it

    def start(self) -> DaemonStanding:
        unit = self._installed()
        if isinstance(unit, Unserved):
            return unit
        return unit.daemon() if unit.runs else self._begin("start", unit)

    def stop(self) -> Stopped | Unserved:
        unit = self._installed()
        if isinstance(unit, Unserved):
            return unit
        refused = self._told("stop", UNIT, timeout_s=PATIENCE_S)
        return refused if refused is not None else Stopped(changed=unit.runs)

    def restart(self) -> DaemonStanding:
        unit = self._installed()
        return unit if isinstance(unit, Unserved) else self._begin("restart", unit)

    def running(self) -> DaemonStanding:
        unit = self._installed()
        return unit if isinstance(unit, Unserved) else unit.daemon()

    def begins(self) -> Beginning:
        unit = self._installed()
        if isinstance(unit, Unserved):
            return unit
        return self._lingers() if unit.file_state == "enabled" else ByHand()

    # --- what stands there

    @property
    def _what(self) -> str:
        return str(self.folder / UNIT)

    @property
    def _file(self) -> UnitFile:
        return UnitFile(self.folder / UNIT, is_ours)

    def _wanted(self) -> bytes | None:
        try:
            return render(self.executable, self.memsync_home).encode()
        except Misused:
            return None

    def _installed(self) -> KnownUnit | Unserved:
        """The unit if it is there and ours."""
        found = self._file.ours(self._look)
        return (
            Unserved("No systemd unit of memsync-git is installed.", INSTALL)
            if isinstance(found, Removed)
            else found
        )

    def _look(self, is_there: bool) -> KnownUnit | Unserved:
        """What systemd knows of the unit; `is_there`: our file stands there, whether it answers or not."""
        said = self._ask("show", UNIT, f"--property={','.join(PROPERTIES)}")
        if isinstance(said, Unserved):
            return Unserved(said.reason, said.hint, lacks_tool=said.lacks_tool and not is_there)
        if said.code:
            stands = f" The unit {self._what} stands there all the same." if is_there else ""
            return Unserved(
                f"systemd's user manager does not answer here ({said.problem}).{stands}",
                "run it in a login session of this account" if is_there else BY_CRON,
                lacks_tool=not is_there,
            )
        return unit_in(said.out)

    def _lingers(self) -> Beginning:
        """Whether the manager itself begins with the machine, or when the person logs in."""
        tool = Tool("loginctl", self.loginctl)
        said = tool.ask("show-user", str(os.getuid()), "--property=Linger")
        if isinstance(said, Unserved):
            return said
        if said.code == 0:
            return WithMachine() if "Linger=yes" in said.out else AtLogin(LINGER)
        if "not logged in or lingering" in said.err:
            return AtLogin(LINGER)
        return Unserved(f"loginctl does not tell whether this account lingers: {said.problem}")

    # --- what is done

    def _put(self, text: bytes, before: bytes | None) -> Unserved | None:
        """Write the unit and enable it, or leave everything as it was."""
        refused = self._file.write(text)
        if refused is not None:
            return refused
        refused = self._told("daemon-reload") or self._told("enable", UNIT)
        if refused is not None:
            self._file.put_back(before)
            self._ask("daemon-reload")
        return refused

    def _begin(self, verb: str, unit: KnownUnit) -> Running | Stopped | Unserved:
        """Start or restart it, however often it failed before, and look how it stands then."""
        if unit.active == "failed":
            self._ask("reset-failed", UNIT)
        said = self._ask("restart" if unit.waits else verb, UNIT, timeout_s=PATIENCE_S)
        if isinstance(said, Unserved):
            return said
        after = self._look(True)
        if isinstance(after, Unserved):
            return after
        return after.daemon(changed=after.runs)

    def _told(self, *words: str, timeout_s: float = QUICK_S) -> Unserved | None:
        """Tell systemd something; its refusal, or None."""
        said = self._ask(*words, timeout_s=timeout_s)
        if isinstance(said, Unserved):
            return said
        if said.code == 0:
            return None
        return Unserved(f"systemctl --user {words[0]} was refused: {said.problem}", BY_CRON)

    def _ask(self, *words: str, timeout_s: float = QUICK_S) -> Said | Unserved:
        tool = Tool("systemctl", self.systemctl, BY_CRON, _session())
        return tool.ask("--user", *words, timeout_s=timeout_s)


def _session() -> dict[str, str]:
    """Where the person's manager listens: cron, su and sudo lose the variable that says so."""
    folder = Path(f"/run/user/{os.getuid()}")
    return {} if "XDG_RUNTIME_DIR" in os.environ or not folder.is_dir() else {"XDG_RUNTIME_DIR": str(folder)}
