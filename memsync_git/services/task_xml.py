"""The task of Task Scheduler: its XML, and what Windows says of it.

Rule 1: pure; `services.schtasks` speaks to Windows.
Rule 2: Windows writes a task back in its own spelling; a digest in it says what it was made from.
Source: the Task Scheduler schema 1.3; winerror SCHED_S_TASK_RUNNING.
"""

from __future__ import annotations

import csv
import hashlib
import re
from typing import Final
from xml.sax.saxutils import escape

from memsync_git.errors import Misused

RUNNING_RESULT: Final = "267009"
"""SCHED_S_TASK_RUNNING (0x41301), the last result of a task that runs."""
FINE_RESULTS: Final = frozenset({"0", "267009", "267011", "267014"})
"""Ended in order, runs, has not run yet, was ended by a person."""
_RESULT_COLUMN: Final = 6
"""Where `/Query /V /FO CSV` puts the last result."""

_OURS: Final = re.compile(r"<Source>memsync-git service install ([0-9a-f]{16})</Source>")

_TASK: Final = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Source>memsync-git service install {digest}</Source>
    <Description>memsync-git keeps the memory of AI assistants in step</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{account}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{account}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>5</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"""


def render(executable: str, account: str, memsync_home: str | None = None) -> bytes:
    r"""The task as the bytes that `schtasks /Create /XML` reads. `account` is `DOMAIN\user`.

    Raises:
        Misused: a path cannot be handed to the task.
    """
    return b"\xff\xfe" + _text(executable, account, memsync_home).replace("\n", "\r\n").encode("utf-16-le")


def digest_of(executable: str, account: str, memsync_home: str | None = None) -> str:
    """What a task made from these is known by; raises `Misused` as `render`."""
    return hashlib.sha256(_filled("", executable, account, memsync_home).encode()).hexdigest()[:16]


def digest_in(xml: str) -> str | None:
    """What a task was made from, None where it is none of ours."""
    found = _OURS.search(xml)
    return None if found is None else found[1]


def _text(executable: str, account: str, memsync_home: str | None) -> str:
    digest = digest_of(executable, account, memsync_home)
    return _filled(digest, executable, account, memsync_home)


def _filled(digest: str, executable: str, account: str, memsync_home: str | None) -> str:
    command, arguments = _action(executable, memsync_home)
    return _TASK.format(
        digest=digest,
        account=escape(account),
        command=escape(command),
        arguments=escape(arguments),
    )


def _action(executable: str, memsync_home: str | None) -> tuple[str, str]:
    """Program and arguments. A task has no environment of its own: a shell sets MEMSYNC_HOME first.

    `cmd /s /c "…"` takes off the outer quotes and nothing else.
    """
    for path in filter(None, (executable, memsync_home)):
        if any(char in path for char in '%"\r\n'):
            raise Misused(
                f"The path {path!r} contains a percent sign, a quote or a line break, "
                "which a task would not find again.",
                unharmed="No task was made.",
            )
    if not memsync_home:
        return executable, "daemon"
    return (
        r"%SystemRoot%\System32\cmd.exe",
        f'/d /s /c "set "MEMSYNC_HOME={memsync_home}"&& "{executable}" daemon"',
    )


def last_result(listed: str) -> str:
    """The result code in what `/Query /V /FO CSV /NH` prints, empty where there is none."""
    row = next(csv.reader(listed.strip().splitlines()), [])
    return row[_RESULT_COLUMN] if len(row) > _RESULT_COLUMN else ""
