"""The daemon's place of work: one session kept warm, in which captures and rounds take turns.

Rule 1: a capture needs neither the round lock nor a remote, and waits for no network.
Rule 2: what is warm is believed only while it is what it was: after a failure, a full check, another
configuration, or where another store stands in the place of ours, the session is opened anew.
Rule 3: a round waits for the outcome of what it publishes without the turn; whoever runs it publishes.
Rule 4: nothing is captured before a look, or a round, has found the store as new as its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from memsync_git.app.garbage import uninterrupted
from memsync_git.app.keeping import collect, keep_small
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.resting import look
from memsync_git.app.syncing import one_round, round_options
from memsync_git.app.turns import Expect, Turn, YieldingClock, YieldingRemote, in_contact
from memsync_git.options import SyncOptions
from memsync_git.stores.lock import SharedLock, round_lock
from memsync_git.sync.report import Tally
from memsync_git.values import replace

if TYPE_CHECKING:
    from memsync_git.documents import SyncDocument
    from memsync_git.offering import Offering
    from memsync_git.pacing import Reason
    from memsync_git.ports import Clock, Remote
    from memsync_git.sync import Captured, RoundOptions, Session

UPKEEP_S = 900.0
"""A full collection has ten minutes (`remotes/clone.py`), and every clone is one folder."""

StoreId = tuple[int, int]


class Workplace:
    """What the daemon's threads work at: one captures, one does everything else.

    expect: called in a round with the seconds within which its next step ends.
    """

    def __init__(self, rooms: Rooms, *, expect: Expect = lambda _: None, clock: Clock | None = None) -> None:
        self._rooms = rooms
        self._expect = expect
        self._turn = Turn()
        self._clock = YieldingClock(self._turn, clock)
        self._open = ExitStack()
        self._session: Session | None = None
        self._remotes: Sequence[Remote] = ()
        self._store_id: StoreId | None = None
        self._is_current = False
        self._is_doubted = False
        self._in_round = False
        self._state = "good"
        self._captured = Tally()

    # --- the session

    def doubt(self, rooms: Rooms | None = None) -> None:
        """Open everything anew before the next piece of work, by another configuration if one is given."""
        self._rooms = rooms or self._rooms
        self._is_doubted = True

    def _at_work(self) -> Session:
        """The session, opened if it is not, or no longer to be believed. The caller has the turn."""
        is_stale = self._is_doubted or self._store_id != self._standing_store()
        if self._session is not None and is_stale and not self._in_round:
            self._closed()
        if self._session is None:
            self._session = self._opened()
        return self._session

    def _opened(self) -> Session:
        from memsync_git.sync import take_up

        self._remotes = self._rooms.remotes()
        session = self._open.enter_context(self._rooms.session((), clock=self._clock))
        try:
            self._is_current = session.exists and take_up(session)
        except BaseException:
            self._closed()
            raise
        if not session.exists:
            self._closed()
            raise not_set_up()
        self._store_id, self._is_doubted = self._standing_store(), False
        return session

    def _closed(self) -> None:
        self._session, self._is_current = None, False
        self._open.close()

    def _standing_store(self) -> StoreId | None:
        try:
            found = self._rooms.places.store(self._rooms.store.name).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    # --- capturing

    def capture(self) -> bool:
        """Read the file and save what it says; whether a round should follow.

        Raises:
            StoreDamaged, Busy: it could not be saved.
        """
        from memsync_git.sync import RoundReport, capture

        with self._turn.taken(), self._careful():
            session = self._at_work()
            if not self._is_current:
                return False
            rev = session.replica.header.rev
            captured = capture(session, RoundReport(local=self._captured))
            state, self._state = self._state, captured.state
            has_news = session.replica.header.rev > rev or captured.state != state
            return has_news or _is_behind(session, captured)

    # --- rounds

    def sync(self, reason: Reason, names: Iterable[str], lock: SharedLock) -> Offering[SyncDocument]:
        """One round with some remotes; with all of them where the file has never been met.

        Raises:
            Busy: another process is at it.
            StoreDamaged: the replica store cannot be used.
        """
        lock.take()
        if reason == "full":
            self.doubt()
        with self._turn.taken(), self._careful():
            remotes = self._chosen(self._at_work(), set(names))
        for remote in remotes:
            remote.known_digest = "" if reason == "full" else self._rooms.known_digest(remote.name)
        if reason == "poll" and len(remotes) == len(self._rooms.configuration.remotes):
            with in_contact(self._expect, self._timeout_s):
                seen = look(self._rooms, remotes, cause="daemon")
            if seen.rests is not None:
                return seen.rests
            remotes = remotes if seen.remotes is None else seen.remotes
        document = yield from self._round(remotes, round_options(SyncOptions(push_first=reason == "local")))
        self._expect(UPKEEP_S)
        keep_small(remotes)
        return document

    def flush(self, lock: SharedLock) -> Offering[SyncDocument | None]:
        """Publish what no remote has yet, and all of it in its readable form; None if nothing waits."""
        lock.take()
        with self._turn.taken(), self._careful():
            replica = self._at_work().replica
            waiting = [each for each in self._remotes if not replica.is_published(each.name)]
        published_whole = replace(round_options(SyncOptions()), full=True)
        return (yield from self._round(waiting, published_whole)) if waiting else None

    def collect(self) -> None:
        """The monthly collection.

        Raises:
            Busy: another process is at it.
            StoreDamaged: a store cannot be used.
        """
        with round_lock(self._rooms.lock_path, 0.0):
            self._expect(UPKEEP_S)
            collect(self._rooms, self._remotes or self._rooms.remotes())

    def _chosen(self, session: Session, names: set[str]) -> Sequence[Remote]:
        if not session.replica.ring:
            return self._remotes
        return [remote for remote in self._remotes if remote.name in names]

    def _round(self, remotes: Sequence[Remote], options: RoundOptions) -> Offering[SyncDocument]:
        from memsync_git.sync import take_up

        with self._turn.taken(), self._careful():
            session = self._at_work()
            session.world.remotes = [self._yielding(each) for each in remotes]
            for name, seen in self._rooms.sightings().items():  # a poll that found nothing new was a look too
                session.sightings[name] = replace(seen, unified_ms=session.sighting(name).unified_ms)
            self._in_round = True
            captured, self._captured = self._captured, Tally()
            try:
                steps = one_round(self._rooms, session, options, cause="daemon", captured=captured)
                document = yield from self._turn.waited_for(steps)
            finally:
                self._in_round = False
            self._is_current = self._is_current or take_up(session)
            return document

    def _yielding(self, remote: Remote) -> YieldingRemote:
        return YieldingRemote(remote, self._turn, timeout_s=self._timeout_s, expect=self._expect)

    @property
    def _timeout_s(self) -> float:
        """The longest any remote's commands may take."""
        return max((each.timeout_s for each in self._rooms.configuration.remotes), default=0.0)

    @contextmanager
    def _careful(self) -> Iterator[None]:
        """Believe nothing warm after a failure. Cycles are looked for afterwards, not in the middle of it."""
        try:
            with uninterrupted():
                yield
        except BaseException:
            self._is_doubted = True
            raise

    # --- the end

    @staticmethod
    def break_off() -> None:
        """End what a round is waiting for from a remote, as if it had gone away."""
        from memsync_git.remotes import _git

        _git.end_running()

    def close(self) -> None:
        """Close the store and what was kept open to remotes."""
        with self._turn.taken():
            self._closed()
        self._rooms.hang_up()


def _is_behind(session: Session, captured: Captured) -> bool:
    """Whether the file is to be written, though nothing new was said."""
    from memsync_git.sync.applying import needs_writing

    return captured.is_writable and bool(session.replica.ring) and needs_writing(session, captured)
