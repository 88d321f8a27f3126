"""Which memory file the assistants of this machine really use, and bringing them to the synchronised one.

Rule 1: a file of the server's own package is never the right one: npx throws it away with the package.
Rule 2: what stands in such a file is taken in before the configuration changes, and stays where it is.
Rule 3: a file that somebody named on purpose is told about, never changed; nor is a container's volume, nor
a configuration that others read too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.app.telling import notice
from memsync_git.assistants.looking import files_in, found_servers, packages, version_of
from memsync_git.assistants.processes import writers_of
from memsync_git.assistants.servers import OFFICIAL, Contained, MemoryServer, Stable, Unnamed, spelt_out
from memsync_git.assistants.table import Folders
from memsync_git.documents import NoticePart
from memsync_git.values import dataclass

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms

FIX = "memsync-git doctor --fix"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found around a memory file.

    left: memory files in packages of the server. versions: of the packages and those that are pinned.
    writers: processes that hold or would write the file.
    """

    servers: tuple[MemoryServer, ...]
    left: tuple[Path, ...]
    versions: tuple[str, ...]
    writers: tuple[int, ...]

    def astray(self) -> list[MemoryServer]:
        """Servers that nobody told a file, and that can be told one."""
        return [each for each in self._unnamed() if not each.is_shared]

    def shared(self) -> list[MemoryServer]:
        """Servers that nobody told a file, in a configuration that others read too."""
        return [each for each in self._unnamed() if each.is_shared]

    def _unnamed(self) -> list[MemoryServer]:
        return [each for each in self.servers if isinstance(each.keeps, Unnamed)]

    def contained(self) -> list[tuple[MemoryServer, Contained]]:
        """Servers in containers."""
        return [(each, each.keeps) for each in self.servers if isinstance(each.keeps, Contained)]

    def elsewhere(self, files: Sequence[Path], home: Path) -> list[tuple[MemoryServer, Path]]:
        """Servers that were told another file than the synchronised ones."""
        told = [
            (each, spelt_out(each.keeps.path, home))
            for each in self.servers
            if isinstance(each.keeps, Stable)
        ]
        ours = {os.path.realpath(path) for path in files}
        return [(server, path) for server, path in told if os.path.realpath(path) not in ours]


def surroundings(file: Path) -> Surroundings:
    """Look around."""
    servers = _servers()
    unpacked = packages(Path.home(), os.environ)
    pinned = [server.version for server in servers if server.package == OFFICIAL]
    known = {version for version in (*pinned, *map(version_of, unpacked)) if version}
    return Surroundings(
        tuple(servers),
        tuple(path for package in unpacked for path in files_in(package)),
        tuple(sorted(known)),
        tuple(writers_of(file)),
    )


def _servers() -> list[MemoryServer]:
    return found_servers(Folders.of(Path.home(), os.environ, sys.platform))


def bring_in(rooms: Rooms, found: Surroundings) -> str:
    """Take in what lies in packages, then tell every server astray the synchronised file; what was done.

    The caller holds the lock of the round.

    Raises:
        Misused: a file cannot be read, or a configuration cannot be changed; what was done before stays.
    """
    from memsync_git.app.moving import import_under_lock
    from memsync_git.assistants.writing import point

    done = []
    for path in found.left:
        counts = import_under_lock(rooms, str(path))["imported"]
        done.append(f"took in {counts['added']} items from {path}, which stays where it is")
    for _, group in groupby(found.astray(), key=lambda server: server.file):
        servers = list(group)
        kept = point(servers, rooms.store.path)
        names = ", ".join(server.told for server in servers)
        done.append(f"{names} uses {rooms.store.path} after a restart; {kept} is its configuration as it was")
    return "; ".join(done)


def astray_notices(rooms: Rooms) -> list[NoticePart]:
    """What `init` says about assistants that were not told the memory file."""
    found = Surroundings(tuple(_servers()), (), (), ()).astray()
    if not found:
        return []
    names = ", ".join(dict.fromkeys(server.told for server in found))
    return [
        notice(
            f"{names} does not use this memory file yet: nobody told its memory server a file.",
            hint=f"{FIX}  takes in what it has noted and tells it {rooms.store.path}",
        )
    ]
