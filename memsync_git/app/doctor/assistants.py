"""Checks of the assistants on this machine: which file they use, by which server, and how many at once.

Rule 1: where somebody works, and which files are named there, are details that stay on this machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from memsync_git.app.assistants import Surroundings, bring_in
from memsync_git.app.doctor.case import Broken, Case
from memsync_git.app.doctor.finding import FIX, Finding, counted, fail, listed, ok, warn
from memsync_git.app.serving import daemon_part
from memsync_git.assistants.servers import OFFICIAL, VARIABLE, MemoryServer

IN_PACKAGE = "keeps its memory in the server's own package: not synchronised, and npx may delete it"
PIN = f'name one in each configuration: "{OFFICIAL}@VERSION"'


def memory_file(case: Case) -> Finding:
    """Whether the assistants that are configured here use a synchronised file."""
    found, file = case.surroundings, case.path
    astray = found.astray()
    if astray:
        return fail(
            f"{_names(astray)} {IN_PACKAGE}",
            f"{FIX}  takes that memory in and sets {VARIABLE} there to {file}",
            details=listed([*_projects(astray), *map(str, found.left)]),
            mend=lambda: bring_in(case.rooms, found),
        )
    for server in found.shared():
        told = f"{server.assistant.name} {IN_PACKAGE}"
        cure = f"claude mcp add --scope local with {VARIABLE}={file} in that project"
        return warn(told, cure, details=listed(_projects([server])))
    for server, kept in found.contained():
        volume = f"the volume {kept.volume}" if kept.volume else "its container, and is gone with it"
        cure = f"mount {file.parent} into the container and set {VARIABLE} to the file in it"
        return warn(f"{server.assistant.name} keeps its memory in {volume}", cure)
    files = [store.path for store in case.rooms.configuration.stores]
    for server, path in found.elsewhere(files, Path.home()):
        told = f"{server.assistant.name} uses a file that is not synchronised"
        cure = f"memsync-git import that file, then set {VARIABLE} in {server.assistant.name} to {file}"
        return warn(told, cure, details=listed([*_projects([server]), str(path)]))
    return ok(_used_by(found, file))


def _used_by(found: Surroundings, file: Path) -> str:
    if not found.servers:
        return f"no assistant here has a memory server; one would need {VARIABLE}={file}"
    return f"used by {_names(found.servers)}"


def _names(servers: Iterable[MemoryServer]) -> str:
    return listed(dict.fromkeys(server.assistant.name for server in servers))


def _projects(servers: Iterable[MemoryServer]) -> list[str]:
    """The folders that servers are for, where they are not for all."""
    return [server.project for server in servers if server.project]


def versions(case: Case) -> Finding:
    """Whether one version of the memory server is in use."""
    found = case.surroundings.versions
    if len(found) < 2:
        return ok(f"version {found[0]}" if found else "none that is pinned or unpacked")
    return warn(f"Several versions of the memory server are in use: {listed(found)}", PIN)


def writers(case: Case) -> Finding:
    """Whether several processes write the file, which overwrite each other now and then."""
    found = case.surroundings.writers
    if len(found) < 2:
        return ok(f"process {found[0]}" if found else "none running, as far as can be told")
    told = f"{counted(len(found), 'process', 'processes')} ({listed(map(str, found))}) write the file"
    if not isinstance(case.identity, Broken) and daemon_part(case.rooms)["running"]:
        return ok(f"{told}; the daemon puts back what one overwrites of the other")
    return warn(
        f"{told} and overwrite each other's newest notes; only a daemon sees that in time",
        "memsync-git service install",
    )
