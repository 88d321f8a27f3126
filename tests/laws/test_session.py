"""A session between processes, and between the threads of one: what it holds is what the store holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memsync_git.errors import StoreDamaged
from memsync_git.inference import FileState, Kind, Ring
from memsync_git.local.memory import MemoryFile
from memsync_git.model import Graph, Item, Rid
from memsync_git.replica import Replica, resting
from memsync_git.stores.memory import MemoryStill, MemoryStore
from memsync_git.stretches import Order
from memsync_git.sync import Session, World
from memsync_git.wire.fragments import encode
from tests.fakes import CountedChance, QuietClock

TEA: Item = ("o", "Alice", "likes tea")
OSLO: Item = ("o", "Alice", "lives in Oslo")


class EventfulStore(MemoryStore):
    """A store at which something else happens while somebody reads rows of one kind; no moment is held."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: dict[str, Callable[[], None]] = {}

    def still(self) -> None:
        """None, as of a store nobody has open."""

    def rows(self, kind: str, after: str = "") -> list[tuple[str, bytes]]:
        """The rows as they were before it happened."""
        found = list(super().rows(kind, after))
        happens = self.meanwhile.pop(kind, None)
        if happens is not None:
            happens()
        return found


def session(store: MemoryStore, name: str) -> Session:
    clock = QuietClock()
    return Session(World(MemoryFile(clock.wall_ms), store, clock, CountedChance(name)))


def note(session: Session, item: Item) -> None:
    session.act(lambda replica, moment: replica.write((), [item], moment, cause="test"))


def items(session: Session) -> set[Item]:
    return {item for item in session.replica.state.graph().items() if item[0] == "o"}


def begun() -> tuple[EventfulStore, Session]:
    store = EventfulStore()
    found = session(store, "ash")
    found.begin(Replica(Rid("ash-0001"), "ash"))
    return store, found


def test_what_another_thread_writes_while_the_replica_is_read_is_not_overwritten() -> None:
    """Found by the fleet: two revisions with one number, and a row of the first that nobody took back."""
    store, ash = begun()
    note(ash, TEA)
    other = session(store, "cron")
    note(other, OSLO)
    store.meanwhile["past"] = lambda: note(ash, ("o", "Alice", "hums"))
    assert items(ash) == {TEA, OSLO, ("o", "Alice", "hums")}
    note(ash, ("o", "Alice", "sings"))
    assert items(session(store, "later")) == items(ash)
    assert ash.replica.header.rev == 4


def test_what_another_process_writes_while_the_replica_is_read_is_no_damage() -> None:
    """Rows of two moments do not fit together: the state that the first of them names is gone."""
    store, ash = begun()
    note(ash, TEA)
    ash.act(lambda replica, _: replica.ring.push(state("first"), Graph()))
    store.meanwhile["facts"] = lambda: ash.act(lambda replica, _: replaced(replica.ring, "second"))
    late = session(store, "late")
    assert [known.hash for known in late.replica.ring.states] == ["second"]


def test_what_another_thread_writes_while_the_replica_is_laid_to_rest_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Found by the fleet: a revision was published without what it had brought."""
    monkeypatch.setattr(resting, "MOST_ACTS", 0)
    store = MemoryStore()
    ash = session(store, "ash")
    ash.begin(Replica(Rid("ash-0001"), "ash"))
    note(ash, TEA)
    still, told = store.still, [OSLO]

    def a_moment_ago() -> MemoryStill:
        """The other thread acts as soon as that moment is held."""
        held = still()
        if told:
            monkeypatch.undo()
            note(ash, told.pop())
        return held

    monkeypatch.setattr(store, "still", a_moment_ago)
    note(ash, ("o", "Alice", "hums"))
    assert items(ash) == {TEA, OSLO, ("o", "Alice", "hums")}
    assert encode(ash.replica.fragment()) == encode(session(store, "later").replica.fragment())


def test_a_row_that_is_damaged_says_so() -> None:
    store, ash = begun()
    ash.act(lambda replica, _: replica.ring.push(state("first"), Graph()))
    with store.transaction() as transaction:
        transaction.drop("state", "1")
    with pytest.raises(StoreDamaged):
        items(session(store, "late"))


def state(name: str) -> FileState:
    return FileState(name, 0, None, {}, Order(), Kind.OBSERVED)


def replaced(ring: Ring, name: str) -> None:
    ring.push(state(name), Graph())
    del ring.states[0]


class TickingClock(QuietClock):
    """A millisecond goes by with every look at it."""

    looked = 0

    def monotonic_s(self) -> float:
        self.looked += 1
        return self.looked / 1000


def test_how_long_reading_takes_is_not_told_by_a_file_of_a_few_bytes() -> None:
    """Found by the tests: a file that began with one entity and grew made a sync linger for seconds."""
    clock = TickingClock()
    ash = Session(World(MemoryFile(clock.wall_ms), MemoryStore(), clock, CountedChance("ash")))
    row = b'{"type":"entity","name":"%d","entityType":"person","observations":["likes tea"]}'
    ash.decode(row % 1)
    ash.decode(b"\n".join(row % number for number in range(10_000)))
    assert 0 < ash.parse_ms < 20
