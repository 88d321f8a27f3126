"""The way to the hub, with everything a network does to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from memsync_git.ports import Fetched, FetchOutcome, Publication, PublishOutcome, Unreachable
from memsync_git.remotes.loopback import LoopbackHub, LoopbackRemote
from tests.sim.scheduler import MS_US

if TYPE_CHECKING:
    from tests.sim.machine import Process


@dataclass(slots=True)
class Weather:
    """What a machine's network does, as shares of calls.

    is_offline: nothing goes through. lost: applied, but the answer is lost. refused: not applied at all.
    stale: an older answer is given again.
    """

    is_offline: bool = False
    lost: float = 0.0
    refused: float = 0.0
    stale: float = 0.0
    latency_us: int = 150 * MS_US


class SteppingRemote:
    """One machine's network, and the remotes its processes use."""

    def __init__(self, hub: LoopbackHub, rng: Random, weather: Weather) -> None:
        self.hub = hub
        self.rng = rng
        self.weather = weather
        self.pushes = 0

    def of(self, process: Process) -> LoopbackRemote:
        """The remote as one process uses it."""
        remote = LoopbackRemote(self.hub)
        way = _Way(self, process)
        remote.before_fetch, remote.after_fetch = way.before_fetch, way.after_fetch
        remote.before_apply, remote.after_apply = way.before_apply, way.after_apply
        return remote


class _Way:
    """The hooks of one process's remote."""

    def __init__(self, network: SteppingRemote, process: Process) -> None:
        self._network = network
        self._process = process
        self._before: list[Fetched] = []

    def _happens(self, share: float) -> bool:
        return share > 0 and self._network.rng.random() < share

    def before_fetch(self) -> FetchOutcome | None:
        weather = self._network.weather
        self._process.step("fetch", weather.latency_us)
        if weather.is_offline or self._happens(weather.refused):
            return Unreachable("offline")
        return None

    def after_fetch(self, outcome: FetchOutcome) -> FetchOutcome:
        weather = self._network.weather
        self._process.step("fetched", weather.latency_us)
        if weather.is_offline or self._happens(weather.lost):
            return Unreachable("the answer was lost")
        if isinstance(outcome, Fetched) and not outcome.unchanged:
            self._before.append(outcome)
            if self._happens(weather.stale):
                return self._network.rng.choice(self._before)
        return outcome

    def before_apply(self, _publication: Publication) -> PublishOutcome | None:
        weather = self._network.weather
        self._process.step("push", weather.latency_us)
        if weather.is_offline or self._happens(weather.refused):
            return Unreachable("offline")
        self._network.pushes += 1
        return None

    def after_apply(self, outcome: PublishOutcome) -> PublishOutcome:
        weather = self._network.weather
        self._process.step("pushed", weather.latency_us)
        if weather.is_offline or self._happens(weather.lost):
            return Unreachable("the answer was lost")
        return outcome
