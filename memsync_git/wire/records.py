"""Everything one replica says about one record, as one line.

    {"e":"Alice","t":[[101,1763637000000,"person"]],"o":[[102,1763637000000,"likes tea"]],"h":{…}}

Rule 1: `e` an entity, `l` a relation, `r` a generic record; then `t` types, `o` observations, `d`
existence, `f` fields, `h` hint, then what this release does not know. An entry is
`[n, ts, value, {"w": wall}]`.
Rule 2: a line that came off the wire is relayed byte for byte.
Rule 3: a kind of record this release does not know is carried whole and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson

from memsync_git.crdt.first import FirstSaying
from memsync_git.crdt.fragment import NO_EXTRA, NO_FIELD_ENTRIES, Entry, Hint, RecordFacts, Stamp
from memsync_git.formats.canonical import canonical, quoted
from memsync_git.model import Entity, JsonText, Observation, RecordKey, Verbatim
from memsync_git.wire.lines import json_text, listed, mapped, others, read_line, rid, text, whole
from memsync_git.wire.verdicts import MAX_NUMBER, STORED, Invalid, Malformed, WireLimits

UNKNOWN = "?"
"""First part of the key of a record of unknown kind; the second is the sha256 of its content."""

_ALIEN = {"e": ("d",), "l": ("t", "o"), "r": ("t", "o")}
"""Kind of record → the facts it cannot have."""

_KNOWN = frozenset(("e", "l", "r", "t", "o", "d", "f", "h"))

# --- writing


def encode_record(key: RecordKey, facts: RecordFacts) -> bytes:
    """The line of one record, without comma or line end."""
    if facts.raw is not None:
        return facts.raw
    return _plain_line(key, facts) or spelt_line(key, facts)


def spelt_line(key: RecordKey, facts: RecordFacts) -> bytes:
    """The line of one record member by member, whatever it says."""
    members = [member for member in _named(key) if member]
    members += _slots(facts)
    members += [f"{quoted(name)}:{value}" for name, value in sorted(facts.extra.items())]
    return ("{" + ",".join(members) + "}").encode("utf-8")


def _plain_line(key: RecordKey, facts: RecordFacts) -> bytes | None:
    """The line of what the official server can say, the quick way: orjson writes what `quoted` writes.

    None where it refuses: a lone surrogate, an observation that is an object.
    """
    hint = facts.hint
    if key[0] not in ("e", "l") or facts.fields or facts.extra or (hint is not None and hint.fields):
        return None
    line: dict[str, Any] = {key[0]: list(key[1:]) if key[0] == "l" else key[1]}
    if facts.types:
        line["t"] = [_plain_entry(entry, entry.value) for entry in facts.types]
    if facts.observations:
        line["o"] = [_plain_entry(entry, entry.value) for entry in facts.observations]
    if facts.existence:
        line["d"] = [_plain_entry(entry) for entry in facts.existence]
    if hint is not None:
        line["h"] = {} if hint.type is None else {"t": hint.type}
    try:
        return orjson.dumps(line, option=_NO_GUESSING)
    except orjson.JSONEncodeError:
        return None


def plain_first_record(saying: FirstSaying) -> tuple[bytes, int] | None:
    """The line of an entity that is said for the first time, and the number of its last fact.

    It is written without making facts; None for anything but what the official server can say, and where the
    clock is no time.
    """
    record, rid, n, now_ms, ts = saying
    if not isinstance(record, Entity) or record.fields or now_ms != saying.stamped_ms:
        return None
    line: dict[str, Any] = {"e": record.name, "t": ((n, ts, record.type),)}
    noted = [(at, now_ms, said) for at, said in enumerate(dict.fromkeys(record.observations), n + 1)]
    if noted:
        line["o"] = noted
    line["h"] = {"t": ((ts, rid, n), record.type)}
    try:
        return orjson.dumps(line, option=_NO_GUESSING), n + len(noted)
    except orjson.JSONEncodeError:
        return None


_NO_GUESSING = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def _plain_entry(entry: Entry, *value: Any) -> tuple[Any, ...]:
    if entry.wall_ms is None:
        return (entry.n, entry.ts, *value)
    return (entry.n, entry.ts, *value, {"w": entry.wall_ms})


def identity_text(key: RecordKey) -> JsonText:
    """Canonical JSON of what a line's `e`, `l` or `r` holds (of an unknown kind: of its hash)."""
    return canonical(list(key[1:]) if key[0] == "l" else key[1])


def _named(key: RecordKey) -> list[str]:
    return [] if key[0] == UNKNOWN else [f'"{key[0]}":{identity_text(key)}']


def _slots(facts: RecordFacts) -> Iterator[str]:
    if facts.types:
        yield f'"t":{_written_entries(facts.types, _written_type)}'
    if facts.observations:
        yield f'"o":{_written_entries(facts.observations, _written_observation)}'
    if facts.existence:
        yield f'"d":{_written_entries(facts.existence, None)}'
    if facts.fields:
        fields = sorted(facts.fields.items())
        written = (f"{quoted(name)}:{_written_entries(entries, str)}" for name, entries in fields)
        yield '"f":{' + ",".join(written) + "}"
    if facts.hint is not None:
        yield f'"h":{_written_hint(facts.hint)}'


def _written_entries(entries: tuple[Entry, ...], written: Callable[[Any], str] | None) -> str:
    return "[" + ",".join([_written_entry(entry, written) for entry in entries]) + "]"


def _written_entry(entry: Entry, written: Callable[[Any], str] | None) -> str:
    value = "" if written is None else f",{written(entry.value)}"
    wall = "" if entry.wall_ms is None else f',{{"w":{entry.wall_ms}}}'
    return f"[{entry.n},{entry.ts}{value}{wall}]"


def _written_type(value: str | None) -> str:
    return "null" if value is None else quoted(value)


def _written_observation(value: Observation) -> str:
    return value.text if isinstance(value, Verbatim) else quoted(value)


def _written_hint(hint: Hint) -> str:
    members = []
    if hint.type is not None:
        stamp, value = hint.type
        members.append(f'"t":[{_written_stamp(stamp)},{_written_type(value)}]')
    if hint.fields:
        fields = sorted(hint.fields.items())
        written = (f"{quoted(name)}:[{_written_stamp(stamp)},{value}]" for name, (stamp, value) in fields)
        members.append('"f":{' + ",".join(written) + "}")
    return "{" + ",".join(members) + "}"


def _written_stamp(stamp: Stamp) -> str:
    return f'[{stamp[0]},"{stamp[1]}",{stamp[2]}]'


# --- reading


def decode_record(line: bytes, limits: WireLimits = STORED) -> tuple[RecordKey, RecordFacts] | Malformed:
    """What one stored record line says; `raw` of the facts is the line. Give `LIMITS` for a foreign one."""
    try:
        return read_record(line, limits)
    except Invalid as error:
        return Malformed(str(error))


def read_record(line: bytes, limits: WireLimits) -> tuple[RecordKey, RecordFacts]:
    """What one record line says.

    Raises:
        Invalid: it is no record line.
    """
    key, said = read_line(line, limits, _record)
    return key, RecordFacts(*said, line)


_Said = tuple[
    tuple[Entry, ...],
    tuple[Entry, ...],
    tuple[Entry, ...],
    Mapping[str, tuple[Entry, ...]],
    Hint | None,
    Mapping[str, JsonText],
]
"""The first parts of `RecordFacts`, in order."""


def _record(value: Any, limits: WireLimits) -> tuple[RecordKey, _Said]:
    if type(value) is not dict:
        raise Invalid("a record that is no object")
    kinds = [kind for kind in _ALIEN if kind in value]
    if len(kinds) > 1:
        raise Invalid("a record of two kinds")
    if not kinds:
        return _unknown(value, limits)
    kind = kinds[0]
    if any(slot in value for slot in _ALIEN[kind]):
        raise Invalid(f"a record of kind {kind} with facts that it cannot have")
    key = _key(kind, value[kind], limits)
    unknown = NO_EXTRA if value.keys() <= _KNOWN else others(value, _KNOWN, limits)
    return key, (
        _entries(value.get("t"), _type, limits),
        _entries(value.get("o"), _observation, limits),
        _existence(value.get("d"), limits),
        _fields(value.get("f"), limits),
        _hint(value["h"], limits) if "h" in value else None,
        unknown,
    )


def _unknown(value: dict[str, Any], limits: WireLimits) -> tuple[RecordKey, _Said]:
    extra = others(value, frozenset(), limits)
    content = "\n".join(f"{quoted(name)}:{member}" for name, member in sorted(extra.items()))
    key = (UNKNOWN, sha256(content.encode("utf-8")).hexdigest())
    return key, ((), (), (), NO_FIELD_ENTRIES, None, extra)


def _key(kind: str, value: Any, limits: WireLimits) -> RecordKey:
    longest = limits.max_text_chars
    if kind != "l":
        return (kind, text(value, "a record's name", longest=longest))
    parts = listed(value, "a relation", most=3)
    if len(parts) != 3:
        raise Invalid("a relation without its three parts")
    return ("l", *(text(part, "a part of a relation", longest=longest) for part in parts))


_Read = Callable[[Any, WireLimits], Any]


def _entries(value: Any, read: _Read, limits: WireLimits) -> tuple[Entry, ...]:
    if value is None:
        return ()
    return tuple([_entry(row, read, limits) for row in listed(value, "entries", most=limits.max_facts)])


def _entry(row: Any, read: _Read, limits: WireLimits) -> Entry:
    size = len(row) if type(row) is list else 0
    if size == 3:
        n, ts, value = row
        wall_ms = None
    elif size == 4:
        n, ts, value, options = row
        wall_ms = _wall_ms(options)
    else:
        raise Invalid("an entry that is no list of number, time and value")
    if type(n) is not int or not 0 < n <= MAX_NUMBER:  # asked here first: this runs for every fact
        n = whole(n, "a fact's number", low=1)
    if type(ts) is not int or not 0 <= ts <= MAX_NUMBER:
        ts = whole(ts, "a time")
    return Entry(n, ts, read(value, limits), wall_ms)


def _existence(value: Any, limits: WireLimits) -> tuple[Entry, ...]:
    if value is None:
        return ()
    return tuple([_bare(row) for row in listed(value, "entries", most=limits.max_facts)])


def _bare(row: Any) -> Entry:
    if type(row) is not list or not 2 <= len(row) <= 3:
        raise Invalid("an entry that is no list of number and time")
    wall_ms = _wall_ms(row[2]) if len(row) == 3 else None
    return Entry(whole(row[0], "a fact's number", low=1), whole(row[1], "a time"), None, wall_ms)


def _wall_ms(options: Any) -> int | None:
    if type(options) is not dict:
        raise Invalid("an entry whose options are no object")
    return whole(options["w"], "a wall time") if "w" in options else None


def _type(value: Any, limits: WireLimits) -> str | None:
    return None if value is None else text(value, "a type", longest=limits.max_text_chars)


def _observation(value: Any, limits: WireLimits) -> Observation:
    if type(value) is str:
        return text(value, "an observation", longest=limits.max_text_chars)
    return Verbatim(json_text(value, limits))


def _fields(value: Any, limits: WireLimits) -> Any:
    if value is None:
        return NO_FIELD_ENTRIES
    names = mapped(value, "fields", most=limits.max_facts)
    return {name: _entries(rows, json_text, limits) for name, rows in names.items() if rows is not None}


def _hint(value: Any, limits: WireLimits) -> Hint:
    if type(value) is not dict:
        raise Invalid("a hint that is no object")
    kind = _hinted(value["t"], _type, limits) if "t" in value else None
    if "f" not in value:
        return Hint(kind)
    names = mapped(value["f"], "hinted fields", most=limits.max_facts)
    return Hint(kind, {name: _hinted(pair, json_text, limits) for name, pair in names.items()})


def _hinted(value: Any, read: _Read, limits: WireLimits) -> tuple[Stamp, Any]:
    if type(value) is not list or len(value) != 2:
        raise Invalid("a hint that is no pair of stamp and value")
    stamp = value[0]
    if type(stamp) is not list or len(stamp) != 3:
        raise Invalid("a stamp that is no list of time, replica and number")
    ts, owner, n = stamp
    stamped = (whole(ts, "a time"), rid(owner, "a stamp's replica"), whole(n, "a fact's number", low=1))
    return stamped, read(value[1], limits)
