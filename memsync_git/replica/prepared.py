"""The prepared state of the file as rows of a store: what is to be swapped in.

    pending one             when, of what order; and one of
                            a short step from the newest state itself
                            how many parts a long one has
                            the lines of the file it will be, where it is made from nothing
    pending one:000000      some records of a long step
    file    NAME …          those lines (`filelines.py`)

Rule 1: the first version a machine writes is kept as the file it will be: once it is in place, its rows are
those of the newest state, and nothing is written again.
Rule 2: what stands there is written again only when the prepared state or the newest one is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

from memsync_git.inference import Pending, Ring
from memsync_git.model import Graph
from memsync_git.replica.filelines import LineWriter, drop_lines, load_lines, written_lines
from memsync_git.replica.replica import Replica
from memsync_git.replica.resting import Rows
from memsync_git.replica.shapes import ITEMS_TOGETHER, pending_of, plain_state, plain_step, state_of
from memsync_git.replica.values import KeptFile, KeptPending
from memsync_git.stretches import Order, Step, stretched
from memsync_git.values import replace
from memsync_git.wire import plain

PENDING, ONE = "pending", "one"


class RowWriter(LineWriter, Rows, Protocol):
    """What saving needs of a transaction."""

    def put_all(self, kind: str, rows: Iterable[tuple[str, bytes | None]]) -> None: ...


def save_pending(replica: Replica, rows: RowWriter) -> None:
    """Write the prepared state, or drop it where there is none any more."""
    ring, before = replica.ring, replica.kept_pending
    if _is_kept(ring, before):
        return
    rows.put_all(PENDING, ((key, None) for key in _standing(rows)))
    file = KeptFile()
    if ring.pending is not None:
        state, ahead, graph = ring.pending
        if _is_from_nothing(ring.pending):
            file = written_lines(stretched(graph.records), file, rows)
            about = plain_state(state, file.order)
            rows.put_all(PENDING, [(ONE, plain.dumps({**about, "file": plain.loads(file.index)}))])
        else:
            rows.put_all(PENDING, _parts(ahead, plain_state(state, ring.newest.order)))
    if before is not None:
        drop_lines(before.file.rows - file.rows - replica.kept_file.rows, rows)
    replica.kept_pending = kept_pending(ring, file)


def _is_kept(ring: Ring, kept: KeptPending | None) -> bool:
    """Whether the rows say what is prepared."""
    if kept is None or ring.pending is None:
        return kept is None and ring.pending is None
    return kept.pending is ring.pending and kept.newest is ring.newest


def _is_from_nothing(pending: Pending) -> bool:
    """Whether it is made where the file says nothing: the step to it is all of it (`step_between`)."""
    return pending.ahead is pending.graph.records


def kept_pending(ring: Ring, file: KeptFile) -> KeptPending | None:
    """What the rows are made from; `file`: what of it is kept as a file."""
    return None if ring.pending is None else KeptPending(ring.pending, ring.newest, file)


def file_kept(replica: Replica) -> KeptFile:
    """What is kept of the newest state, and of the prepared one once that is in place, or let go."""
    kept, prepared = replica.kept_file, replica.kept_pending
    if prepared is None or replica.ring.pending is not None:
        return kept
    return replace(kept, names={**kept.names, **prepared.file.names})


def _parts(ahead: Step, about: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """A step, in several rows where it is long."""
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
    """The rows there are; their parts are not looked at, for together they may be much."""
    found = rows.row(PENDING, ONE)
    if found is None:
        return []
    return [ONE, *(f"{ONE}:{at:06d}" for at in range(plain.loads(found).get("parts", 0)))]


def load_pending(
    rows: Rows, graph: Graph, newest: Order, *, at_once: bool
) -> tuple[Pending | None, KeptFile]:
    """The prepared state beside the newest one, whose graph and order these are; and what of it is kept as a
    file.

    at_once: as in `filelines.load_file`.
    """
    found = rows.row(PENDING, ONE)
    if found is None:
        return None, KeptFile()
    said: dict[str, Any] = plain.loads(found)
    if "file" in said:
        records, kept = load_lines(rows, plain.dumps(said["file"]), KeptFile(), at_once=at_once)
        return Pending(state_of(0, said, kept.order), records, Graph(records)), kept
    if "parts" in said:
        parts = (rows.row(PENDING, f"{ONE}:{at:06d}") for at in range(said["parts"]))
        said["step"] = [each for part in parts for each in plain.loads(part or b"")]
    return pending_of(said, graph, newest), KeptFile()
