"""A replica rests on its store: what was saved is not held as well.

Rule 1: what it says does not change by that (`shelves.py`); only what it costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Protocol

from memsync_git.crdt.fragment import Fragment
from memsync_git.crdt.records import Records
from memsync_git.crdt.unread import Unread
from memsync_git.model import RecordKey, Rid
from memsync_git.replica.beside import Beside
from memsync_git.replica.filelines import fetch_all
from memsync_git.replica.replica import Replica
from memsync_git.replica.shelves import (
    FACTS,
    MOST_ACTS,
    MOST_HELD,
    MOST_SHOWN,
    WRITTEN_NEXT,
    Shelves,
    Still,
)
from memsync_git.wire import fragments
from memsync_git.wire.stored import STORED_LINES


class Rows(Protocol):
    """Rows of a store; see `ports.Rows`."""

    def rows(self, kind: str, after: str = "") -> Iterable[tuple[str, bytes]]: ...

    def row(self, kind: str, key: str) -> bytes | None: ...


class RowReader(Rows, Protocol):
    """What loading needs of a store."""

    def still(self) -> Still | None: ...


def shelves_of(still: Still, sizes: Mapping[Rid, int] | None) -> Shelves:
    """Where the lines of a store lie; an older release did not note how many each replica has."""
    if sizes is None:
        sizes = Counter(Rid(key.partition(":")[0]) for key in still.keys(FACTS))
    return Shelves(still, sizes)


def fragments_of(rows: Rows, shelves: Shelves | None, beside: Beside) -> Iterable[Fragment]:
    """The fragments of a store, their lines unread; on shelves, where there are any. What lies `beside` some
    of them stands in their place.
    """
    held = _held(rows) if shelves is None else {}
    for rid, line in rows.rows("header"):
        header = fragments.decode_header(line)
        if isinstance(header, fragments.Malformed | fragments.Newer):
            raise ValueError(f"header of {rid}: {header}")  # noqa: TRY004
        shelf = None if shelves is None else shelves.by_rid.get(header.rid)
        newer = beside.of_rid(header.rid)
        unread = Unread({**held.get(rid, {}), **newer}, shelf, frozenset() if shelf is None else newer.keys())
        yield Fragment(header, Records(unread=unread, stored=STORED_LINES))


def _held(rows: Rows) -> dict[str, dict[str, bytes]]:
    """All lines, by replica and name."""
    lines: dict[str, dict[str, bytes]] = {}
    for key, line in rows.rows(FACTS):
        rid, _, name = key.partition(":")
        lines.setdefault(rid, {})[name] = line
    return lines


def let_rest(
    replica: Replica,
    store: RowReader,
    generation: int,
    *,
    most_held: int = MOST_HELD,
    is_idle: Callable[[], bool] = lambda: True,
) -> None:
    """Let go of what was saved, where it is much, and rest on the store as it stands at this generation.

    `is_idle`: whether no act has begun since it was saved; between two calls of a port one may have.
    What is prepared for the file will be looked at again, so then everything is held; likewise while
    lines lie beside their places. What the file is behind in is about to be written: after that it is soon
    enough to let go of little more than that.
    """
    shelves = replica.shelves
    if shelves is None or replica.beside or replica.ring.pending is not None:
        return
    shelves.acts += 1
    kept = _about_to_show(replica)
    held = replica.state.weight + max(0, replica.state.views - len(kept))
    if held <= (WRITTEN_NEXT * most_held if kept else most_held) and shelves.acts < MOST_ACTS:
        return
    still = store.still()
    if still is None or still.generation != generation or not is_idle():
        return  # somebody else has acted since; what another process wrote is loaded before the next act
    replica.shelves = newer = Shelves(still, replica.state.sizes())
    replica.state.rest_on(newer.by_rid, STORED_LINES, kept=kept)
    shelves.hand_over(newer)
    fetch_all(replica.kept_file.names)


def _about_to_show(replica: Replica) -> Set[RecordKey]:
    """The records the file is behind in, where they are not a whole memory."""
    return replica.behind if len(replica.behind) <= MOST_SHOWN else frozenset()
