"""What every command that changes the memory does before and after its own act.

    lock ─ take in what the file says ─ the act ─ one round: pull, push, apply ─ note

Rule 1: the file comes first: what stands there now may already answer what the command is about.
Rule 2: nothing is written into a store older than its file; what it minted would be dropped later.
Rule 3: a remote that cannot be reached is a notice, never a failure: the act is durable before it travels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.syncing import note
from memsync_git.app.telling import count_holds, notices_of
from memsync_git.documents import NoticePart
from memsync_git.errors import Offline
from memsync_git.options import LOCK_WAIT_S
from memsync_git.stores.lock import round_lock

if TYPE_CHECKING:
    from memsync_git.sync import RoundOptions, RoundReport, Session


@contextmanager
def acting(rooms: Rooms, *, has_lock: bool = False) -> Iterator[Session]:
    """A session under the round lock, with the memory file taken in; `has_lock`: the caller holds it.

    Raises:
        Misused: this machine was never set up.
        Busy: another sync held the lock for ten seconds.
        Offline: only a remote can tell what the store lacks, and none could be reached.
    """
    if rooms.identity() is None:
        raise not_set_up()
    lock = nullcontext() if has_lock else round_lock(rooms.lock_path, LOCK_WAIT_S)
    with lock, rooms.session() as session:
        _take_in_file(rooms, session)
        yield session


def _take_in_file(rooms: Rooms, session: Session) -> None:
    from memsync_git.sync import RoundOptions, sync_round

    if not session.exists:
        raise not_set_up()
    report = sync_round(session, RoundOptions(fetch=False, publish=False, apply=False))
    if report.file == "waiting":
        report = whole_round(rooms, session)
    if report.file == "waiting":
        raise Offline(
            report.file_reason or "The memory file waits until every remote has been reached once.",
            unharmed="Nothing was changed.",
            hint="memsync-git sync",
        )


def whole_round(rooms: Rooms, session: Session, options: RoundOptions | None = None) -> RoundReport:
    """One round of a session whose lock is held, noted for `status`."""
    from memsync_git.sync import sync_round

    report = sync_round(session, options)
    session.world.file.protect()
    note(rooms, session, report)
    return report


def last_txn(session: Session) -> str:
    """What `undo` takes to take back the newest own revision."""
    return f"{session.replica.rid}:{session.replica.header.rev}"


def round_notices(session: Session, report: RoundReport) -> list[NoticePart]:
    """What a person should know about the round after an act."""
    return notices_of(report, holds=count_holds(session.replica))
