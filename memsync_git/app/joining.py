"""`init`: the same command on the first machine and on every further one.

    plan ─ (nothing is written) ─ preview ─ asked ─ join: configuration, identity, store, first round

Rule 1: a plan is made, and can be previewed, without writing anything anywhere.
Rule 2: a repository is adopted only if it is empty, ours, or an older tool's; anything else needs `--adopt`.
Rule 3: running it again is harmless.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.app.clocks import SystemChance, SystemClock
from memsync_git.app.installation import Identity, machine_id
from memsync_git.app.opening import Rooms
from memsync_git.app.parts import change_parts, file_part, host_parts, in_order
from memsync_git.app.picture import remote_part
from memsync_git.app.syncing import document_of, note, round_options
from memsync_git.app.telling import bare, notice
from memsync_git.config import Configuration, RemoteSettings, StoreSettings
from memsync_git.config.writing import change
from memsync_git.documents import SCHEMA_VERSION, InitDocument, NoticePart, PreviewDocument, SyncDocument
from memsync_git.errors import Denied, FileUnusable, Misused, Offline
from memsync_git.formats import READ_GRAPH, Damage, Decoded, decode, detect
from memsync_git.formats.importing import read_import
from memsync_git.model import Item
from memsync_git.options import InitOptions, SyncOptions
from memsync_git.ports import Installed, Missing, Refused, Snapshot, Unreachable, Unusable
from memsync_git.replica import Replica
from memsync_git.replica.rows import ONE, transactions
from memsync_git.stores.lock import round_lock
from memsync_git.wire.rid import new_rid

if TYPE_CHECKING:
    from memsync_git.ports import Store
    from memsync_git.remotes.survey import Survey

MOST_CHANGES_LISTED = 200
LEGACY = "legacy"
DEFAULT_BRANCH = "main"
IS_PUBLIC = "This repository can be read by anybody without a password: your memory would be public."


@dataclass(frozen=True, slots=True)
class Plan:
    """What `init` is about to do. `is_hub`: the remote is the embedded one of this machine."""

    rooms: Rooms
    remote: RemoteSettings
    store: StoreSettings
    host: str
    kind: str
    paths: tuple[str, ...]
    is_hub: bool
    is_new: bool
    drop: bool
    notices: tuple[NoticePart, ...] = ()
    is_damaged: bool = False

    @property
    def needs_consent(self) -> bool:
        """Whether joining changes something that is already there: a shared memory, or a damaged file."""
        return self.is_damaged or (self.is_new and self.kind in ("memsync", "older tool", "foreign"))


def plan(rooms: Rooms, options: InitOptions) -> Plan:
    """What joining would mean; looks at the remote and at the file, changes neither.

    Raises:
        Misused: the address, the repository or the file is not one to join with.
        Offline: the remote cannot be reached. Denied: it refuses.
        FileUnusable: what stands in the file's place cannot be used.
    """
    remote, is_hub = _remote(rooms, options)
    store = _store(rooms, options)
    survey = None if is_hub and not _is_there(remote) else _surveyed(remote)
    kind, paths = ("empty", ()) if survey is None else (survey.kind, survey.paths)
    if kind == "foreign" and not options.adopt:
        raise _foreign(remote, paths)
    damage = _damage(rooms, store)
    return Plan(
        rooms=rooms,
        remote=remote,
        store=store,
        host=options.host or rooms.host,
        kind=kind,
        paths=paths,
        is_hub=is_hub,
        is_new=rooms.identity() is None,
        drop=options.join == "drop",
        notices=_notices(survey) + _damage_notices(store, damage),
        is_damaged=bool(damage),
    )


def _remote(rooms: Rooms, options: InitOptions) -> tuple[RemoteSettings, bool]:
    """The remote to join, and whether it is the embedded hub."""
    known = next(iter(rooms.configuration.remotes), None)
    wanted = _absolute(options.remote) if options.remote else None
    if known is not None and wanted not in (None, known.url):
        raise Misused(
            f"This machine already syncs with {known.url}.",
            unharmed="Nothing was changed.",
            hint=f"memsync-git config set remotes.{known.name}.url {wanted}",
        )
    if known is not None:
        return known, known.url == str(rooms.places.hub)
    url = wanted or str(rooms.places.hub)
    settings = RemoteSettings(url=url, branch=options.branch or DEFAULT_BRANCH)
    return settings, url == str(rooms.places.hub)


def _absolute(address: str) -> str:
    """A relative path of a folder that is there, made absolute; anything else as it is."""
    from memsync_git.remotes.url import validate

    path = Path(address).expanduser()
    if path.is_dir() and "://" not in address:
        address = str(path.absolute())
    return str(validate(address))


def _is_there(remote: RemoteSettings) -> bool:
    return (Path(remote.url) / "HEAD").is_file()


def _surveyed(remote: RemoteSettings) -> Survey:
    from memsync_git.remotes.survey import survey
    from memsync_git.remotes.url import validate

    match survey(validate(remote.url), branch=remote.branch, timeout_s=remote.timeout_s):
        case Unreachable(reason):
            raise Offline(
                f"The remote cannot be reached: {bare(reason)}",
                unharmed="Nothing was changed on this machine.",
                hint="check the address and the network, then run memsync-git init again",
            )
        case Refused(reason):
            raise Denied(
                f"The remote refused: {bare(reason)}",
                unharmed="Nothing was changed on this machine.",
                hint="git ls-remote with the same address shows what git itself says",
            )
        case found:
            return found


def _foreign(remote: RemoteSettings, paths: tuple[str, ...]) -> Misused:
    some = ", ".join(paths[:3])
    return Misused(
        f"The repository {remote.url} holds something else ({some}).",
        unharmed="Nothing was changed there.",
        hint="give an empty private repository, or add --adopt to share this one",
    )


def _notices(survey: Survey | None) -> tuple[NoticePart, ...]:
    if survey is not None and survey.public:
        return (notice(IS_PUBLIC, "Nothing was sent yet.", "make the repository private first"),)
    return ()


def _store(rooms: Rooms, options: InitOptions) -> StoreSettings:
    """The memory file and its variant, as it is found."""
    known = rooms.store
    path = Path(options.file).expanduser().absolute() if options.file else known.path
    match rooms.file(path).read():
        case Unusable(reason, hint):
            raise FileUnusable(reason, unharmed="It was left as it is.", hint=hint)
        case Missing():
            return replace(known, file=str(path))
        case Snapshot(data):
            return replace(
                known, file=str(path), format=_variant(data, path) if data.strip() else known.format
            )


def _damage(rooms: Rooms, store: StoreSettings) -> tuple[Damage, ...]:
    """What cannot be read of the memory file as it stands."""
    reading = rooms.file(store.path).read()
    found = decode(reading.data, store.format, rooms.limits) if isinstance(reading, Snapshot) else None
    return found.damage if isinstance(found, Decoded) else ()


def _damage_notices(store: StoreSettings, damage: tuple[Damage, ...]) -> tuple[NoticePart, ...]:
    if not damage:
        return ()
    first = damage[0]
    said = f"Line {first.line} of {store.path} is not a memory record ({first.reason})."
    return (notice(said, "Joining moves what cannot be read to quarantine and keeps the rest."),)


def _variant(data: bytes, path: Path) -> str:
    found = detect(data)
    if found == READ_GRAPH:
        raise FileUnusable(
            f"{path} holds one object with entities and relations, which no memory server reads.",
            unharmed="It was left as it is.",
            hint=f"memsync-git init with another --file, then memsync-git import {path}",
        )
    return found


# --- the preview


def preview(plan: Plan) -> PreviewDocument:
    """What joining would change, found by doing it on copies."""
    from memsync_git.app.rehearsal import HurriedClock, ReadOnlyRemote
    from memsync_git.local.memory import MemoryFile
    from memsync_git.remotes.git import GitRemote
    from memsync_git.stores.memory import MemoryStore
    from memsync_git.sync import RoundOptions, Session, World, sync_round

    rooms = configured(plan)
    reading = rooms.file().read()
    file = MemoryFile(SystemClock().wall_ms, reading.data if isinstance(reading, Snapshot) else None)
    with tempfile.TemporaryDirectory(prefix="memsync-git-preview-") as folder:
        remotes = []
        if not plan.is_hub or _is_there(plan.remote):
            remote = GitRemote(
                Path(folder) / "clone",
                plan.remote.url,
                clock=SystemClock(),
                branch=plan.remote.branch,
                store=plan.store.name,
                timeout_s=plan.remote.timeout_s,
            )
            remotes = [ReadOnlyRemote(remote)]
        store = MemoryStore()
        world = World(file, store, HurriedClock(), SystemChance(), remotes, rooms.settings())
        session = Session(world)
        session.begin(Replica(new_rid(plan.host, SystemChance().token()), plan.host, plan.store.name))
        legacy = _legacy(plan) if plan.kind == "older tool" else ()
        sync_round(session, RoundOptions(drop=plan.drop, legacy=legacy, set_aside=_only_pretended))
    replica = session.replica
    up = [item for txn in transactions(store) for item in txn.added]
    after = replica.ring.graph.items()
    before = _items_of(rooms, reading)
    return _preview(plan, replica, up, list(after - before), list(before - after))


def _only_pretended(pieces: Sequence[bytes]) -> None:
    """In a rehearsal nothing is quarantined: the file is only a copy."""
    del pieces


def _items_of(rooms: Rooms, reading: object) -> set[Item]:
    if not isinstance(reading, Snapshot):
        return set()
    decoded = decode(reading.data, rooms.store.format, rooms.limits)
    return decoded.graph.items() if isinstance(decoded, Decoded) else set()


def _preview(
    plan: Plan, replica: Replica, up: list[Item], come: list[Item], gone: list[Item]
) -> PreviewDocument:
    changes = change_parts(in_order(come), in_order(gone))
    shared = change_parts(up, ())
    notices = list(plan.notices)
    if shared:
        items = "1 item" if len(shared) == 1 else f"{len(shared)} items"
        notices.append(notice(f"{items} would be added to the shared memory."))
    return {
        "schema_version": SCHEMA_VERSION,
        "action": f"join {plan.remote.url} as {plan.host}",
        "machines": [part for part in host_parts(replica) if part["id"] != replica.rid],
        "would_add": sum(1 for part in changes if part["change"] == "add"),
        "would_remove": sum(1 for part in changes if part["change"] == "remove"),
        "would_change": sum(1 for part in changes if part["change"] == "change"),
        "changes": changes[:MOST_CHANGES_LISTED],
        "cut": max(0, len(changes) - MOST_CHANGES_LISTED),
        "notices": notices,
    }


def configured(plan: Plan) -> Rooms:
    """The rooms as they will be once the plan is carried out."""
    rooms = plan.rooms
    configuration: Configuration = replace(
        rooms.configuration,
        remotes=(plan.remote, *rooms.configuration.remotes[1:]),
        stores=(plan.store, *rooms.configuration.stores[1:]),
    )
    return Rooms(rooms.places, configuration)


# --- joining


def join(plan: Plan, *, service: bool = True, executable: str = "") -> InitDocument:
    """Carry a plan out.

    Raises:
        Misused, StoreDamaged: as the commands that follow.
    """
    rooms = configured(plan)
    created = _make(plan, rooms)
    with round_lock(rooms.lock_path, 10.0):
        document = _first_round(plan, rooms)
    installed = _serve(rooms, executable) if service and executable else None
    replica = rooms.replica()
    with rooms.reading() as installation:
        remote = remote_part(plan.remote, installation.remote(plan.remote.name))
    return {
        "schema_version": SCHEMA_VERSION,
        "replica": {"id": replica.rid, "host": plan.host},
        "file": file_part(rooms.store, replica),
        "remote": remote,
        "hub": plan.is_hub,
        "created": created,
        "service": installed,
        "sync": document,
        "notices": list(plan.notices),
    }


def _make(plan: Plan, rooms: Rooms) -> list[str]:
    """Everything a machine needs: hub, configuration, identity, store. Say what was not there before."""
    created = []
    if plan.is_hub and not _is_there(plan.remote):
        from memsync_git.remotes.survey import create_hub

        create_hub(rooms.places.hub)
        created.append(str(rooms.places.hub))
    if not rooms.places.config.exists():
        created.append(str(rooms.places.config))
    _configure(plan, rooms)
    with rooms.replica_store() as store:
        if store.row("replica", ONE) is None:
            found(rooms, store, plan.host)
            created.append(str(rooms.places.store(plan.store.name)))
    return created


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
    """Put a new replica into an empty store; this installation is it from now on."""
    from memsync_git.sync import Session, World

    clock, chance = SystemClock(), SystemChance()
    rid = new_rid(host, chance.token())
    with rooms.installation() as installation:
        installation.set_identity(Identity(rid, machine_id(), clock.wall_ms()))
    session = Session(World(rooms.file(), store, clock, chance, (), rooms.settings()))
    session.begin(Replica(rid, host, rooms.store.name))


def _first_round(plan: Plan, rooms: Rooms) -> SyncDocument:
    from memsync_git.sync import sync_round

    with rooms.session() as session:
        keep = rooms.quarantine().keep if plan.is_damaged else None
        options = replace(round_options(SyncOptions()), drop=plan.drop, set_aside=keep)
        if plan.is_new and plan.kind == "older tool":
            options = replace(options, relocate=_relocations(plan), legacy=_legacy(plan))
        report = sync_round(session, options)
        session.world.file.protect()
        note(rooms, session, report)
        return document_of(report, session.replica)


def _relocations(plan: Plan) -> tuple[tuple[str, str], ...]:
    return tuple((path, f"{LEGACY}/{path}") for path in plan.paths)


def _legacy(plan: Plan) -> tuple[Item, ...]:
    """What the older tool's files say."""
    from memsync_git.remotes.survey import contents
    from memsync_git.remotes.url import validate

    remote = plan.remote
    files = contents(validate(remote.url), plan.paths, branch=remote.branch, timeout_s=remote.timeout_s)
    items: dict[Item, None] = {}
    for data in files.values():
        items.update(dict.fromkeys(read_import(data).graph.items()))
    return tuple(items)


def _serve(rooms: Rooms, executable: str) -> str | None:
    """Install the cron line; None where this machine has none."""
    from memsync_git.services.cron import CronService

    home = rooms.places.home
    minutes = rooms.configuration.sync.cron_interval_min
    match CronService(executable, minutes, str(home) if home else None).install():
        case Installed(what):
            return what
        case _:
            return None
