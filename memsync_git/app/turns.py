"""One session, two threads: one captures, one runs rounds. They take turns.

    captures   ▏▂▏                ▏▂▏▏▂▏                    ▏▂▏
    rounds     ▂▂▂▂┄┄┄┄ fetch ┄┄┄┄▂▂▂▂▂┄┄ publish ┄┄▂▂▂┄ linger ┄▂▂

Rule 1: whoever touches the session has the turn; whoever waits for a network or a clock gives it away.
Rule 2: between two calls of a port anything may happen to the replica: a round is written for that, as
another process may do the same (the fleet simulation runs a daemon just so).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import RLock
from typing import TYPE_CHECKING, TypeVar, cast

from memsync_git.app.clocks import SystemClock
from memsync_git.app.passing import PassingRemote

if TYPE_CHECKING:
    from memsync_git.crdt.fragment import Fragment
    from memsync_git.crdt.records import Records
    from memsync_git.model import Rid
    from memsync_git.offering import Offering
    from memsync_git.ports import (
        Clock,
        FetchOutcome,
        KnownRecords,
        Publication,
        PublishOutcome,
        Remote,
    )


T = TypeVar("T")

STEP_S = 120.0
"""A step without a network ends by then: a whole parse of the largest memory file takes seconds."""
CALLS_PER_CONTACT = 8
"""Git commands of one fetch or publish, each with a deadline of its own: more are never needed."""
GRACE_S = 2.0
"""What a git command gets beyond its deadline (`remotes/_git.py`)."""

Expect = Callable[[float], None]
"""Called before a step with the seconds within which it will end."""


class Turn:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._lock = RLock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have the turn for a block; who has it already keeps it."""
        with self._lock:
            yield

    @contextmanager
    def given_away(self) -> Iterator[None]:
        """Let others have it for a block; the caller has the turn before and after."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()

    def waited_for(self, steps: Offering[T]) -> Offering[T]:
        """Go through the steps of a round; others have the turn while it waits for an outcome."""
        try:
            offer = next(steps)
            while True:
                try:
                    with self.given_away():
                        outcome = yield offer
                except Exception as error:  # noqa: BLE001  it is raised where the round stands
                    offer = steps.throw(error)
                else:
                    offer = steps.send(outcome)
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            steps.close()


class YieldingClock:
    """A clock whose sleepers do not keep the turn."""

    def __init__(self, turn: Turn, clock: Clock | None = None) -> None:
        self._turn = turn
        self._clock = clock or SystemClock()

    def wall_ms(self) -> int:
        return self._clock.wall_ms()

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    def sleep(self, seconds: float) -> None:
        with self._turn.given_away():
            self._clock.sleep(seconds)

    def boot_id(self) -> str:
        return self._clock.boot_id()


class YieldingRemote(PassingRemote):
    """A remote that is spoken to while others have the turn. `timeout_s`: the deadline of its commands."""

    def __init__(self, remote: Remote, turn: Turn, *, timeout_s: float, expect: Expect) -> None:
        super().__init__(remote)
        self._turn = turn
        self._timeout_s = timeout_s
        self._expect = expect

    def know_records(self, records: KnownRecords) -> None:
        super().know_records(lambda rid: self._copied(records, rid))

    def _copied(self, records: KnownRecords, rid: Rid) -> Records:
        """A copy of our own to read from: whoever has the turn meanwhile reads and changes the original."""
        from memsync_git.crdt.records import Records

        with self._turn.taken():
            return Records.of(records(rid))

    def fetch(self) -> FetchOutcome:
        with self._spoken_to():
            return self.remote.fetch()

    def publish(self, publication: Publication) -> PublishOutcome:
        with self._spoken_to():
            return self.remote.publish(publication)

    def revision(self, rid: Rid, rev: int) -> Fragment | None:
        with self._spoken_to():
            return self.remote.revision(rid, rev)

    def in_contact(self) -> AbstractContextManager[None]:
        """A block in which the remote behind this one is spoken to, by somebody who has no turn."""
        return in_contact(self._expect, self._timeout_s)

    @contextmanager
    def _spoken_to(self) -> Iterator[None]:
        with self.in_contact(), self._turn.given_away():
            yield


@contextmanager
def in_contact(expect: Expect, timeout_s: float) -> Iterator[None]:
    """A block that takes as long as a remote may take."""
    expect(CALLS_PER_CONTACT * (timeout_s + GRACE_S))
    try:
        yield
    finally:
        expect(STEP_S)
