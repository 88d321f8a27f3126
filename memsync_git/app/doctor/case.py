"""What the checks of one run look at: each thing is asked once, when the first check needs it.

Rule 1: looking creates nothing but objects in the clone, which is a cache.
Rule 2: what cannot be looked at is a value: one broken thing never hides another.
Rule 3: the clone is touched only while the lock of the round is held (`is_alone`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.app.clocks import SystemChance, SystemClock
from memsync_git.app.history import LastRound
from memsync_git.app.installation import Identity
from memsync_git.app.opening import Rooms
from memsync_git.config import RemoteSettings
from memsync_git.errors import MemsyncError
from memsync_git.formats import VARIANTS, Decoded, TooLarge, decode
from memsync_git.ports import Fetched, FetchOutcome, PublishOutcome, Reading, Snapshot
from memsync_git.remotes.clone import Clone
from memsync_git.remotes.git import GitRemote
from memsync_git.remotes.trying import git_version, rehearse_push
from memsync_git.remotes.url import validate
from memsync_git.replica import Replica, rows
from memsync_git.stores.reading import SqliteReader
from memsync_git.sync import Session, World
from memsync_git.sync.recovering import newer_witness
from memsync_git.values import dataclass

if TYPE_CHECKING:
    from memsync_git.app.assistants import Surroundings
    from memsync_git.wire.witness import Witness

NOT_ALONE = "Another round is being run, so this was not looked at"


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that could not be read, and why."""

    error: MemsyncError

    @property
    def reason(self) -> str:
        return self.error.message


class Case:
    """One installation under examination. `executable`: what a service would call, empty if unknown."""

    def __init__(self, rooms: Rooms, *, executable: str = "", is_alone: bool = True) -> None:
        self.rooms = rooms
        self.executable = executable
        self.is_alone = is_alone
        self.clock = SystemClock()

    # --- this machine

    @cached_property
    def git(self) -> tuple[int, ...] | None:
        """The version of git, None where there is none."""
        return git_version()

    @cached_property
    def identity(self) -> Identity | Broken | None:
        """Who this is, None before `init`."""
        try:
            return self.rooms.identity()
        except MemsyncError as error:
            return Broken(error)

    @cached_property
    def last_round(self) -> LastRound | None:
        """The last round of any process."""
        if isinstance(self.identity, Broken):
            return None
        with self.rooms.reading() as installation:
            return installation.last_round()

    # --- the memory file

    @property
    def path(self) -> Path:
        return self.rooms.store.path

    @cached_property
    def reading(self) -> Reading:
        """The memory file as it stands."""
        return self.rooms.file().read()

    @property
    def data(self) -> bytes:
        """Its bytes; empty where it cannot be read."""
        return bytes(self.reading.data) if isinstance(self.reading, Snapshot) else b""

    @cached_property
    def decoded(self) -> Decoded | TooLarge:
        """What it says."""
        return decode(self.data, self.rooms.store.format, self.rooms.limits)

    @cached_property
    def surroundings(self) -> Surroundings:
        """The assistants of this machine, and what their servers left."""
        from memsync_git.app.assistants import surroundings

        return surroundings(self.path)

    # --- the replica store

    @cached_property
    def replica(self) -> Replica | Broken | None:
        """The replica, None where the store holds none."""
        try:
            reader = SqliteReader(self.rooms.places.store(self.rooms.store.name))
            try:
                found = rows.load(reader)
                if found is not None:
                    found.state.read_all()
            finally:
                reader.close()
        except MemsyncError as error:
            return Broken(error)
        if found is not None:
            found.share_by(self.rooms.rules, VARIANTS[self.rooms.store.format].projection)
        return found

    @cached_property
    def witness(self) -> Witness | None:
        """The witness beside the file, if it knows what the store lacks."""
        if not isinstance(self.replica, Replica):
            return None
        reader = SqliteReader(self.rooms.places.store(self.rooms.store.name))
        try:
            world = World(self.rooms.file(), reader, self.clock, SystemChance(), (), self.rooms.settings())
            return newer_witness(Session(world))
        finally:
            reader.close()

    # --- the clone and the remotes

    def clone(self, settings: RemoteSettings) -> Clone:
        """The clone, as it is used for one remote."""
        return Clone(
            self.rooms.places.clone,
            remote=settings.name,
            url=validate(settings.url),
            branch=settings.branch,
            timeout_s=settings.timeout_s,
        )

    @cached_property
    def remotes(self) -> Mapping[str, tuple[GitRemote, FetchOutcome]]:
        """Every remote with what one fetch found, by name; read whole, whatever was known."""
        if not self.is_alone:
            return {}
        opened = [(each.name, self.rooms.remote(each)) for each in self.rooms.configuration.remotes]
        return {name: (remote, remote.fetch()) for name, remote in opened}

    @property
    def fetched(self) -> Iterator[tuple[str, Fetched]]:
        """The remotes that answered."""
        for name, (_, outcome) in self.remotes.items():
            if isinstance(outcome, Fetched):
                yield name, outcome

    @cached_property
    def pushes(self) -> Mapping[str, PublishOutcome]:
        """What every remote that answered says to a rehearsed push, by name."""
        identity = self.identity
        if not isinstance(identity, Identity):
            return {}
        reached = {name for name, _ in self.fetched}
        return {
            each.name: rehearse_push(self.clone(each), identity.rid, self.remotes[each.name][0].refs_mode)
            for each in self.rooms.configuration.remotes
            if each.name in reached
        }
