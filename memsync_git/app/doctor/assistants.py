"""Checks of the assistants on this machine: which file they use, by which server, and how many at once."""

from __future__ import annotations

from pathlib import Path

from memsync_git.app.assistants import Surroundings, bring_in
from memsync_git.app.doctor.case import Broken, Case
from memsync_git.app.doctor.finding import FIX, Finding, counted, fail, listed, ok, warn
from memsync_git.app.serving import daemon_part
from memsync_git.assistants.servers import OFFICIAL, VARIABLE

PIN = f'name one in each configuration: "{OFFICIAL}@VERSION"'


def memory_file(case: Case) -> Finding:
    """Whether the assistants that are configured here use a synchronised file."""
    found, file = case.surroundings, case.path
    astray = found.astray()
    if astray:
        names = listed(dict.fromkeys(server.told for server in astray))
        return fail(
            f"{names} keeps its memory in the server's own package: not synchronised, and npx may delete it",
            f"{FIX}  takes that memory in and sets {VARIABLE} there to {file}",
            details=listed(map(str, found.left)),
            mend=lambda: bring_in(case.rooms, found),
        )
    for server in found.shared():
        cure = f"claude mcp add --scope local with {VARIABLE}={file}, or name a file in {server.file}"
        return warn(f"{server.told} keeps its memory in the server's own package", cure)
    for server, kept in found.contained():
        volume = f"the volume {kept.volume}" if kept.volume else "its container, and is gone with it"
        cure = f"mount {file.parent} into the container and set {VARIABLE} in {server.file}"
        return warn(f"{server.told} keeps its memory in {volume}", cure)
    files = [store.path for store in case.rooms.configuration.stores]
    for server, path in found.elsewhere(files, Path.home()):
        cure = f"set {VARIABLE} in {server.file} to {file}, after memsync-git import of what stands there"
        return warn(f"{server.told} uses {path}, which is not synchronised", cure)
    return ok(_used_by(found, file))


def _used_by(found: Surroundings, file: Path) -> str:
    if not found.servers:
        return f"no assistant here has a memory server; one would need {VARIABLE}={file}"
    return f"used by {listed(dict.fromkeys(server.told for server in found.servers))}"


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
