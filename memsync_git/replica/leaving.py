"""The names that are left out, kept up by what changes: of a large memory only that is looked at. Pure.

    file's newest state ─┐
    joined state        ─┼─ what changed since the last look ─▶ names ─▶ left out, or not
    what is carried     ─┤
    the file as it lies ─┘  (beside the others: it may be read, and not taken in)

Rule 1: of every name that a record is about, and of both ends of a relation, what comes out is what
`hidden_names` finds in all records together.
Rule 2: a name that no record is about any more is judged without a type. Under an `include` that leaves it
out, as if something still mentioned it (`untyped`); whoever says something about it says its type.
Rule 3: where it is not known what has changed, everything is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from memsync_git.crdt.state import State
from memsync_git.crdt.touched import Place
from memsync_git.model import Graph, Projection, Record, RecordKey
from memsync_git.replica.filtering import Rules, known_names, names_in
from memsync_git.stretches import Records, among, differing
from memsync_git.wire import plain

if TYPE_CHECKING:
    from memsync_git.replica.replica import Replica


class Sources(NamedTuple):
    """All that speaks of names. graphs: the file's newest state, and the file itself, if it is asked."""

    graphs: tuple[Records, ...]
    state: State
    carried: Mapping[RecordKey, Record]
    place: Place

    @classmethod
    def of(cls, replica: Replica, file: Graph | None = None) -> Sources:
        """What is known at this moment."""
        graphs = (replica.ring.graph.records, *(() if file is None else (file.records,)))
        carried = {each.key: each for each in replica.carried.records()}
        return cls(graphs, replica.state, carried, replica.state.touched.place)

    def records(self) -> Iterable[Record]:
        """All of them; what one graph says like the one before it is not told twice."""
        first, *others = self.graphs
        apart = (now for other in others for _, now, _ in differing(other, first) if now is not None)
        return chain(first.values(), apart, self.state.records(), self.carried.values())

    def about(self, names: AbstractSet[str]) -> Iterable[Record]:
        """Those about some names."""
        keys = set(bearing(names, ()))
        graphs = chain.from_iterable(among(graph, keys).values() for graph in self.graphs)
        carried = (self.carried[key] for key in keys & self.carried.keys())
        return chain(graphs, filter(None, map(self.state.record, keys)), carried)


class LeftOut:
    """The names left out of some sources. `untyped`: those of them that no record is about."""

    def __init__(
        self,
        rules: Rules,
        names: Iterable[str] = (),
        untyped: Iterable[str] = (),
        seen: Sources | None = None,
    ) -> None:
        self.rules = rules
        self.names = frozenset(names)
        self.untyped = frozenset(untyped)
        self._seen = seen

    def beside(self) -> LeftOut:
        """The same of these sources and a file that says what its newest state does, for now."""
        assert self._seen is not None
        (standing,) = self._seen.graphs
        seen = self._seen._replace(graphs=(standing, standing))
        return LeftOut(self.rules, self.names, self.untyped, seen)

    def follow(self, sources: Sources) -> bool:
        """Look at what has changed. Return whether that was known."""
        keys = self._touched(sources)
        if keys is None:
            self.names, self.untyped = frozenset(), frozenset()
            self._judge(*known_names(sources.records()))
        elif keys:
            names = {name for key in keys for name in names_in(key)}
            types, about = known_names(sources.about(names))
            self._judge({name: types.get(name, set()) for name in names}, about)
        self._seen = sources
        return keys is not None

    def _touched(self, sources: Sources) -> set[RecordKey] | None:
        """The records that changed since the last look; None where any may have."""
        seen = self._seen
        changed = None if seen is None else sources.state.touched.since(seen.place)
        if seen is None or changed is None:
            return None
        pairs = zip(sources.graphs, seen.graphs, strict=True)
        graphs = (key for now, was in pairs for key, _, _ in differing(now, was))
        is_carried_on = sources.carried == seen.carried
        carried = () if is_carried_on else (*sources.carried, *seen.carried)
        return {*changed, *graphs, *carried}

    def _judge(self, types: Mapping[str, Collection[str]], about: Collection[str]) -> None:
        """Find out anew of some names whether they are left out."""
        hidden = {name for name, known in types.items() if self.rules.hides(name, known)}
        untyped = {name for name in hidden if name not in about}
        if hidden != self.names & types.keys():
            self.names = self.names - types.keys() | hidden
        if untyped != self.untyped & types.keys():
            self.untyped = self.untyped - types.keys() | untyped


class RecordsLeftOut:
    """The records that the joined state shows under names left out, kept up in the same way."""

    def __init__(
        self, keys: Iterable[RecordKey] = (), hidden: frozenset[str] = frozenset(), place: Place | None = None
    ) -> None:
        self.keys = frozenset(keys)
        self._hidden = hidden
        self._place = place

    def follow(self, state: State, projection: Projection) -> frozenset[RecordKey]:
        """Those of a state; which names are left out may have changed as well."""
        if not projection.hidden:
            return frozenset()
        touched = state.touched.since(self._place)
        if touched is None:
            self.keys, self._hidden, touched = frozenset(), frozenset(), ()
        come = projection.hidden - self._hidden
        asked = {*touched, *bearing(come, state.relations() if come else ())}
        found = {key for key in asked if projection.hides(key) and state.record(key) is not None}
        if found != self.keys & asked:
            self.keys = self.keys - asked | found
        if not self._hidden <= projection.hidden:
            self.keys = frozenset(filter(projection.hides, self.keys))
        self._hidden, self._place = projection.hidden, state.touched.place
        return self.keys


def bearing(names: AbstractSet[str], relations: Iterable[RecordKey]) -> Iterator[RecordKey]:
    """The records that may bear one of some names: those about it, and of these relations some."""
    yield from ((kind, name) for name in names for kind in ("e", "r"))
    yield from (key for key in relations if not names.isdisjoint(names_in(key)))


class Leaving:
    """What a replica leaves out, and is known of that from the store (`here`, `records`)."""

    def __init__(self, here: LeftOut | None = None, records: RecordsLeftOut | None = None) -> None:
        self._here = here
        self._beside: LeftOut | None = None
        self._records = records or RecordsLeftOut()

    @property
    def untyped(self) -> frozenset[str]:
        """The names among them that no record is about."""
        last = self._beside or self._here
        return frozenset() if last is None else last.untyped

    def names(self, replica: Replica, file: Graph | None) -> frozenset[str]:
        """The names, of all that is known here and of a file; see `Replica.shared`."""
        is_going_on = self._here is not None and self._here.rules == replica.rules
        here = self.here(replica)
        if file is None:
            return here.names | replica.projection.hidden if is_going_on else here.names
        if self._beside is None:
            self._beside = here.beside()
        self._beside.follow(Sources.of(replica, file))
        return self._beside.names

    def here(self, replica: Replica) -> LeftOut:
        """What the rules leave out of what the store holds."""
        if self._here is None or self._here.rules != replica.rules:
            self._here = LeftOut(replica.rules)
        if not self._here.follow(Sources.of(replica)):
            self._beside = None
        return self._here

    def records(self, replica: Replica) -> frozenset[RecordKey]:
        """The records of the joined state under names left out."""
        return self._records.follow(replica.state, replica.projection)


def plain_left_out(replica: Replica) -> dict[str, Any] | None:
    """What is left out of what the store holds, as it is kept there; None where there are no rules."""
    if not replica.rules:
        return None
    left = replica.leaving.here(replica)
    return {
        "rules": [list(left.rules.include), list(left.rules.exclude)],
        "names": sorted(left.names),
        "untyped": sorted(left.untyped),
        "of": _name_of(replica),
    }


def leaving_of(said: Mapping[str, Any] | None, records: Iterable[RecordKey], replica: Replica) -> Leaving:
    """The same again, with the records under names left out; nothing of it where it is not of what the store
    holds now: an earlier release has written there.
    """
    if said is None or said["of"] != _name_of(replica):
        return Leaving()
    rules = Rules(*map(tuple, said["rules"]))
    here = LeftOut(rules, said["names"], said["untyped"], Sources.of(replica))
    return Leaving(here, RecordsLeftOut(records, replica.projection.hidden, replica.state.touched.place))


def _name_of(replica: Replica) -> str:
    """Names what speaks of names in the store: the same says the same."""
    revisions, _, _ = replica.joined
    newest = [replica.ring.newest.seq, replica.ring.newest.hash] if replica.ring else []
    said = [sorted(revisions), newest, replica.carried.gone, replica.carried.come]
    return sha256(plain.dumps(said)).hexdigest()[:16]
