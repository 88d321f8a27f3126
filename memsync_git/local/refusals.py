"""What to tell a person when the memory file cannot be used.

Rule 1: a sentence names the path and what stands in the way; the hint is the next thing to do.
Rule 2: nothing here looks at the disk; an error number or a mode goes in, a sentence comes out.
"""

from __future__ import annotations

import errno
import stat

from memsync_git.ports import Unusable

_MIB = 1024 * 1024

_MOUNTED = (
    "{path} is a mount point, so it cannot be replaced in one step",
    "Mount the directory that holds it instead of the single file",
)

_BY_ERRNO: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("The disk that holds {path} is full", "Free some space there, then run memsync-git sync"),
    errno.EDQUOT: ("Your disk quota for {path} is used up", "Free some space, then run memsync-git sync"),
    errno.EFBIG: ("{path} would exceed the largest file this process may write", "Raise ulimit -f"),
    errno.EROFS: ("{path} lies on a read-only file system", "Mount it writable or move the memory file"),
    errno.EACCES: (
        "This account has no permission for {path}",
        "Look at the owner and mode: ls -ld {path} and its directory",
    ),
    errno.EPERM: (
        "{path} may not be changed: it is immutable, or its file system can neither exchange nor link",
        "Look at its attributes, lsattr -d {path} and its directory, or move the memory file",
    ),
    errno.EBUSY: _MOUNTED,
    errno.EXDEV: _MOUNTED,
    errno.ENOENT: ("The directory of {path} does not exist", "Create it: mkdir -p -m 700 DIRECTORY"),
    errno.ENOTDIR: (
        "A part of {path} that should be a directory is a file",
        "Correct the path: memsync-git config edit",
    ),
    errno.ENAMETOOLONG: ("The name of {path} leaves no room for temporary names", "Use a shorter file name"),
}

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def failed(path: str, error: OSError) -> Unusable:
    """An operation on the file or beside it failed."""
    known = _BY_ERRNO.get(error.errno or 0)
    if known is None:
        return Unusable(f"{path} cannot be used: {error.strerror or error}", "memsync-git doctor")
    reason, hint = known
    return Unusable(reason.format(path=path), hint.format(path=path))


def linked(path: str) -> Unusable:
    """It is a symbolic link and links are not followed."""
    return Unusable(
        f"{path} is a symbolic link, which the memory server replaces by a file of its own",
        "Name the target itself, or set follow_symlink = true for this store",
    )


def unlinked(path: str, target: str) -> Unusable:
    """It was a followed link and is one no more, so the two files have parted."""
    return Unusable(
        f"{path} no longer leads to {target}: something has replaced the link, as the memory server does",
        "Join the two files, then name the one in use: memsync-git config edit",
    )


def irregular(path: str, mode: int) -> Unusable:
    """Something other than a regular file stands there."""
    kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "something unknown")
    return Unusable(f"{path} is {kind}, not a regular file", "Move it away or name another memory file")


def too_large(path: str, size: int, max_bytes: int) -> Unusable:
    """The file, or what would be written to it, is beyond the limit (formats page, section 1)."""
    return Unusable(
        f"{path} has {size / _MIB:.1f} MiB, more than the limit of {max_bytes / _MIB:g} MiB",
        "If that is meant, raise guards.max_file_mib: memsync-git config set guards.max_file_mib 128",
    )


def foreign_owner(path: str, owner: int) -> Unusable:
    """The file belongs to another account."""
    return Unusable(
        f"{path} belongs to user id {owner}, not to the account memsync-git runs under",
        "Run memsync-git as its owner, or change the owner with chown",
    )


def open_directory(directory: str, mode: int) -> Unusable:
    """Others can put files in place of ours."""
    return Unusable(
        f"{directory} belongs to another account and others may write in it (mode {stat.S_IMODE(mode):04o})",
        "Keep the memory file in a directory of your own, mode 0700",
    )


def put_aside(path: str, aside: str, why: Unusable) -> Unusable:
    """What was displaced cannot be read; it was kept."""
    return Unusable(f"{why.reason}. It appeared at {path} during a sync and now stands at {aside}", why.hint)
