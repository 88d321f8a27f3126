"""Task Scheduler: a task of the person's own account that keeps the daemon running on Windows.

Rule 1: it speaks to `schtasks` only; what a task says is `services.task_xml`.
Rule 2: its words depend on the language of Windows, so exit codes, XML and one result code tell.
"""

from __future__ import annotations

import tempfile
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
)
from memsync_git.services.task_xml import (
    FINE_RESULTS,
    RUNNING_RESULT,
    digest_in,
    digest_of,
    last_result,
    render,
)
from memsync_git.services.tool import INSTALL, Said, Tool, happens
from memsync_git.values import dataclass

TASK: Final = "memsync-git"
BY_HAND: Final = "memsync-git sync  does by hand what the task would do"

ENDED_S: Final = 15.0
"""How long an ended task may take to be gone before it is started anew."""


@dataclass(frozen=True, slots=True)
class TaskService:
    r"""The task of one account, `DOMAIN\user`. `schtasks` is the command to speak to."""

    executable: str
    account: str
    memsync_home: str | None = None
    schtasks: str = "schtasks"
    name: str = "schtasks"
    keeps_daemon: bool = True

    def install(self) -> Installed | Unserved:
        try:
            task = render(self.executable, self.account, self.memsync_home)
        except Misused as refusal:
            return Unserved(refusal.message, refusal.hint)
        found = self._found()
        if isinstance(found, Unserved):
            return found
        if found == self._wanted():
            if not isinstance(self._daemon(), Running):
                self._told("/Run", "/TN", TASK)
            return Installed(TASK, changed=False)
        refused = self._create(task, is_there=found is not None)
        return refused if refused is not None else Installed(TASK)

    def remove(self) -> Removed | Unserved:
        found = self._ours()
        if not isinstance(found, str):
            return found
        self._end()
        refused = self._told("/Delete", "/TN", TASK, "/F")
        return refused if refused is not None else Removed()

    def status(self) -> ServiceStanding:
        found = self._found()
        if isinstance(found, Unserved):
            return found
        if found is None:
            return Removed(changed=False)
        return Installed(TASK, changed=False, is_current=found == self._wanted())

    def renew(self) -> ServiceStanding:
        return self.status()  # nothing of the configuration stands in it

    def start(self) -> DaemonStanding:
        before = self.running()
        if not isinstance(before, Stopped):
            return before
        refused = self._told("/Run", "/TN", TASK)
        if refused is not None:
            return refused
        after = self._daemon()
        return Running() if isinstance(after, Running) else after

    def stop(self) -> Stopped | Unserved:
        before = self.running()
        if isinstance(before, Unserved):
            return before
        if isinstance(before, Stopped):
            return Stopped(changed=False)
        return self._end() or Stopped()

    def restart(self) -> DaemonStanding:
        stopped = self.stop()
        return stopped if isinstance(stopped, Unserved) else self.start()

    def running(self) -> DaemonStanding:
        found = self._installed()
        return found if isinstance(found, Unserved) else self._daemon()

    def begins(self) -> Beginning:
        found = self._installed()
        if isinstance(found, Unserved):
            return found
        said = self._ask("/Query", "/TN", TASK, "/XML")
        if isinstance(said, Unserved):
            return said
        return ByHand() if "<Enabled>false</Enabled>" in said.out else AtLogin()

    # --- what stands there

    def _wanted(self) -> str | None:
        try:
            return digest_of(self.executable, self.account, self.memsync_home)
        except Misused:
            return None

    def _found(self) -> str | Unserved | None:
        """What our task was made from, None where there is no task."""
        said = self._ask("/Query", "/TN", TASK, "/XML")
        if isinstance(said, Unserved):
            return said
        if said.code:
            return None
        found = digest_in(said.out)
        if found is None:
            return Unserved(
                f"The task {TASK} was not made by memsync-git, so it was left as it is.",
                f"schtasks /Delete /TN {TASK}  removes it; then memsync-git service install",
            )
        return found

    def _ours(self) -> str | Removed | Unserved:
        """What our task was made from; a task of somebody else is none of ours."""
        found = self._found()
        if found is None:
            return Removed(changed=False)
        return Removed(changed=False) if isinstance(found, Unserved) and not found.lacks_tool else found

    def _installed(self) -> str | Unserved:
        found = self._ours()
        if isinstance(found, Removed):
            return Unserved("No task of memsync-git is installed.", INSTALL)
        return found

    def _daemon(self) -> DaemonStanding:
        said = self._ask("/Query", "/TN", TASK, "/V", "/FO", "CSV", "/NH")
        if isinstance(said, Unserved):
            return said
        result = last_result(said.out)
        if result == RUNNING_RESULT:
            return Running(changed=False)
        return Stopped(changed=False, reason="" if result in FINE_RESULTS else f"it ended with {result}")

    # --- what is done

    def _create(self, task: bytes, *, is_there: bool) -> Unserved | None:
        """Make the task, in place of an older one of ours, and run it."""
        refused = self._end() if is_there else None
        if refused is not None:
            return refused
        with tempfile.TemporaryDirectory(prefix="memsync-git-task-") as folder:
            file = Path(folder) / "task.xml"
            file.write_bytes(task)
            refused = self._told("/Create", "/TN", TASK, "/XML", str(file), "/F")
        if refused is None:
            self._told("/Run", "/TN", TASK)
        return refused

    def _end(self) -> Unserved | None:
        """End the daemon if it runs. There is no gentle way; what was noted is durable already."""
        if not isinstance(self._daemon(), Running):
            return None
        refused = self._told("/End", "/TN", TASK)
        if refused is not None:
            return refused
        if not happens(lambda: not isinstance(self._daemon(), Running), within_s=ENDED_S):
            return Unserved(f"The task {TASK} did not end within {ENDED_S:.0f} seconds.", INSTALL)
        return None

    def _told(self, *words: str) -> Unserved | None:
        """Tell Task Scheduler something; its refusal, or None."""
        said = self._ask(*words)
        if isinstance(said, Unserved):
            return said
        return (
            None if said.code == 0 else Unserved(f"schtasks {words[0]} was refused: {said.problem}", BY_HAND)
        )

    def _ask(self, *words: str) -> Said | Unserved:
        return Tool("schtasks", self.schtasks, BY_HAND).ask(*words)
