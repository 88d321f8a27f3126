"""`remote`: which repositories this machine publishes to; adding one, moving to another, leaving one.

    set: sync with the old one ─ publish everything to the new one ─ read it back ─ switch

Rule 1: nothing is switched before the new repository was read back and holds every revision held here.
Rule 2: what is looked at before it is joined is looked at through a clone of its own: nothing of it, or of
another repository under the same name, can leak into what is published later.
Rule 3: no repository is emptied or deleted. What was left keeps what it had, its history too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.app.installation import RemoteMemory
from memsync_git.app.keeping import keep_small
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.parts import change_parts, host_parts, in_order, preview_of
from memsync_git.app.picture import status
from memsync_git.app.planning import IS_PUBLIC, absolute, foreign, surveyed
from memsync_git.app.several import previewed_together, synced_together
from memsync_git.app.syncing import document_of, note
from memsync_git.app.telling import bare, notice
from memsync_git.config import RemoteSettings
from memsync_git.config.kinds import Unfit
from memsync_git.config.settings import settings_of
from memsync_git.config.writing import change
from memsync_git.config.writing import remove as remove_from_file
from memsync_git.documents import (
    NoticePart,
    PreviewDocument,
    RemoteAction,
    RemoteCheckDocument,
    RemotesDocument,
    SyncDocument,
)
from memsync_git.errors import MemsyncError, Misused, Offline
from memsync_git.options import LOCK_WAIT_S
from memsync_git.ports import Fetched, Refused, Unreachable
from memsync_git.redaction import redacted
from memsync_git.stores.lock import round_lock
from memsync_git.sync.message import shown
from memsync_git.values import dataclass, replace
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.remotes.git import GitRemote
    from memsync_git.replica import Replica

UNHARMED = "Nothing was changed."
LEFT = "The old repository stays as it is; its history is there."
OTHERS = "The other machines go on with the old one until each is told, too."
UNREACHED = (
    "The old repository could not be reached: what others published there lately comes when they move."
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A repository that was looked at. `kind` as in a survey: "empty", or "memsync" if others share it."""

    settings: RemoteSettings
    kind: str
    notices: tuple[NoticePart, ...] = ()

    @property
    def needs_consent(self) -> bool:
        """Whether others share a memory there already, which would be joined with this one."""
        return self.kind == "memsync"


# --- looking


def remotes(rooms: Rooms) -> RemotesDocument:
    """The remotes, each with its own outcome and what waits for it.

    Raises:
        Misused: this machine was never set up.
    """
    return _document(rooms, "list")


def check(rooms: Rooms, names: Sequence[str] = ()) -> RemoteCheckDocument:
    """Whether each remote answers, and would take a push; nothing is published.

    Raises:
        Misused: no remote has one of these names, or this machine was never set up.
        Busy: a sync is under way.
    """
    from memsync_git.app.doctor.case import Case

    _require_set_up(rooms)
    for name in names:
        _named(rooms, name)
    chosen = [each for each in rooms.configuration.remotes if not names or each.name in names]
    narrowed = Rooms(rooms.places, replace(rooms.configuration, remotes=tuple(chosen)))
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        case = Case(narrowed)
        return {
            "schema_version": SCHEMA_VERSION,
            "remotes": [
                {
                    "name": each.name,
                    "url": redacted(each.url),
                    "fetch": _word(case.remotes[each.name][1]),
                    "push": _word(case.pushes.get(each.name)),
                    "reason": _reason(case.remotes[each.name][1]) or _reason(case.pushes.get(each.name)),
                    "head": _head(case.remotes[each.name][1]),
                }
                for each in chosen
            ],
        }


def _word(outcome: object) -> str | None:
    match outcome:
        case None:
            return None
        case Unreachable():
            return "offline"
        case Refused():
            return "refused"
        case _:
            return "ok"


def _reason(outcome: object) -> str:
    return bare(outcome.reason) if isinstance(outcome, Unreachable | Refused) else ""


def _head(outcome: object) -> str | None:
    return outcome.head or None if isinstance(outcome, Fetched) else None


def candidate(rooms: Rooms, name: str, url: str, branch: str | None, *, moves: bool = False) -> Candidate:
    """Look at a repository that is to become a remote: a further one, or in the place of one (`moves`).

    Raises:
        Misused: the name or the address is not one to use, or something else is kept there.
        Offline, Denied: it does not answer, or refuses.
    """
    _require_set_up(rooms)
    known = _named(rooms, name) if moves else None
    if not moves and any(each.name == name for each in rooms.configuration.remotes):
        raise Misused(
            f"There is a remote called {shown(name)!r} already.",
            unharmed=UNHARMED,
            hint=f"memsync-git remote set {url} --name {name}  moves it",
        )
    settings = replace(known or RemoteSettings(name=_fit("name", name)), url=_fit("url", absolute(url)))
    settings = replace(settings, branch=_fit("branch", branch or settings.branch))
    taken = next((each for each in rooms.configuration.remotes if each.url == settings.url), None)
    if taken is not None:
        raise Misused(
            f"This machine syncs with {redacted(taken.url)} already, as {taken.name}.", unharmed=UNHARMED
        )
    found = surveyed(settings, again=f"memsync-git remote {'set' if moves else 'add'}")
    if found.kind not in ("empty", "memsync"):
        raise foreign(settings, found.paths, hint="give an empty private repository")
    public = (notice(IS_PUBLIC, "Nothing was sent yet.", "make the repository private first"),)
    return Candidate(settings, found.kind, public if found.public else ())


def _fit(key: str, value: str) -> str:
    try:
        return str(settings_of("remotes")[key].kind.fit(value))
    except Unfit as error:
        raise Misused(f"The {key} {shown(value)!r} {error}", unharmed=UNHARMED) from error


def preview(rooms: Rooms, wanted: Candidate) -> PreviewDocument:
    """What joining a repository that is shared already would change here, found by doing it on copies."""
    shown = [_preview(one, wanted) for one in rooms.each()]
    if len(shown) == 1:
        return shown[0]
    document = previewed_together(shown, shown[0]["action"])
    return {**document, "notices": list(wanted.notices)}


def _preview(rooms: Rooms, wanted: Candidate) -> PreviewDocument:
    from memsync_git.app.rehearsal import rehearse
    from memsync_git.sync import RoundOptions

    with _apart(rooms, wanted.settings) as remote:
        rehearsed = rehearse(rooms, RoundOptions(), [remote])
    before, after = rehearsed.before.items(), rehearsed.after.items()
    changes = change_parts(in_order(after - before), in_order(before - after))
    known = set(rooms.replica().state.rids)
    action = f"sync with {redacted(wanted.settings.url)} as {wanted.settings.name}"
    machines = [part for part in host_parts(rehearsed.replica) if part["id"] not in known]
    return preview_of(action, changes, machines=machines, notices=wanted.notices)


# --- changing


def add(rooms: Rooms, wanted: Candidate) -> RemotesDocument:
    """Publish to one more repository from now on, and take in what is there; a first round is run.

    Raises:
        Misused, Busy, StoreDamaged: as `app.syncing.sync`.
    """
    _write(rooms, wanted.settings)
    extended = _with(rooms, (*rooms.configuration.remotes, wanted.settings))
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        return _document(extended, "add", _rounds(extended), wanted.notices)


def move(rooms: Rooms, wanted: Candidate) -> RemotesDocument:
    """Publish everything to another repository, read it back, and go on with it in a remote's place.

    Raises:
        MemsyncError: the new repository does not hold everything; the old one is still the remote.
        Misused, Offline, Busy, StoreDamaged: as `app.syncing.sync`.
    """
    settings = wanted.settings
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        before = _rounds(rooms)
        for one in rooms.each():
            _published(one, settings)
        rooms.remote(_named(rooms, settings.name)).forget()
        _write(rooms, settings)
        _forgotten(rooms, settings.name)
        others = (settings if each.name == settings.name else each for each in rooms.configuration.remotes)
        moved = _with(rooms, tuple(others))
        notices = [*wanted.notices, notice(LEFT)]
        if len(rooms.summary()["hosts"]) > 1:
            notices.append(notice(OTHERS, "", _told_to(settings)))
        if _was_offline(before, settings.name):
            notices.append(notice(UNREACHED, "Nothing of it is lost."))
        return _document(moved, "set", _rounds(moved), notices)


def _told_to(settings: RemoteSettings) -> str:
    return f"on each of them: memsync-git remote set {redacted(settings.url)}"


def _was_offline(document: SyncDocument, name: str) -> bool:
    outcomes = {each["name"]: each["outcome"] for each in document["remotes"]}
    return outcomes.get(name) in ("offline", "refused")


def _published(rooms: Rooms, settings: RemoteSettings) -> None:
    """Bring everything held here to a repository, and read it back.

    Raises:
        Offline, MemsyncError: it does not hold all of it.
    """
    from memsync_git.sync import RoundOptions, sync_round

    with _apart(rooms, settings) as remote, rooms.session([remote]) as session:
        report = sync_round(session, RoundOptions(apply=False, full=True))
        line = report.of(settings.name)
        if line.state == "offline":
            raise Offline(
                f"The new repository could not be reached: {bare(line.reason)}",
                unharmed="This machine goes on with the old one.",
                hint="memsync-git remote set again, when it can be reached",
            )
        replica = session.replica
    with _apart(rooms, settings) as again:
        lacking = _lacking(replica, again)
    if lacking:
        raise MemsyncError(
            f"The new repository does not hold what {', '.join(map(shown, lacking))} noted"
            + (f": {bare(line.reason)}" if line.reason else "."),
            unharmed="This machine goes on with the old one; nothing was deleted anywhere.",
            hint="the new repository has to take pushes to its branch",
        )


def _lacking(replica: Replica, remote: GitRemote) -> list[str]:
    """The machines of whose newest revision held here a repository has nothing, or an older one."""
    answer = remote.fetch()
    fragments = answer.fragments if isinstance(answer, Fetched) else ()
    found = {fragment.rid: fragment.version for fragment in sorted(fragments, key=lambda each: each.version)}
    headers = [header for header in map(replica.state.header, replica.state.rids) if header is not None]
    return [
        header.host for header in headers if header.rev and found.get(header.rid, (0, "")) < header.version
    ]


def remove(rooms: Rooms, name: str) -> RemotesDocument:
    """Publish to a repository no longer. What is there stays there.

    Raises:
        Misused: no remote has that name, or it is the last one.
        Busy: a sync is under way.
    """
    _require_set_up(rooms)
    leaving = _named(rooms, name)
    if len(rooms.configuration.remotes) == 1:
        raise Misused(
            f"{name} is the only remote; without one nothing would be shared.",
            unharmed=UNHARMED,
            hint="memsync-git remote set URL  moves to another one",
        )
    with round_lock(rooms.lock_path, LOCK_WAIT_S):
        remove_from_file(rooms.places.config, "remotes", name)
        for one in rooms.each():
            with one.session(()) as session:
                session.act(lambda replica, _: replica.forget_remote(name))
        rooms.remote(leaving).forget()
        _forgotten(rooms, name)
    left = _with(rooms, tuple(each for each in rooms.configuration.remotes if each.name != name))
    return _document(left, "remove", None, [notice(f"{redacted(leaving.url)} stays as it is.")])


# --- parts


def _require_set_up(rooms: Rooms) -> None:
    if rooms.identity() is None:
        raise not_set_up()


def _named(rooms: Rooms, name: str) -> RemoteSettings:
    found = next((each for each in rooms.configuration.remotes if each.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in rooms.configuration.remotes)
        raise Misused(
            f"No remote is called {shown(name)!r}",
            unharmed=UNHARMED,
            hint=f"there is {known}" if known else "memsync-git init",
        )
    return found


def _write(rooms: Rooms, settings: RemoteSettings) -> None:
    key = f"remotes.{settings.name}"
    change(
        rooms.places.config,
        {f"{key}.kind": settings.kind, f"{key}.url": settings.url, f"{key}.branch": settings.branch},
    )


def _with(rooms: Rooms, settings: tuple[RemoteSettings, ...]) -> Rooms:
    return replace(rooms, configuration=replace(rooms.configuration, remotes=settings))


def _forgotten(rooms: Rooms, name: str) -> None:
    """Know nothing any more of how it went with a remote, in any store."""
    for one in rooms.each():
        with one.installation() as installation:
            installation.note_remotes([RemoteMemory(name)])


@contextmanager
def _apart(rooms: Rooms, settings: RemoteSettings) -> Iterator[GitRemote]:
    """A remote seen through a clone of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="memsync-git-remote-") as folder:
        yield rooms.remote(settings, clone=Path(folder) / "clone")


def _rounds(rooms: Rooms) -> SyncDocument:
    """A round in every store."""
    return synced_together([(one.store.name, _round(one)) for one in rooms.each()])


def _round(rooms: Rooms) -> SyncDocument:
    from memsync_git.sync import RoundOptions, sync_round

    with rooms.session() as session:
        report = sync_round(session, RoundOptions())
        session.world.file.protect()
        note(rooms, session, report)
        keep_small(session.world.remotes)
        return document_of(report, session.replica)


def _document(
    rooms: Rooms, action: RemoteAction, synced: SyncDocument | None = None, notices: Sequence[NoticePart] = ()
) -> RemotesDocument:
    told = [*notices, *(synced["notices"] if synced is not None else ())]
    return {
        "schema_version": SCHEMA_VERSION,
        "action": action,
        "remotes": status(rooms)["remotes"],
        "sync": synced,
        "notices": told,
    }
