"""A fragment as bytes, and bytes as a fragment.

    {"memsync":1,"min_reader":1,"rid":"laptop-7f3a", … ,"records":[
    {"e":"Alice","t":[[101,1763637000000,"person"]]},
    {"l":["Alice","Project X","works_on"],"d":[[106,1763637200000]]}
    ]}

Rule 1: header on the first line, one record a line, sorted by first dot: a change touches its own line.
Rule 2: the same fragment is the same bytes on every machine; the whole is valid JSON.
Rule 3: what is read is hostile. A fragment is understood whole or not at all: numbers below `next` and
used once, no record twice, no removal of its own facts.
Rule 4: a large fragment keeps its record lines in shards beside it, and says how many there are, so that a
copy with a shard missing is malformed and never looks like a deletion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from memsync_git.crdt.fragment import NO_EXTRA, Fragment, Header, RecordFacts
from memsync_git.crdt.records import Records
from memsync_git.model import JsonText, RecordKey, Rid
from memsync_git.wire.bodies import READ_AT_ONCE, records_in
from memsync_git.wire.headers import asked_reader, decode_header, encode_header
from memsync_git.wire.records import decode_record, encode_record
from memsync_git.wire.rid import fragment_path, shard_path
from memsync_git.wire.stored import (
    first_of,
    line_of,
    shard_name,
    shard_of,
)
from memsync_git.wire.verdicts import (
    FORMAT,
    LIMITS,
    MAX_NUMBER,
    MIB,
    Invalid,
    Malformed,
    Newer,
    WireLimits,
)

__all__ = [
    "LIMITS",
    "NOTHING_KNOWN",
    "READ_AT_ONCE",
    "Malformed",
    "Newer",
    "WireLimits",
    "decode",
    "decode_header",
    "decode_record",
    "encode",
    "encode_files",
    "encode_header",
    "encode_record",
    "written_files",
]

SHARD_OVER_BYTES = 1 * MIB
"""Record lines beyond this are sharded: git stores a changed blob whole."""

NOTHING_KNOWN: Mapping[RecordKey, RecordFacts] = {}

_SHARDED = "sharded"
_OPENING = b',"records":['
_CLOSING = b"]}"

# --- writing


def encode(fragment: Fragment) -> bytes:
    """The whole fragment as one file."""
    return _framed(encode_header(fragment.header), [line.written for line in _lines(fragment)])


def encode_files(fragment: Fragment, *, shard_over_bytes: int = SHARD_OVER_BYTES) -> dict[str, bytes]:
    """The fragment as files of the shared repository: path → bytes; large ones come in shards."""
    return dict(written_files(fragment, shard_over_bytes=shard_over_bytes))


def written_files(
    fragment: Fragment, *, shard_over_bytes: int = SHARD_OVER_BYTES
) -> Iterator[tuple[str, bytes]]:
    """The same, one file after another, its own first: nobody needs to hold them all."""
    lines = _lines(fragment)
    header = encode_header(fragment.header)
    path = fragment_path(fragment.rid, fragment.header.store)
    if sum(len(line.written) + 2 for line in lines) <= shard_over_bytes:
        yield path, _framed(header, [line.written for line in lines])
        return
    yield path, _framed(b'%b,"%b":%d}' % (header[:-1], _SHARDED.encode(), len(lines)), [])
    for name, shard in sorted(_shards(lines).items()):
        body = b"".join([line.written + b"\n" for line in shard])
        yield shard_path(fragment.rid, name, fragment.header.store), body


def _framed(header: bytes, lines: list[bytes]) -> bytes:
    body = b",\n".join(lines) + b"\n" if lines else b""
    return header[:-1] + _OPENING + b"\n" + body + _CLOSING + b"\n"


class _Line(NamedTuple):
    """A record line in its place: by first number, those without a fact last and by key.

    raw: empty where the line is `stored` unread.
    """

    first: int
    key: RecordKey
    raw: bytes
    stored: bytes = b""

    @property
    def written(self) -> bytes:
        return self.raw or line_of(self.stored)

    @property
    def shard(self) -> str:
        return shard_of(self.stored) if self.stored else shard_name(self.key)


def _lines(fragment: Fragment) -> list[_Line]:
    """The record lines in order. What nobody has read goes out as it is stored."""
    records = Records.of(fragment.records)
    lines: list[_Line] = []
    factless: list[str] = []
    for name, stored in records.unread.items():
        first = first_of(stored)
        if first is None:
            factless.append(name)
        else:
            lines.append(_Line(first, (), b"", stored))
    for name in factless:
        records.read_by_name(name)
    lines += [_Line(_first(facts), key, encode_record(key, facts)) for key, facts in records.read.items()]
    return sorted(lines)


def _first(facts: RecordFacts) -> int:
    return min([entry.n for entry in facts.entries()], default=MAX_NUMBER)


def _shards(lines: Iterable[_Line]) -> dict[str, list[_Line]]:
    shards: dict[str, list[_Line]] = {}
    for line in lines:
        shards.setdefault(line.shard, []).append(line)
    return shards


# --- reading


def decode(
    data: bytes,
    *,
    rid: Rid | None = None,
    store: str | None = None,
    shards: Iterable[bytes] = (),
    limits: WireLimits = LIMITS,
    known: Mapping[RecordKey, RecordFacts] = NOTHING_KNOWN,
) -> Fragment | Malformed | Newer:
    """Read a fragment as hostile input.

    `rid` and `store` are what the file's path claims; `shards` the contents of its shard files, in any order,
    each let go when the next is taken.
    Every record keeps its line as `raw`. A line of those in `known`, an earlier reading of the same fragment,
    is not read again: what it says is taken as it is.
    """
    min_reader = asked_reader(data)
    if min_reader is not None and min_reader > FORMAT:
        return Newer(min_reader)
    try:
        found = _read(data, shards, limits, known)
        if isinstance(found, Fragment):
            _refuse_misplaced(found.header, rid, store)
    except Invalid as error:
        return Malformed(str(error))
    return found


def _read(
    data: bytes, shards: Iterable[bytes], limits: WireLimits, known: Mapping[RecordKey, RecordFacts]
) -> Fragment | Malformed | Newer:
    _refuse_size(len(data), limits)
    first, _, rest = data.partition(b"\n")
    if not first.endswith(_OPENING):
        raise Invalid("its first line is no header")
    header = decode_header(first.removesuffix(_OPENING) + b"}", limits)
    if not isinstance(header, Header):
        return header
    lines = _record_lines(rest)
    if _SHARDED in header.extra:
        header, lines = _gathered(header, lines, shards, limits, size=len(data))
    return Fragment(header, records_in(lines, header, limits, known))


def _record_lines(body: bytes) -> list[bytes]:
    lines = body.removesuffix(b"\n").split(b"\n")
    if lines.pop() != _CLOSING:
        raise Invalid("its end is missing")
    for at in range(len(lines) - 1):
        if not lines[at].endswith(b","):
            raise Invalid("a record line without its comma")
        lines[at] = lines[at][:-1]
    return lines


def _refuse_size(size: int, limits: WireLimits) -> None:
    if size > limits.max_fragment_bytes:
        raise Invalid(f"a fragment of {size} bytes, beyond the limit of {limits.max_fragment_bytes}")


def _gathered(
    header: Header, lines: list[bytes], shards: Iterable[bytes], limits: WireLimits, *, size: int
) -> tuple[Header, list[bytes]]:
    """The record lines of a sharded fragment, and its header without the count of them."""
    promised = _count(header.extra[_SHARDED])
    for shard in shards:
        size += len(shard)
        _refuse_size(size, limits)
        lines += shard.removesuffix(b"\n").split(b"\n")
    if len(lines) != promised:
        raise Invalid(f"{len(lines)} of {promised} record lines are here")
    extra = {key: value for key, value in header.extra.items() if key != _SHARDED}
    return replace(header, extra=extra or NO_EXTRA), lines


def _count(written: JsonText) -> int:
    if not (written.isascii() and written.isdigit()):
        raise Invalid("the count of its record lines is no number")
    return int(written[:16])


def _refuse_misplaced(header: Header, rid: Rid | None, store: str | None) -> None:
    if rid is not None and header.rid != rid:
        raise Invalid(f"it stands under the name of {rid} and says it is {header.rid}")
    if store is not None and header.store != store:
        raise Invalid(f"it stands in the store {store} and says it belongs to {header.store}")
