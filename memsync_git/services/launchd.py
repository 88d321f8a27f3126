"""launchd: a property list of the person's own agents that keeps the daemon running on macOS.

Rule 1: `render` is pure; `LaunchdService` speaks to `launchctl` only.
Rule 2: the list holds no secret, and of the environment nothing but MEMSYNC_HOME.
Rule 3: the daemon is ended by TERM, never by `kickstart -k`: it saves and publishes before it goes.
Source: launchd.plist(5), launchctl(1).
"""

from __future__ import annotations

import plistlib
import re
from pathlib import Path
from typing import Final
from xml.parsers.expat import ExpatError

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
)
from memsync_git.services.tool import BY_CRON, INSTALL, QUICK_S, Said, Tool, happens
from memsync_git.services.unitfile import UnitFile
from memsync_git.values import dataclass, replace

LABEL: Final = "memsync-git"

RESTART_S: Final = 15
"""As systemd's RestartSec: a daemon that cannot live does not warm the machine."""
END_S: Final = 10
"""The daemon saves and publishes within 5 s of a TERM; then it is killed."""
GONE_S: Final = 15.0
"""`bootout` answers before the daemon is gone, and a `bootstrap` before that is refused."""

_STATE: Final = re.compile(r"^\s*state = (.+)$", re.MULTILINE)
_LIVES: Final = frozenset({"running", "spawn scheduled", "xpcproxy"})
"""Runs, waits for ThrottleInterval, or is between launchd and the program."""
_PID: Final = re.compile(r"^\s*pid = (\d+)", re.MULTILINE)
_LAST_CODE: Final = re.compile(r"^\s*last exit code = (\d+)", re.MULTILINE)


# --- pure ------------------------------------------------------------------------------------------


def render(executable: str, memsync_home: str | None = None) -> bytes:
    """The property list. `executable` is an absolute path.

    Raises:
        Misused: a control character, which no property list can hold.
    """
    for path in filter(None, (executable, memsync_home)):
        if any(ord(char) < 0x20 for char in path):
            raise Misused(
                f"The path {path!r} contains a control character, which no agent of launchd can hold.",
                unharmed="No agent was written.",
            )
    agent: dict[str, object] = {
        "Label": LABEL,
        "ProgramArguments": [executable, "daemon"],
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": RESTART_S,
        "ExitTimeOut": END_S,
        "Umask": 0o077,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": 10,
    }
    if memsync_home:
        agent["EnvironmentVariables"] = {"MEMSYNC_HOME": memsync_home}
    return plistlib.dumps(agent, sort_keys=False)


def is_ours(data: bytes) -> bool:
    """Whether a property list is the daemon's, of this or an older release."""
    try:
        found = plistlib.loads(data)
    except (plistlib.InvalidFileException, ExpatError, ValueError, OverflowError):
        return False
    words = found.get("ProgramArguments") if isinstance(found, dict) else None
    return isinstance(words, list) and found.get("Label") == LABEL and words[1:] == ["daemon"]


def daemon_in(text: str) -> Running | Stopped:
    """What `launchctl print` says of the daemon."""
    state, pid, code = _STATE.search(text), _PID.search(text), _LAST_CODE.search(text)
    if state is not None and state[1] in _LIVES:
        return Running(changed=False, pid=int(pid[1]) if pid else None)
    ended_badly = code is not None and code[1] != "0"
    return Stopped(changed=False, reason=f"it ended with exit code {code[1]}" if code and ended_badly else "")


# --- the shell -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LaunchdService:
    """The agent of one account. `folder` is where its agents stand, `uid` whose they are."""

    executable: str
    folder: Path
    uid: int
    memsync_home: str | None = None
    launchctl: str = "launchctl"
    name: str = "launchd"
    keeps_daemon: bool = True

    def install(self) -> Installed | Unserved:
        try:
            wanted = render(self.executable, self.memsync_home)
        except Misused as refusal:
            return Unserved(refusal.message, refusal.hint)
        found = self._file.found(self._look)
        if isinstance(found, Unserved):
            return found
        before, agent = found
        if before == wanted and agent.code == 0:
            if not isinstance(daemon_in(agent.out), Running):
                self._kick()
            return Installed(self._what, changed=False)
        refused = self._load(wanted, before, is_loaded=agent.code == 0)
        return refused if refused is not None else Installed(self._what)

    def remove(self) -> Removed | Unserved:
        agent = self._file.ours(self._look)
        if not isinstance(agent, Said):
            return agent
        refused = (self._unload() if agent.code == 0 else None) or self._file.remove()
        return refused if refused is not None else Removed()

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
        agent = self._installed()
        if isinstance(agent, Unserved):
            return agent
        found = daemon_in(agent.out)
        if isinstance(found, Running):
            return found
        refused = None if agent.code == 0 else self._bootstrap()
        return refused if refused is not None else self._kick()

    def stop(self) -> Stopped | Unserved:
        agent = self._installed()
        if isinstance(agent, Unserved):
            return agent
        if not isinstance(daemon_in(agent.out), Running):
            return Stopped(changed=False)
        refused = self._told("kill", "SIGTERM", self._target)
        if refused is not None:
            return refused
        if not happens(lambda: not self._runs(), within_s=GONE_S):
            return Unserved(
                f"The daemon did not end within {GONE_S:.0f} seconds.", "memsync-git service status"
            )
        return Stopped()

    def restart(self) -> DaemonStanding:
        stopped = self.stop()
        return stopped if isinstance(stopped, Unserved) else self.start()

    def running(self) -> DaemonStanding:
        agent = self._installed()
        return agent if isinstance(agent, Unserved) else daemon_in(agent.out)

    def begins(self) -> Beginning:
        agent = self._installed()
        if isinstance(agent, Unserved):
            return agent
        off = self._ask("print-disabled", self._domain)
        if isinstance(off, Unserved):
            return off
        return ByHand() if re.search(rf'"{LABEL}" => (disabled|true)', off.out) else AtLogin()

    # --- what stands there

    @property
    def _domain(self) -> str:
        return f"gui/{self.uid}"

    @property
    def _target(self) -> str:
        return f"{self._domain}/{LABEL}"

    @property
    def _what(self) -> str:
        return str(self._file.path)

    @property
    def _file(self) -> UnitFile:
        return UnitFile(self.folder / f"{LABEL}.plist", is_ours)

    def _wanted(self) -> bytes | None:
        try:
            return render(self.executable, self.memsync_home)
        except Misused:
            return None

    def _installed(self) -> Said | Unserved:
        agent = self._file.ours(self._look)
        if isinstance(agent, Removed):
            return Unserved("No launchd agent of memsync-git is installed.", INSTALL)
        return agent

    def _look(self, is_there: bool) -> Said | Unserved:
        """What launchd says of the agent (code 0 where it is loaded), if this account's domain answers."""
        domain = self._ask("print", self._domain)
        if isinstance(domain, Unserved):
            return Unserved(domain.reason, domain.hint, lacks_tool=domain.lacks_tool and not is_there)
        if domain.code:
            return Unserved(
                f"launchd has no session of this account here ({domain.problem}).",
                "run it at the Mac itself, logged in",
                lacks_tool=not is_there,
            )
        return self._ask("print", self._target)

    def _runs(self) -> bool:
        said = self._ask("print", self._target)
        return isinstance(said, Said) and isinstance(daemon_in(said.out), Running)

    def _is_loaded(self) -> bool:
        said = self._ask("print", self._target)
        return isinstance(said, Unserved) or said.code == 0

    # --- what is done

    def _load(self, wanted: bytes, before: bytes | None, *, is_loaded: bool) -> Unserved | None:
        """Write the agent and load it, which starts it; or leave everything as it was."""
        refused = self._unload() if is_loaded else None
        refused = refused or self._file.write(wanted)
        if refused is not None:
            return refused
        self._ask("enable", self._target)
        refused = self._bootstrap()
        if refused is not None:
            self._file.put_back(before)
            if is_loaded and before is not None:
                self._bootstrap()
        return refused

    def _bootstrap(self) -> Unserved | None:
        return self._told("bootstrap", self._domain, self._what)

    def _unload(self) -> Unserved | None:
        refused = self._told("bootout", self._target)
        if refused is not None and self._is_loaded():
            return refused
        if not happens(lambda: not self._is_loaded(), within_s=GONE_S):
            return Unserved(f"launchd did not let go of {LABEL} within {GONE_S:.0f} seconds.", INSTALL)
        return None

    def _kick(self) -> DaemonStanding:
        """Start it and look how it stands then."""
        refused = self._told("kickstart", self._target)
        if refused is not None:
            return refused
        said = self._ask("print", self._target)
        if isinstance(said, Unserved):
            return said
        after = daemon_in(said.out)
        return replace(after, changed=isinstance(after, Running))

    def _told(self, *words: str) -> Unserved | None:
        """Tell launchd something; its refusal, or None."""
        said = self._ask(*words, timeout_s=GONE_S)
        if isinstance(said, Unserved):
            return said
        if said.code == 0:
            return None
        return Unserved(f"launchctl {words[0]} was refused: {said.problem}", BY_CRON)

    def _ask(self, *words: str, timeout_s: float = QUICK_S) -> Said | Unserved:
        return Tool("launchctl", self.launchctl, BY_CRON).ask(*words, timeout_s=timeout_s)
