"""Replicas without a disk: what one writes, another receives."""

from __future__ import annotations

from itertools import count

from memsync_git.guards import DeletionLimits
from memsync_git.model import EVERYTHING, Graph, Item, Record, Rid
from memsync_git.replica import Moment, Observed, Replica, Version
from memsync_git.replica.adopting import adopt, order_of
from memsync_git.replica.observing import observe
from memsync_git.replica.receiving import receive

START_MS = 1_763_637_000_000
NO_WINDOW_MS = 0


class Clockwork:
    """A clock that goes on by a minute at every look, and fresh tokens."""

    def __init__(self) -> None:
        self._ticks = count(1)

    def moment(self) -> Moment:
        tick = next(self._ticks)
        return Moment(START_MS + 60_000 * tick, "boot", f"{tick:016x}", NO_WINDOW_MS)


CLOCKWORK = Clockwork()


def replica(name: str, *records: Record) -> Replica:
    """A replica whose file holds these records."""
    made = Replica(Rid(f"{name}-0001"), name)
    adopt(made, version(made, *records), CLOCKWORK.moment())
    return made


def version(of: Replica, *records: Record) -> Version:
    graph = Graph.of(records)
    moment = CLOCKWORK.moment()
    return Version(graph, order_of(graph), f"{of.rid}{moment.tok}", moment.wall_ms, EVERYTHING)


def saves(machine: Replica, *records: Record, limits: DeletionLimits | None = None) -> Observed:
    """Its server saves just these records."""
    return observe(machine, version(machine, *records), CLOCKWORK.moment(), limits=limits)


def tells(sender: Replica, *receivers: Replica, limits: DeletionLimits | None = None) -> None:
    """Everybody receives what the sender has to say."""
    for each in receivers:
        found = sender.state.fragments().values()
        receive(each, found, CLOCKWORK.moment(), limits=limits or DeletionLimits(over=10**9, share=1.0))


def items(machine: Replica) -> set[Item]:
    """Everything the memory says."""
    return machine.state.graph().items()


def wanted(machine: Replica) -> set[Item]:
    """Everything the file is to say."""
    return machine.target_graph().items()
