"""What a look at a shared memory has made, kept until a person agrees: joining need not make it again.

    preview ─ clone, replica store, file ─▶ draft ─ agreed ─▶ those of this machine

Rule 1: it is used only where there was no memory file and there is none; whoever has one begins anew.
Rule 2: the remote is asked again. What has come since is taken in as in any round, and the file made anew.
Rule 3: a draft that is not used leaves nothing behind.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import finalize

from memsync_git.app.allocator import give_back
from memsync_git.app.clocks import SystemClock
from memsync_git.app.installation import Identity, machine_id
from memsync_git.app.opening import Rooms
from memsync_git.model import Rid
from memsync_git.ports import Fetched, Missing
from memsync_git.replica import Replica
from memsync_git.replica.receiving import has_joinable

if TYPE_CHECKING:
    from memsync_git.formats import Decoded
    from memsync_git.stores.sqlite import SqliteStore
    from memsync_git.sync import RoundReport, Session
    from memsync_git.sync.session import Drafted


@dataclass
class Draft:
    """A replica that has joined everything, and the clone it came through.

    digest: what the remote said. holds: names what was joined, if the remote held no more and lacked nothing.
    file: the memory file it would write, if it could.
    """

    rid: Rid
    folder: Path
    digest: str
    holds: str
    report: RoundReport
    file: Drafted | None = None

    def __post_init__(self) -> None:
        """Its folder goes with it, whatever becomes of it."""
        self.let_go = finalize(self, remove, self.folder)

    @property
    def clone(self) -> Path:
        return clone_in(self.folder)


def clone_in(folder: Path) -> Path:
    """Where the clone is, in the folder of a draft."""
    return folder / "clone"


def store_in(folder: Path) -> Path:
    """Where the replica store is, likewise."""
    return folder / "replica.db"


def drafted_store(folder: Path) -> SqliteStore:
    """The replica store in the folder of a draft, to be written."""
    from memsync_git.stores.sqlite import SqliteStore

    return SqliteStore(store_in(folder))


def remove(folder: Path) -> None:
    """Take a folder away, as far as that can be done."""
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Found:
    """What a plan and its preview have found on their way, for whoever goes on; it is not held twice.

    file: the memory file as it stood, and what it says. draft: what a preview has made.
    """

    file: tuple[bytes, Decoded] | None = None
    draft: Draft | None = None

    def hand_file(self, session: Session) -> None:
        """Let a session know the file; it need not read a large one again."""
        file, self.file = self.file, None
        if file is not None:
            session.know(*file)

    def take_draft(self, rooms: Rooms) -> Draft | None:
        """The draft, if it still fits."""
        draft, self.draft = self.draft, None
        if draft is not None and not isinstance(rooms.file().read(), Missing):
            draft.let_go()
            return None
        return draft


def name_of_cut(replica: Replica, fetched: Fetched) -> str:
    """Names what is held, if a remote shows no more than that, and main lacks nothing of it."""
    from memsync_git.sync.pulling import cut_of

    headers = [header for header in replica.state.headers if header.rev]
    is_complete = all(fetched.on_main.get(header.rid, (0, "")) >= header.version for header in headers)
    return cut_of(replica) if is_complete and not has_joinable(replica, fetched.fragments) else ""


def is_founded_on(draft: Draft, rooms: Rooms) -> bool:
    """Put the drafted replica where there is none: it is what this installation is from now on.

    Return whether that could be done; if not, nothing is left of the draft.
    """
    from memsync_git.stores.placing import place

    store, is_placed = rooms.places.store(rooms.store.name), False
    if not store.exists():
        with rooms.installation() as installation:
            installation.set_identity(Identity(draft.rid, machine_id(), SystemClock().wall_ms()))
        is_placed = place(store_in(draft.folder), store)
    if is_placed:
        _move(draft.clone / ".git", rooms.places.clone / ".git")
    draft.let_go()
    give_back()
    return is_placed


def _move(drafted: Path, place: Path) -> None:
    """Put the clone in its place, unless one is there; else it is fetched again, being a cache."""
    if place.exists():
        return
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(drafted, place)


def go_on_from(session: Session, draft: Draft) -> None:
    """Let the first round begin where the draft has ended."""
    for remote in session.world.remotes:
        remote.known_digest = draft.digest
        if draft.holds:
            session.complete_for[remote.name] = draft.holds
    file, draft.file = draft.file, None
    if file is not None:
        session.draft(file)


def tell_all(report: RoundReport, draft: Draft) -> None:
    """Enter into the report of that round what the draft had brought before."""
    report.remote.add(draft.report.remote)
    report.holds += draft.report.holds
    for line in report.remotes:
        line.brought_news = line.brought_news or report.remote.added > 0
