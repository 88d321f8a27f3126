"""What `init` is about to do: a plan, made by looking at the remote and the file and changing neither.

Rule 1: a repository is adopted only if it is empty, ours, or an older tool's; anything else needs `--adopt`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.app.allocator import SOME_LINES_BYTES, keep_together
from memsync_git.app.drafting import Found
from memsync_git.app.opening import Rooms
from memsync_git.app.telling import bare, notice
from memsync_git.config import Configuration, RemoteSettings, StoreSettings
from memsync_git.documents import NoticePart
from memsync_git.errors import Denied, FileUnusable, Misused, Offline
from memsync_git.formats import Damage, Decoded, decode
from memsync_git.formats.detecting import READ_GRAPH, detect
from memsync_git.importers.older_tool import combined
from memsync_git.model import Item, items_of
from memsync_git.options import InitOptions
from memsync_git.ports import Missing, Refused, Snapshot, Unreachable, Unusable
from memsync_git.values import dataclass, field, replace

if TYPE_CHECKING:
    from memsync_git.remotes.survey import Survey

LEGACY = "legacy"
DEFAULT_BRANCH = "main"
IS_PUBLIC = "This repository can be read by anybody without a password: your memory would be public."


@dataclass(frozen=True, slots=True)
class Plan:
    """What `init` is about to do.

    is_hub: the remote is the embedded one of this machine. found: what making it and its preview have found,
    for the first round.
    """

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
    found: Found = field(default_factory=Found)

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
    keep_together(SOME_LINES_BYTES)  # a whole memory is about to come and go, some lines of it at a time
    remote, is_hub = _remote(rooms, options)
    store = _store(rooms, options)
    found = Found()
    survey = None if is_hub and not is_there(remote) else surveyed(remote, keep=found.clone)
    kind, paths = ("empty", ()) if survey is None else (survey.kind, survey.paths)
    if kind == "foreign" and not options.adopt:
        raise foreign(remote, paths)
    found.file = read_of(rooms, store)
    damage = damage_in(found.file)
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
        notices=_notices(survey) + damage_notices(store, damage),
        is_damaged=bool(damage),
        found=found,
    )


def _remote(rooms: Rooms, options: InitOptions) -> tuple[RemoteSettings, bool]:
    """The remote to join, and whether it is the embedded hub."""
    known = next(iter(rooms.configuration.remotes), None)
    wanted = absolute(options.remote) if options.remote else None
    if known is not None and wanted not in (None, known.url):
        raise Misused(
            f"This machine already syncs with {known.url}.",
            unharmed="Nothing was changed.",
            hint=f"memsync-git remote set {wanted}",
        )
    if known is not None:
        return known, known.url == str(rooms.places.hub)
    url = wanted or str(rooms.places.hub)
    settings = RemoteSettings(url=url, branch=options.branch or DEFAULT_BRANCH)
    return settings, url == str(rooms.places.hub)


def absolute(address: str) -> str:
    """A relative path of a folder that is there, made absolute; anything else as it is."""
    from memsync_git.remotes.url import validate

    path = Path(address).expanduser()
    if path.is_dir() and "://" not in address:
        address = str(path.absolute())
    return str(validate(address))


def is_there(remote: RemoteSettings) -> bool:
    return (Path(remote.url) / "HEAD").is_file()


def surveyed(remote: RemoteSettings, *, again: str = "memsync-git init", keep: Path | None = None) -> Survey:
    """What stands at an address; `again` is the command to run when it can be reached.

    keep: a folder in which the clone stays that it was looked at through.

    Raises:
        Offline, Denied: it does not answer, or refuses.
    """
    from memsync_git.remotes.survey import survey
    from memsync_git.remotes.url import validate

    address = validate(remote.url)
    match survey(address, branch=remote.branch, timeout_s=remote.timeout_s, name=remote.name, keep=keep):
        case Unreachable(reason):
            raise Offline(
                f"The remote cannot be reached: {bare(reason)}",
                unharmed="Nothing was changed on this machine.",
                hint=f"check the address and the network, then run {again} again",
            )
        case Refused(reason):
            raise Denied(
                f"The remote refused: {bare(reason)}",
                unharmed="Nothing was changed on this machine.",
                hint="git ls-remote with the same address shows what git itself says",
            )
        case found:
            return found


def foreign(
    remote: RemoteSettings,
    paths: tuple[str, ...],
    hint: str = "give an empty private repository, or add --adopt to share this one",
) -> Misused:
    """The refusal of a repository that is used for something else."""
    some = ", ".join(paths[:3])
    return Misused(
        f"The repository {remote.url} holds something else ({some}).",
        unharmed="Nothing was changed there.",
        hint=hint,
    )


def _notices(survey: Survey | None) -> tuple[NoticePart, ...]:
    if survey is not None and survey.public:
        return (notice(IS_PUBLIC, "Nothing was sent yet.", "make the repository private first"),)
    return ()


def _store(rooms: Rooms, options: InitOptions) -> StoreSettings:
    """The memory file and its variant, as it is found."""
    return as_it_stands(rooms, rooms.store, options.file)


def as_it_stands(rooms: Rooms, known: StoreSettings, file: str | None) -> StoreSettings:
    """The settings of a store by the file that stands at a path, or where they say.

    Raises:
        FileUnusable: what stands there cannot be used.
    """
    path = Path(file).expanduser().absolute() if file else known.path
    match rooms.file(path).read():
        case Unusable(reason, hint):
            raise FileUnusable(reason, unharmed="It was left as it is.", hint=hint)
        case Missing():
            return replace(known, file=str(path))
        case Snapshot(data):
            found = bytes(data)
            return replace(
                known, file=str(path), format=_variant(found, path) if found.strip() else known.format
            )


def read_of(rooms: Rooms, store: StoreSettings) -> tuple[bytes, Decoded] | None:
    """The memory file as it stands, where it can be read."""
    reading = rooms.file(store.path).read()
    if not isinstance(reading, Snapshot):
        return None
    found = decode(reading.data, store.format, rooms.limits)
    return (bytes(reading.data), found) if isinstance(found, Decoded) else None


def damage_in(read: tuple[bytes, Decoded] | None) -> tuple[Damage, ...]:
    """What cannot be read of the memory file."""
    return read[1].damage if read is not None else ()


def damage_notices(store: StoreSettings, damage: tuple[Damage, ...]) -> tuple[NoticePart, ...]:
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


def configured(plan: Plan) -> Rooms:
    """The rooms as they will be once the plan is carried out."""
    rooms = plan.rooms
    configuration: Configuration = replace(
        rooms.configuration,
        remotes=(plan.remote, *rooms.configuration.remotes[1:]),
        stores=(plan.store, *rooms.configuration.stores[1:]),
    )
    return Rooms(rooms.places, configuration)


def legacy(plan: Plan) -> tuple[Item, ...]:
    """What the older tool's files say together; of a field the newest value."""
    from memsync_git.remotes.survey import contents
    from memsync_git.remotes.url import validate

    remote = plan.remote
    files = contents(validate(remote.url), plan.paths, branch=remote.branch, timeout_s=remote.timeout_s)
    return tuple(item for record in combined(files).graph for item in items_of(record))
