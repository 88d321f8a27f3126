"""Histories of whole replicas, each with its memory file: what machines on desks do all day.

Rule 1: the file is a graph and its row order; a version is named by what it says. No bytes are needed here.
Rule 2: a server edits the version it read, which may be an older one; whoever writes last, stands.
Rule 3: a desk may keep a twin that is loaded from its store before every act: both must do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from memsync_git.crdt.fragment import Fragment
from memsync_git.guards import DeletionLimits
from memsync_git.model import (
    EVERYTHING,
    PLAIN,
    Entity,
    Graph,
    Item,
    JsonText,
    Projection,
    Record,
    RecordKey,
    Rid,
    Verbatim,
    items_of,
    key_of,
    record_with,
)
from memsync_git.replica import Moment, Observed, Replica, Version
from memsync_git.replica.adopting import adopt, order_of
from memsync_git.replica.identity import take_new_rid
from memsync_git.replica.observing import observe
from memsync_git.replica.picking import picked_graph, picked_keys
from memsync_git.replica.receiving import Received, receive
from memsync_git.replica.rows import load, save
from memsync_git.stores.memory import MemoryStore
from tests.laws.portraits import assert_same_answer, assert_same_replica

T = TypeVar("T")
WINDOW_MS = 2_000
NOON_MS = 1_763_637_000_000
SMALL = DeletionLimits(over=2, share=0.3)
HUB = "hub"
PICKS = (None, None, None, frozenset({"Alice"}), frozenset({"Oslo", "note"}))

ALICE, LIKES, NOTE = ("e", "Alice"), ("l", "Alice", "Oslo", "likes"), ("r", "note")
ITEMS: tuple[Item, ...] = (
    ("t", "Alice", "person"),
    ("t", "Alice", "robot"),
    ("o", "Alice", "likes tea"),
    ("o", "Alice", "lives in Oslo"),
    ("o", "Alice", Verbatim(JsonText('{"text":"hums"}'))),
    ("f", ALICE, "tags", JsonText('["a"]')),
    ("f", ALICE, "tags", JsonText('["b"]')),
    ("t", "Oslo", "city"),
    ("o", "Oslo", "likes tea"),
    ("t", "Bergen", "city"),
    ("l", "Alice", "Oslo", "likes"),
    ("f", LIKES, "weight", JsonText("1.10")),
    ("d", "note"),
    ("f", NOTE, "text", JsonText('"buy tea"')),
)


# --- what a server does to a file


@dataclass(frozen=True, slots=True)
class Note:
    """Say one item, in place or in a new row behind the others."""

    item: Item

    def __call__(self, graph: Graph) -> Graph:
        record = record_with(graph.records.get(key_of(self.item)), [self.item])
        assert record is not None
        return Graph({**graph.records, record.key: record})


@dataclass(frozen=True, slots=True)
class Drop:
    """Take one item out; an entity takes its relations along."""

    item: Item

    def __call__(self, graph: Graph) -> Graph:
        key = key_of(self.item)
        record = graph.records.get(key)
        if record is None or self.item not in set(items_of(record)):
            return graph
        left = _without(record, self.item)
        if left is not None:
            return Graph({**graph.records, key: left})
        return Graph({other: kept for other, kept in graph.records.items() if not _falls(other, key)})


@dataclass(frozen=True, slots=True)
class DropAny:
    """Take out whatever stands at this place, counted round and round."""

    at: int

    def __call__(self, graph: Graph) -> Graph:
        said = [item for record in graph for item in items_of(record)]
        return Drop(said[self.at % len(said)])(graph) if said else graph


@dataclass(frozen=True, slots=True)
class Renew:
    """Delete an entity and create it again, with another type: the server's only way to change one."""

    name: str
    type: str

    def __call__(self, graph: Graph) -> Graph:
        entity = graph.records.get(("e", self.name))
        if not isinstance(entity, Entity):
            return graph
        others = {key: kept for key, kept in graph.records.items() if not _falls(key, entity.key)}
        return Graph({**others, entity.key: replace(entity, type=self.type)})


def _without(record: Record, item: Item) -> Record | None:
    match item:
        case ("o", _, said) if isinstance(record, Entity):
            return replace(record, observations=tuple(text for text in record.observations if text != said))
        case ("f", _, name, _):
            return replace(record, fields={key: text for key, text in record.fields.items() if key != name})
        case _:
            return None


def _falls(key: RecordKey, deleted: RecordKey) -> bool:
    return key == deleted or (deleted[0] == "e" and key[0] == "l" and deleted[1] in key[1:3])


Act = Note | Drop | DropAny | Renew


# --- what can happen at a desk


@dataclass(frozen=True, slots=True)
class Serve:
    """A server reads the version of `back` writes ago and writes it back changed, `wait_ms` later.

    `seen`: the file event is noticed at once.
    """

    who: int
    acts: tuple[Act, ...]
    wait_ms: int = 10
    back: int = 0
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """The file is read; `careful`: even small deletions are held."""

    who: int
    careful: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """Fragments are received: how many publications ago, in this order."""

    who: int
    found: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Materialise:
    """The target is written into the file, or `only` some names of it.

    `crashes`: nobody notes that the swap is done.
    """

    who: int
    crashes: bool = False
    only: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Publish:
    """The own fragment is accepted by the hub; `told`: and the answer arrives."""

    who: int
    told: bool = True


@dataclass(frozen=True, slots=True)
class Command:
    """A person changes the memory by a command."""

    who: int
    removed: tuple[Item, ...]
    added: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Rename:
    """The installation finds that it shares its id, and takes a new one."""

    who: int


Step = Serve | Look | Join | Materialise | Publish | Command | Rename

items = st.sampled_from(ITEMS)
acts = st.one_of(
    st.builds(Note, items),
    st.builds(Note, items),
    st.builds(DropAny, st.integers(0, 9)),
    st.builds(Renew, st.sampled_from(("Alice", "Oslo")), st.sampled_from(("person", "robot", "city"))),
)


def days(*, desks: int = 2, most: int = 18, renames: bool = True) -> st.SearchStrategy[list[Step]]:
    """What happens among some desks, in up to `most` steps."""
    who = st.integers(0, desks - 1)
    some = st.lists(items, max_size=2).map(tuple)
    found = st.lists(st.sampled_from((0, 0, 1, 2, 3, 5)), min_size=1, max_size=4).map(tuple)
    wait_ms, back = st.sampled_from((1, 10, 900, 5_000)), st.sampled_from((0, 0, 0, 1, 2))
    several, seen = st.lists(acts, min_size=1, max_size=3).map(tuple), st.sampled_from((True, True, False))
    serve = st.builds(Serve, who, several, wait_ms, back, seen)
    steps = [
        serve,
        serve,
        st.builds(Look, who, st.booleans()),
        st.builds(Join, who, found),
        st.builds(Materialise, who, st.booleans(), st.sampled_from(PICKS)),
        st.builds(Publish, who, st.booleans()),
        st.builds(Command, who, some, some),
    ]
    return st.lists(
        st.one_of(*steps, *([st.builds(Rename, who)] if renames else [])), min_size=most // 3, max_size=most
    )


# --- the desks


class Desk:
    """A replica and its memory file."""

    def __init__(self, name: str, *, projection: Projection = EVERYTHING, kept: bool = False) -> None:
        self.replica = Replica(Rid(f"{name}-0001"), name)
        self.name = name
        self.projection = projection
        self.now_ms = NOON_MS
        self.acts = 0
        self.files = [Graph()]
        self.mtime_ms = NOON_MS
        self.store = MemoryStore() if kept else None
        if self.store is not None:
            with self.store.transaction() as transaction:
                save(self.replica, transaction)
            self.replica = Replica(Rid(f"{name}-0001"), name)
        self.act(lambda replica, moment: adopt(replica, self.version(self.file), moment))

    @property
    def file(self) -> Graph:
        return self.files[-1]

    def version(self, graph: Graph, *, same_as: str = "") -> Version:
        """A graph as it is read from the file. `same_as` tells apart bytes that say the same."""
        name = f"{list(graph)}{same_as}"
        return Version(graph, order_of(graph), name, self.mtime_ms, self.projection)

    def act(self, do: Callable[[Replica, Moment], T]) -> T:
        """Do something; with a store, do it too to what the store holds, and compare."""
        self.acts += 1
        self.now_ms += 5
        moment = Moment(self.now_ms, "boot", f"{self.name}{self.acts:04d}", WINDOW_MS)
        answer = do(self.replica, moment)
        if self.store is not None:
            self._again(do, moment, answer)
        return answer

    def _again(self, do: Callable[[Replica, Moment], T], moment: Moment, answer: T) -> None:
        assert self.store is not None
        with self.store.transaction() as transaction:
            twin = load(transaction)
            assert twin is not None
            twin.project(self.replica.projection if self.acts > 1 else EVERYTHING)
            assert_same_answer(do(twin, moment), answer)
            save(twin, transaction)
        kept = load(self.store)
        assert kept is not None
        kept.project(self.replica.projection)
        assert_same_replica(twin, self.replica)
        assert_same_replica(kept, self.replica)
        kept.compare_anew()
        assert (kept.behind, kept.contested) == (twin.behind, twin.contested)

    # --- the file

    def put(self, graph: Graph) -> None:
        """Somebody writes the file."""
        self.now_ms += 1
        self.mtime_ms = self.now_ms
        self.files.append(graph)

    def serve(self, edits: Iterable[Act], *, wait_ms: int = 10, back: int = 0) -> None:
        graph = self.files[max(0, len(self.files) - 1 - back)]
        self.now_ms += wait_ms
        for edit in edits:
            graph = edit(graph)
        graph = self.projection.graph(graph)
        if list(graph) != list(self.file):
            self.put(graph)

    def look(self, *, limits: DeletionLimits | None = None) -> Observed:
        """Take in the file as it stands."""
        version = self.version(self.file)
        return self.act(lambda replica, moment: observe(replica, version, moment, limits=limits))

    def wanted(self, only: frozenset[str] | None = None) -> Graph:
        """The target in the file's row order, what is new behind it; of what waits, `only` what is picked."""
        left = self.replica.behind - picked_keys(self.replica, only)
        target = self.projection.graph(picked_graph(self.replica, left)).records
        keys = [key for key in self.file.records if key in target]
        return Graph({key: target[key] for key in dict.fromkeys([*keys, *target])})

    def materialise(self, *, crashes: bool = False, only: frozenset[str] | None = None) -> None:
        """Bring the file to the target, or note that it says it already."""
        if not picked_keys(self.replica, only):
            self.act(lambda replica, moment: replica.confirm(moment))
            return
        wanted = self.wanted(only)
        version = self.version(wanted)
        self.act(lambda replica, moment: replica.intend(wanted, version.order, version.hash, moment))
        self.put(wanted)
        if not crashes:
            self.act(lambda replica, moment: replica.settle(moment))
            self.act(lambda replica, moment: replica.confirm(moment))

    # --- the others

    def publish(self, *, told: bool = True) -> Fragment:
        fragment = self.replica.fragment()
        if told:
            self.act(lambda replica, _: replica.published(HUB, fragment))
        return fragment

    def join(self, found: Iterable[Fragment]) -> Received:
        fragments = list(found)
        return self.act(lambda replica, moment: receive(replica, fragments, moment))

    def command(self, removed: Iterable[Item], added: Iterable[Item]) -> Any:
        """A person's change. Whoever removes an entity's type removes the entity: nothing of it stays."""
        come = tuple(added)
        gone = tuple(dict.fromkeys(item for one in removed for item in self._with_record(one, come)))
        return self.act(lambda replica, moment: replica.write(gone, come, moment, cause="test"))

    def _with_record(self, item: Item, come: tuple[Item, ...]) -> list[Item]:
        record = self.replica.state.record(key_of(item))
        is_replaced = any(other[:2] == item[:2] for other in come if other[0] == "t")
        if item[0] not in ("t", "l", "d") or record is None or is_replaced:
            return [item]
        return [item, *items_of(record)]

    def rename(self, upstream: Fragment | None) -> None:
        rid = Rid(f"{self.name}-{self.acts + 2:04x}")
        self.act(lambda replica, moment: take_new_rid(replica, rid, upstream, moment))


class Office:
    """Some desks, and everything they ever published."""

    def __init__(self, desks: int = 2, *, kept: bool = False, projections: bool = False) -> None:
        names = ("ash", "birch", "cedar")[:desks]
        plain = [PLAIN if projections and at % 2 else EVERYTHING for at in range(desks)]
        self.desks = [
            Desk(name, projection=projection, kept=kept)
            for name, projection in zip(names, plain, strict=True)
        ]
        self.published: list[Fragment] = []

    def run(self, day: Iterable[Step], after: Callable[[Desk], None] = lambda _: None) -> Office:
        for step in day:
            desk = self.desks[step.who]
            self.step(desk, step)
            after(desk)
        return self

    def step(self, desk: Desk, step: Step) -> None:
        match step:
            case Serve(_, edits, wait_ms, back, seen):
                desk.serve(edits, wait_ms=wait_ms, back=back)
                if seen:
                    desk.look()
            case Look(_, careful):
                desk.look(limits=SMALL if careful else None)
            case Join(_, found):
                desk.join(self.published[-1 - age] for age in found if age < len(self.published))
            case Materialise(_, crashes, only):
                desk.look()
                desk.materialise(crashes=crashes, only=only)
            case Publish(_, told):
                self.publish(desk, told=told)
            case Command(_, removed, added):
                desk.command(removed, added)
            case Rename():
                desk.rename(self._upstream(desk.replica.rid))

    def publish(self, desk: Desk, *, told: bool = True) -> None:
        """The own fragment, and every usable one beside it: a publication carries a whole closed cut."""
        fragments = desk.replica.state.fragments()
        self.published += [fragment for rid, fragment in fragments.items() if rid != desk.replica.rid]
        self.published.append(desk.publish(told=told))

    def _upstream(self, rid: Rid) -> Fragment | None:
        mine = [fragment for fragment in self.published if fragment.rid == rid]
        return max(mine, key=lambda fragment: fragment.version, default=None)

    def settle(self, rounds: int = 3) -> None:
        """Everybody looks, publishes, joins and writes the file, until nothing is left to say."""
        for _ in range(rounds):
            for desk in self.desks:
                desk.now_ms += 10 * WINDOW_MS
                desk.look()
                self.publish(desk)
            for desk in self.desks:
                desk.join(self.published)
                desk.materialise()
                desk.look()
