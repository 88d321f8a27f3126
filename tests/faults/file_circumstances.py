"""Child processes and bad circumstances for the memory file.

Where this account may not make the real thing (a mount, an immutable file), the kernel is made to give
the same answer by seccomp, so that no test is ever skipped.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import memsync_git

PROGRAMS = Path(__file__).parent / "programs"
WITH_PACKAGE = {**os.environ, "PYTHONPATH": str(Path(memsync_git.__file__).parents[1])}
NOBODY = 65534
IS_ROOT = os.geteuid() == 0

Circumstances = dict[str, Any]


def command_of(program: str, *arguments: object) -> list[str]:
    return [sys.executable, str(PROGRAMS / program), *map(str, arguments)]


def outcome_of(program: str, *arguments: object) -> Any:
    """Run one of the programs to its end; the JSON it wrote."""
    done = subprocess.run(
        command_of(program, *arguments), env=WITH_PACKAGE, check=True, capture_output=True, timeout=120
    )
    return json.loads(done.stdout)


def written_back(path: Path, **circumstances: Any) -> list[dict[str, Any]]:
    """The outcomes of read, prepare, write_witness and, if it got so far, exchange."""
    told = outcome_of("writing_back.py", json.dumps({"path": str(path), **circumstances}))
    assert isinstance(told, list)
    return told


@contextmanager
def mounted(directory: Path, options: str) -> Iterator[bool]:
    """A tmpfs on `directory`; False if this account may not mount."""
    directory.mkdir()
    with _undone(["mount", "-t", "tmpfs", "-o", options, "none", directory], ["umount", directory]) as worked:
        yield worked


def fill(path: Path) -> None:
    """Take all the room that is left on a disk."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"z" * 512):
            pass


@contextmanager
def bound(path: Path) -> Iterator[Circumstances]:
    """The single file is a mount point of its own, as in a container; or the kernel says it is."""
    busy = {"denied_later": dict.fromkeys(("renameat2", "linkat", "rename"), errno.EBUSY)}
    with _undone(["mount", "--bind", path, path], ["umount", path]) as worked:
        yield {} if worked else busy


@contextmanager
def immutable(path: Path) -> Iterator[Circumstances]:
    """Nobody, root included, may change `path`; or the kernel says so."""
    never = {"denied_later": dict.fromkeys(("renameat2", "linkat", "rename"), errno.EPERM)}
    with _undone(["chattr", "+i", path], ["chattr", "-i", path]) as worked:
        yield {} if worked else never


@contextmanager
def unwritable_directory() -> Iterator[tuple[Path, Circumstances]]:
    """A directory that an ordinary account may read and not write, and how to be that account."""
    directory = Path(tempfile.mkdtemp())
    (directory / "memory.json").write_bytes(b"old")
    if IS_ROOT:
        os.chown(directory / "memory.json", NOBODY, NOBODY)
        os.chown(directory, NOBODY, NOBODY)
    directory.chmod(0o500)
    try:
        yield directory, {"uid": NOBODY} if IS_ROOT else {}
    finally:
        directory.chmod(0o700)
        shutil.rmtree(directory)


@contextmanager
def _undone(do: list[Any], undo: list[Any]) -> Iterator[bool]:
    try:
        worked = subprocess.run(do, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        worked = False
    try:
        yield worked
    finally:
        if worked:
            subprocess.run(undo, check=True)
