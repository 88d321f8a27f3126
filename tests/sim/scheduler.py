"""A discrete-event scheduler whose actors are greenlets.

Rule 1: time moves only when every actor waits; ties go to whoever waited first, so a seed is a history.
Rule 2: an actor that pauses while nobody else is due goes on at once: the same history, without a switch.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from heapq import heappop, heappush

from greenlet import getcurrent, greenlet

SECOND_US = 1_000_000
MS_US = 1_000
FOR_EVER_US = 1 << 62


class Signal:
    """Something an actor can wait for; setting it wakes all who wait."""

    def __init__(self) -> None:
        self.is_set = False
        self.waiting: list[greenlet] = []


class Scheduler:
    """Virtual time in microseconds, and the actors waiting for it."""

    def __init__(self, *, keep_trace: bool = False) -> None:
        self.now_us = 0
        self.lines: list[str] | None = [] if keep_trace else None
        self._until_us = 0
        self._due: list[tuple[int, int, greenlet, int]] = []
        self._turns: dict[greenlet, int] = {}
        self._count = 0
        self._hash = blake2b(digest_size=12)
        self._hub = getcurrent()

    # --- what happened

    def note(self, who: str, what: str) -> None:
        """Enter an event into the trace, and so into its hash."""
        self._hash.update(f"{self.now_us} {who} {what}\n".encode())
        if self.lines is not None:
            self.lines.append(f"{self.now_us / SECOND_US:12.6f}  {who:<12} {what}")

    @property
    def digest(self) -> str:
        """Names the history so far: equal digests, equal histories."""
        return self._hash.hexdigest()

    # --- actors

    def spawn(self, act: Callable[[], None], *, after_us: int = 0) -> None:
        """Start an actor after a while."""
        self._wake(greenlet(act, parent=self._hub), self.now_us + after_us)

    def pause(self, us: int) -> None:
        """Let time pass for the current actor; everybody due before it runs first."""
        target = self.now_us + us
        if target <= self._until_us and (not self._due or self._due[0][0] > target):
            self.now_us = target
            return
        self._wake(getcurrent(), target)
        self._hub.switch()

    def wait(self, signal: Signal, timeout_us: int) -> None:
        """Sleep until `signal` is set or the time is over."""
        if signal.is_set:
            return
        actor = getcurrent()
        signal.waiting.append(actor)
        self._wake(actor, self.now_us + timeout_us)
        self._hub.switch()
        if actor in signal.waiting:
            signal.waiting.remove(actor)

    def set(self, signal: Signal) -> None:
        """Set a signal and wake who waits for it; whoever waits must clear it."""
        signal.is_set = True
        for actor in signal.waiting:
            self._wake(actor, self.now_us)
        signal.waiting.clear()

    def _wake(self, actor: greenlet, at_us: int) -> None:
        """Make `actor` due; only its latest entry counts, so a signal overtakes a time-out."""
        self._count += 1
        self._turns[actor] = self._count
        heappush(self._due, (at_us, self._count, actor, self._count))

    # --- running

    def run(self, until_us: int, *, last: greenlet | None = None) -> None:
        """Run every actor until this time, or until `last` has ended."""
        self._until_us = until_us
        self._hub = getcurrent()
        while self._due and self._due[0][0] <= until_us:
            at_us, _, actor, turn = heappop(self._due)
            if self._turns.get(actor) != turn:
                continue
            self.now_us = max(self.now_us, at_us)
            actor.parent = self._hub
            actor.switch()
            if actor.dead:
                del self._turns[actor]
                if actor is last:
                    return
        self.now_us = max(self.now_us, until_us)

    def run_to_end(self, act: Callable[[], None]) -> None:
        """Run one actor to its end, with everybody else about."""
        actor = greenlet(act, parent=self._hub)
        self._wake(actor, self.now_us)
        self.run(FOR_EVER_US, last=actor)
