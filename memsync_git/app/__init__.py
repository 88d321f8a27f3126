"""The app: what the command line, the daemon and `setup_machine.py` ask for, as documents.

Rule 1: every question is answered with a value of `documents.py`; what went wrong is a `MemsyncError`.
Rule 2: modules are imported when a method needs them: start-up time is a promise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from memsync_git.app.opening import Rooms
from memsync_git.config import Configuration, Places, load
from memsync_git.values import dataclass

if TYPE_CHECKING:
    from memsync_git.app.amending import Intention
    from memsync_git.app.planning import Plan
    from memsync_git.app.remoting import Candidate
    from memsync_git.documents import (
        AmendsDocument,
        BlameDocument,
        ConflictsDocument,
        DoctorDocument,
        ExportDocument,
        GcDocument,
        HoldsDocument,
        HostsDocument,
        ImportDocument,
        InitDocument,
        LogDocument,
        LogStatsDocument,
        NoticePart,
        PauseDocument,
        PreviewDocument,
        RemoteCheckDocument,
        RemotesDocument,
        ResolvedDocument,
        SelfTestDocument,
        ServiceAction,
        ServiceDocument,
        ShowDocument,
        StagedDocument,
        StatusDocument,
        StoresDocument,
        SyncDocument,
        VerifyDocument,
        WaitingDocument,
    )
    from memsync_git.options import (
        ExportOptions,
        InitOptions,
        LogOptions,
        ResolveOptions,
        RestoreOptions,
        ShowOptions,
        SyncOptions,
        UndoOptions,
    )
    from memsync_git.sync import Stage


@dataclass(frozen=True, slots=True)
class App:
    """One installation. `executable` is what a service would call, empty where it is not known."""

    rooms: Rooms
    executable: str = ""

    @classmethod
    def open(
        cls,
        places: Places,
        options: Mapping[str, object] | None = None,
        *,
        executable: str = "",
        store: str = "",
    ) -> App:
        """The installation at `places`; `options` are configuration values by dotted key.

        store: the one that is meant; without it the first, or all of them where a command goes over all.

        Raises:
            Misused: the configuration is wrong, or there is no such store.
        """
        rooms = Rooms(places, load(places, options=options))
        return cls(rooms.of(store) if store else rooms, executable)

    @property
    def configuration(self) -> Configuration:
        return self.rooms.configuration

    # --- everyday

    def sync(self, options: SyncOptions) -> SyncDocument:
        """One round, both ways; see `app.syncing.sync`."""
        from memsync_git.app.syncing import sync

        return sync(self.rooms, options)

    def stash(self) -> StagedDocument:
        """Record what the memory file says; see `app.staging`."""
        from memsync_git.app.staging import stash

        return stash(self.rooms)

    def pull(self) -> StagedDocument:
        """Join what the others say; see `app.staging`."""
        from memsync_git.app.staging import pull

        return pull(self.rooms)

    def push(self) -> StagedDocument:
        """Publish what was recorded; see `app.staging`."""
        from memsync_git.app.staging import push

        return push(self.rooms)

    def preview_apply(self, names: Collection[str] = ()) -> PreviewDocument:
        """What `apply` would change in the memory file."""
        from memsync_git.app.staging import preview

        return preview(self.rooms, names)

    def waiting(self) -> WaitingDocument:
        """What waits to be applied, by name."""
        from memsync_git.app.staging import waiting

        return waiting(self.rooms)

    def apply(self, names: Collection[str] = ()) -> StagedDocument:
        """Write what was joined into the memory file: all of it, or what these names pick."""
        from memsync_git.app.staging import apply

        return apply(self.rooms, names)

    def status(self) -> StatusDocument:
        """How things stand; see `app.picture.status`."""
        from memsync_git.app.picture import status

        return status(self.rooms)

    def pause(self, span: str | None = None) -> PauseDocument:
        """Let nothing sync by itself, for a while as a person wrote it or until `resume`."""
        from datetime import timedelta

        from memsync_git.app.moments import span_of
        from memsync_git.app.pausing import pause

        return pause(self.rooms, None if span is None else span_of(span) // timedelta(milliseconds=1))

    def resume(self) -> PauseDocument:
        """Let everything sync by itself again."""
        from memsync_git.app.pausing import resume

        return resume(self.rooms)

    # --- remotes

    def remotes(self) -> RemotesDocument:
        """The remotes, each with its own outcome."""
        from memsync_git.app.remoting import remotes

        return remotes(self.rooms)

    def check_remotes(self, names: Sequence[str] = ()) -> RemoteCheckDocument:
        """Whether remotes answer, and would take a push."""
        from memsync_git.app.remoting import check

        return check(self.rooms, names)

    def candidate(self, name: str, url: str, branch: str | None, *, moves: bool = False) -> Candidate:
        """Look at a repository that is to become a remote; see `app.remoting`."""
        from memsync_git.app.remoting import candidate

        return candidate(self.rooms, name, url, branch, moves=moves)

    def preview_remote(self, wanted: Candidate) -> PreviewDocument:
        """What joining a repository would change here."""
        from memsync_git.app.remoting import preview

        return preview(self.rooms, wanted)

    def add_remote(self, wanted: Candidate) -> RemotesDocument:
        """Publish to one more repository from now on."""
        from memsync_git.app.remoting import add

        return add(self.rooms, wanted)

    def move_remote(self, wanted: Candidate) -> RemotesDocument:
        """Move to another repository, with everything."""
        from memsync_git.app.remoting import move

        return move(self.rooms, wanted)

    def remove_remote(self, name: str) -> RemotesDocument:
        """Publish to a repository no longer."""
        from memsync_git.app.remoting import remove

        return remove(self.rooms, name)

    # --- stores

    def stores(self) -> StoresDocument:
        """The stores, each with its file and what waits."""
        from memsync_git.app.storing import stores

        return stores(self.rooms)

    def contexts(self, folder: str) -> dict[str, str | None]:
        """The files of contexts in a folder that are no stores yet, by the names they get."""
        from memsync_git.app.contexts import contexts

        return {**contexts(folder, [one.store for one in self.rooms.each()])}

    def store_candidates(
        self, files: Mapping[str, str | None], *, include: Sequence[str] = (), exclude: Sequence[str] = ()
    ) -> list[Plan]:
        """Look at files that are to become stores; see `app.storing`."""
        from memsync_git.app.storing import candidates

        return candidates(self.rooms, files, include=include, exclude=exclude)

    def preview_stores(self, plans: Sequence[Plan]) -> PreviewDocument:
        """What adopting files as stores would change here."""
        from memsync_git.app.storing import preview

        return preview(plans)

    def add_stores(self, plans: Sequence[Plan]) -> StoresDocument:
        """Synchronise further files from now on."""
        from memsync_git.app.storing import add

        return add(self.rooms, plans)

    def remove_store(self, name: str) -> StoresDocument:
        """Synchronise a file no longer."""
        from memsync_git.app.storing import remove

        return remove(self.rooms, name)

    # --- joining

    def plan(self, options: InitOptions) -> Plan:
        """What `init` would mean; see `app.planning.plan`."""
        from memsync_git.app.planning import plan

        return plan(self.rooms, options)

    def preview(
        self, plan: Plan, *, service: bool = False, told: Callable[[Stage], None] | None = None
    ) -> PreviewDocument:
        """What carrying the plan out would change; with `service`, also what would sync by itself.

        `told` hears how far it is.
        """
        from memsync_git.app.previewing import preview
        from memsync_git.app.serving import would_serve

        document = preview(plan, told)
        if service and self.executable:
            document["notices"] = [*document["notices"], would_serve(self.rooms, self.executable)]
        return document

    def join(self, plan: Plan, *, service: bool, told: Callable[[Stage], None] | None = None) -> InitDocument:
        """Carry the plan out; `told` hears how far it is."""
        from memsync_git.app.joining import join

        return join(plan, service=service, executable=self.executable, told=told)

    # --- running by itself

    def service(self, action: ServiceAction, kind: str | None = None) -> ServiceDocument:
        """Look at the services of this machine, or change something about them; see `app.tending`."""
        from memsync_git.app.tending import tend

        return tend(self.rooms, self.executable, action, kind)

    def renew_services(self) -> list[NoticePart]:
        """Bring what is installed in step with the configuration."""
        from memsync_git.app.serving import renew

        return renew(self.rooms, self.executable) if self.executable else []

    # --- people in the loop

    def show(self, options: ShowOptions) -> ShowDocument:
        """What the memory says about a name."""
        from memsync_git.app.showing import show

        return show(self.rooms, options)

    def log(self, options: LogOptions) -> LogDocument:
        """Who changed what, newest first."""
        from memsync_git.app.chronicle import log

        return log(self.rooms, options)

    def log_stats(self) -> LogStatsDocument:
        """What every machine has changed, and how rounds went."""
        from memsync_git.app.chronicle import log_stats

        return log_stats(self.rooms)

    def blame(self, name: str) -> BlameDocument:
        """Who said each thing the memory says of a name."""
        from memsync_git.app.chronicle import blame

        return blame(self.rooms, name)

    def plan_undo(self, options: UndoOptions) -> Intention:
        """What taking revisions back would change."""
        from memsync_git.app.undoing import plan_undo

        return plan_undo(self.rooms, options)

    def plan_restore(self, options: RestoreOptions) -> Intention:
        """What going back to a former memory would change."""
        from memsync_git.app.undoing import plan_restore

        return plan_restore(self.rooms, options)

    def amend(self, intention: Intention) -> AmendsDocument:
        """Carry out what `plan_undo` or `plan_restore` has shown."""
        from memsync_git.app.amending import amend

        return amend(self.rooms, intention)

    def conflicts(self, name: str | None = None) -> ConflictsDocument:
        """Registers with several values, and records edited while deleted."""
        from memsync_git.app.resolving import conflicts

        return conflicts(self.rooms, name)

    def resolve(self, options: ResolveOptions) -> ResolvedDocument:
        """End conflicts by writing a choice."""
        from memsync_git.app.resolving import resolve

        return resolve(self.rooms, options)

    def holds(self) -> HoldsDocument:
        """Deletions that wait for a person."""
        from memsync_git.app.holding import holds

        return holds(self.rooms)

    def decide(self, ids: tuple[str, ...], *, accept: bool) -> HoldsDocument:
        """Accept or reject held deletions; no ids means all of them."""
        from memsync_git.app.holding import decide

        return decide(self.rooms, ids, accept=accept)

    def hosts(self) -> HostsDocument:
        """The machines of the fleet."""
        from memsync_git.app.hosts import hosts

        return hosts(self.rooms)

    def retire(self, rid: str) -> HostsDocument:
        """Mark a machine as gone for good."""
        from memsync_git.app.hosts import retire

        return retire(self.rooms, rid)

    def rename(self, label: str) -> HostsDocument:
        """Give this machine another label."""
        from memsync_git.app.hosts import rename

        return rename(self.rooms, label)

    def preview_import(self, path: str, *, as_entities: bool = False) -> PreviewDocument:
        """What importing a file or a folder would add; see `app.moving`."""
        from memsync_git.app.moving import preview_import

        return preview_import(self.rooms, path, as_entities=as_entities)

    def import_(self, path: str, *, as_entities: bool = False) -> ImportDocument:
        """Add what a file or a folder says to the memory."""
        from memsync_git.app.moving import import_file

        return import_file(self.rooms, path, as_entities=as_entities)

    def export(self, options: ExportOptions) -> tuple[bytes, ExportDocument]:
        """The whole memory for others, written to a file if one is named; see `app.exporting`."""
        from memsync_git.app.exporting import export

        return export(self.rooms, options)

    # --- knowing

    def self_test(self) -> SelfTestDocument:
        """A manual run that changes nothing."""
        from memsync_git.app.testing import self_test

        return self_test(self.rooms, executable=self.executable)

    def metrics(self) -> str:
        """Figures as Prometheus reads them; see `app.measuring.metrics`."""
        from memsync_git.app.measuring import metrics

        return metrics(self.rooms)

    def verify(self) -> VerifyDocument:
        """Whether file, store and remotes hold the same; see `app.verifying`."""
        from memsync_git.app.verifying import verify

        return verify(self.rooms)

    def doctor(self, *, fix: bool = False, bundle: str | None = None) -> DoctorDocument:
        """Check everything, and mend what can be mended."""
        from memsync_git.app.doctor import doctor

        return doctor(self.rooms, fix=fix, bundle=bundle, executable=self.executable)

    def gc(self, *, do: bool) -> GcDocument:
        """What upkeep would gain, or has gained; see `app.keeping.gc`."""
        from memsync_git.app.keeping import gc

        return gc(self.rooms, do=do)
