"""A round of the daemon in one store, whatever becomes of it: run, noted, and answered.

Rule 1: nothing gets out. A round that fails, or has a bug, is an outcome like any other.
Rule 2: a bug leaves a report, as it does on the command line; what was half done was rolled back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from memsync_git.app.allocator import give_back
from memsync_git.app.keeping import collect_if_due
from memsync_git.app.noting import note_failure
from memsync_git.app.opening import Rooms
from memsync_git.app.reports import write_report
from memsync_git.app.telling import failed_document, notice
from memsync_git.app.working import Workplace
from memsync_git.daemon.workers import words_of
from memsync_git.documents import NoticePart, SyncDocument
from memsync_git.errors import Busy, MemsyncError
from memsync_git.offering import Offering
from memsync_git.pacing import Outcome, RoundEnded, Sync
from memsync_git.stores.lock import SharedLock
from memsync_git.values import dataclass
from memsync_git.words import OutcomeWord

OUTCOMES: Final[dict[OutcomeWord, Outcome]] = {
    "accepted": "well",
    "nothing": "well",
    "stale": "stale",
    "offline": "offline",
    "refused": "refused",
}
"""What a remote said, as the Pacer understands it."""

log = logging.getLogger("memsync_git.daemon")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a round came to: for the Pacer, and as `sync` prints it (None: another process was at it)."""

    ended: RoundEnded
    document: SyncDocument | None


class Rounds:
    """The rounds of one store. `rooms` follows the configuration."""

    def __init__(self, rooms: Rooms, workplace: Workplace) -> None:
        self.rooms = rooms
        self._workplace = workplace

    def run(self, sync: Sync, lock: SharedLock) -> Offering[Ran]:
        """One round. Never raises."""
        work = self._workplace.sync(sync.reason, sync.remotes, lock)
        document = yield from self._tried(sync.remotes, work)
        give_back()
        if document is None:
            return Ran(RoundEnded(dict.fromkeys(sync.remotes, "busy")), None)
        return Ran(RoundEnded(outcomes_of(document, sync.remotes), active=is_active(document)), document)

    def flush(self, lock: SharedLock) -> Offering[SyncDocument | None]:
        """Publish what waits, before the end; None if nothing does. Never raises."""
        return self._tried((), self._workplace.flush(lock))

    def collect(self) -> None:
        """The monthly collection, if it is due."""
        try:
            collect_if_due(self.rooms, self._workplace.collect)
        except MemsyncError as error:
            log.warning("The monthly collection failed: %s", error.message)

    def _tried(
        self, names: Sequence[str], work: Offering[SyncDocument] | Offering[SyncDocument | None]
    ) -> Offering[SyncDocument | None]:
        """What a round came to; None if another process was at it, or nothing was to do."""
        began_s = time.monotonic()
        try:
            document = yield from work
        except Busy:
            log.debug("Another process runs a round.")
            return None
        except Exception as error:  # noqa: BLE001  the one catch-all of the daemon: it reports and goes on
            told, ms = self._told(error), round((time.monotonic() - began_s) * 1000)
            note_failure(self.rooms, told["message"], "daemon", ms=ms)
            document = failed_document(names, told, ms)
        if document is not None:
            said = {part["name"]: part["outcome"] for part in document["remotes"]}
            log.debug("A round ended: %s, %s, %d ms.", document["outcome"], said, document["ms"])
        return document

    def _told(self, error: Exception) -> NoticePart:
        """What there is to say about a failure, and a report where it is a bug."""
        if isinstance(error, MemsyncError):
            return notice(error.message, error.unharmed, error.hint)
        report = write_report(error, self.rooms.places.reports, ["daemon"])
        log.error("The report of a bug is %s.", report)
        return notice(
            f"The daemon met a bug: {words_of(error)}",
            "Changes are written whole or not at all.",
            "memsync-git doctor",
        )


def outcomes_of(document: SyncDocument, names: Sequence[str]) -> dict[str, Outcome]:
    """How it went with each remote that was meant to be spoken to."""
    said = {part["name"]: OUTCOMES.get(part["outcome"], "failed") for part in document["remotes"]}
    return {name: said.get(name, "failed") for name in names}


def is_active(document: SyncDocument) -> bool:
    """Whether something came in or went out."""
    counts = (document["local"], document["remote"])
    return document["published"] or document["wrote_file"] or any(any(count.values()) for count in counts)
