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

from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import chain

from memsync_git.crdt.fragment import NO_EXTRA, Fragment, Header, RecordFacts
from memsync_git.crdt.records import Records
from memsync_git.model import JsonText, RecordKey, Rid
from memsync_git.values import replace
from memsync_git.wire.bodies import READ_AT_ONCE, lines_in, records_in
from memsync_git.wire.headers import asked_reader, decode_header, encode_header
from memsync_git.wire.records import decode_record, encode_record
from memsync_git.wire.rid import fragment_path, shard_path
from memsync_git.wire.stored import (
    by_shard,
    in_shards,
    lines_of,
    numbered,
    shards_apart,
    sizes_of,
    stored_line,
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

LINES_TOGETHER = 32_768
"""Lines of a large fragment that are held while they are put into its files, 16 MiB of an ordinary memory.
For each such part, all of them are gone through once more, which costs a fifth of a second at 100 000."""

NOTHING_KNOWN: Mapping[RecordKey, RecordFacts] = {}

_SHARDED = "sharded"
_OPENING = b',"records":['
_CLOSING = b"]}"

# --- writing


def encode(fragment: Fragment) -> bytes:
    """The whole fragment as one file."""
    return _framed(encode_header(fragment.header), lines_of(_stored_in_order(Records.of(fragment.records))))


def encode_files(fragment: Fragment, *, shard_over_bytes: int = SHARD_OVER_BYTES) -> dict[str, bytes]:
    """The fragment as files of the shared repository: path → bytes; large ones come in shards."""
    return dict(written_files(fragment, shard_over_bytes=shard_over_bytes))


def written_files(
    fragment: Fragment, *, shard_over_bytes: int = SHARD_OVER_BYTES, together: int = LINES_TOGETHER
) -> Iterator[tuple[str, bytes]]:
    """The same, one file after another, its own first: nobody needs to hold them all.

    together: about how many lines are held at once.
    """
    records = Records.of(fragment.records)
    header, path = encode_header(fragment.header), fragment_path(fragment.rid, fragment.header.store)
    if not _is_larger_than(shard_over_bytes, records):
        yield path, _framed(header, lines_of(_stored_in_order(records)))
        return
    yield path, _framed(b'%b,"%b":%d}' % (header[:-1], _SHARDED.encode(), len(records)), [])
    for some in shards_apart(1 + len(records) // together):
        for number, shard in sorted(by_shard(_stored_in_order(records, some)).items()):
            yield shard_path(fragment.rid, number, fragment.header.store), b"\n".join([*lines_of(shard), b""])


def _is_larger_than(size: int, records: Records) -> bool:
    """Whether all lines together have more bytes than that; no more of them are seen than it takes."""
    read = (stored_line(key, facts) for key, facts in records.read.items())
    for line in chain(read, records.unread.values()):
        size -= 2 + sum(sizes_of((line,)))
        if size < 0:
            return True
    return False


def _framed(header: bytes, lines: list[bytes]) -> bytes:
    body = b",\n".join(lines) + b"\n" if lines else b""
    return header[:-1] + _OPENING + b"\n" + body + _CLOSING + b"\n"


def _stored_in_order(records: Records, shards: Container[bytes] | None = None) -> list[bytes]:
    """The record lines as they are stored, by first number; those without a fact last and by key.

    What nobody has read goes out as it is. shards: those whose lines are meant; None: all.
    """
    unread, factless = numbered(in_shards(records.unread.items(), shards))
    for name in factless:
        records.read_by_name(name)
    lines: list[tuple[int, RecordKey, bytes]] = [(first, (), stored) for first, stored in unread]
    read = ((key, stored_line(key, facts)) for key, facts in records.read.items())
    lines += [(_first(records.read[key]), key, stored) for key, stored in in_shards(read, shards)]
    return [stored for _, _, stored in sorted(lines)]


def _first(facts: RecordFacts) -> int:
    return min([entry.n for entry in facts.entries()], default=MAX_NUMBER)


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
    if _SHARDED not in header.extra:
        return Fragment(header, records_in(lines, len(lines), header, limits, known))
    promised = _count(header.extra[_SHARDED])
    gathered = _gathered(promised, lines, shards, limits, size=len(data))
    header = _without_count(header)
    return Fragment(header, records_in(gathered, promised, header, limits, known))


def header_of(data: bytes, limits: WireLimits = LIMITS) -> Header | None:
    """The header of a fragment by its own file, nothing else of it read; None where this release cannot."""
    first, _, _ = data.partition(b"\n")
    min_reader = asked_reader(data)
    is_ours = min_reader is None or min_reader <= FORMAT
    if not (is_ours and first.endswith(_OPENING) and len(data) <= limits.max_fragment_bytes):
        return None
    found = decode_header(first.removesuffix(_OPENING) + b"}", limits)
    return found if isinstance(found, Header) else None


def opened(data: bytes, limits: WireLimits = LIMITS) -> tuple[Header, int] | None:
    """The header of a fragment whose lines all stand in shards, and how many they are; None for any other.

    Raises:
        Invalid: it is none.
    """
    header = header_of(data, limits)
    if header is None or _SHARDED not in header.extra or _record_lines(data.partition(b"\n")[2]):
        return None
    return _without_count(header), _count(header.extra[_SHARDED])


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
    promised: int, lines: list[bytes], shards: Iterable[bytes], limits: WireLimits, *, size: int
) -> Iterator[bytes]:
    """The record lines of a sharded fragment, if they are as many as were promised; shard after shard."""
    yield from lines
    many = len(lines)
    for shard in shards:
        size += len(shard)
        _refuse_size(size, limits)
        more = lines_in(shard)
        many += len(more)
        yield from more
    if many != promised:
        raise Invalid(f"{many} of {promised} record lines are here")


def _without_count(header: Header) -> Header:
    extra = {key: value for key, value in header.extra.items() if key != _SHARDED}
    return replace(header, extra=extra or NO_EXTRA)


def _count(written: JsonText) -> int:
    if not (written.isascii() and written.isdigit()):
        raise Invalid("the count of its record lines is no number")
    return int(written[:16])


def _refuse_misplaced(header: Header, rid: Rid | None, store: str | None) -> None:
    if rid is not None and header.rid != rid:
        raise Invalid(f"it stands under the name of {rid} and says it is {header.rid}")
    if store is not None and header.store != store:
        raise Invalid(f"it stands in the store {store} and says it belongs to {header.store}")
