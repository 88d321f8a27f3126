"""The way to the hub, with everything a network does to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from memsync_git.ports import Fetched, FetchOutcome, Publication, PublishOutcome, Unreachable
from memsync_git.remotes.loopback import LoopbackHub, LoopbackRemote
from memsync_git.wire.rid import DEFAULT_STORE
from tests.sim.scheduler import MS_US

if TYPE_CHECKING:
    from tests.sim.machine import Process


@dataclass(slots=True)
class Weather:
    """What a machine's network does, as shares of calls.

    is_offline: nothing goes through. lost: applied, but the answer is lost. refused: not applied at all.
    stale: a mirror that lags answers a fetch.
    """

    is_offline: bool = False
    lost: float = 0.0
    refused: float = 0.0
    stale: float = 0.0
    latency_us: int = 150 * MS_US


class SteppingRemote:
    """One machine's network, and the remotes its processes use."""

    def __init__(
        self,
        hub: LoopbackHub,
        rng: Random,
        weather: Weather,
        name: str = "origin",
        store: str = DEFAULT_STORE,
    ) -> None:
        self.hub = hub
        self.name = name
        self.store = store
        self.rng = rng
        self.weather = weather
        self._past: list[LoopbackHub] = []

    def of(self, process: Process) -> LoopbackRemote:
        """The remote as one process uses it."""
        return _Remote(self, process)

    def happens(self, share: float) -> bool:
        """Whether something that happens to a share of calls happens to this one."""
        return share > 0 and self.rng.random() < share

    def shown(self) -> LoopbackHub:
        """The hub as a fetch finds it; a mirror that lags shows what it showed before."""
        now = LoopbackHub(self.hub.now_ms)
        now.hosts, now.main = dict(self.hub.hosts), self.hub.main
        self._past = [*self._past[-8:], now]
        return self.rng.choice(self._past) if self.happens(self.weather.stale) else now


class _Remote(LoopbackRemote):
    """A remote behind a network."""

    def __init__(self, network: SteppingRemote, process: Process) -> None:
        super().__init__(network.hub, network.name, network.store)
        self._network = network
        self._process = process
        self.before_fetch, self.after_fetch = self._ask, self._told
        self.before_apply, self.after_apply = self._send, self._told_of_push

    def _fetched(self) -> Fetched:
        self.hub = self._network.shown()
        try:
            return super()._fetched()
        finally:
            self.hub = self._network.hub

    def _step(self, what: str) -> None:
        self._process.step(what, self._network.weather.latency_us)

    def _is_cut_off(self, share: float) -> bool:
        return self._network.weather.is_offline or self._network.happens(share)

    def _ask(self) -> FetchOutcome | None:
        self._step("fetch")
        return Unreachable("offline") if self._is_cut_off(self._network.weather.refused) else None

    def _told(self, outcome: FetchOutcome) -> FetchOutcome:
        self._step("fetched")
        return Unreachable("lost") if self._is_cut_off(self._network.weather.lost) else outcome

    def _send(self, _publication: Publication) -> PublishOutcome | None:
        self._step("push")
        return Unreachable("offline") if self._is_cut_off(self._network.weather.refused) else None

    def _told_of_push(self, outcome: PublishOutcome) -> PublishOutcome:
        self._step("pushed")
        return Unreachable("lost") if self._is_cut_off(self._network.weather.lost) else outcome
