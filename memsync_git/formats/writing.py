"""How one record becomes one row.

Rule 1: a row that stands there keeps the order of its keys and of its observations, and what this
variant does not hold; new observations and fields are appended.
Rule 2: the official keys are ours alone; a field may not pretend to be one of them.
Rule 3: no spaces, no escapes beyond those of JSON.stringify: the servers' own style.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson

from memsync_git.formats.canonical import (
    MOST_NESTING,
    Json,
    canonical,
    canonical_object,
    compact,
    parse,
    quoted,
)
from memsync_git.formats.rows import ENTITY_KEYS, RELATION_KEYS, content_hash
from memsync_git.model import Entity, Generic, JsonText, Observation, Projection, Record, Relation, Verbatim

Members = dict[str, Json]

_NO_GUESSING = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def row_of(record: Record, projection: Projection, standing: bytes | None = None) -> bytes:
    """The row of a record, without the line end; `standing` is the raw row it replaces."""
    if isinstance(record, Entity) and not record.fields and record.type is not None:
        try:
            plain = plain_row_of(record) if standing is None else _plain_row_after(record, standing)
        except (orjson.JSONEncodeError, orjson.JSONDecodeError):
            plain = None  # a lone surrogate, a huge number, or an observation that is an object
        if plain is not None:
            return plain
    before = _members_of(standing)
    wanted = _wanted(record, before)
    row: dict[str, str] = {}
    for key, value in before.items():
        if key in wanted:
            row[key] = wanted[key]
        elif _stays(key, value, record, projection):
            row[key] = compact(value)
    row.update(wanted)
    return ("{" + ",".join(f"{quoted(key)}:{text}" for key, text in row.items()) + "}").encode("utf-8")


def plain_row_of(entity: Entity) -> bytes:
    """A fresh row the quick way: orjson writes what JSON.stringify writes, or refuses.

    Raises:
        orjson.JSONEncodeError: the entity says something that needs the long way.
    """
    row = {"type": "entity", "name": entity.name, "entityType": entity.type}
    return _written({**row, "observations": list(dict.fromkeys(entity.observations))})


def _plain_row_after(entity: Entity, standing: bytes) -> bytes | None:
    """The row of an entity in the place of another one, the quick way; None where that stands in the way.

    Raises:
        orjson.JSONEncodeError, orjson.JSONDecodeError: one of both needs the long way.
    """
    row = orjson.loads(standing)
    is_plain = isinstance(row, dict) and row.keys() == _OFFICIAL and type(row["observations"]) is list
    if not is_plain or not _TEXTS.issuperset(map(type, row["observations"])):
        return None
    wanted = dict.fromkeys(entity.observations)
    kept = dict.fromkeys(said for said in row["observations"] if said in wanted)
    official = {"type": "entity", "name": entity.name, "entityType": entity.type}
    return _written({**row, **official, "observations": [*(kept | wanted)]})


_OFFICIAL = frozenset(ENTITY_KEYS)
_TEXTS = frozenset({str})


def _written(row: Mapping[str, object]) -> bytes:
    written = orjson.dumps(row, option=_NO_GUESSING)
    return bytes(
        memoryview(written)
    )  # a copy of its own size: what orjson gives holds on to 4 KB, however short


def _members_of(standing: bytes | None) -> Members:
    found = {} if standing is None else parse(standing, max_nesting=MOST_NESTING)
    return found if isinstance(found, dict) else {}


def _stays(key: str, value: Json, record: Record, projection: Projection) -> bool:
    """Whether a member that the record does not mention stays: an empty type, or what is not ours."""
    if key in _official_keys(record):
        return value is None
    return not projection.fields and not isinstance(record, Generic)


def _official_keys(record: Record) -> tuple[str, ...]:
    match record:
        case Entity():
            return ENTITY_KEYS
        case Relation():
            return RELATION_KEYS
        case Generic():
            return ()


def _wanted(record: Record, before: Members) -> dict[str, str]:
    """Key → text of everything the record says, in the order the servers write it."""
    wanted = dict(_fields(record.fields, before))
    match record:
        case Entity(name, kind, observations):
            official = {"type": '"entity"', "name": quoted(name)}
            if kind is not None:
                official["entityType"] = quoted(kind)
            official["observations"] = _observations(observations, before.get("observations"))
        case Relation(source, target, kind):
            official = {"type": '"relation"', "from": quoted(source)}
            official |= {"to": quoted(target), "relationType": quoted(kind)}
        case Generic(identity, fields):
            hashed = "id" in fields or content_hash(canonical_object(fields)) == identity
            official = {} if hashed else {"id": quoted(identity)}
    keys = _official_keys(record)
    return official | {key: text for key, text in wanted.items() if key not in keys}


def _fields(fields: Mapping[str, JsonText], before: Members) -> Iterator[tuple[str, str]]:
    for key, text in fields.items():
        unchanged = key in before and canonical(before[key]) == text
        yield key, compact(before[key]) if unchanged else text


def _observations(observations: Sequence[Observation], before: Json) -> str:
    """The list in the order of the row that stands there, what is new behind it."""
    standing = {_identity(member): member for member in before} if isinstance(before, list) else {}
    wanted = dict.fromkeys(observations)
    kept = {said: _spelt(said, member) for said, member in standing.items() if said in wanted}
    texts = kept | {said: _spelt(said, None) for said in wanted if said not in kept}
    return "[" + ",".join(texts.values()) + "]"


def _identity(member: Json) -> Observation:
    return member if type(member) is str else Verbatim(canonical(member))


def _spelt(said: Observation, member: Json) -> str:
    if isinstance(said, str):
        return quoted(said)
    return said.text if member is None else compact(member)
