"""Values of a replica as plain JSON values, and back: the shapes of its rows.

Rule 1: a shape is a private matter of one store; what travels between machines is written by `wire`.
Rule 2: items go as they are: `wire/plain.py` writes their tuples and their observations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memsync_git.crdt.intervals import Intervals
from memsync_git.guards import Hold
from memsync_git.inference import FileState, Kind, Ring, Step
from memsync_git.model import (
    NO_FIELDS,
    Entity,
    Generic,
    Item,
    Record,
    Relation,
    Rid,
    Verbatim,
)
from memsync_git.replica.values import Txn


def plain_state(state: FileState) -> dict[str, Any]:
    return {
        "hash": state.hash,
        "from": state.from_ms,
        "until": state.until_ms,
        "vv": dict(state.vv),
        "order": list(state.order),
        "kind": state.kind.value,
        "back": plain_step(state.back),
        **({"unseen": plain_dots(state.unseen)} if state.unseen else {}),
    }


def state_of(seq: int, said: dict[str, Any]) -> FileState:
    return FileState(
        said["hash"],
        said["from"],
        said["until"],
        said["vv"],
        tuple(said["order"]),
        Kind(said["kind"]),
        step_of(said["back"]),
        seq,
        dots_of(said.get("unseen", {})),
    )


def plain_pending(ring: Ring) -> dict[str, Any] | None:
    if ring.pending is None:
        return None
    state, ahead = ring.pending
    return {**plain_state(state), "step": plain_step(ahead)}


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


def plain_txn(txn: Txn) -> dict[str, Any]:
    return {
        "at": txn.at_ms,
        "cause": txn.cause,
        "added": txn.added,
        "removed": txn.removed,
        "said": txn.said,
    }


def txn_of(key: str, said: dict[str, Any]) -> Txn:
    rid, _, rev = key.rpartition(":")
    added, removed = (tuple(item_of(item) for item in said[way]) for way in ("added", "removed"))
    numbers = said.get("said")
    minted = (numbers[0], numbers[1]) if numbers is not None else None
    return Txn(Rid(rid), int(rev), said["at"], said["cause"], added, removed, minted)


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
