"""Values of a replica as plain JSON values, and back: the shapes of its rows.

Rule 1: a shape is a private matter of one store; what travels between machines is written by `wire`.
Rule 2: items go as they are: `wire/plain.py` writes their tuples and their observations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, zip_longest
from typing import Any, TypeVar

from memsync_git.crdt.intervals import Intervals
from memsync_git.guards import Hold
from memsync_git.inference import FileState, Kind, Knowledge, Pending
from memsync_git.model import (
    NO_FIELDS,
    Entity,
    Generic,
    Graph,
    Item,
    Projection,
    Record,
    Relation,
    Rid,
    Said,
    Verbatim,
    items_of,
)
from memsync_git.replica.values import Txn
from memsync_git.stretches import Amended, Apart, Order, Step

T = TypeVar("T")


def plain_state(state: FileState, newer: Order) -> dict[str, Any]:
    """A state as the step from the next newer one; `newer` is its order, for the newest that of the file."""
    return {
        "hash": state.hash,
        "from": state.from_ms,
        "until": state.until_ms,
        "vv": dict(state.vv),
        "splice": plain_splice(newer.apart(state.order)),
        "kind": state.kind.value,
        "back": plain_step(state.back),
        **({"unseen": plain_dots(state.unseen)} if state.unseen else {}),
        **({"former": [_plain_knowledge(each) for each in state.former]} if state.former else {}),
    }


def _plain_knowledge(known: Knowledge) -> list[Any]:
    return [known.until_ms, dict(known.vv), plain_dots(known.unseen)]


def state_of(seq: int, said: dict[str, Any], newer: Order) -> FileState:
    """The state again, from the same order."""
    return FileState(
        said["hash"],
        said["from"],
        said["until"],
        said["vv"],
        newer.spliced(*said["splice"]),
        Kind(said["kind"]),
        step_of(said["back"]),
        seq,
        dots_of(said.get("unseen", {})),
        tuple(Knowledge(until_ms, vv, dots_of(unseen)) for until_ms, vv, unseen in said.get("former", ())),
    )


def plain_splice(apart: Apart) -> list[Any]:
    """Where the newer order differs: place, how many names give way, and to which."""
    return [apart.at, len(apart.mine), list(apart.theirs)]


def pending_of(said: dict[str, Any], graph: Graph, newest: Order) -> Pending:
    """A prepared state beside the newest one."""
    ahead = step_of(said["step"])
    return Pending(state_of(0, said, newest), ahead, Graph(Amended(graph.records, ahead)))


def plain_step(step: Step) -> list[Any]:
    return [[list(key), None if record is None else plain_record(record)] for key, record in step.items()]


def step_of(said: list[Any]) -> Step:
    return {tuple(key): None if record is None else record_of(record) for key, record in said}


def plain_record(record: Record) -> list[Any]:
    fields = dict(record.fields)
    match record:
        case Entity(name, kind, observations):
            return ["e", name, kind, observations, fields]
        case Relation():
            return [*record.key, fields]
        case Generic(identity):
            return ["r", identity, fields]


def record_of(said: list[Any]) -> Record:
    fields = said[-1] or NO_FIELDS
    match said:
        case ["e", name, kind, observations, _]:
            return Entity(name, kind, tuple(_value(value) for value in observations), fields)
        case ["l", source, target, kind, _]:
            return Relation(source, target, kind, fields)
        case ["r", identity, _]:
            return Generic(identity, fields)
        case _:
            raise ValueError(f"not a record: {said!r}")


def _value(plain_value: Any) -> Any:
    return Verbatim(plain_value["v"]) if isinstance(plain_value, dict) else plain_value


def item_of(said: list[Any]) -> Item:
    return tuple(tuple(part) if isinstance(part, list) else _value(part) for part in said)


ITEMS_TOGETHER, RECORDS_TOGETHER = 1000, 200
"""To find a row, SQLite reads its neighbours whole: an adoption in one row would cost every revision."""


def plain_txn(txn: Txn) -> Iterator[dict[str, Any]]:
    """A revision in parts; the first says when and why, and what it had seen. What was said of records nobody
    had spoken of comes first, as records.
    """
    about = {"at": txn.at_ms, "cause": txn.cause, "said": txn.said}
    about |= {name: value for name, value in (("beaten", txn.beaten), ("seen", txn.seen)) if value}
    whole, added = (txn.added.records, txn.added.further) if isinstance(txn.added, Said) else ((), txn.added)
    for records in _handfuls(map(plain_record, whole), RECORDS_TOGETHER):
        yield {**about, "records": records}
        about = {}
    come, gone = (_handfuls(items, ITEMS_TOGETHER) for items in (added, txn.removed))
    for some in zip_longest(come, gone, fillvalue=()):
        yield {**about, **dict(zip(("added", "removed"), some, strict=True))}
        about = {}
    if about:
        yield about


def _handfuls(things: Iterable[T], many: int) -> Iterator[list[T]]:
    left = iter(things)
    while some := list(islice(left, many)):
        yield some


def txn_of(key: str, parts: Sequence[dict[str, Any]]) -> Txn:
    rid, _, rev = key.rpartition(":")
    whole = (record_of(each) for said in parts for each in said.get("records", ()))
    added, removed = (
        tuple(item_of(item) for said in parts for item in said.get(way, ())) for way in ("added", "removed")
    )
    added = (*chain.from_iterable(map(items_of, whole)), *added)
    about = parts[0]
    numbers = about.get("said")
    minted = (numbers[0], numbers[1]) if numbers is not None else None
    beaten = tuple(map(item_of, about.get("beaten", ())))
    seen = {Rid(other): last for other, last in about.get("seen", {}).items()}
    return Txn(Rid(rid), int(rev), about["at"], about["cause"], added, removed, minted, beaten, seen)


def plain_hold(hold: Hold) -> dict[str, Any]:
    return {
        "origin": hold.origin,
        "at": hold.at_ms,
        "items": hold.items,
        "dots": plain_dots(hold.dots),
    }


def hold_of(identity: str, said: dict[str, Any]) -> Hold:
    items = tuple(item_of(item) for item in said["items"])
    return Hold(identity, Rid(said["origin"]), said["at"], items, dots_of(said["dots"]))


def plain_dots(dots: Mapping[Rid, Intervals]) -> dict[str, Any]:
    return {rid: numbers.spans for rid, numbers in dots.items()}


def dots_of(said: Mapping[str, Any]) -> dict[Rid, Intervals]:
    return {Rid(rid): Intervals.of((low, high) for low, high in spans) for rid, spans in said.items()}


def plain_projection(projection: Projection) -> list[Any]:
    held: list[Any] = [projection.fields, projection.objects, projection.generics]
    return [*held, sorted(projection.hidden)] if projection.hidden else held


def projection_of(fields: bool, objects: bool, generics: bool, hidden: Iterable[str] = ()) -> Projection:
    return Projection(fields, objects, generics, frozenset(hidden))
