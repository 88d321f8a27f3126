"""Which records a machine leaves out of the memory it shares, by the globs of its store. Pure.

Rule 1: what is left out lies outside the projection, as what a variant cannot hold does: it is not taken in,
not missed, not written, and the rows that stand for it in the file stay there, byte for byte.
Rule 2: so a rule that changes deletes nothing. What it lets through again is new in the file, or elsewhere.
Rule 3: a name is left out if it, or any type it is known with (here, in the file before, elsewhere), matches
`exclude`; or if there is an `include`, and neither it nor all of those types match that. When in doubt, out.
Its relations go with it.
Rule 4: what was published before a rule stays published: other machines have it by now.
Rule 5: no command says anything under a name left out: what a change of a person has of it is dropped where
such changes are written (`Replica.write`, `make_amends`, `reject_hold`), and the name is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase

from memsync_git.model import Entity, Item, Record, RecordKey, key_of
from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Globs on names of entities (ids of generic records) and on types of entities."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)

    def hides(self, name: str, types: Iterable[str]) -> bool:
        """Whether a record is left out."""
        types = tuple(types)
        if any(_matches(word, self.exclude) for word in (name, *types)):
            return True
        if not self.include or _matches(name, self.include):
            return False
        return not types or not all(_matches(kind, self.include) for kind in types)


def _matches(word: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(word, glob) for glob in globs)


def names_in(key: RecordKey) -> tuple[str, ...]:
    """The names a record bears: both ends of a relation, its own of any other."""
    return key[1:3] if key[0] == "l" else key[1:2]


def hidden_names(rules: Rules, records: Iterable[Record]) -> frozenset[str]:
    """The names that are left out, of all that these records speak of."""
    types, _ = known_names(records if rules else ())
    return frozenset(name for name, known in types.items() if rules.hides(name, known))


def known_names(records: Iterable[Record]) -> tuple[dict[str, set[str]], set[str]]:
    """The names in records, each with the types it has there, and which of them a record is about."""
    types: dict[str, set[str]] = {}
    about: set[str] = set()
    for record in records:
        for name in names_in(record.key):
            types.setdefault(name, set())
        if record.key[0] != "l":
            about.add(record.key[1])
        if isinstance(record, Entity) and record.type is not None:
            types[record.name].add(record.type)
    return types, about


def left_out(rules: Rules, items: Collection[Item], known: Iterable[Record]) -> frozenset[str]:
    """The names that are left out of these items, by the types they say and those that are known already."""
    said = [Entity(name, None, ()) for item in items for name in names_in(key_of(item))]
    types = [Entity(item[1], item[2], ()) for item in items if item[0] == "t"]
    return hidden_names(rules, [*said, *types, *known])


def without_names(items: Iterable[Item], names: AbstractSet[str]) -> list[Item]:
    """The items under none of these names."""
    return [item for item in items if names.isdisjoint(names_in(key_of(item)))]
