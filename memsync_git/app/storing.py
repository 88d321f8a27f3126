"""The stores of this machine: which memory files it synchronises, one more, one fewer.

Rule 1: a store is adopted as `init` adopts the first: looked at, previewed on copies, joined by a round. It
goes into the repository that is there, beside the others; a machine that has no such store carries it along.
Rule 2: leaving one deletes nothing: the file, the repository and what is known here stay as they are.
Rule 3: a store that comes back begins anew; what its file was when it left is told by the witness beside it,
and without one what the others hold is joined and nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memsync_git.app.contexts import is_same_file
from memsync_git.app.drafting import Found
from memsync_git.app.joining import begin, first_steps
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.planning import Plan, as_it_stands, damage_in, damage_notices, read_of
from memsync_git.app.previewing import previews
from memsync_git.app.rereading import reread
from memsync_git.app.several import previewed_together, synced_together, unadopted_notices
from memsync_git.app.telling import notice
from memsync_git.app.together import published
from memsync_git.config import StoreSettings
from memsync_git.config.kinds import Unfit
from memsync_git.config.settings import settings_of
from memsync_git.config.writing import change
from memsync_git.config.writing import remove as remove_from_file
from memsync_git.documents import NoticePart, StoresAction, StoresDocument
from memsync_git.errors import Misused
from memsync_git.offering import answered_together
from memsync_git.options import LOCK_WAIT_S
from memsync_git.redaction import redacted
from memsync_git.replica.rows import ONE
from memsync_git.stores.lock import round_lock
from memsync_git.values import replace
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.documents import PreviewDocument, StorePart, SyncDocument

UNHARMED: Final = "Nothing was changed."


# --- looking


def stores(rooms: Rooms) -> StoresDocument:
    """The stores there are, each with what waits in it.

    Raises:
        Misused: this machine was never set up.
        StoreDamaged: a replica store cannot be read.
    """
    if rooms.identity() is None:
        raise not_set_up()
    return _document(rooms, "list")


def candidates(
    rooms: Rooms,
    files: Mapping[str, str | None],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> list[Plan]:
    """Look at files that are to become stores, by name; None: the file the configuration names.

    Raises:
        Misused: a name or a file is not one to use, or taken. FileUnusable: what stands there cannot be used.
    """
    if rooms.identity() is None or not rooms.configuration.remotes:
        raise not_set_up()
    rules = {"include": tuple(include), "exclude": tuple(exclude)}
    plans: list[Plan] = []
    for name, file in files.items():
        taken = [*rooms.configuration.stores, *(plan.store for plan in plans)]
        plans.append(_plan(rooms, _wanted(rooms, name, file, taken), rules))
    return plans


def _wanted(rooms: Rooms, name: str, file: str | None, taken: Sequence[StoreSettings]) -> StoreSettings:
    """The settings of a store as far as they are given, if it can be added."""
    known = next((each for each in rooms.configuration.stores if each.name == name), None)
    if known is not None and replace(rooms, picked=name).is_adopted:
        raise Misused(
            f"There is a store called {name} already.", unharmed=UNHARMED, hint="memsync-git stores list"
        )
    if known is None and file is None:
        raise Misused(
            "A store needs its file.", unharmed=UNHARMED, hint="memsync-git stores add NAME --file PATH"
        )
    wanted = known or StoreSettings(name=_fit("name", name))
    path = Path(file).expanduser().absolute() if file is not None else wanted.path
    other = next((each for each in taken if each.name != name and is_same_file(each.path, path)), None)
    if other is not None:
        raise Misused(
            f"{path} is the file of the store {other.name}.",
            unharmed=UNHARMED,
            hint="memsync-git stores list",
        )
    return replace(wanted, file=_fit("file", str(path)))


def _fit(key: str, value: str) -> str:
    try:
        return str(settings_of("stores")[key].kind.fit(value))
    except Unfit as error:
        raise Misused(f"The {key} {value!r} {error}", unharmed=UNHARMED) from error


def _plan(rooms: Rooms, wanted: StoreSettings, rules: dict[str, tuple[str, ...]]) -> Plan:
    given = {key: globs for key, globs in rules.items() if globs}
    store = replace(as_it_stands(rooms, wanted, wanted.file), **given)  # type: ignore[arg-type]
    read = read_of(rooms, store)
    damage = damage_in(read)
    remote = rooms.configuration.remotes[0]
    return Plan(
        rooms=rooms,
        remote=remote,
        store=store,
        host=rooms.host,
        kind="memsync",
        paths=(),
        is_hub=remote.url == str(rooms.places.hub),
        is_new=False,
        drop=False,
        notices=damage_notices(store, damage),
        is_damaged=bool(damage),
        found=Found(read),
    )


def preview(plans: Sequence[Plan]) -> PreviewDocument:
    """What adopting the files would change here, found by doing it on copies."""
    names = ", ".join(plan.store.name for plan in plans)
    action = f"share {names} through {redacted(plans[0].remote.url)}"
    return previewed_together(previews(plans), action)


# --- changing


def add(rooms: Rooms, plans: Sequence[Plan]) -> StoresDocument:
    """Synchronise further files from now on; a first round is run in each, published together.

    Raises:
        Misused, Busy, StoreDamaged: as `app.syncing.sync`.
    """
    added = tuple(plan.store for plan in plans)
    names = {store.name for store in added}
    before = tuple(store for store in rooms.configuration.stores if store.name not in names)
    configuration = replace(rooms.configuration, stores=(*before, *added))
    extended = replace(rooms, configuration=configuration).on_one_visit()
    stores = [replace(extended, picked=plan.store.name) for plan in plans]
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        _write(rooms, added)
        for one in stores:
            _begin(one)
        rounds = [first_steps(plan, one) for plan, one in zip(plans, stores, strict=True)]
        documents = [document for document, _ in answered_together(rounds, published)]
    synced = synced_together([(one.store.name, each) for one, each in zip(stores, documents, strict=True)])
    return _document(extended, "add", synced, [*synced["notices"], *reread(rooms)])


def _write(rooms: Rooms, added: Sequence[StoreSettings]) -> None:
    """Write the stores behind those that are there, all of which have to stand in the file then."""
    origins = rooms.configuration.origins
    wanted: dict[str, object] = {}
    for store in rooms.configuration.stores:
        key = f"stores.{store.name}.file"
        if key not in origins or origins[key].source != "file":
            wanted |= {key: store.file, f"stores.{store.name}.format": store.format}
    for store in added:
        key = f"stores.{store.name}"
        wanted |= {f"{key}.file": store.file, f"{key}.format": store.format}
        wanted |= {f"{key}.include": store.include} if store.include else {}
        wanted |= {f"{key}.exclude": store.exclude} if store.exclude else {}
    change(rooms.places.config, wanted)


def _begin(rooms: Rooms) -> None:
    """A new replica of the store; one that was left behind is set aside."""
    from memsync_git.app.doctor.mending import set_aside

    identity, place = rooms.identity(), rooms.places.store(rooms.store.name)
    if identity is None:
        raise not_set_up()
    if rooms.is_adopted:
        set_aside(place, "left")
    with rooms.installation() as installation:
        installation.forget_store(rooms.store.name, [each.name for each in rooms.configuration.remotes])
    with rooms.replica_store() as store:
        if store.row("replica", ONE) is None:
            begin(rooms, store, identity.rid, rooms.host)


def remove(rooms: Rooms, name: str) -> StoresDocument:
    """Synchronise a file no longer. The file and the repository stay as they are.

    Raises:
        Misused: no store has that name, or it is the last one.
        Busy: a sync is under way.
    """
    if rooms.identity() is None:
        raise not_set_up()
    leaving = next((each for each in rooms.configuration.stores if each.name == name), None)
    if leaving is None:
        known = ", ".join(each.name for each in rooms.configuration.stores)
        raise Misused(f"No store is called {name!r}", unharmed=UNHARMED, hint=f"there is {known}")
    left = tuple(each for each in rooms.configuration.stores if each.name != name)
    if not left:
        raise Misused(
            f"{name} is the only store; without one nothing would be synchronised.",
            unharmed=UNHARMED,
            hint="memsync-git pause  stops syncing for a while",
        )
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        notices = _farewell(replace(rooms, picked=name))
        remove_from_file(rooms.places.config, "stores", name)
    rest = replace(rooms, configuration=replace(rooms.configuration, stores=left))
    return _document(rest, "remove", None, [*notices, *reread(rooms)])


def _farewell(rooms: Rooms) -> list[NoticePart]:
    """What to know of a store that is left."""
    name, path = rooms.store.name, rooms.store.path
    said = [
        notice(
            f"{path} stays as it is, and so does what the repository holds of {name}.",
            "Other machines go on sharing it.",
            f"memsync-git stores add {name} --file {path}  takes it back",
        )
    ]
    up = rooms.summary()["up"] if rooms.is_adopted else 0
    if up:
        changes = "1 change" if up == 1 else f"{up} changes"
        said.append(notice(f"{changes} of it was never published.", "The file has all of it."))
    return said


# --- telling


def _document(
    rooms: Rooms, action: StoresAction, synced: SyncDocument | None = None, notices: Sequence[NoticePart] = ()
) -> StoresDocument:
    every = replace(rooms, picked="")
    return {
        "schema_version": SCHEMA_VERSION,
        "action": action,
        "stores": [_part(replace(rooms, picked=each.name)) for each in rooms.configuration.stores],
        "sync": synced,
        "notices": [*notices, *unadopted_notices(every)],
    }


def _part(rooms: Rooms) -> StorePart:
    store = rooms.store
    summary = rooms.summary() if rooms.is_adopted else None
    with rooms.reading() as installation:
        last = installation.last_round()
    return {
        "store": store.name,
        "path": str(store.path),
        "format": store.format,
        "include": list(store.include),
        "exclude": list(store.exclude),
        "adopted": summary is not None,
        "entities": summary["file"]["entities"] if summary is not None else None,
        "pending": {"up": summary["up"], "down": summary["down"]} if summary else {"up": 0, "down": 0},
        "outcome": last.outcome if last is not None and summary is not None else None,
    }
