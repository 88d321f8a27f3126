"""Stored lines nobody has read yet: those laid by here, above those of a shelf.

    here    name → line, laid by since        shelf     name → line, lies elsewhere, never changes
                                              taken     names on the shelf that are not meant any more

Rule 1: together they are one mapping, and nobody can tell where a line lies.
Rule 2: what lies on a shelf is fetched when it is asked for, and not kept: a memory has a hundred thousand
lines, and an act needs a few of them.
Rule 3: a shelf shows one moment. Whoever rests on one can be moved to a newer one, told what differs; what it
says stays the same. It is moved at once, so that another thread may go on reading.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping, Set
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol


class Shelf(Protocol):
    """Stored lines of one replica by name, as they lay at one moment."""

    def line(self, name: str) -> bytes | None:
        """One line, or None."""
        ...

    def lines(self) -> Iterable[tuple[str, bytes]]:
        """All of them by name, fetched as they are taken."""
        ...

    def among(self, names: Collection[str]) -> Iterable[tuple[str, bytes]]:
        """Those under some names, looked for together, in any order."""
        ...

    def names(self) -> Iterable[str]:
        """Their names alone."""
        ...

    @property
    def weight(self) -> int:
        """How much is held in memory for it."""
        ...

    def rested_on(self, by: Unread) -> None:
        """Somebody needs this shelf from now on, for as long as it lives."""
        ...

    def __len__(self) -> int: ...


NOTHING_KNOWN: Mapping[str, bytes] = MappingProxyType({})


class _Place(NamedTuple):
    """Where lines lie. A name `here` that lies on the shelf as well is among those `taken`."""

    here: dict[str, bytes]
    shelf: Shelf | None
    taken: set[str]


class Unread(MutableMapping[str, bytes]):
    """Unread lines by name; two of them are never the same one."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    __slots__ = ("__weakref__", "_at", "_known")

    def __init__(
        self,
        here: Mapping[str, bytes] | None = None,
        shelf: Shelf | None = None,
        taken: Set[str] = frozenset(),
    ) -> None:
        self._at = _Place({} if here is None else dict(here), shelf, set(taken))
        self._known: Mapping[str, bytes] = {}
        if shelf is not None:
            shelf.rested_on(self)

    def copy(self) -> Unread:
        """The same, to be changed apart from this one."""
        copy = Unread(*self._at)
        copy._known = self._known
        return copy

    @property
    def weight(self) -> int:
        """How much is remembered of it here."""
        here, shelf, taken = self._at
        return len(here) + len(taken) + (0 if shelf is None else shelf.weight)

    def lay(self, lines: Iterable[tuple[str, bytes]]) -> None:
        """Take in lines under names there are none of."""
        self._at.here.update(lines)

    def leave(self, *names: str) -> None:
        """Lines under names there are some of are not meant any more."""
        here, _, taken = self._at
        for name in names:
            if here.pop(name, None) is None:
                taken.add(name)

    def put_away(self, stood: Mapping[str, bytes]) -> None:
        """Leave the lines that are known to stand under some names. Those on the shelf are remembered: who
        compares this with what stood need not fetch them.
        """
        self._known = {name: line for name, line in stood.items() if name not in self._at.here}
        self.leave(*stood)

    def move(self, shelf: Shelf, changed: Mapping[str, bytes | None]) -> None:
        """Rest on another shelf, where these lines lie under the `changed` names, and no others are other
        ones. What lies there as it is meant here need not be held as well.
        """
        here, taken = dict(self._at.here), self._at.taken - changed.keys()
        for name, lying in changed.items():
            line = self.get(name)
            here.pop(name, None)
            if line != lying:
                here.update({} if line is None else {name: line})
                taken.update(() if lying is None else (name,))
        self._known = {}  # first: another thread may copy this one meanwhile
        self._at = _Place(here, shelf, taken)
        shelf.rested_on(self)

    def among(
        self, names: Iterable[str], lying: Mapping[str, bytes] = NOTHING_KNOWN
    ) -> Iterator[tuple[str, bytes]]:
        """The lines under some names, in any order; those on the shelf are looked for together, but for some
        that are known to be `lying` there.
        """
        here, shelf, taken = self._at
        elsewhere: list[str] = []
        for name in names:
            if name in here:
                yield name, here[name]
            elif name in taken:
                continue
            elif name in lying:
                yield name, lying[name]
            else:
                elsewhere.append(name)
        if shelf is not None and elsewhere:
            yield from shelf.among(elsewhere)

    def differing(self, other: Unread) -> dict[str, tuple[bytes | None, bytes | None]]:
        """The lines of both under every name under which they do not have the same; what both have of one
        shelf is the same.
        """
        known: Mapping[str, bytes] = {}
        if self._at.shelf is other._at.shelf:
            known = {**self._known, **other._known}
            places = (self._at, other._at)
            names = {name for place in places for names in (place.here, place.taken) for name in names}
        else:
            looked_up, gone_through = (other, self) if other._at.shelf is None else (self, other)
            same = {name for name, line in gone_through.items() if looked_up.get(name) == line}
            names = {name for each in (self, other) for name in each if name not in same}
        mine, theirs = (dict(each.among(names, known)) for each in (self, other))
        pairs = ((name, (mine.get(name), theirs.get(name))) for name in names)
        return {name: pair for name, pair in pairs if pair[0] != pair[1]}

    # --- as a mapping

    def __getitem__(self, name: str) -> bytes:
        here, shelf, taken = self._at
        found = here.get(name)
        if found is None and shelf is not None and name not in taken:
            found = shelf.line(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._at.here or (isinstance(name, str) and self.get(name) is not None)

    def __setitem__(self, name: str, line: bytes) -> None:
        if name in self:
            self.leave(name)
        self._at.here[name] = line

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self.leave(name)

    def __iter__(self) -> Iterator[str]:
        here, shelf, taken = self._at
        yield from here
        if shelf is not None:
            yield from (name for name in shelf.names() if name not in taken)

    def items(self) -> Any:
        """Like those of a dictionary, fetched as they are taken."""
        here, shelf, taken = self._at
        yield from here.items()
        if shelf is not None:
            lines = shelf.lines()
            yield from (pair for pair in lines if pair[0] not in taken) if taken else lines

    def values(self) -> Any:
        """Likewise."""
        return (line for _, line in self.items())

    def __len__(self) -> int:
        here, shelf, taken = self._at
        return len(here) + (0 if shelf is None else len(shelf) - len(taken))
