"""Where records stand in the view: a few dozen bytes each, however much they say.

    kind · time · rid · number · line       as bytes, which sort as the view does

Rule 1: kinds come one after another, in each the smallest stamp first (`state.py`); stamps are told apart by
their dots, so what is behind them decides nothing.
Rule 2: what a record shows is asked for when its turn comes; of what no line alone shows, it is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from memsync_git.model import RecordKey, Rid

if TYPE_CHECKING:
    from memsync_git.crdt.fragment import Stamp
    from memsync_git.crdt.state import Shown

_KINDS = {"e": 0, "l": 1, "r": 2}
_NUMBER_BYTES = 8
"""Times and numbers go up to 2**53."""
_EPOCH = 1 << 63
"""A file may be older than 1970; its bytes come first all the same."""
_END = b"\0"
"""Less than whatever a rid is made of, so that one comes before those it begins."""
_HELD = b"#"
"""What begins so is no name of a line: the place of something held."""


def kind_order(key: RecordKey) -> int:
    """Entities, relations, generic records."""
    return _KINDS[key[0]]


class Place(NamedTuple):
    """What stands somewhere in the view: the line of a replica, by its name, or what is held."""

    rid: Rid
    name: str
    held: Shown | None


class Places:
    """The places of some records."""

    def __init__(self) -> None:
        self._places: list[bytes] = []
        self._held: list[Shown] = []

    def put_line(self, key: RecordKey, stamp: Stamp, name: str) -> None:
        """A record that the line of this name alone shows; `stamp`: its smallest."""
        self._places.append(_begin(key, stamp) + name.encode("ascii"))

    def put(self, shown: Shown) -> None:
        """Any other record."""
        self._places.append(_begin(shown.record.key, shown.first) + _HELD + b"%d" % len(self._held))
        self._held.append(shown)

    def in_order(self, together: int) -> Iterator[list[Place]]:
        """All of them in view order, so many at a time."""
        self._places.sort()
        for at in range(0, len(self._places), together):
            yield list(map(self._place, self._places[at : at + together]))

    def _place(self, place: bytes) -> Place:
        start = 1 + _NUMBER_BYTES
        end = place.index(_END, start)
        rid, name = Rid(place[start:end].decode("ascii")), place[end + 1 + _NUMBER_BYTES :].decode("ascii")
        return Place(rid, name, self._held[int(name[1:])] if name.startswith("#") else None)


def _begin(key: RecordKey, stamp: Stamp) -> bytes:
    ts, rid, n = stamp
    time, number = (ts + _EPOCH).to_bytes(_NUMBER_BYTES, "big"), n.to_bytes(_NUMBER_BYTES, "big")
    return b"%c%b%b%b%b" % (kind_order(key), time, rid.encode("ascii"), _END, number)
