"""The composition root: the only place that knows the names of adapters.

Rule 1: what `status` needs is imported here; what talks to git or SQLite's writing side, when it is used.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from memsync_git.app.installation import Identity, Installation, RemoteMemory, machine_id
from memsync_git.app.passing import LateRemote
from memsync_git.config import Configuration, Places, RemoteSettings, StoreSettings
from memsync_git.config.places import MEMORY_FILE
from memsync_git.errors import MemsyncError, Misused
from memsync_git.stores.reading import SqliteReader
from memsync_git.values import dataclass, replace

if TYPE_CHECKING:
    from memsync_git.app.summary import Summary
    from memsync_git.formats import Limits
    from memsync_git.local.file import OsFile
    from memsync_git.local.quarantine import Quarantine
    from memsync_git.ports import Clock, Remote, Store
    from memsync_git.remotes.git import FetchFailure, GitRemote
    from memsync_git.remotes.pushing import RefsMode
    from memsync_git.remotes.visits import Visits
    from memsync_git.replica import Replica
    from memsync_git.replica.filtering import Rules
    from memsync_git.sync import Session, Settings
    from memsync_git.sync.order import Sighting

MIB = 1 << 20
REFS_MODE_FORGOTTEN_MS = 7 * 24 * 3600 * 1000
"""A hub that refused a ref is asked again weekly (formats page, publish round, step 7)."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """Where this installation lives and what it was told.

    keeps_connections: calls follow each other soon (the daemon), so connections are kept until `hang_up`.
    picked: the store a person or a loop chose; empty for the first one, and for all where all are meant.
    visits: the fetches its stores share; None where each fetches for itself.
    """

    places: Places
    configuration: Configuration
    keeps_connections: bool = False
    picked: str = ""
    visits: Visits[FetchFailure] | None = None

    @property
    def store(self) -> StoreSettings:
        """The synchronised file that is picked, else the first."""
        stores = self.configuration.stores
        return next((each for each in stores if each.name == self.picked), stores[0])

    @property
    def is_first(self) -> bool:
        """Whether it is seen from the store whose rid is that of the installation."""
        return self.store.name == self.configuration.stores[0].name

    def of(self, name: str) -> Rooms:
        """The same installation, seen from one of its stores.

        Raises:
            Misused: no store has that name, or it was never adopted.
        """
        stores = self.configuration.stores
        if all(each.name != name for each in stores):
            raise Misused(
                f"No store is called {name!r}",
                unharmed="Nothing was changed.",
                hint=f"there is {', '.join(each.name for each in stores)}",
            )
        found = replace(self, picked=name)
        if not found.is_first and not found.is_adopted:
            raise Misused(
                f"The store {name} stands in the configuration, but was never adopted.",
                unharmed="Nothing was changed.",
                hint=f"memsync-git stores add {name}",
            )
        return found

    def each(self) -> list[Rooms]:
        """The installation once for every store that is meant and adopted; `init` adopts the first."""
        if self.picked or len(self.configuration.stores) == 1:
            return [self]
        first, *further = (replace(self, picked=store.name) for store in self.configuration.stores)
        return [first, *(each for each in further if each.is_adopted)]

    def on_one_visit(self) -> Rooms:
        """The same, but what one store fetches in the next go, the others need not fetch."""
        from memsync_git.remotes.visits import Visits

        return replace(self, visits=Visits())

    def begin_visit(self) -> None:
        """Another go: what was fetched from here on is shared."""
        if self.visits is not None:
            self.visits.begin()

    def unadopted(self) -> list[str]:
        """Stores that stand in the configuration and are not synchronised yet."""
        if self.picked:
            return []
        served = {each.store.name for each in self.each()}
        return [each.name for each in self.configuration.stores if each.name not in served]

    @property
    def is_adopted(self) -> bool:
        """Whether this machine keeps a replica of the store, be it one that a round finds damaged."""
        from memsync_git.replica.rows import ONE

        try:
            with self.store_reader() as reader:
                return reader.row("replica", ONE) is not None
        except MemsyncError:
            return True

    @property
    def host(self) -> str:
        return self.configuration.replica.host

    @property
    def limits(self) -> Limits:
        from memsync_git.formats import Limits

        guards = self.configuration.guards
        return Limits(
            max_file_bytes=guards.max_file_mib * MIB,
            max_line_bytes=guards.max_line_mib * MIB,
            max_observation_bytes=guards.max_observation_mib * MIB,
            max_nesting=guards.max_nesting,
        )

    # --- reading without writing

    @contextmanager
    def reading(self) -> Iterator[Installation]:
        """The installation as it stands; nothing is created."""
        reader = SqliteReader(self.places.identity)
        try:
            yield Installation(reader, store=self.store.name)
        finally:
            reader.close()

    def identity(self) -> Identity | None:
        """Who this is, or None before `init`."""
        with self.reading() as installation:
            return installation.identity()

    def replica(self) -> Replica:
        """The replica as the store holds it now, to be read only.

        Raises:
            Misused: this machine was never set up.
        """
        found, _ = self._loaded()
        return found

    @contextmanager
    def store_reader(self) -> Iterator[SqliteReader]:
        """The replica store as it stands; nothing is created."""
        reader = SqliteReader(self.places.store(self.store.name))
        try:
            yield reader
        finally:
            reader.close()

    def summary(self) -> Summary:
        """The summary of the replica as it is now, made anew where the kept one is older.

        Raises:
            Misused: this machine was never set up.
        """
        kept = self.current_summary()
        if kept is not None:
            return kept
        from memsync_git.app.summary import summarise

        return summarise(self, *self._loaded())

    def current_summary(self) -> Summary | None:
        """The kept summary, if nothing was written to the replica since."""
        with self.reading() as installation:
            kept = installation.summary(self.store.name)
        if kept is None:
            return None
        with self.store_reader() as reader:
            return kept if reader.generation() == kept["generation"] else None

    def _loaded(self) -> tuple[Replica, int]:
        """The replica and the generation of the store it was read from."""
        from memsync_git.formats import VARIANTS
        from memsync_git.replica import rows

        with self.store_reader() as reader:
            found, generation = rows.load(reader), reader.generation()
        if found is None:
            raise not_set_up()
        found.share_by(self.rules, VARIANTS[self.store.format].projection)
        return found, generation

    # --- writing

    @contextmanager
    def installation(self) -> Iterator[Installation]:
        """The installation, to be written."""
        from memsync_git.stores.sqlite import SqliteStore

        installation = Installation(SqliteStore(self.places.identity), store=self.store.name)
        try:
            yield installation
        finally:
            installation.close()

    def file(self, path: Path | None = None) -> OsFile:
        """The memory file; its folder is ours to make only at the default place."""
        from memsync_git.local.file import OsFile

        wanted = path or self.store.path
        return OsFile(
            wanted,
            max_bytes=self.limits.max_file_bytes,
            follow_symlink=self.store.follow_symlink,
            private_directory=wanted == self.places.memory_file and wanted.name == MEMORY_FILE,
        )

    def remote(self, settings: RemoteSettings, *, digest: str = "", clone: Path | None = None) -> GitRemote:
        """One remote, through the clone of this machine unless it is given one of its own."""
        from memsync_git.app.clocks import SystemClock
        from memsync_git.remotes.git import GitRemote

        remote = GitRemote(
            clone or self.places.clone,
            settings.url,
            clock=SystemClock(),
            name=settings.name,
            branch=settings.branch,
            store=self.store.name,
            refs_mode=self._refs_mode(settings),
            timeout_s=settings.timeout_s,
            keeps_connection=self.keeps_connections,
            visit=self.visits.to(settings.name) if self.visits is not None and clone is None else None,
        )
        remote.known_digest = digest
        return remote

    def _refs_mode(self, settings: RemoteSettings) -> RefsMode:
        """Which refs to push: what the hub was found to take within the last week, else the setting."""
        with self.reading() as installation:
            found = installation.remote(settings.name)
        is_recent = abs(time.time_ns() // 1_000_000 - found.refs_mode_ms) < REFS_MODE_FORGOTTEN_MS
        return cast("RefsMode", found.refs_mode) if found.refs_mode and is_recent else settings.refs_mode

    def remotes(self) -> list[Remote]:
        """Every remote, knowing what it said last."""
        return [LateRemote(each.name, partial(self._knowing, each)) for each in self.configuration.remotes]

    def _knowing(self, settings: RemoteSettings) -> Remote:
        return self.remote(settings, digest=self.known_digest(settings.name))

    def hang_up(self) -> None:
        """Close the connections to remotes that were kept open."""
        for each in self.configuration.remotes:
            self.remote(each).hang_up()

    def known_digest(self, name: str) -> str:
        """What a remote said last."""
        return self.memories().get(name, RemoteMemory(name)).digest

    def sightings(self) -> dict[str, Sighting]:
        """When each remote was last looked at, and last brought news."""
        return _sightings(self.memories())

    def memories(self) -> dict[str, RemoteMemory]:
        """How it last went with each remote; nothing is believed on a machine that was copied."""
        with self.reading() as installation:
            identity = installation.identity()
            is_here = identity is not None and identity.machine == machine_id()
            names = [each.name for each in self.configuration.remotes]
            return {name: installation.remote(name) if is_here else RemoteMemory(name) for name in names}

    @staticmethod
    def is_near(settings: RemoteSettings) -> bool:
        """Whether a remote is on this disk, where starting programs costs more than asking."""
        from memsync_git.remotes.url import validate

        return validate(settings.url).is_local

    def settings(self) -> Settings:
        """What a round is told."""
        from memsync_git.guards import DeletionLimits
        from memsync_git.sync import Settings

        guards = self.configuration.guards
        return Settings(
            variant=self.store.format,
            limits=self.limits,
            deletions=DeletionLimits(guards.hold_deletions_over, guards.hold_deletions_share),
            writer_caches=self.store.writer_caches,
            rules=self.rules,
        )

    @property
    def rules(self) -> Rules:
        """Which records of the store this machine shares."""
        from memsync_git.replica.filtering import Rules

        return Rules(self.store.include, self.store.exclude)

    @property
    def rules_text(self) -> str:
        """The same as one text, to tell whether they are what they were; empty where there are none."""
        include, exclude = self.store.include, self.store.exclude
        return json.dumps([include, exclude]) if include or exclude else ""

    @contextmanager
    def session(
        self, remotes: Sequence[Remote] | None = None, *, clock: Clock | None = None
    ) -> Iterator[Session]:
        """A session on the store, with the remotes of the configuration unless others are given."""
        from memsync_git.app.clocks import SystemChance, SystemClock
        from memsync_git.local.scratch import scratch_in
        from memsync_git.sync import Session, World

        if remotes is None:
            remotes = self.remotes()
        memories = self.memories()
        with self.replica_store() as store:
            yield Session(
                World(
                    self.file(),
                    store,
                    clock or SystemClock(),
                    SystemChance(),
                    remotes,
                    self.settings(),
                    _sightings(memories),
                    {name: memory.holds for name, memory in memories.items()},
                    partial(scratch_in, self.places.state),
                )
            )

    @contextmanager
    def replica_store(self) -> Iterator[Store]:
        """The replica store, to be written."""
        from memsync_git.stores.sqlite import SqliteStore

        store = SqliteStore(self.places.store(self.store.name))
        try:
            yield store
        finally:
            store.close()

    def quarantine(self) -> Quarantine:
        """Where a repair puts what cannot be read of the memory file."""
        from memsync_git.local.quarantine import Quarantine

        return Quarantine(self.places.store(self.store.name).parent / "quarantine")

    @property
    def lock_path(self) -> Path:
        """The lock that keeps rounds of one machine apart."""
        return self.places.state / "round.lock"

    @property
    def daemon_lock_path(self) -> Path:
        """The lock that keeps the daemon of one machine alone."""
        return self.places.state / "daemon.lock"

    @property
    def near_hubs(self) -> dict[str, Path]:
        """The remotes that are folders on this disk, by name."""
        from memsync_git.remotes.glance import git_dir_of
        from memsync_git.remotes.url import validate

        urls = {each.name: validate(each.url) for each in self.configuration.remotes}
        return {name: git_dir_of(Path(url.path)) for name, url in urls.items() if url.is_local}


def _sightings(memories: Mapping[str, RemoteMemory]) -> dict[str, Sighting]:
    from memsync_git.sync.order import Sighting

    return {name: Sighting(memory.fetched_ms, memory.news_ms) for name, memory in memories.items()}


def not_set_up() -> Misused:
    """The answer to every command before `init`."""
    return Misused(
        "memsync-git is not set up on this machine yet.",
        unharmed="Nothing was read or written.",
        hint="memsync-git init",
    )
