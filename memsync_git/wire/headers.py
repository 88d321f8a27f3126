"""The header of a fragment: everything it says besides its records.

Rule 1: keys stand in one fixed order, unknown ones after them, so equal headers are equal bytes.
Rule 2: `min_reader` is looked at before anything else: a newer format may change everything after it.
Rule 3: `wall` is for people, in whole seconds; a clock outside the years 1970 to 9999 is written as the
nearest of them, because a wrong clock must not stop a machine from publishing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from memsync_git.crdt.fragment import NO_EXTRA, Header
from memsync_git.crdt.intervals import Intervals
from memsync_git.formats.canonical import quoted
from memsync_git.model import Rid
from memsync_git.wire.lines import listed, mapped, others, read_line, rid, text, whole, written_members
from memsync_git.wire.moments import instant_of, ms_of
from memsync_git.wire.rid import DEFAULT_STORE, is_store_name
from memsync_git.wire.verdicts import (
    FORMAT,
    MAX_NUMBER,
    MIN_READER,
    STORED,
    Invalid,
    Malformed,
    Newer,
    WireLimits,
)

MAX_HOST_CHARS = 1024
"""A label people see; hostnames end at 253."""

MAX_TOKEN_CHARS = 64

_KEYS = (
    "memsync", "min_reader", "rid", "host", "store", "rev", "tok", "prev", "next", "wall",
    "seen", "removed", "ok", "retired",
)  # fmt: skip
_KNOWN = frozenset(_KEYS)

# --- writing


def encode_header(header: Header) -> bytes:
    """The header as one JSON object, without its records."""
    members: list[tuple[str, str]] = [
        ("memsync", str(FORMAT)),
        ("min_reader", str(MIN_READER)),
        ("rid", quoted(header.rid)),
        ("host", quoted(header.host)),
        ("store", quoted(header.store)),
        ("rev", str(header.rev)),
        ("tok", quoted(header.tok)),
        ("prev", quoted(header.prev)),
        ("next", str(header.next)),
        ("wall", quoted(instant_of(header.wall_ms))),
        ("seen", _written_seen(header.seen)),
        ("removed", _written_removed(header.removed)),
        ("ok", str(header.ok)),
        ("retired", "[" + ",".join([quoted(gone) for gone in sorted(header.retired)]) + "]"),
    ]
    return written_members(members + sorted(header.extra.items())).encode("utf-8")


def _written_seen(seen: Mapping[Rid, tuple[int, int]]) -> str:
    return written_members([(other, f"[{rev},{after}]") for other, (rev, after) in sorted(seen.items())])


def _written_removed(removed: Mapping[Rid, Intervals]) -> str:
    return written_members([(other, _written_spans(numbers)) for other, numbers in sorted(removed.items())])


def _written_spans(numbers: Intervals) -> str:
    return "[" + ",".join([f"[{low},{high}]" for low, high in numbers.spans]) + "]"


# --- reading


def decode_header(data: bytes, limits: WireLimits = STORED) -> Header | Malformed | Newer:
    """Read what `encode_header` wrote; give `LIMITS` for a foreign one."""
    min_reader = asked_reader(data)
    if min_reader is not None and min_reader > FORMAT:
        return Newer(min_reader)
    try:
        return read_line(data, limits, _header)
    except Invalid as error:
        return Malformed(str(error))


def asked_reader(data: bytes) -> int | None:
    """The `min_reader` a fragment or marker begins with, before anything else of it is understood."""
    found = re.match(_BEGINNING, data)
    return int(found[1]) if found else None


_BEGINNING = rb'\s*\{\s*"memsync"\s*:\s*[0-9]{1,9}\s*,\s*"min_reader"\s*:\s*([0-9]{1,9})\s*[,}]'


def _header(value: Any, limits: WireLimits) -> Header | Newer:
    members = mapped(value, "a header", most=limits.max_facts)
    later = newer(members)
    if later is not None:
        return later
    absent = [key for key in _KEYS if key not in members]
    if absent:
        raise Invalid(f"a header without {absent[0]!r}")
    if "records" in members:
        raise Invalid("records inside the header")
    own = rid(members["rid"], "rid")
    return Header(
        rid=own,
        host=text(members["host"], "host", longest=MAX_HOST_CHARS),
        store=_store(members["store"]),
        rev=whole(members["rev"], "rev"),
        tok=text(members["tok"], "tok", longest=MAX_TOKEN_CHARS),
        prev=text(members["prev"], "prev", longest=MAX_TOKEN_CHARS),
        next=whole(members["next"], "next", low=1),
        wall_ms=moment(members["wall"]),
        seen=_seen(members["seen"], own, limits),
        removed=_removed(members["removed"], own, limits),
        ok=whole(members["ok"], "ok"),
        retired=frozenset(_retired(members["retired"], limits)),
        extra=others(members, _KNOWN, limits) or NO_EXTRA,
    )


def newer(members: Mapping[str, Any]) -> Newer | None:
    """Whether an object of ours asks for a newer reader.

    Raises:
        Invalid: it is no object of ours.
    """
    whole(members.get("memsync"), "memsync", low=1)
    min_reader = whole(members.get("min_reader"), "min_reader", low=1)
    return Newer(min_reader) if min_reader > FORMAT else None


def moment(value: Any) -> int:
    """Milliseconds of an instant written as ISO 8601 in UTC."""
    found = ms_of(text(value, "a time", longest=20))
    if found is None:
        raise Invalid("a time that is not written like 2026-11-20T11:30:00Z")
    return found


def _store(value: Any) -> str:
    name = text(value, "store", longest=64)
    if name != DEFAULT_STORE and not is_store_name(name):
        raise Invalid("store is no store name")
    return name


def _seen(value: Any, own: Rid, limits: WireLimits) -> dict[Rid, tuple[int, int]]:
    found = {}
    for name, pair in mapped(value, "seen", most=limits.max_hosts).items():
        if len(listed(pair, "a member of seen", most=2)) != 2:
            raise Invalid("a member of seen that is no pair of rev and next")
        found[_other(name, own, "seen")] = (whole(pair[0], "a seen rev"), whole(pair[1], "a seen next"))
    return found


def _removed(value: Any, own: Rid, limits: WireLimits) -> dict[Rid, Intervals]:
    found = {}
    left = limits.max_spans
    for name, spans in mapped(value, "removed", most=limits.max_hosts).items():
        found[_other(name, own, "removed")] = _spans(listed(spans, "removed numbers", most=left))
        left -= len(spans)
    return found


def _other(name: str, own: Rid, where: str) -> Rid:
    found = rid(name, f"a member of {where}")
    if found == own:
        raise Invalid(f"{where} names its own replica")
    return found


def _spans(spans: list[Any]) -> Intervals:
    """Intervals as they are written: in order, apart from each other."""
    found = []
    free = 1
    for span in spans:
        if type(span) is not list or len(span) != 2:
            raise Invalid("an interval that is no pair")
        low = whole(span[0], "an interval's beginning", low=free)
        high = whole(span[1], "an interval's end", low=low)
        found.append((low, high))
        free = min(high + 2, MAX_NUMBER + 1)
    return Intervals(tuple(found))


def _retired(value: Any, limits: WireLimits) -> list[Rid]:
    return [rid(gone, "a member of retired") for gone in listed(value, "retired", most=limits.max_hosts)]
