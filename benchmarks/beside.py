"""Ours beside documents of three libraries: a change until it is durable, one received, and memory.

Rule 1: every contestant is a process of its own, and they take turns: A B A B …, so that a machine whose
speed drifts drifts for all.
Rule 2: the same processes answer for time and for memory; none is begun twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from benchmarks import names
from benchmarks.grounds import Fleet
from benchmarks.measured import Samples, at_work, conversation, heard, hung_up, told
from benchmarks.results import Table
from benchmarks.wishes import Wish, tables
from benchmarks.workloads import note

LIMIT_S = 120.0
"""Of one process that loads, changes and saves; the slowest rival takes a few seconds at 100 000 entities."""
WARM_NOTES = 5
RECEIVED = 2
"""How often each process receives; every one of ours begins cold, so that none is warmer than another."""


def durable(wish: Wish) -> Iterator[Table]:
    """One new entity until it is durable on this machine."""
    worked = wish.ground.once("worked", lambda: _worked(wish))
    rows = [("noting", "warm", names.WARM), ("kept", "command", names.COLD)]
    for library in names.LIBRARIES:
        rows += [
            (f"{library} appending", "warm", names.warm(library)),
            (f"{library} whole", "warm", names.warm_whole(library)),
            (f"{library} appending", "cold", names.cold(library)),
            (f"{library} whole", "cold", names.cold_whole(library)),
        ]
    found = [worked[who].figure(stage, name) for who, stage, name in rows if who in worked]
    yield from tables("durable", "one new entity, until it is durable", wish, found, names.WARM)


def receive(wish: Wish) -> Iterator[Table]:
    """1 % of the entities noted on by another replica, until the memory file shows it."""
    worked = wish.ground.once("worked", lambda: _worked(wish))
    rows = [
        ("receiving", "receive", names.RECEIVE),
        ("receiving", "all", names.RECEIVE_ALL),
        ("floor", "floor", names.RECEIVE_FLOOR),
    ]
    for library in names.LIBRARIES:
        rows += [
            (f"{library} appending", "receive", names.receive(library)),
            (f"{library} whole", "receive", names.receive_whole(library)),
        ]
    found = [worked[who].figure(stage, name) for who, stage, name in rows if who in worked]
    yield from tables("receive", "1 % received and materialised", wish, found, names.RECEIVE)


def memory(wish: Wish) -> Iterator[Table]:
    """The most memory each process has had."""
    worked = wish.ground.once("worked", lambda: _worked(wish))
    rows = [
        ("noting", "warm", names.TAKING),
        ("receiving", "receive", names.RECEIVING),
        ("kept", "command", names.COLD),
    ]
    for library in names.LIBRARIES:
        rows += [
            (f"{library} whole", "warm", names.warm_whole(library)),
            (f"{library} whole", "receive", names.receive_whole(library)),
        ]
    found = [worked[who].peak(stage, name) for who, stage, name in rows if who in worked]
    with wish.noted(names.ADOPT):
        fleet = wish.ground.fleet
        found += [fleet.adopted.peak("command", names.ADOPT), fleet.joined.peak("command", names.JOIN)]
    for library in names.LIBRARIES:
        with wish.noted(library):
            found.append(wish.ground.document(library).built.peak("build", names.build(library)))
    yield from tables("memory", "the most memory a process has had", wish, found)


def _worked(wish: Wish) -> Mapping[str, Samples]:
    """What the processes of every contestant said, in turn, one after the other; who fails is left out."""
    contestants = _contestants(wish)
    found: dict[str, Samples] = {}
    for _ in range(wish.starts):
        for who, step in list(contestants.items()):
            said = wish.tried(who, step)
            if said is None:
                del contestants[who]
            else:
                found.setdefault(who, Samples()).add(said)
    return found


def noting(fleet: Fleet, home: int) -> str:
    """A daemon's place of work takes in what its server notes."""
    return at_work("noting", str(WARM_NOTES), env=fleet.at(home), limit_s=LIMIT_S)


def kept(fleet: Fleet, home: int, name: str) -> str:
    """A command takes in what its server has noted."""
    note(fleet.memory(home), name)
    words = ("command", "sync", "--no-fetch", "--no-push")
    return at_work(*words, env=fleet.at(home), limit_s=LIMIT_S)


def _contestants(wish: Wish) -> dict[str, Callable[[], str]]:
    """One process of each: it works at what is given it, and tells what that took."""
    turns = iter(range(10**6))
    ground = wish.ground

    def library_at(work: str, library: str) -> Callable[[], str]:
        return lambda: at_work(
            work, library, ground.document(library).folder, str(WARM_NOTES), limit_s=LIMIT_S
        )

    found: dict[str, Callable[[], str]] = {
        "noting": lambda: noting(ground.fleet, 0),
        "kept": lambda: kept(ground.fleet, 0, f"Kept {next(turns)}"),
        "receiving": lambda: _received(ground.fleet, wish.entities, f"run {next(turns)}"),
        "floor": lambda: _floor(ground.fleet),
    }
    for library in names.LIBRARIES:
        found[f"{library} whole"] = library_at("whole", library)
        if library in names.APPENDING:
            found[f"{library} appending"] = library_at("appending", library)
    return found


def _received(fleet: Fleet, entities: int, words: str) -> str:
    """A daemon's place of work that lives while the first machine publishes, and then takes it in."""
    fleet.run(0, "sync")  # what others have noted before is not part of it
    with conversation("receiving", env=fleet.at(1), limit_s=LIMIT_S) as child:
        heard(child)
        for turn in range(RECEIVED):
            fleet.note_elsewhere(entities, f"noted in {words}, {turn}")
            told(child)
            heard(child)
        hung_up(child)
        return heard(child)


def _floor(fleet: Fleet) -> str:
    """The least there is to do with git's commands to take in what the first machine published last."""
    return at_work("floor", fleet.hub, fleet.memory(1), str(RECEIVED), limit_s=LIMIT_S)
