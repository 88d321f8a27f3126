"""What a look at a shared memory has made, kept until a person agrees: joining need not make it again.

    survey ─ clone ─▶ preview ─ replica store, file ─▶ draft ─ agreed ─▶ those of this machine

Rule 1: the clone is used by whoever goes on. The draft is used only where there was no memory file and there
is none; whoever has one begins anew.
Rule 2: the remote is asked again. What has come since is taken in as in any round, and the file made anew.
Rule 3: what is not used is not left behind.
"""

from __future__ import annotations

import shutil
import tempfile
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
    """A replica that has joined everything.

    store: where its store is. digest: what the remote said. holds: names what was joined, if the remote held
    no more and lacked nothing. file: the memory file it would write, if it could.
    """

    rid: Rid
    store: Path
    digest: str
    holds: str
    report: RoundReport
    file: Drafted | None = None


class Found:
    """What a plan and its preview have found on their way, for whoever goes on; it is not held twice.

    file: the memory file as it stood, and what it says. draft: what a preview has made.
    """

    def __init__(self, file: tuple[bytes, Decoded] | None = None) -> None:
        self.file = file
        self.draft: Draft | None = None
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """A folder for the clone and the draft, made at the first look; it goes when this goes."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="memsync-git-join-"))
            finalize(self, remove, self._folder)
        return self._folder

    def let_go(self) -> None:
        """Nobody goes on from here any more."""
        self.file = self.draft = None
        if self._folder is not None:
            remove(self._folder)

    @property
    def clone(self) -> Path:
        """Where the clone is through which the remote was looked at, if it was."""
        return self.folder / "clone"

    @property
    def store(self) -> Path:
        """Where the replica store of a draft is, if one is made."""
        return self.folder / "replica.db"

    def hand_file(self, session: Session) -> None:
        """Let a session know the file; it need not read a large one again."""
        file, self.file = self.file, None
        if file is not None:
            session.know(*file)

    def hand_clone(self, place: Path) -> None:
        """Put the clone in its place, unless one is there; else it is fetched again, being a cache."""
        if self._folder is None:
            return
        found, wanted = self.clone / ".git", place / ".git"
        if found.exists() and not wanted.exists():
            with suppress(OSError):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.move(found, wanted)

    def take_draft(self, rooms: Rooms) -> Draft | None:
        """The draft, if it still fits."""
        draft, self.draft = self.draft, None
        return draft if draft is not None and isinstance(rooms.file().read(), Missing) else None


def drafted_store(path: Path) -> SqliteStore:
    """An empty replica store for a draft; what an earlier look has made there is gone."""
    from memsync_git.stores.sqlite import SqliteStore

    path.unlink(missing_ok=True)
    return SqliteStore(path)


def remove(folder: Path) -> None:
    """Take a folder away, as far as that can be done."""
    shutil.rmtree(folder, ignore_errors=True)


def name_of_cut(replica: Replica, fetched: Fetched) -> str:
    """Names what is held, if a remote shows no more than that, and main lacks nothing of it."""
    from memsync_git.sync.pulling import cut_of

    headers = [header for header in replica.state.headers if header.rev]
    is_complete = all(fetched.on_main.get(header.rid, (0, "")) >= header.version for header in headers)
    return cut_of(replica) if is_complete and not has_joinable(replica, fetched.fragments) else ""


def is_founded_on(draft: Draft, rooms: Rooms) -> bool:
    """Put the drafted replica where there is none: it is what this installation is from now on.

    Return whether that could be done.
    """
    from memsync_git.stores.placing import place

    store, is_placed = rooms.places.store(rooms.store.name), False
    if not store.exists():
        with rooms.installation() as installation:
            installation.set_identity(Identity(draft.rid, machine_id(), SystemClock().wall_ms()))
        is_placed = place(draft.store, store)
    draft.store.unlink(missing_ok=True)
    give_back()
    return is_placed


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
