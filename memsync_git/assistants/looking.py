"""Looking at what assistants on this machine are told, and at what their servers left in npx's cache.

Rule 1: only small regular files are read; what cannot be read is passed over, for it is not ours to judge.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from memsync_git.assistants.servers import OFFICIAL, MemoryServer, memory_servers, projects
from memsync_git.assistants.table import ASSISTANTS, PROJECT, Assistant, Folders

MOST_BYTES = 16 << 20
"""Claude Code keeps its history beside its servers; a configuration larger than that is something else."""
MOST_PROJECTS = 200
NPX = "_npx"
FILES = ("memory.jsonl", "memory.json")
"""What the official server writes into its own package, the newer name first (facts 1.2)."""


def found_servers(folders: Folders) -> list[MemoryServer]:
    """Every memory server that an assistant of this account is told to start."""
    return [server for assistant, file in _files(folders) for server in _servers(assistant, file)]


def _files(folders: Folders) -> Iterator[tuple[Assistant, Path]]:
    for assistant in ASSISTANTS:
        file = folders.file_of(assistant)
        yield assistant, file
        if assistant.name == PROJECT.name:
            known = projects(text_of(file) or "")[:MOST_PROJECTS]
            yield from ((PROJECT, folder / PROJECT.file) for folder in known)


def _servers(assistant: Assistant, file: Path) -> list[MemoryServer]:
    text = text_of(file)
    return [] if text is None else memory_servers(assistant, file, text)


def text_of(file: Path) -> str | None:
    """A configuration as text; None where there is none that can be read."""
    with suppress(OSError, UnicodeDecodeError):
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES:
                with open(fd, "rb", closefd=False) as stream:
                    return stream.read(MOST_BYTES).decode("utf-8")
        finally:
            os.close(fd)
    return None


# --- npx


def packages(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """The official server wherever npx has unpacked it."""
    cache = environment.get("npm_config_cache") or environment.get("NPM_CONFIG_CACHE") or home / ".npm"
    return sorted(Path(cache).glob(f"{NPX}/*/node_modules/{OFFICIAL}"))


def files_in(package: Path) -> list[Path]:
    """The memory files that a server wrote into its own package; an empty one says nothing."""
    return [path for name in FILES if _says_something(path := package / "dist" / name)]


def _says_something(path: Path) -> bool:
    with suppress(OSError):
        status = path.stat()
        return stat.S_ISREG(status.st_mode) and status.st_size > 0
    return False


def version_of(package: Path) -> str:
    """The version of an unpacked package, empty where it does not say."""
    with suppress(ValueError):
        said = json.loads(text_of(package / "package.json") or "{}")
        version = said.get("version") if isinstance(said, dict) else None
        return version if isinstance(version, str) else ""
    return ""
