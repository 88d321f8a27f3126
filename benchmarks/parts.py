"""What is measured, part by part.

Rule 1: a part answers with tables; what of it could not be measured is a trouble, said loudly, and the rest
goes on.
Rule 2: contestants take turns: A B A B …, so that a machine whose speed drifts drifts for all.
Rule 3: nothing is measured without an end: fewer runs where one takes long, a limit for each process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from benchmarks import names
from benchmarks.bare import BareGit, asking
from benchmarks.grounds import Fleet, Ground
from benchmarks.measured import GivenUp, Samples, at_work, conversation, heard, hung_up, told
from benchmarks.results import Figure, Table
from benchmarks.timing import Timed, command, in_turn

LIMIT_S = 60.0
"""Of one process that loads, changes and saves; the slowest rival takes a few seconds at 100 000 entities."""
LARGE = 50_000
LARGE_RUNS = 3
"""From `LARGE` entities on every start of a process loads tens of megabytes: three are enough to see it."""
WARM_NOTES = 5
RECEIVED = 2
"""How often each process receives; every one of ours begins cold, so that none is warmer than another."""


@dataclass
class Troubles:
    """What was not measured, in the order in which it turned out."""

    said: list[str] = field(default_factory=list)
    tell: Callable[[str], None] = print

    @contextmanager
    def noted(self, what: str) -> Iterator[None]:
        """Go on after whatever of the block cannot be measured."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  one contestant that fails must not end the others
            words = str(error) if isinstance(error, GivenUp) else f"{type(error).__name__}: {error}"
            self.note(f"{what}: {words}")

    def note(self, words: str) -> None:
        if words not in self.said:
            self.said.append(words)
            self.tell(f"NOT MEASURED  {words}")


@dataclass(frozen=True)
class Wish:
    """How a part is to be measured."""

    ground: Ground
    runs: int
    troubles: Troubles

    @property
    def entities(self) -> int:
        return self.ground.entities

    @property
    def starts(self) -> int:
        """How often a process that loads a whole memory is started."""
        return min(self.runs, LARGE_RUNS) if self.entities >= LARGE else self.runs

    def noted(self, what: str) -> AbstractContextManager[None]:
        """Go on after whatever of the block cannot be measured."""
        return self.troubles.noted(f"{what} at {self.entities} entities")

    def tried(self, what: str, step: Callable[[], str]) -> str | None:
        """What a step says; None where it could not be measured."""
        said: list[str] = []
        with self.noted(what):
            said.append(step())
        return said[0] if said else None


Part = Callable[[Wish], Iterable[Table]]


# --- commands of ours beside their floors


def quiet(wish: Wish) -> Iterator[Table]:
    """A sync with nothing to do, status and the assistant's hook, beside asking the remote."""
    fleet = wish.ground.fleet
    fleet.run(0, "sync")
    contestants = {
        names.ASKING: asking(fleet),
        names.SYNC: command(*fleet.words("sync"), env=fleet.at(0)),
        names.STATUS: command(*fleet.words("status"), env=fleet.at(0)),
        names.HOOK: command(*fleet.words("hook", "session-start"), env=fleet.at(0)),
    }
    rows = in_turn(contestants, runs=wish.runs)
    yield Table("quiet", "nothing to do", wish.entities, figures(rows), names.ASKING)


def hub(wish: Wish) -> Iterator[Table]:
    """One new entity published to a hub on this disk, by a command, beside the bare git commands."""
    fleet = wish.ground.fleet
    whole = BareGit(fleet, fleet.folder / "bare", fleet.memory(0).read_bytes())
    small = BareGit(fleet, fleet.folder / "bare-small", b"")
    turn = iter(range(10**6))
    contestants = {
        names.BARE_GIT: whole.publish,
        names.BARE_GIT_SMALL: small.publish,
        names.SYNC_ONE: command(*fleet.words("sync"), env=fleet.at(0)),
    }
    rows = in_turn(contestants, runs=wish.starts, prepare=lambda: fleet.note(f"Published {next(turn)}"))
    yield Table("hub", "one new entity, published", wish.entities, figures(rows), names.BARE_GIT)


def adopt(wish: Wish) -> Iterator[Table]:
    """From a memory file to a synchronised one, then a second machine; once, as it is done once."""
    found: list[Figure] = []
    with wish.noted(names.ADOPT):
        fleet = wish.ground.fleet
        found += [
            fleet.adopted.figure("command", names.ADOPT),
            fleet.joined.figure("command", names.JOIN),
        ]
    for library in names.LIBRARIES:
        with wish.noted(library):
            found.append(wish.ground.document(library).built.figure("build", names.build(library)))
    yield from tables("adopt", "from nothing", wish, found)


# --- ours beside documents


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
    rows = [("receiving", "receive", names.RECEIVE), ("receiving", "all", names.RECEIVE_ALL)]
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


def _contestants(wish: Wish) -> dict[str, Callable[[], str]]:
    """One process of each: it works at what is given it, and tells what that took."""
    turns = iter(range(10**6))
    ground = wish.ground

    def kept() -> str:
        ground.fleet.note(f"Kept {next(turns)}")
        words = ("command", "sync", "--no-fetch", "--no-push")
        return at_work(*words, env=ground.fleet.at(0), limit_s=LIMIT_S)

    def noting() -> str:
        return at_work("noting", str(WARM_NOTES), env=ground.fleet.at(0), limit_s=LIMIT_S)

    def library_at(work: str, library: str) -> Callable[[], str]:
        return lambda: at_work(
            work, library, ground.document(library).folder, str(WARM_NOTES), limit_s=LIMIT_S
        )

    found: dict[str, Callable[[], str]] = {
        "noting": noting,
        "kept": kept,
        "receiving": lambda: _received(ground.fleet, wish.entities, f"run {next(turns)}"),
    }
    for library in names.LIBRARIES:
        found[f"{library} whole"] = library_at("whole", library)
        if library in names.APPENDING:
            found[f"{library} appending"] = library_at("appending", library)
    return found


def _received(fleet: Fleet, entities: int, words: str) -> str:
    """A daemon's place of work that lives while the first machine publishes, and then takes it in."""
    with conversation("receiving", env=fleet.at(1), limit_s=LIMIT_S) as child:
        heard(child)
        for turn in range(RECEIVED):
            fleet.note_elsewhere(entities, f"noted in {words}, {turn}")
            told(child)
            heard(child)
        hung_up(child)
        return heard(child)


# --- tables


def figures(rows: Iterable[Timed]) -> tuple[Figure, ...]:
    return tuple(Figure(row.name, tuple(row.ms), "ms", tuple(row.cpu_ms)) for row in rows)


def tables(part: str, title: str, wish: Wish, found: list[Figure], floor: str = "") -> Iterator[Table]:
    """The table of what was found, if anything was."""
    if found:
        known = floor if any(each.name == floor for each in found) else ""
        yield Table(part, title, wish.entities, tuple(found), known)


SIZED: Mapping[str, Part] = {
    "quiet": quiet,
    "adopt": adopt,
    "durable": durable,
    "receive": receive,
    "hub": hub,
    "memory": memory,
}
"""Parts that are measured at every size."""
