"""A replica as rows of a store, and back.

Rule 1: one changed entity costs one entity: facts are kept by record, the file's newest state in stretches
of lines, ring states by step, the rest by its own row.
Rule 2: saving compares small rows with what was last saved; only differences are written.

kind      key                     value
replica   one                     identity, marks, recent removals, ring order …
differs   behind, contested, …    the records that are, or are left out
header    rid                     the header line of its fragment
facts     rid:digest              a record line of its fragment, as `wire/stored.py` has it
beside    rid:number              some that have come since, in the place of others (`beside.py`)
file      digest                  some lines of the newest state of the memory file
file      one                     which lines make it up
state     seq                     a ring state, as the step from the next newer one
pending   one, one:part           the prepared state, as a step, or as rows of `file` (`prepared.py`)
hold      id                      a hold
past      hash                    its place among the past states of the file
txn       rid:rev, rid:rev:part   what one own revision changed, in parts where it is much
version   rid:rev:tok             written by this store
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol

from memsync_git.crdt.state import State
from memsync_git.inference import FileState, Ring
from memsync_git.model import (
    Graph,
    RecordKey,
    Rid,
)
from memsync_git.replica.beside import BESIDE, MOST_BESIDE, Beside
from memsync_git.replica.carrying import Carried
from memsync_git.replica.filelines import load_file, save_file
from memsync_git.replica.leaving import leaving_of, plain_left_out
from memsync_git.replica.prepared import file_kept, kept_pending, load_pending, save_pending
from memsync_git.replica.replica import Replica
from memsync_git.replica.resting import RowReader, Rows, fragments_of, shelves_of
from memsync_git.replica.shapes import (
    hold_of,
    item_of,
    plain_hold,
    plain_projection,
    plain_state,
    plain_txn,
    projection_of,
    state_of,
    txn_of,
)
from memsync_git.replica.shelves import FACTS, Shelves
from memsync_git.replica.values import Fresh, KeptFile, Mark, Txn
from memsync_git.stretches import Amended, entity_order
from memsync_git.wire import fragments, plain
from memsync_git.wire.stored import damaged_row, digest, stored_line

ONE = "one"

KINDS = (
    *("replica", "differs", "header", "facts", "beside", "file", "state"),
    *("pending", "hold", "past", "txn", "version"),
)
"""All there is of a replica."""


class RowWriter(Rows, Protocol):
    """What saving needs of a transaction."""

    def put(self, kind: str, key: str, value: bytes) -> None: ...

    def put_all(self, kind: str, rows: Iterable[tuple[str, bytes | None]]) -> None: ...

    def drop(self, kind: str, key: str) -> None: ...


# --- loading


def load(rows: RowReader, before: Replica | None = None) -> Replica | None:
    """The replica a store holds, or None for an empty store.

    `before`: an older one of the same store; what stands in both is not read again.

    Raises:
        StoreDamaged: a row cannot be understood.
    """
    still = rows.still()
    stood: Rows = rows if still is None else still
    found = stood.row("replica", ONE)
    if found is None:
        return None
    try:
        one = plain.loads(found)
        shelves = None if still is None else shelves_of(still, one.get("lines"))
        replica = _load(stood, one, shelves, KeptFile() if before is None else before.kept_file)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise damaged_row(str(error)) from error
    if shelves is not None and before is not None and before.shelves is not None:
        shelves.leave_behind(before.shelves)
    return replica


def _load(rows: Rows, one: dict[str, Any], shelves: Shelves | None, before: KeptFile) -> Replica:
    replica = Replica(Rid(one["rid"]), one["host"], one["store"])
    replica.shelves = shelves
    replica.beside = Beside.of(rows)
    replica.state = State(fragments_of(rows, shelves, replica.beside))
    replica.kept_headers = {header.rid: header for header in replica.state.headers}
    replica.projection = projection_of(*one["projection"])
    replica.unshared = _unshared(one.get("unshared"), replica)
    file, replica.kept_file = load_file(rows, before, at_once=shelves is None)
    replica.ring, prepared = _ring(rows, one["ring"], Graph(file), at_once=shelves is None)
    replica.kept_pending = kept_pending(replica.ring, prepared)
    replica.kept_states = {state.seq: state for state in replica.ring.states}
    replica.holds = {key: hold_of(key, plain.loads(value)) for key, value in rows.rows("hold")}
    past = {key: int(value) for key, value in rows.rows("past")}
    replica.past = dict(sorted(past.items(), key=lambda pair: pair[1]))
    replica.undone = {item_of(item): at_ms for item, at_ms in one["undone"]}
    replica.overheard = {item_of(item): at_ms for item, at_ms in one.get("overheard", ())}
    replica.carried = Carried(*(tuple(map(item_of, items)) for items in one.get("carried", ())))
    replica.accepted = {name: Mark(*mark) for name, mark in one["accepted"].items()}
    replica.versions = {_version(key) for key, _ in rows.rows("version")}
    replica.boot, replica.emptied_ms = one["boot"], one["emptied"]
    replica.runs_began_ms = (one["runs_began"][0], one["runs_began"][1])
    least = min((mark.rev for mark in replica.accepted.values()), default=0)
    replica.kept_differences = _differences(rows)
    replica.go_on_from(replica.kept_differences["behind"], replica.kept_differences["contested"])
    left_out = replica.kept_differences.get("left_out", ())
    replica.leaving = leaving_of(one.get("left_out"), left_out, replica)
    own = transactions(rows, replica.rid, after=least)
    replica.unpublished = [txn for txn in own if txn.rid == replica.rid]
    return replica


def transactions(rows: Rows, rid: str = "", *, after: int = -1) -> list[Txn]:
    """The own revisions that changed something, those of earlier ids included, oldest first under each id.

    With `rid`, only what stands behind its revision `after`.
    """
    last = f"{_txn_key(rid, after)}{BEHIND_PARTS}" if after >= 0 else ""
    found: dict[str, list[Any]] = {}
    for key, value in rows.rows("txn", last):
        found.setdefault(":".join(key.split(":")[:2]), []).append(plain.loads(value))
    return [txn_of(key, parts) for key, parts in found.items()]


def _txn_key(rid: str, rev: int, part: int = 0) -> str:
    return f"{rid}:{rev:012d}" + (f":{part:06d}" if part else "")


BEHIND_PARTS = ";"
"""Comes behind the colon that begins a part."""


def _ring(rows: Rows, seqs: Sequence[int], graph: Graph, *, at_once: bool) -> tuple[Ring, KeptFile]:
    """The ring, the newest state whole, the others as steps back from it; and the file that is prepared."""
    kept = {int(key): value for key, value in rows.rows("state")}
    order = entity_order(graph.records)
    states: list[FileState] = []
    for seq in reversed(seqs):
        states.append(state_of(seq, plain.loads(kept[seq]), states[-1].order if states else order))
    newest = states[0].order if states else order
    pending, prepared = load_pending(rows, graph, newest, at_once=at_once)
    return Ring(states[::-1], graph, pending), prepared


# --- saving


def save(replica: Replica, rows: RowWriter) -> None:
    """Write what changed since the last save."""
    _save_facts(replica, rows)
    for content_hash in replica.fresh.past:
        seq = replica.past.get(content_hash)
        _put(rows, "past", content_hash, None if seq is None else str(seq).encode())
    for txn in replica.fresh.txns:
        parts = enumerate(plain_txn(txn))
        rows.put_all("txn", ((_txn_key(txn.rid, txn.rev, at), plain.dumps(said)) for at, said in parts))
    for rid, rev, tok in replica.fresh.versions:
        rows.put("version", f"{rid}:{rev}:{tok}", b"")
    _save_headers(replica, rows)
    _save_file(replica, rows)
    _save_states(replica, rows)
    _save_small(rows, "hold", {hold.id: plain.dumps(plain_hold(hold)) for hold in replica.holds.values()})
    save_pending(replica, rows)
    _save_differences(replica, rows)
    _save_one(rows, "replica", _plain_replica(replica))
    replica.fresh = Fresh()


def _save_facts(replica: Replica, rows: RowWriter) -> None:
    """Write the lines that changed: in their places, or where there is no time for that, beside them."""
    revised, beside = replica.fresh.revised, replica.beside
    if _may_lie_beside(replica):
        for rid, lines in revised.items():
            beside.lay(rid, lines, rows)
    else:
        for rid, lines in chain(beside.lines.items(), revised.items()):
            rows.put_all(FACTS, (_noted(replica, rid, name, line) for name, line in lines.items()))
        rows.put_all(BESIDE, ((key, None) for key in beside.let_go()))
    rows.put_all(FACTS, _fresh_facts(replica))


def _may_lie_beside(replica: Replica) -> bool:
    """Whether lines that were received need not come into their places yet: the memory file is written next.

    Nothing else is written under their names, neither now nor in the row of an earlier one.
    """
    fresh, beside = replica.fresh, replica.beside
    is_due = not fresh.revised and replica.ring.pending is None
    if is_due or len(beside) + sum(map(len, fresh.revised.values())) > MOST_BESIDE:
        return False
    if any(rid in beside.lines for rid, _ in fresh.lines):
        return False
    lying = {rid: beside.of_rid(rid).keys() | fresh.revised.get(rid, {}).keys() for rid, _ in fresh.records}
    return not any(lying[rid] and digest(key) in lying[rid] for rid, key in fresh.records)


def _fresh_facts(replica: Replica) -> Iterator[tuple[str, bytes | None]]:
    """The lines that changed; those that came as they are may have changed since. All of them in the order of
    their keys, so that SQLite fills page after page.
    """
    for rid, lines in sorted(replica.fresh.lines, key=itemgetter(0)):
        yield from (_noted(replica, rid, name, line) for name, line in lines)
    for rid, key in replica.fresh.records:
        yield _noted(replica, rid, digest(key), _stored_facts(replica, rid, key))


def _noted(replica: Replica, rid: Rid, name: str, line: bytes | None) -> tuple[str, bytes | None]:
    """A row that is written."""
    if replica.shelves is not None:
        replica.shelves.note_written(rid, name, line)
    return f"{rid}:{name}", line


def _stored_facts(replica: Replica, rid: Rid, key: RecordKey) -> bytes | None:
    line = replica.state.line(rid, key)
    if line is None:
        facts = replica.state.records_of(rid).get(key)
        line = None if facts is None else stored_line(key, facts)
    return line


def _save_headers(replica: Replica, rows: RowWriter) -> None:
    """Write the headers that are not the very ones that were saved or loaded: of many, few have moved."""
    wanted = {header.rid: header for header in replica.state.headers}
    for rid in replica.kept_headers.keys() - wanted.keys():
        rows.drop("header", rid)
    for rid, header in wanted.items():
        if replica.kept_headers.get(rid) is not header:
            rows.put("header", rid, fragments.encode_header(header))
    replica.kept_headers = wanted


def _save_small(rows: RowWriter, kind: str, wanted: dict[str, bytes]) -> None:
    standing = dict(rows.rows(kind))
    for key in standing.keys() - wanted.keys():
        rows.drop(kind, key)
    for key, value in wanted.items():
        if standing.get(key) != value:
            rows.put(kind, key, value)


def _save_file(replica: Replica, rows: RowWriter) -> None:
    """Write the newest state of the file, unless it is the same as before seen from another version."""
    records = replica.ring.graph.records
    if replica.fresh.file or not isinstance(records, Amended):
        file, replica.kept_file = save_file(records, file_kept(replica), rows)
        replica.ring.graph = Graph(file)


def _save_states(replica: Replica, rows: RowWriter) -> None:
    """Write the ring states that are not the very ones that were saved or loaded."""
    wanted = {state.seq: state for state in replica.ring.states}
    newer = [*(state.order for state in replica.ring.states), replica.kept_file.order][1:]
    for seq in replica.kept_states.keys() - wanted.keys():
        rows.drop("state", str(seq))
    for (seq, state), order in zip(wanted.items(), newer, strict=True):
        if replica.kept_states.get(seq) is not state:
            rows.put("state", str(seq), plain.dumps(plain_state(state, order)))
    replica.kept_states = wanted


def _save_one(rows: RowWriter, kind: str, value: Any) -> None:
    _save_small(rows, kind, {} if value is None else {ONE: plain.dumps(value)})


def _put(rows: RowWriter, kind: str, key: str, value: bytes | None) -> None:
    if value is None:
        rows.drop(kind, key)
    else:
        rows.put(kind, key, value)


def _plain_replica(replica: Replica) -> dict[str, Any]:
    return {
        "rid": replica.rid,
        "host": replica.host,
        "store": replica.store,
        "boot": replica.boot,
        "runs_began": list(replica.runs_began_ms),
        "emptied": replica.emptied_ms,
        "undone": [[item, at_ms] for item, at_ms in replica.undone.items()],
        "overheard": [[item, at_ms] for item, at_ms in replica.overheard.items()],
        "carried": [list(replica.carried.gone), list(replica.carried.come)] if replica.carried else [],
        "accepted": {name: [mark.rev, mark.next, mark.tok] for name, mark in replica.accepted.items()},
        "ring": [state.seq for state in replica.ring.states],
        "projection": plain_projection(replica.projection),
        "unshared": _plain_unshared(replica),
        "left_out": plain_left_out(replica),
        "lines": dict(sorted(replica.state.sizes().items())),
    }


def _save_differences(replica: Replica, rows: RowWriter) -> None:
    """Write which records are behind, contested and left out, unless they are those that were saved: of a
    memory that was just joined, all are.
    """
    now = {
        "behind": frozenset(replica.behind),
        "contested": frozenset(replica.contested),
        "left_out": replica.records_left_out,
    }
    for kind, keys in now.items():
        if keys != replica.kept_differences.get(kind):
            rows.put("differs", kind, plain.dumps(sorted(keys)))
    replica.kept_differences = now


def _differences(rows: Rows) -> dict[str, frozenset[RecordKey]]:
    """The same again; an earlier release did not note which are left out."""
    said = {kind: plain.loads(value) for kind, value in rows.rows("differs")}
    return {kind: frozenset(map(tuple, keys)) for kind, keys in said.items()}


def _plain_unshared(replica: Replica) -> list[str] | None:
    """The names left out of the file's newest state; None where just those are left out now."""
    return None if replica.unshared == replica.projection.hidden else sorted(replica.unshared)


def _unshared(said: list[str] | None, replica: Replica) -> frozenset[str]:
    return replica.projection.hidden if said is None else frozenset(said)


def _version(key: str) -> tuple[Rid, int, str]:
    rid, rev, tok = key.split(":")
    return Rid(rid), int(rev), tok
