"""Everything the daemon serves, store by store: a watch, captures and rounds for each memory file.

    file A ─▶ watch ─▶┐            ┌─▶ capture A, capture B, …
    file B ─▶ watch ─▶┴─▶ Pacer ──▶┴─▶ round A, round B, …      published together

Rule 1: one Pacer for all: the stores share remotes, and what the Pacer knows is how remotes answer.
Rule 2: what fails in one store keeps nothing from the others.
Rule 3: whoever listens is told once of all stores.
Rule 4: `go_by`, `capture` and rounds run on different threads; the crew is replaced whole, never changed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from memsync_git.app.listening import Listener
from memsync_git.app.opening import Rooms
from memsync_git.app.several import synced_together
from memsync_git.app.together import published
from memsync_git.app.turns import Expect
from memsync_git.app.working import Workplace
from memsync_git.daemon.rounds import Rounds
from memsync_git.daemon.workers import words_of
from memsync_git.documents import SyncDocument
from memsync_git.local.watch import Watch
from memsync_git.offering import answered_together
from memsync_git.pacing import Outcome, RoundEnded, Sync
from memsync_git.ports import Clock
from memsync_git.stores.lock import SharedLock
from memsync_git.values import dataclass, replace
from memsync_git.words import Watching

WORST_FIRST: Final[tuple[Outcome, ...]] = ("refused", "offline", "stale", "busy", "well", "failed")
"""What the Pacer is told of a remote that several stores met: what asks for the most care first. A round that
broke in one store says nothing of the remote, and slows the others down only if it broke in all."""

log = logging.getLogger("memsync_git.daemon")


@dataclass(frozen=True, slots=True)
class Served:
    """One store as the daemon serves it."""

    name: str
    workplace: Workplace
    rounds: Rounds


class Stores:
    """The stores of one daemon. `aside` has a job done elsewhere; `hubs` are told of beside the first file.

    changed: called when a memory file may have changed.
    """

    def __init__(
        self,
        rooms: Rooms,
        listeners: Sequence[Listener],
        *,
        aside: Callable[[Callable[[], None]], None],
        expect: Expect,
        clock: Clock,
        changed: Callable[[], None],
        hub_changed: Callable[[str], None],
    ) -> None:
        self._rooms, self._listeners, self._aside = rooms.on_one_visit(), listeners, aside
        self._expect, self._clock = expect, clock
        self._changed, self._hub_changed = changed, hub_changed
        stores = self._rooms.each()
        self._crew = tuple(map(self._begun, stores))
        self._watches = self._watches_of(stores)

    def _begun(self, rooms: Rooms) -> Served:
        workplace = Workplace(rooms, expect=self._expect, clock=self._clock)
        return Served(rooms.store.name, workplace, Rounds(rooms, workplace))

    def go_by(self, stores: Sequence[Rooms]) -> tuple[Callable[[], None], Callable[[], None]]:
        """Serve the stores of another configuration, each seen from its own rooms.

        Two jobs come back: to end what is served no longer, for the thread of rounds, and to stop watching
        as before, for the thread of captures.
        """
        stores = [replace(one, visits=self._rooms.visits) for one in stores]
        known = {served.name: served for served in self._crew}
        crew = []
        for one in stores:
            served = known.pop(one.store.name, None) or self._begun(one)
            served.rounds.rooms = one
            served.workplace.doubt(one)
            crew.append(served)
        self._rooms = replace(stores[0], picked="")
        before, self._watches = self._watches, self._watches_of(stores)
        self._crew = tuple(crew)
        gone = tuple(known.values())
        return partial(_retired, gone), partial(_unwatched, before)

    # --- watching

    def _watches_of(self, stores: Sequence[Rooms]) -> tuple[Watch, ...]:
        first, *further = stores
        hubs = {path: partial(self._hub_changed, name) for name, path in first.near_hubs.items()}
        return (
            Watch(first.file().path, self._changed, hubs=hubs),
            *(Watch(one.file().path, self._changed) for one in further),
        )

    @property
    def watching(self) -> Watching:
        """How files are watched; by polling, if one of them is."""
        return "events" if all(watch.watching == "events" for watch in self._watches) else "polling"

    def watch(self) -> None:
        for watch in self._watches:
            watch.start()

    def look(self) -> None:
        for watch in self._watches:
            watch.look()

    def unwatch(self) -> None:
        _unwatched(self._watches)

    # --- capturing

    def capture(self) -> bool:
        """Take in what every file says; whether a round should follow.

        Raises:
            StoreDamaged, Busy: what the first store met of which it could not be saved; the others were.
        """
        has_news, failures = False, []
        for served in self._crew:
            try:
                has_news = served.workplace.capture() or has_news
            except Exception as error:  # noqa: BLE001  raised again when every store had its turn
                failures.append(error)
        for further in failures[1:]:
            log.error("A capture failed: %s", words_of(further))
        if failures:
            raise failures[0]
        return has_news

    # --- rounds

    def run(self, sync: Sync) -> RoundEnded:
        """A round of every store. Never raises."""
        self._rooms.begin_visit()
        crew = self._crew
        with SharedLock(self._rooms.lock_path, 0.0) as lock:
            ran = answered_together([served.rounds.run(sync, lock) for served in crew], published)
        self._tell(crew, [each.document for each in ran])
        return together([each.ended for each in ran])

    def flush(self) -> None:
        """Publish what waits, before the end. Never raises."""
        self._rooms.begin_visit()
        crew = self._crew
        with SharedLock(self._rooms.lock_path, 0.0) as lock:
            documents = answered_together([served.rounds.flush(lock) for served in crew], published)
        self._tell(crew, documents)

    def _tell(self, crew: Sequence[Served], documents: Sequence[SyncDocument | None]) -> None:
        """Tell whoever listens what the stores came to, those aside that had no round."""
        rounds = zip(crew, documents, strict=True)
        told = [(served.name, document) for served, document in rounds if document is not None]
        if told:
            document, rooms = synced_together(told), self._rooms
            for listener in self._listeners:
                self._aside(partial(listener.round_ended, document, rooms))

    def collect(self) -> None:
        """The monthly collection of what all stores share, if it is due. Never raises."""
        self._crew[0].rounds.collect()

    @staticmethod
    def break_off() -> None:
        """End what a round is waiting for from a remote."""
        Workplace.break_off()

    def close(self) -> None:
        _retired(self._crew)


def together(ended: Sequence[RoundEnded]) -> RoundEnded:
    """The rounds of several stores as one: with each remote the worst that happened."""
    if len(ended) == 1:
        return ended[0]
    names = dict.fromkeys(name for each in ended for name in each.outcomes)
    outcomes = {
        name: min((each.outcomes[name] for each in ended if name in each.outcomes), key=WORST_FIRST.index)
        for name in names
    }
    return RoundEnded(outcomes, active=any(each.active for each in ended))


def _retired(crew: Sequence[Served]) -> None:
    for served in crew:
        served.workplace.close()


def _unwatched(watches: Sequence[Watch]) -> None:
    for watch in watches:
        watch.close()
