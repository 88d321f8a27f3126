"""Machines that publish at the same moment: sessions that live on, over real clones of one real hub.

Used by the test of contention, and by the benchmark, which looks at the clock.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from memsync_git.app.clocks import SystemChance
from memsync_git.app.passing import PassingRemote
from memsync_git.app.rehearsal import HurriedClock
from memsync_git.local.memory import MemoryFile
from memsync_git.model import Rid
from memsync_git.ports import Accepted, Fetched, FetchOutcome, Publication, PublishOutcome, Snapshot
from memsync_git.remotes.git import GitRemote
from memsync_git.replica import Replica
from memsync_git.stores.memory import MemoryStore
from memsync_git.sync import RoundOptions, Session, World, sync_round

SHARED = 50
"""Entities everybody has before it begins."""
MOST_ROUNDS = 200
"""Of one machine for one change, before it is said not to converge."""
MOST_WAIT_S = 1.0
"""Before another round of a machine whose change is not on main: formats page, publish round, step 6."""


class Timekeeper(PassingRemote):
    """Notes when the own change is first known to be durable, and to be on main, and how often it was pushed.

    first_try: the first push made it durable.
    """

    def __init__(self, remote: GitRemote, rid: Rid) -> None:
        super().__init__(remote)
        self._rid, self.rev = rid, 0
        self.durable_s = self.on_main_s = 0.0
        self.pushes, self.first_try = 0, False

    def expect(self, rev: int) -> None:
        self.rev, self.durable_s, self.on_main_s = rev, 0.0, 0.0
        self.pushes, self.first_try = 0, False

    def fetch(self) -> FetchOutcome:
        outcome = self.remote.fetch()
        if isinstance(outcome, Fetched) and outcome.on_main.get(self._rid, (0, ""))[0] >= self.rev > 0:
            self._note(is_on_main=True)
        return outcome

    def publish(self, publication: Publication) -> PublishOutcome:
        outcome = self.remote.publish(publication)
        self.pushes += 1
        if self.pushes == 1:
            self.first_try = isinstance(outcome, Accepted)
        if isinstance(outcome, Accepted):
            self._note(is_on_main=outcome.on_main)
        return outcome

    def _note(self, *, is_on_main: bool) -> None:
        now_s = time.monotonic()
        self.durable_s = self.durable_s or now_s
        if is_on_main:
            self.on_main_s = self.on_main_s or now_s


class Machine:
    """One machine of ours."""

    def __init__(self, folder: Path, at: int, hub: Path) -> None:
        clock, rid = HurriedClock(), Rid(f"m{at}-{at:04x}")
        self.file = MemoryFile(clock.wall_ms, b"\n".join(row(f"Shared {each}") for each in range(SHARED)))
        self.git = GitRemote(folder / f"m{at}", str(hub), clock=clock)
        self.remote = Timekeeper(self.git, rid)
        self.session = Session(World(self.file, MemoryStore(), clock, SystemChance(), [self.remote]))
        self.session.begin(Replica(rid, f"m{at}"))

    def round(self, *, push_first: bool = False) -> None:
        (line,) = sync_round(self.session, RoundOptions(push_first=push_first)).remotes
        self.remote.known_digest = line.digest

    @property
    def rid(self) -> Rid:
        return self.session.replica.rid

    @property
    def rev(self) -> int:
        return self.session.replica.header.rev

    def rest(self) -> None:
        """Know everything, and owe nothing."""
        self.round()
        self.git.upkeep()

    def change(self, turn: int) -> None:
        """The server notes something."""
        reading = self.file.read()
        assert isinstance(reading, Snapshot)
        self.file.writer_rename(reading.data + b"\n" + row(f"{self.rid} says {turn}"))
        self.remote.expect(self.rev + 1)

    def settle(self) -> None:
        """Publish, and go on until main has it: at once in the first round, then now and then."""
        self.round(push_first=True)
        for _ in range(MOST_ROUNDS):
            if self.remote.on_main_s:
                return
            time.sleep(random.uniform(0, MOST_WAIT_S))
            self.round()
        raise RuntimeError(f"{self.rid} is not on main after {MOST_ROUNDS} rounds")


def row(name: str) -> bytes:
    said = {
        "type": "entity",
        "name": name,
        "entityType": "thing",
        "observations": [f"something about {name}"],
    }
    return json.dumps(said, separators=(",", ":")).encode()


def lost(wanted: Mapping[Rid, int], folder: Path, hub: Path) -> int:
    """How many revisions main does not carry, asked by somebody who was not there; wanted: rid → revision."""
    with tempfile.TemporaryDirectory(dir=folder) as elsewhere:
        seen = GitRemote(Path(elsewhere), str(hub), clock=HurriedClock()).fetch()
    assert isinstance(seen, Fetched), seen
    return sum(seen.on_main.get(rid, (0, ""))[0] < rev for rid, rev in wanted.items())


def at_once(steps: Sequence[Callable[[], None]]) -> float:
    """Run steps at the same moment, each on a thread; when that was."""
    gate = threading.Barrier(len(steps) + 1)

    def begun(step: Callable[[], None]) -> None:
        gate.wait()
        step()

    with ThreadPoolExecutor(len(steps)) as pool:
        done = [pool.submit(begun, step) for step in steps]
        gate.wait()
        began_s = time.monotonic()
        for each in done:
            each.result()
    return began_s
