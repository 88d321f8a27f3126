"""Reaching a hub over ssh: never asking, always ending, and over one connection for many calls.

Rule 1: the ssh of the person is used as it is: their command, keys, jump hosts, known hosts. Where they keep
connections themselves (`ControlMaster`, `ControlPath`), nothing is added.
Rule 2: a connection is opened to be kept only for a caller who closes it (the daemon). Everybody else of this
account rides on it while it is there and leaves nothing behind.
Rule 3: its socket lies in a folder only this account may enter; where there is none, nothing is kept.
Rule 4: a kept connection ends by itself: a dead line is noticed after 15 seconds, an idle one is closed after
three minutes, and one over which a call did not end in time is not used again.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import stat
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path

from memsync_git.remotes import _git
from memsync_git.remotes.url import RemoteUrl

OPTIONS = "-oBatchMode=yes -oConnectTimeout=10 -oServerAliveInterval=5 -oServerAliveCountMax=3"
KEPT_IDLE_S = 180
"""Longer than the longest default pause between two polls (60 s), so that a daemon at rest keeps its line."""
ASKING_S = 5.0
"""For `ssh -G` and `ssh -O`, which contact nobody; a `Match exec` of the person may hang."""
MAX_SOCKET_CHARS = 104 - 1 - 17 - 5
"""The shortest `sun_path` (macOS, BSD), its final zero, the suffix ssh makes a socket under, and ours."""

_given_up: set[Path] = set()
"""Sockets of connections that did not answer, for the length of this process."""


def environment(url: RemoteUrl, git_dir: Path, *, is_first: bool, keeps: bool) -> dict[str, str]:
    """What git needs to reach `url`. `is_first`: an unknown host key is taken on trust, nothing is kept."""
    command = _command(git_dir)
    if not command:
        return {}
    if is_first:
        return {"GIT_SSH_COMMAND": f"{command} {OPTIONS} -oStrictHostKeyChecking=accept-new"}
    return {"GIT_SSH_COMMAND": f"{command} {OPTIONS}{_sharing(command, url, git_dir, keeps=keeps)}"}


def _sharing(command: str, url: RemoteUrl, git_dir: Path, *, keeps: bool) -> str:
    """The options that use the kept connection, and make it where it is to be kept."""
    path = socket_of(url, git_dir)
    if path is None or not (keeps or path.exists()):
        return ""
    if not _is_ours_to_keep(command, _destination(url), git_dir):
        return ""
    how = f"-oControlMaster=auto -oControlPersist={KEPT_IDLE_S}" if keeps else "-oControlMaster=no"
    return f" {how} {shlex.quote(_control_path(path))}"


def _control_path(path: Path) -> str:
    return f"-oControlPath={str(path).replace('%', '%%')}"


@cache
def _command(git_dir: Path) -> str:
    """The ssh the person uses; ssh takes the first value of an option, so theirs stand. Empty: leave it."""
    if "GIT_SSH_COMMAND" in os.environ:
        return os.environ["GIT_SSH_COMMAND"]
    if "GIT_SSH" in os.environ:
        return ""
    configured = _git.run(["config", "--get", "core.sshCommand"], git_dir=git_dir).out
    return configured.decode(errors="replace").strip() or "ssh"


# --- the kept connection


def socket_of(url: RemoteUrl, git_dir: Path) -> Path | None:
    """Where the kept connection to a hub is found, or would be; None where none can be kept."""
    command = _command(git_dir)
    if os.name != "posix" or not command:
        return None
    name = sha256("\0".join((command, *_destination(url))).encode()).hexdigest()[:12]
    for folder in _folders():
        if len(str(folder / name)) <= MAX_SOCKET_CHARS and _is_private(folder):
            return _standing(folder, name) or _fresh(folder, name)
    return None


def _standing(folder: Path, name: str) -> Path | None:
    """The socket of a connection that may be used."""
    found = (path for path in sorted(folder.glob(f"{name}.*")) if path.suffix[1:].isdigit())
    return next((path for path in found if path not in _given_up), None)


def _fresh(folder: Path, name: str) -> Path:
    """A place for a new one: never that of one that was given up, whose holder still removes it some day."""
    paths = (folder / f"{name}.{turn}" for turn in count())
    return next(path for path in paths if path not in _given_up)


def _destination(url: RemoteUrl) -> tuple[str, ...]:
    """The hub as ssh takes it."""
    where = f"{url.user}@{url.host}" if url.user else url.host
    return (where.replace("[", "").replace("]", ""),) if url.port is None else ("-p", str(url.port), where)


def _folders() -> Iterator[Path]:
    """Places for sockets, the best first."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        yield Path(runtime, "memsync-git")
    yield Path("/tmp", f"memsync-git-{os.getuid()}")  # noqa: S108 - its owner and mode are checked


def _is_private(folder: Path) -> bool:
    """Whether only this account may enter a folder, which is made if it is not there."""
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        there = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(there.st_mode) and there.st_uid == os.geteuid() and not there.st_mode & 0o077


def keeps_none(told: str) -> bool:
    """Whether `ssh -G` tells of a configuration that shares no connections. Pure."""
    settings = dict(re.findall(r"^(\S+) (.*)$", told, re.MULTILINE))
    return settings.get("controlmaster") in ("false", "no") and settings.get("controlpath", "none") == "none"


@cache
def _is_ours_to_keep(command: str, destination: tuple[str, ...], git_dir: Path) -> bool:
    """Whether this is an ssh that can keep connections, and is not told to by the person."""
    ran = _ssh(command, "-G", *destination, folder=git_dir.parent)
    return ran.code == 0 and keeps_none(ran.out.decode(errors="replace"))


def hang_up(url: RemoteUrl, git_dir: Path) -> None:
    """Close the kept connection to a hub, if there is one."""
    path = socket_of(url, git_dir)
    if path is None or not path.exists():
        return
    words = ("-O", "exit", _control_path(path), *_destination(url))
    ran = _ssh(_command(git_dir), *words, folder=git_dir.parent)
    if ran.code != 0:
        let_go(path)


def let_go(path: Path) -> None:
    """Use a connection no more: whoever holds the other end of it is left to end by itself."""
    _given_up.add(path)
    with contextlib.suppress(OSError):
        path.unlink()


def _ssh(command: str, *words: str, folder: Path) -> _git.Ran:
    """Run the person's ssh, which may be more than one word, as git runs it."""
    script = ["sh", "-c", f'exec {command} "$@"', command, *words]
    return _git.run_beside(script, folder=folder, deadline_s=ASKING_S)
