"""The prepared state of the file as rows of a store: what is to be swapped in, as the step from the newest.

    pending one             when, of what order, how many parts; a short step itself
    pending one:000000      some records of a long step

Rule 1: the first version a machine writes is a step over all records: it is written part by part.
Rule 2: what stands there is written again only when the prepared state or the newest one is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

from memsync_git.inference import FileState, Pending, Ring
from memsync_git.model import Graph
from memsync_git.replica.replica import Replica
from memsync_git.replica.resting import Rows
from memsync_git.replica.shapes import ITEMS_TOGETHER, pending_of, plain_state, plain_step
from memsync_git.stretches import Order
from memsync_git.wire import plain

PENDING, ONE = "pending", "one"


class RowWriter(Rows, Protocol):
    """What saving needs of a transaction."""

    def put_all(self, kind: str, rows: Iterable[tuple[str, bytes | None]]) -> None: ...


def save_pending(replica: Replica, rows: RowWriter) -> None:
    """Write the prepared state, or drop it where there is none any more."""
    ring, before = replica.ring, replica.kept_pending
    now = replica.kept_pending = kept_pending(ring)
    if now is not None and before is not None and now[0] is before[0] and now[1] is before[1]:
        return
    rows.put_all(PENDING, ((key, None) for key in _standing(rows)))
    if ring.pending is not None:
        rows.put_all(PENDING, _parts(ring.pending, ring.newest.order))


def kept_pending(ring: Ring) -> tuple[Pending, FileState] | None:
    """What the rows are made from."""
    return None if ring.pending is None else (ring.pending, ring.newest)


def _parts(pending: Pending, newest: Order) -> Iterator[tuple[str, bytes]]:
    state, ahead, _ = pending
    about = plain_state(state, newest)
    if len(ahead) <= ITEMS_TOGETHER:
        yield ONE, plain.dumps({**about, "step": plain_step(ahead)})
        return
    steps = iter(ahead.items())
    parts = 0
    while some := dict(islice(steps, ITEMS_TOGETHER)):
        yield f"{ONE}:{parts:06d}", plain.dumps(plain_step(some))
        parts += 1
    yield ONE, plain.dumps({**about, "parts": parts})


def _standing(rows: Rows) -> list[str]:
    """The rows there are; their parts are not looked at, for together they may be a whole memory."""
    found = rows.row(PENDING, ONE)
    if found is None:
        return []
    return [ONE, *(f"{ONE}:{at:06d}" for at in range(plain.loads(found).get("parts", 0)))]


def load_pending(rows: Rows, graph: Graph, newest: Order) -> Pending | None:
    """The prepared state beside the newest one, whose graph and order these are."""
    found = rows.row(PENDING, ONE)
    if found is None:
        return None
    said: dict[str, Any] = plain.loads(found)
    if "parts" in said:
        parts = (rows.row(PENDING, f"{ONE}:{at:06d}") for at in range(said["parts"]))
        said["step"] = [each for part in parts for each in plain.loads(part or b"")]
    return pending_of(said, graph, newest)
