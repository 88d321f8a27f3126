"""Running git: the only place that calls GitPython, which starts the processes.

Rule 1: every call carries the settings of the trust page, section 5, so no configuration, hook,
attribute or environment variable of this machine or of a peer changes what git does for us.
Rule 2: every call ends. At its deadline the client gets TERM, 2 s later the whole group gets KILL:
killing the group at once leaves locks in a hub on the same disk (next push failed 6 of 150).
Rule 3: nothing is judged here. A code, bytes and a redacted message go back to the caller.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import BinaryIO, cast

from memsync_git.errors import Misused
from memsync_git.redaction import redacted
from memsync_git.values import dataclass

GRACE_S = 2.0
"""Between TERM for the client and KILL for its group: a hub on the same disk finishes by itself."""
LOCAL_DEADLINE_S = 60.0
"""For commands that touch only the clone."""
PIPE_BYTES = 1 << 20
"""Between git and a conversation with it: a few shards, and what Linux allows everybody (pipe(7))."""
MAX_MESSAGE_CHARS = 4000
"""Of git's stderr, which a peer can fill through `remote:` lines."""

_LOOK_S = 0.02
_running: set[subprocess.Popen[bytes]] = set()

_PINS = (
    "core.fsync=all",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.symlinks=false",
    "core.autocrlf=false",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "protocol.ext.allow=never",
    "transfer.fsckObjects=true",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "push.gpgSign=false",
    "gc.auto=0",
    "gc.packRefs=false",
    "maintenance.auto=false",
    "credential.interactive=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=20",
)
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "GIT_NAMESPACE": "",
}


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended. `err` is git's stderr, redacted and cut; `out` is exact."""

    code: int
    out: bytes
    err: str
    timed_out: bool = False


def run(
    argv: Sequence[str],
    *,
    git_dir: Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    deadline_s: float = LOCAL_DEADLINE_S,
) -> Ran:
    """Run `git ARGV` on a repository and wait for it, at most `deadline_s` + 2 seconds.

    Raises `Misused` when there is no git to run.
    """
    return _waited(_git(argv, git_dir, env or {}), stdin, deadline_s)


def run_beside(argv: Sequence[str], *, folder: Path, deadline_s: float) -> Ran:
    """Run another program that git uses, such as ssh, by the same rules."""
    return _waited(_start(argv, folder, {"LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}), b"", deadline_s)


def _waited(child: subprocess.Popen[bytes], stdin: bytes, deadline_s: float) -> Ran:
    _running.add(child)
    try:
        out, err = child.communicate(stdin, timeout=deadline_s)
    except subprocess.TimeoutExpired:
        out, err = _ended(child)
        return Ran(child.returncode, out, _message(err), timed_out=True)
    except BaseException:
        _ended(child)
        raise
    finally:
        _running.discard(child)
    return Ran(child.returncode, out, _message(err))


def end_running() -> None:
    """End the commands that other threads of this process are waiting for, as at their deadline.

    They return as if the remote had gone away.
    """
    children = list(_running)
    for child in children:
        child.terminate()
    until_s = time.monotonic() + GRACE_S
    while any(child.returncode is None for child in children) and time.monotonic() < until_s:
        time.sleep(_LOOK_S)
    for child in children:
        _kill_group(child.pid)


@contextmanager
def conversation(
    argv: Sequence[str],
    *,
    git_dir: Path,
    env: Mapping[str, str] | None = None,
    deadline_s: float = LOCAL_DEADLINE_S,
) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The stdin and stdout of `git ARGV`, which runs until the block is left or the deadline comes."""
    child = _git(argv, git_dir, env or {})
    _widened(cast("BinaryIO", child.stdout))
    overdue = Timer(deadline_s, child.kill)
    overdue.daemon = True
    overdue.start()
    try:
        yield cast("BinaryIO", child.stdin), cast("BinaryIO", child.stdout)
    finally:
        overdue.cancel()
        child.kill()
        with contextlib.suppress(OSError):
            child.communicate()


def _widened(pipe: BinaryIO) -> None:
    """Let git go on while what it has said is looked at, where pipes can be made wider."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _git(argv: Sequence[str], git_dir: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    pins = [word for pin in _PINS for word in ("-c", pin)]
    return _start(["git", *pins, *argv], git_dir.parent, {**_ENVIRONMENT, **_repository(git_dir), **env})


def _start(words: Sequence[str], folder: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git.cmd import Git
    from git.exc import GitCommandNotFound

    try:
        process = Git(folder).execute(
            list(words),
            istream=cast("BinaryIO", subprocess.PIPE),
            as_process=True,
            env=dict(env),
            start_new_session=True,
        )
    except GitCommandNotFound as error:
        raise Misused("git was not found on this machine", hint="Install git 2.36 or newer") from error
    child, process.proc = process.proc, None  # else GitPython's finaliser ends it before we do
    return cast("subprocess.Popen[bytes]", child)


def _repository(git_dir: Path) -> Mapping[str, str]:
    """Which repository is meant, whatever a surrounding git hook has exported."""
    return {"GIT_DIR": str(git_dir), "GIT_OBJECT_DIRECTORY": str(git_dir / "objects")}


def _ended(child: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    child.terminate()
    try:
        out, err = child.communicate(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        _kill_group(child.pid)
        return child.communicate()
    _kill_group(child.pid)
    return out, err


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _message(err: bytes) -> str:
    """What is shown is cut after the redaction: half an address would not be known for one."""
    said = redacted(err[: 2 * MAX_MESSAGE_CHARS].decode(errors="replace"))
    return said[:MAX_MESSAGE_CHARS].strip()
