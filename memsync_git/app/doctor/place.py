"""Checks of where things lie: links, file systems, what crashes left behind, modes and owners."""

from __future__ import annotations

import os
import re
import shlex
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from memsync_git.app.doctor.case import Case
from memsync_git.app.doctor.finding import FIX, Finding, counted, fail, listed, ok, warn
from memsync_git.app.doctor.mending import keep_leftovers, sweep_file, tighten
from memsync_git.local.disk import PRIVATE_DIRECTORY, PRIVATE_FILE
from memsync_git.local.names import parsed

MOUNTS = Path("/proc/self/mounts")
NETWORK_FILE_SYSTEMS = frozenset(
    [
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
    ]
)
SERVER_TEMPORARY = r"\.[0-9a-f]{32}\.tmp"
"""Behind the file's name: what server 2026.8.31 writes and then renames (facts 1.2)."""
ABANDONED_AFTER_S = 60


def links(case: Case) -> Finding:
    """A second name of the file goes stale at the next replacement."""
    path = case.path
    quoted = shlex.quote(str(path))
    if path.is_symlink():
        target = path.resolve()
        cure = f"memsync-git config set stores.{case.rooms.store.name}.file {shlex.quote(str(target))}"
        told = f"{path} is a symbolic link to {target}; the memory server replaces a link by a file"
        return warn(told, cure) if case.rooms.store.follow_symlink else fail(told, cure)
    with suppress(OSError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
            return warn(
                f"{path} has {status.st_nlink} names; the others keep the old contents when it is replaced",
                f"find / -xdev -samefile {quoted}  lists them",
            )
    return ok("one name, no link")


def file_system(case: Case) -> Finding:
    """Locks and exchanges are not to be trusted over a network."""
    kinds = {place: kind_of_file_system(place) for place in (case.path.parent, case.rooms.places.state)}
    remote = {str(place): kind for place, kind in kinds.items() if kind in NETWORK_FILE_SYSTEMS}
    if not remote:
        return ok(", ".join(sorted(set(kinds.values()))))
    place, kind = next(iter(remote.items()))
    return warn(
        f"{place} lies on a network file system ({kind}), where two machines can write at once",
        "move it to a local disk and name the new place: memsync-git config edit",
    )


def kind_of_file_system(place: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system a place lies on, "unknown" where the system does not say."""
    try:
        lines = mounts.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return "unknown"
    real = Path(os.path.realpath(place))
    best, kind = -1, "unknown"
    for line in lines:
        fields = line.split(" ")
        point = Path(_unescaped(fields[1])) if len(fields) > 2 else None
        if point is not None and real.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind


def _unescaped(text: str) -> str:
    """A path of the mount table: blanks, tabs, line ends and backslashes stand there in octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def leftovers(case: Case) -> Finding:
    """Versions a crash of ours left beside the file: they are read before they are swept."""
    now_ms = case.clock.wall_ms()
    mine = (parsed(case.path.name, entry) for entry in _beside(case))
    left = [name.text for name in mine if name is not None and name.is_abandoned(now_ms)]
    if not left:
        return ok("none")
    told = f"{counted(len(left), 'file', 'files')} of an interrupted sync beside the memory file"
    return warn(told, "memsync-git sync  reads and sweeps them", mend=lambda: sweep_file(case.rooms))


def server_leftovers(case: Case) -> Finding:
    """Versions a killed memory server never renamed into place: kept, but out of the way."""
    shape = re.compile(re.escape(case.path.name) + SERVER_TEMPORARY)
    found = [case.path.with_name(entry) for entry in _beside(case) if shape.fullmatch(entry)]
    old = [path for path in found if _age_s(path) > ABANDONED_AFTER_S]
    if not old:
        return ok("none")
    told = f"{counted(len(old), 'file', 'files')} that a memory server did not finish"
    return warn(told, f"{FIX}  moves them to quarantine", mend=lambda: keep_leftovers(case.rooms, old))


def _beside(case: Case) -> list[str]:
    with suppress(OSError):
        return [entry.name for entry in os.scandir(case.path.parent)]
    return []


def _age_s(path: Path) -> float:
    with suppress(OSError):
        return abs(time.time() - path.lstat().st_mtime)
    return 0


# --- modes and owners


def modes(case: Case) -> Finding:
    """Everything that holds memories is for this account alone."""
    open_ones = [(path, mode) for path, mode in private(case) if _mode(path) & ~mode & 0o7777]
    if not open_ones:
        return ok("for this account alone")
    told = listed(f"{path} ({_mode(path):04o})" for path, _ in open_ones)
    return warn(f"Others may look at {told}", FIX, mend=lambda: tighten(open_ones))


def owners(case: Case) -> Finding:
    """Everything belongs to the account that runs this."""
    account = os.geteuid()
    foreign = [str(path) for path, _ in private(case) if path.lstat().st_uid != account]
    if not foreign:
        return ok("this account")
    quoted = " ".join(map(shlex.quote, foreign))
    return fail(f"Another account owns {listed(foreign)}", f"sudo chown {account} {quoted}")


def writable(case: Case) -> Finding:
    """Whether this account may write where it has to."""
    places = case.rooms.places
    folders = [case.path.parent, places.state, places.config.parent, places.clone]
    closed = [str(each) for each in folders if each.is_dir() and not os.access(each, os.W_OK | os.X_OK)]
    if closed:
        quoted = " ".join(map(shlex.quote, closed))
        return fail(f"This account may not write in {listed(closed)}", f"ls -ld {quoted}")
    return ok("this account may write")


def private(case: Case) -> Iterator[tuple[Path, int]]:
    """What memories lie in, as far as it is there, with the mode each should have."""
    places, store = case.rooms.places, case.rooms.places.store(case.rooms.store.name)
    files = [case.path, places.config, places.identity, store, places.log]
    files += [
        path.with_name(path.name + log) for path in (places.identity, store) for log in ("-wal", "-shm")
    ]
    folders = [places.state, store.parent, case.rooms.quarantine().folder, places.clone, places.hub]
    if case.path == places.memory_file:
        folders.append(case.path.parent)
    for path in files:
        if _is(path, stat.S_ISREG):
            yield path, PRIVATE_FILE
    for folder in folders:
        if _is(folder, stat.S_ISDIR):
            yield folder, PRIVATE_DIRECTORY


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    with suppress(OSError):
        return kind(path.lstat().st_mode)
    return False


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)
