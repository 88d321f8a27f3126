"""Our own pair: two homes on one hub on this disk, each with its daemon as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from benchmarks.pairs import Pair
from memsync_git.config.settings import SyncSettings
from tests.cli.machines import new_hub
from tests.daemon.machines import ROOT, Home, ended, until

DEFAULTS = SyncSettings()


def settings_of(sync: SyncSettings) -> str:
    """The configuration file of some settings."""
    return (
        f"[sync]\ndebounce_s = {sync.debounce_s}\nmax_delay_s = {sync.max_delay_s}\n"
        f"poll_s = [{sync.poll_s[0]}, {sync.poll_s[1]}]\n"
    )


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """Something a daemon did, and when."""

    at_s: float
    words: str


@dataclass
class TracedHome(Home):
    """A home whose daemon writes down the moments of its work."""

    _found: list[Moment] = field(default_factory=list)
    _read_to: int = 0

    def begin(self, **_circumstances: object) -> None:
        with (self.path / "daemon.log").open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.traced", str(self._trace)],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self.rounds, lambda: self.said)

    def start(self, **circumstances: object) -> None:
        self.begin(**circumstances)

    @property
    def _trace(self) -> Path:
        return self.path / "trace"

    def moments(self, since_s: float = 0.0) -> list[Moment]:
        """What the daemon has done since a moment."""
        self._read_on()
        return self._found[bisect_left(self._found, since_s, key=attrgetter("at_s")) :]

    def rounds(self, since_s: float = 0.0, *, how: str = "RoundEnded") -> int:
        """How many rounds have ended since; `how`: those of one kind."""
        return sum(moment.words.startswith(how) for moment in self.moments(since_s))

    def _read_on(self) -> None:
        """Read the lines that are new; the last one may be only half there."""
        if not self._trace.exists():
            return
        with self._trace.open("rb") as trace:
            trace.seek(self._read_to)
            whole, end, _ = trace.read().rpartition(b"\n")
        self._read_to += len(whole + end)
        parted = (line.partition(" ") for line in whole.decode().splitlines())
        self._found += sorted(Moment(float(at_s), words) for at_s, _, words in parted)


@dataclass(frozen=True)
class Ours:
    """Two homes with daemons, and the hub between."""

    pair: Pair
    a: TracedHome
    b: TracedHome
    hub: Path


@contextmanager
def ours(
    folder: Path, name: str, memory: bytes, sync: SyncSettings = DEFAULTS, *, url: str = ""
) -> Iterator[Ours]:
    """Both daemons at work on the same memory, over a hub on this disk unless an address is given."""
    folder.mkdir(parents=True)
    hub = new_hub(folder / "hub.git")
    homes = [TracedHome(folder / side, url or str(hub)) for side in ("a", "b")]
    homes[0].path.mkdir()
    homes[0].file.write_bytes(memory)
    with ExitStack() as stack:
        for home in homes:
            home.init(settings=settings_of(sync))
            stack.enter_context(ended(home))
            home.start()
        until(lambda: len(homes[1].names()) == memory.count(b"\n") + 1, lambda: homes[1].said)
        a, b = homes
        yield Ours(Pair(name, a.file, b.file, sync.debounce_s), a, b, hub)
        for home in homes:
            home.stop()
