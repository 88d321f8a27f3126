"""Telling an assistant which file its memory server should use.

Rule 1: one key is written; comments, order and layout stay.
Rule 2: the configuration as it was is kept beside it first; the new one comes into its place in one step,
with the mode of the old.
Rule 3: what changed since it was read, or is a link, is left alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from memsync_git.assistants import jsonc
from memsync_git.assistants.looking import text_of
from memsync_git.assistants.servers import VARIABLE, MemoryServer, Stable, memory_servers
from memsync_git.errors import Misused

BACKUP = ".before-memsync-git"


def pointed(server: MemoryServer, text: str, memory: Path) -> str:
    """The configuration with the file named for one server.

    Raises:
        Misused: it cannot be changed without losing something of it.
    """
    keys = (*server.keys, "env", VARIABLE)
    if server.assistant.syntax == "toml":
        return _in_toml(text, keys, str(memory), server)
    try:
        return jsonc.with_value(text, keys, str(memory))
    except jsonc.NotJsonc as error:
        raise _untouched(server, str(error)) from error


def _in_toml(text: str, keys: tuple[str, ...], value: str, server: MemoryServer) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        table = document
        for key in keys[:-1]:
            if key not in table:
                table[key] = tomlkit.table()
            table = table[key]
        table[keys[-1]] = value
        return tomlkit.dumps(document)
    except (TOMLKitError, TypeError, KeyError) as error:
        raise _untouched(server, str(error)) from error


def point(servers: Sequence[MemoryServer], memory: Path) -> Path:
    """Write the file's path for some servers of one configuration; return the copy of what stood there.

    Raises:
        Misused: it is a link, is gone, or cannot be written.
    """
    first = servers[0]
    text = text_of(first.file)
    if text is None or first.file.is_symlink():
        raise _untouched(first, "it is a link or cannot be read")
    fresh = text
    for server in servers:
        fresh = pointed(server, fresh, memory)
    after = {each.keys: each.keeps for each in memory_servers(first.assistant, first.file, fresh)}
    if any(after.get(server.keys) != Stable(memory) for server in servers):
        raise _untouched(first, "it would not say what it should")
    try:
        return _replaced(first.file, text, fresh)
    except OSError as error:
        raise _untouched(first, error.strerror or str(error)) from error


def _replaced(file: Path, text: str, fresh: str) -> Path:
    mode = stat.S_IMODE(file.stat().st_mode)
    kept = _free(file)
    _write(kept, text, mode)
    made = file.with_name(f".{file.name}.{uuid4().hex[:8]}.part")
    try:
        _write(made, fresh, mode)
        if text_of(file) != text:
            raise OSError("it was changed in this very moment")
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)
    return kept


def _free(file: Path) -> Path:
    """A name for the copy that nothing has yet."""
    names = (file.with_name(f"{file.name}{BACKUP}{'' if not n else f'-{n}'}") for n in range(1000))
    return next(name for name in names if not name.exists())


def _write(path: Path, text: str, mode: int) -> None:
    with path.open("x", encoding="utf-8", newline="") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _untouched(server: MemoryServer, reason: str) -> Misused:
    return Misused(
        f"{server.file} was not changed: {reason}",
        unharmed="It is as it was.",
        hint=f"set {VARIABLE} there yourself",
    )
