"""The memory servers that a configuration names, and where each keeps its memory. Pure.

Rule 1: a server is a memory server if its command or an argument names a package we know.
Rule 2: the file is the one the server itself would use: MEMORY_FILE_PATH or `--memory-path`, else a file of
its own package, which is gone when the package is replaced; a relative path is relative to that package.
Source: @modelcontextprotocol/server-memory 2026.8.31, `dist/index.js`; mcp-knowledge-graph 1.4.0.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from memsync_git.assistants import jsonc
from memsync_git.assistants.table import ANY, PROJECT, Assistant, Keys
from memsync_git.values import dataclass

VARIABLE = "MEMORY_FILE_PATH"
OPTION = "--memory-path"
OFFICIAL = "@modelcontextprotocol/server-memory"
PACKAGES = (OFFICIAL, "mcp-knowledge-graph", "@itseasy21/mcp-knowledge-graph", "@danielsimonjr/memory-mcp")
IMAGE = "mcp/memory"
_HOME = re.compile(r"^\$\{(?:env:)?(?:HOME|userHome|USERPROFILE)\}")
_PINNED = re.compile(r"@?[^@]+@(\d[\w.+-]*)")
_VOLUME = re.compile(r"(?:.*\b(?:src|source)=)?([A-Za-z0-9][\w.-]*)[:,].*")


@dataclass(frozen=True, slots=True)
class Stable:
    """The file that a configuration names."""

    path: Path


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A file of the server's own package: nobody named one, or only a relative path."""


@dataclass(frozen=True, slots=True)
class Contained:
    """Inside a container; `volume` is empty where nothing outside keeps it."""

    volume: str


Keeps = Stable | Unnamed | Contained


@dataclass(frozen=True, slots=True)
class MemoryServer:
    """A memory server as one configuration starts it.

    keys: where its table stands in the file. version: the pinned one, empty for whatever is newest.
    """

    assistant: Assistant
    file: Path
    keys: Keys
    package: str
    version: str
    keeps: Keeps

    @property
    def is_shared(self) -> bool:
        """Whether others read the same configuration, so that no path of this machine belongs into it."""
        return self.assistant is PROJECT

    @property
    def project(self) -> str:
        """The folder it is for, empty if it is for all."""
        return str(self.file.parent) if self.is_shared else self.keys[1] if len(self.keys) > 3 else ""

    @property
    def told(self) -> str:
        """What people call it."""
        return f"{self.assistant.name} in {self.project}" if self.project else self.assistant.name


def memory_servers(assistant: Assistant, file: Path, text: str) -> list[MemoryServer]:
    """The memory servers a configuration names; none where it cannot be read."""
    said = _said(assistant, text)
    found = ((keys, value) for root in assistant.roots for keys, value in _below(said, root, ()))
    servers = (
        _server(assistant, file, (*keys, name), table)
        for keys, value in found
        for name, table in _tables(value)
    )
    return [server for server in servers if server is not None]


def projects(text: str) -> list[Path]:
    """The folders in which Claude Code has worked."""
    said = _said_json(text)
    found = said.get("projects") if isinstance(said, dict) else None
    return [Path(folder) for folder in found] if isinstance(found, dict) else []


def _said(assistant: Assistant, text: str) -> object:
    if assistant.syntax == "json":
        return _said_json(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _said_json(text: str) -> object:
    try:
        return jsonc.parse(text).value()
    except jsonc.NotJsonc:
        return {}


def _below(said: object, keys: Keys, walked: Keys) -> Iterator[tuple[Keys, object]]:
    """Everything at some keys, with the keys as they really are."""
    if not keys:
        yield walked, said
    elif isinstance(said, dict):
        for name in said if keys[0] == ANY else [keys[0]]:
            if name in said:
                yield from _below(said[name], keys[1:], (*walked, name))


def _tables(value: object) -> Iterator[tuple[str, dict[str, object]]]:
    for name, table in value.items() if isinstance(value, dict) else ():
        if isinstance(table, dict):
            yield str(name), table


def _server(assistant: Assistant, file: Path, keys: Keys, table: dict[str, object]) -> MemoryServer | None:
    words = [*_texts([table.get("command")]), *_texts(table.get("args"))]
    package, word = next(((package, word) for word in words if (package := _package(word))), ("", ""))
    if not package:
        return None
    env = table.get("env")
    named = env.get(VARIABLE) if isinstance(env, dict) else None
    keeps = _contained(words) if package == IMAGE else _keeps(named, words)
    pinned = _PINNED.fullmatch(word)
    return MemoryServer(assistant, file, keys, package, pinned[1] if pinned else "", keeps)


def _texts(value: object) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _package(word: str) -> str:
    """The package a word names: alone, with a version, or as a path into it."""
    if word == IMAGE or word.startswith(f"{IMAGE}:"):
        return IMAGE
    for package in PACKAGES:
        if word == package or word.startswith(f"{package}@") or f"/node_modules/{package}/" in word:
            return package
    return "mcp-server-memory" if Path(word).name == "mcp-server-memory" else ""


def _keeps(named: object, words: list[str]) -> Keeps:
    if not isinstance(named, str) or not named:
        named = next((after for word, after in pairwise(words) if word == OPTION), "")
    path = Path(named)
    return Stable(path) if path.is_absolute() or named.startswith("${") else Unnamed()


def spelt_out(path: Path, home: Path) -> Path:
    """A path with the variable for the home folder replaced, as assistants do it."""
    return Path(_HOME.sub(lambda _: str(home), str(path)))


def _contained(words: list[str]) -> Contained:
    mounts = [after for word, after in pairwise(words) if word in ("-v", "--volume", "--mount")]
    mounts += [word.partition("=")[2] for word in words if word.startswith(("--volume=", "--mount="))]
    found = (_VOLUME.fullmatch(mount) for mount in mounts)
    return Contained(next((match[1] for match in found if match), ""))
