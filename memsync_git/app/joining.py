"""`init` carried out: the same command on the first machine and on every further one.

    plan ─ (nothing is written) ─ preview ─ asked ─ join: configuration, identity, store, first round

Rule 1: running it again is harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from memsync_git.app.assistants import astray_notices
from memsync_git.app.clocks import SystemChance, SystemClock
from memsync_git.app.drafting import Draft, go_on_from, is_founded_on, tell_all
from memsync_git.app.installation import Identity, machine_id
from memsync_git.app.opening import Rooms
from memsync_git.app.parts import file_part
from memsync_git.app.picture import remote_part
from memsync_git.app.planning import LEGACY, Plan, configured, is_there, legacy
from memsync_git.app.serving import Served, program, serve, told
from memsync_git.app.syncing import document_of, note, round_options
from memsync_git.app.telling import notice
from memsync_git.config.writing import change
from memsync_git.documents import InitDocument, NoticePart, SyncDocument
from memsync_git.offering import answered
from memsync_git.options import SyncOptions
from memsync_git.ports import Unserved
from memsync_git.replica import Replica
from memsync_git.replica.rows import ONE
from memsync_git.stores.lock import round_lock
from memsync_git.values import replace
from memsync_git.wire.rid import new_rid
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.model import Rid
    from memsync_git.offering import Offering
    from memsync_git.ports import Store
    from memsync_git.sync import Stage


def join(
    plan: Plan,
    *,
    service: bool = True,
    executable: str = "",
    told: Callable[[Stage], None] | None = None,
) -> InitDocument:
    """Carry a plan out; `told` hears how far it is.

    Raises:
        Misused, StoreDamaged: as the commands that follow.
    """
    rooms = configured(plan)
    created, draft = _make(plan, rooms, plan.found.take_draft(rooms))
    with round_lock(rooms.lock_path, 10.0):
        document, replica = first_round(plan, rooms, told, draft)
    plan.found.let_go()
    served, notices = _serve(rooms, executable) if service and executable else (None, ())
    with rooms.reading() as installation:
        remote = remote_part(plan.remote, installation.remote(plan.remote.name))
    return {
        "schema_version": SCHEMA_VERSION,
        "replica": {"id": replica.rid, "host": plan.host},
        "file": file_part(rooms.store, replica),
        "remote": remote,
        "hub": plan.is_hub,
        "created": created,
        "service": served,
        "sync": document,
        "notices": [*plan.notices, *notices, *astray_notices(rooms)],
    }


def _make(plan: Plan, rooms: Rooms, draft: Draft | None) -> tuple[list[str], Draft | None]:
    """Everything a machine needs: hub, configuration, identity, store. Say what was not there before, and
    what the store was made from.
    """
    created = []
    if plan.is_hub and not is_there(plan.remote):
        from memsync_git.remotes.survey import create_hub

        create_hub(rooms.places.hub)
        created.append(str(rooms.places.hub))
    if not rooms.places.config.exists():
        created.append(str(rooms.places.config))
    _configure(plan, rooms)
    plan.found.hand_clone(rooms.places.clone)
    place = rooms.places.store(plan.store.name)
    if draft is not None and is_founded_on(draft, rooms):
        return [*created, str(place)], draft
    with rooms.replica_store() as store:
        if store.row("replica", ONE) is None:
            found(rooms, store, plan.host)
            created.append(str(place))
    return created, None


def _configure(plan: Plan, rooms: Rooms) -> None:
    """Write what is not already said."""
    remote, store = f"remotes.{plan.remote.name}", f"stores.{plan.store.name}"
    wanted: dict[str, object] = {
        "replica.host": plan.host,
        f"{remote}.kind": plan.remote.kind,
        f"{remote}.url": plan.remote.url,
        f"{remote}.branch": plan.remote.branch,
        f"{store}.file": plan.store.file,
        f"{store}.format": plan.store.format,
    }
    origins = plan.rooms.configuration.origins
    settled = {key for key in wanted if origins.get(key) is not None and origins[key].source == "file"}
    missing = {key: value for key, value in wanted.items() if key not in settled or plan.is_new}
    if missing:
        change(rooms.places.config, missing)


def found(rooms: Rooms, store: Store, host: str) -> None:
    """Put a new replica into an empty store; the first store's is what this installation is from now on."""
    rid = new_rid(host, SystemChance().token())
    if rooms.is_first:
        with rooms.installation() as installation:
            installation.set_identity(Identity(rid, machine_id(), SystemClock().wall_ms()))
    begin(rooms, store, rid, host)


def begin(rooms: Rooms, store: Store, rid: Rid, host: str) -> None:
    """Put the replica of an installation that is known into an empty store."""
    from memsync_git.sync import Session, World

    session = Session(World(rooms.file(), store, SystemClock(), SystemChance(), (), rooms.settings()))
    session.begin(Replica(rid, host, rooms.store.name))


def first_round(
    plan: Plan, rooms: Rooms, told: Callable[[Stage], None] | None = None, draft: Draft | None = None
) -> tuple[SyncDocument, Replica]:
    """The round by which a file becomes one of the fleet's. The caller holds the round lock.

    draft: what the store was made from.
    """
    return answered(first_steps(plan, rooms, told, draft))


def first_steps(
    plan: Plan, rooms: Rooms, told: Callable[[Stage], None] | None = None, draft: Draft | None = None
) -> Offering[tuple[SyncDocument, Replica]]:
    """The same for several files together."""
    from memsync_git.sync import round_steps

    with rooms.session() as session:
        plan.found.hand_file(session)
        keep = rooms.quarantine().keep if plan.is_damaged else None
        options = replace(round_options(SyncOptions()), drop=plan.drop, set_aside=keep)
        if plan.is_new and plan.kind == "older tool":
            options = replace(options, relocate=_relocations(plan), legacy=legacy(plan))
        if draft is not None:
            go_on_from(session, draft)
        report = yield from round_steps(session, options if told is None else replace(options, told=told))
        if draft is not None:
            tell_all(report, draft)
        session.world.file.protect()
        note(rooms, session, report)
        return document_of(report, session.replica), session.replica


def _relocations(plan: Plan) -> tuple[tuple[str, str], ...]:
    return tuple((path, f"{LEGACY}/{path}") for path in plan.paths)


def _serve(rooms: Rooms, executable: str) -> tuple[str | None, tuple[NoticePart, ...]]:
    """Let syncs run by themselves: what does it (None where this machine has nothing), and what to know."""
    match serve(program(rooms, executable)):
        case Served(_, installed, fallback, refusals):
            beside = f", and {fallback.what}" if fallback is not None else ""
            return f"{installed.what}{beside}", told(refusals)
        case Unserved(reason, hint):
            return None, (notice(f"Nothing syncs by itself yet. {reason}", hint=hint),)
