"""One row of a memory file: what it says, and how it is written.

Rule 1: a row is accepted iff Node's JSON.parse accepts its line, it is an object, and the fields the
official server knows have the types it writes. Everything else is damage of that line only.
Rule 2: `raw` is kept byte for byte; a row is rewritten only when what it says changed.
Rule 3: a record holds only what the variant's projection holds; what stands beside it stays in the row.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeGuard

import orjson

from memsync_git.formats.canonical import (
    MAX_NESTING,
    MOST_NESTING,
    Json,
    NotJson,
    Number,
    TooDeep,
    canonical,
    parse,
)
from memsync_git.model import (
    NO_FIELDS,
    Entity,
    Generic,
    JsonText,
    Observation,
    Projection,
    Record,
    Relation,
    Verbatim,
)
from memsync_git.values import dataclass

MIB = 1 << 20
BOM = b"\xef\xbb\xbf"
JS_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What `String.prototype.trim` removes (ECMA-262, WhiteSpace and LineTerminator)."""

MARKERS = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a memory file is read. Configurable; the defaults are those of the format page."""

    max_file_bytes: int = 64 * MIB
    max_line_bytes: int = 16 * MIB
    max_observation_bytes: int = 1 * MIB
    max_nesting: int = MAX_NESTING


NO_LIMITS = Limits(sys.maxsize, sys.maxsize, sys.maxsize, MOST_NESTING)


@dataclass(frozen=True, slots=True)
class Damage:
    """One stretch of the file that could not be read. `line` counts from 1."""

    line: int
    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The file is beyond a limit and was not read. `line` is 0 where the whole file is meant."""

    what: str
    line: int
    size: int
    limit: int

    @property
    def reason(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.what} of {self.size} is beyond the limit of {self.limit}"


@dataclass(frozen=True, slots=True)
class Misfit:
    """JSON, but not a row: a known field is missing or of the wrong type."""

    reason: str


ENTITY_KEYS = ("type", "name", "entityType", "observations")
_TEXT = frozenset({str})
RELATION_KEYS = ("type", "from", "to", "relationType")


def read_row(raw: bytes, projection: Projection, limits: Limits) -> Record | Misfit | None:
    """What one row says; None where the variant has no place for it.

    Raises:
        TooDeep: nested beyond the limit.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value = None  # a lone surrogate, a huge number: legal for the server all the same
    plain = _plain_record(value) if isinstance(value, dict) else None
    if plain is not None:
        return plain
    try:
        value = parse(raw, max_nesting=min(limits.max_nesting, MOST_NESTING))
    except TooDeep:
        raise
    except NotJson as error:
        return Misfit(_why_not_json(raw, error))
    return record_of(value, projection)


def _plain_record(value: dict[str, Any]) -> Entity | Relation | None:
    """The record of a row with exactly the keys and types the official server writes."""
    if len(value) != len(ENTITY_KEYS):
        return None
    kind = value.get("type")
    if kind == "entity":
        name, type_, texts = value.get("name"), value.get("entityType"), value.get("observations")
        if type(name) is str and type(type_) is str and type(texts) is list and _all_text(texts):
            return Entity(name, type_, tuple(dict.fromkeys(texts)))
    elif kind == "relation":
        source, target, verb = value.get("from"), value.get("to"), value.get("relationType")
        if type(source) is str and type(target) is str and type(verb) is str:
            return Relation(source, target, verb)
    return None


def _all_text(members: list[Any]) -> bool:
    return _TEXT.issuperset(map(type, members))


def record_of(value: Json, projection: Projection) -> Record | Misfit | None:
    """The record of a parsed row in a variant's projection."""
    if not isinstance(value, dict):
        return Misfit("JSON, but no object")
    match value.get("type"):
        case "entity":
            record: Record | Misfit = _entity(value, projection)
        case "relation":
            record = _relation(value)
        case _ if isinstance(value.get("entities"), list) and isinstance(value.get("relations"), list):
            return Misfit("a whole graph on one line, which the memory server reads as an empty memory")
        case _:
            record = generic_of(value)
    return record if isinstance(record, Misfit) else projection.record(record)


def _entity(value: dict[str, Json], projection: Projection) -> Entity | Misfit:
    name, kind, standing = value.get("name"), value.get("entityType"), value.get("observations")
    if not _is_text(name):
        return Misfit("an entity whose name is no string")
    if kind is not None and not _is_text(kind):
        return Misfit("an entity whose entityType is no string")
    if not isinstance(standing, list):
        return Misfit("an entity whose observations are no list")
    observations = [_observation(member, projection) for member in standing]
    if any(observation is None for observation in observations):
        return Misfit("an observation that is no string")
    said = tuple(dict.fromkeys(o for o in observations if o is not None))
    return Entity(name, kind, said, _fields(value, ENTITY_KEYS))


def _relation(value: dict[str, Json]) -> Relation | Misfit:
    source, target, kind = value.get("from"), value.get("to"), value.get("relationType")
    if not (_is_text(source) and _is_text(target) and _is_text(kind)):
        return Misfit("a relation whose from, to or relationType is no string")
    return Relation(source, target, kind, _fields(value, RELATION_KEYS))


def generic_of(value: dict[str, Json]) -> Generic:
    """A row of an unknown type: keyed by its `id`, else by the sha256 of its canonical JSON."""
    identity = value.get("id")
    if _is_text(identity):
        return Generic(identity, _fields(value, ("id",)))
    if isinstance(identity, Number):
        return Generic(str(identity), _fields(value, ()))
    return Generic(content_hash(canonical(value)), _fields(value, ()))


def content_hash(text: JsonText) -> str:
    """The identity of a row that has none: sha256 of its canonical JSON, in hex."""
    return sha256(text.encode("utf-8")).hexdigest()


def _observation(value: Json, projection: Projection) -> Observation | None:
    if _is_text(value):
        return value
    return Verbatim(canonical(value)) if projection.objects else None


def _fields(value: dict[str, Json], known: tuple[str, ...]) -> Mapping[str, JsonText]:
    extra = {key: canonical(member) for key, member in value.items() if key not in known}
    return extra or NO_FIELDS


def _is_text(value: object) -> TypeGuard[str]:
    return type(value) is str  # a Number is a str to isinstance


def _why_not_json(raw: bytes, error: NotJson) -> str:
    """What happened to the line, in words people can act on."""
    if raw.startswith(BOM):
        return "it begins with a byte order mark"
    if raw.startswith(MARKERS):
        return "a conflict marker left by a merge"
    if b"\x00" in raw:
        return "NUL bytes, as a power cut leaves them"
    if b"}{" in raw:
        return "two rows on one line"
    return f"not JSON: {error}"


def largest_observation(record: Record | None) -> int:
    """The bytes of the longest observation in UTF-8, 0 if there is none."""
    observations = record.observations if isinstance(record, Entity) else ()
    return max(map(_observation_bytes, observations), default=0)


def _observation_bytes(observation: Observation) -> int:
    text = observation if isinstance(observation, str) else observation.text
    return len(text.encode("utf-8", "surrogatepass"))


def is_blank(raw: bytes) -> bool:
    """Whether the servers skip this line."""
    return not raw.decode("utf-8", "replace").strip(JS_SPACE)
