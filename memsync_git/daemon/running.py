"""The daemon's main loop: whatever happens is told the Pacer, and what the Pacer says is done.

    watcher ──┐                                  ┌──▶ captures    look at the file, read it, save
    timing  ──┼─▶ posts ─▶ main loop ─▶ Pacer ───┼──▶ rounds      fetch, publish, write the file
    signals ──┤                                  └──▶ notes       pulse, pause, configuration
    workers ──┘                                       listeners   whoever wants to know how rounds go

Rule 1: the main loop waits for posts and for the Pacer's next moment, and for nothing else: no disk, no lock.
Rule 2: a pulse is left only while no worker is wedged, so that cron takes over from one that is.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue

from memsync_git.app.clocks import SystemChance, SystemClock
from memsync_git.app.listening import Listener
from memsync_git.app.opening import Rooms
from memsync_git.app.pulse import BEAT_S, Pause, Pulse
from memsync_git.daemon.notes import Notes
from memsync_git.daemon.posts import Beat, Post, Reload, Reloaded, Stop, Tick, UpkeepDue, Wished
from memsync_git.daemon.stores import Stores
from memsync_git.daemon.timing import DAY_S, Timing
from memsync_git.daemon.workers import Worker
from memsync_git.errors import MemsyncError
from memsync_git.pacing import (
    Action,
    Capture,
    Captured,
    CheckDue,
    Event,
    FileChanged,
    HubChanged,
    Now,
    Pace,
    Pacer,
    Paused,
    Reconfigured,
    Resumed,
    RoundEnded,
    Sync,
    Ticked,
)
from memsync_git.services.readiness import Readiness

TICK_S = 1.0
"""Between looks at the file, at the clock and at a person's pause, which take effect that soon."""
UNTICKED_S = 5 * TICK_S
"""Without a tick for so long, the clock that apscheduler goes by was set: its jobs are begun anew."""
UPKEEP_S = 3600.0
FLUSH_S = 5.0
"""For one last publish at the end; a service manager waits 90 s, a person less."""
BREAK_OFF_S = 0.5
"""For a round to note that git was ended."""
BREAK_OFFS = 8
"""A round tries a remote again at most so often before it gives in."""
NOTE_S = 5.0
"""For a pulse to be left or taken back, and for listeners to hear of the last round: a disk whose other users
go first (a service is idle to it) keeps a write waiting for seconds."""

log = logging.getLogger("memsync_git.daemon")


class Daemon:
    """One daemon, from `run` to its end. `opened` reads the configuration; `reread` is told of a new one."""

    def __init__(
        self,
        opened: Callable[[], Rooms],
        *,
        listeners: Sequence[Listener] = (),
        reread: Callable[[Rooms], None],
        readiness: Readiness,
        clock: SystemClock,
    ) -> None:
        self._opened, self._reread = opened, reread
        self._readiness, self._clock = readiness, clock
        self._rooms = opened()
        self._posts: SimpleQueue[Post] = SimpleQueue()
        self._captures, self._syncs = Worker("captures"), Worker("rounds")
        self._notes, self._told = Worker("notes"), Worker("listeners")
        self._stores = Stores(
            self._rooms,
            listeners,
            aside=self._aside,
            expect=self._syncs.expect,
            clock=clock,
            changed=partial(self.post, FileChanged()),
            hub_changed=lambda name: self.post(HubChanged(name)),
        )
        self._kept = Notes(self._rooms)
        self._timing = Timing(
            {
                partial(self.post, Tick()): TICK_S,
                partial(self.post, Beat()): BEAT_S,
                partial(self.post, UpkeepDue()): UPKEEP_S,
                partial(self.post, CheckDue()): DAY_S,
            }
        )
        self._chance, self._asides = SystemChance(), count()
        self._pacer = Pacer.begin(_pace_of(self._rooms), _names_of(self._rooms), self._now())
        self._started_ms, self._ticked_s = clock.wall_ms(), clock.elapsed_s()
        self._wished: Pause | None = None
        self._is_wedged = False

    def post(self, post: Post) -> None:
        """Tell the main loop; from any thread, and from a signal handler."""
        self._posts.put(post)

    # --- its life

    def run(self) -> None:
        """Work until a `Stop` is posted."""
        log.info("The daemon of %s begins.", self._rooms.host)
        self._captures.post("watch", self._stores.watch)
        self._timing.start()
        self._wish(self._kept.pause(None))  # before anything syncs
        self._beat()
        self._notes.drained(NOTE_S)  # whoever is told that it is ready sees its pulse
        self._readiness.ready()
        while not isinstance(post := self._next_post(), Stop):
            self._handle(post)
        self._end()

    def _next_post(self) -> Post:
        now_s, wake_s = self._clock.elapsed_s(), self._pacer.wake_s
        wait_s = UNTICKED_S if wake_s is None else min(max(wake_s - now_s, 0.0), UNTICKED_S)
        try:
            return self._posts.get(timeout=wait_s)
        except Empty:
            return Ticked()

    def _handle(self, post: Post) -> None:
        self._mind_the_clock()
        match post:
            case Tick():
                self._tick()
            case Beat():
                self._beat()
            case UpkeepDue():
                self._syncs.post("collect", self._stores.collect)
            case Wished(pause):
                self._wish(pause)
            case Reload():
                self._readiness.reloading()
                self._notes.post("reload", self._read_again)
            case Reloaded(rooms, stores):
                self._reload(rooms, stores)
            case Stop():
                pass
            case _:
                self._tell(post)
        if isinstance(post, RoundEnded):
            self._leave_pulse()
            self._readiness.status(", ".join(f"{name}: {how}" for name, how in post.outcomes.items()))

    def _mind_the_clock(self) -> None:
        now_s = self._clock.elapsed_s()
        if now_s - self._ticked_s > UNTICKED_S:
            self._ticked_s = now_s
            self._timing.begin_anew()

    def _tick(self) -> None:
        self._ticked_s = self._clock.elapsed_s()
        self._captures.post("look", self._stores.look)
        self._notes.post("wish", self._read_wish)
        self._tell(Ticked())

    # --- the pacer

    def _now(self) -> Now:
        chance = int(self._chance.token(), 16) / 2**64
        return Now(self._clock.elapsed_s(), self._clock.wall_ms(), chance)

    def _tell(self, event: Event) -> None:
        self._pacer, actions = self._pacer.told(event, self._now())
        for action in actions:
            self._obey(action)

    def _obey(self, action: Action) -> None:
        match action:
            case Capture():
                self._captures.post("capture", self._capture)
            case Sync():
                self._syncs.post("round", partial(self._sync, action))
                self._leave_pulse()

    def _capture(self) -> None:
        """On the thread of captures. A round meets the same trouble, and reports it."""
        has_news = True
        try:
            has_news = self._stores.capture()
        finally:
            self.post(Captured(has_news))

    def _sync(self, sync: Sync) -> None:
        """On the thread of rounds."""
        self.post(self._stores.run(sync))

    def _aside(self, job: Callable[[], None]) -> None:
        self._told.post(f"round {next(self._asides)}", job)

    # --- signs of life

    def _beat(self) -> None:
        was_wedged, self._is_wedged = self._is_wedged, self._captures.is_wedged or self._syncs.is_wedged
        if self._is_wedged and not was_wedged:
            log.error("The daemon is stuck and leaves no pulse, so that cron takes over.")
        self._leave_pulse()
        if not self._is_wedged:
            self._readiness.alive()

    def _leave_pulse(self) -> None:
        if not self._is_wedged:
            self._notes.post("pulse", partial(self._kept.leave, self._pulse()))

    def _pulse(self) -> Pulse:
        wake_s, now = self._pacer.wake_s, self._now()
        is_paused = self._pacer.paused is not None
        next_ms = None if wake_s is None or is_paused else now.wall_ms + round((wake_s - now.s) * 1000)
        return Pulse(
            os.getpid(),
            self._clock.boot_id(),
            self._started_ms,
            now.wall_ms,
            next_ms,
            self._stores.watching,
            is_syncing=self._pacer.running is not None,
        )

    # --- a person's wishes

    def _read_wish(self) -> None:
        """On the thread of notes."""
        pause = self._kept.pause(self._wished)
        if pause != self._wished:
            self.post(Wished(pause))

    def _wish(self, pause: Pause | None) -> None:
        if pause != self._wished:
            log.info("The pause is over." if pause is None else "Paused: nothing syncs by itself.")
        self._wished = pause
        self._tell(Resumed() if pause is None else Paused(pause.until_ms))
        self._leave_pulse()

    def _read_again(self) -> None:
        """On the thread of notes."""
        try:
            rooms = self._opened()
            self.post(Reloaded(rooms, tuple(rooms.each())))
        except MemsyncError as error:
            log.error("The configuration stays as it was: %s", error.message)  # noqa: TRY400  said, not traced
            self._readiness.ready()

    def _reload(self, rooms: Rooms, stores: Sequence[Rooms]) -> None:
        self._rooms = rooms
        self._reread(rooms)
        retire, unwatch = self._stores.go_by(stores)
        self._syncs.post(f"retire {next(self._asides)}", retire)
        self._captures.post(f"unwatch {next(self._asides)}", unwatch)
        self._captures.post("watch", self._stores.watch)
        self._tell(Reconfigured(_pace_of(rooms), _names_of(rooms)))
        self._readiness.ready()
        log.info("The configuration was read again.")

    # --- its end

    def _end(self) -> None:
        """Save what stands in the file, try one publish, take the pulse back."""
        until_s = self._clock.elapsed_s() + FLUSH_S
        self._readiness.stopping()
        self._timing.close()
        self._captures.post("capture", self._capture)
        is_saved = self._captures.drained(until_s - self._clock.elapsed_s())
        if is_saved and self._pacer.paused is None:
            self._syncs.post("flush", self._stores.flush)
        is_over = self._syncs.drained(until_s - self._clock.elapsed_s()) or self._broken_off()
        self._stores.unwatch()
        self._notes.post("pulse", partial(self._kept.leave, None))
        self._notes.drained(NOTE_S)
        self._told.drained(NOTE_S)
        if is_saved and is_over:
            self._stores.close()
        log.info("The daemon of %s ends.", self._rooms.host)

    def _broken_off(self) -> bool:
        """End what is still being said to remotes, second tries included; whether rounds are over."""
        self._syncs.close()
        for _ in range(BREAK_OFFS):
            self._stores.break_off()
            if self._syncs.drained(BREAK_OFF_S):
                return True
        return False


def _pace_of(rooms: Rooms) -> Pace:
    sync = rooms.configuration.sync
    return Pace(sync.debounce_s, sync.max_delay_s, *sync.poll_s)


def _names_of(rooms: Rooms) -> tuple[str, ...]:
    return tuple(remote.name for remote in rooms.configuration.remotes)
