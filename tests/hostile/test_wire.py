"""Bytes a broken or hostile peer may publish: refused one fragment at a time, never half-applied."""

from __future__ import annotations

import copy
import json
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.state import State
from memsync_git.model import Rid
from memsync_git.wire.fragments import (
    Malformed,
    Newer,
    WireLimits,
    decode,
    decode_header,
    decode_record,
    encode,
    encode_files,
)
from memsync_git.wire.repository import Marker, decode_marker
from memsync_git.wire.rid import fragment_path, is_rid, is_store_name, parse_path
from memsync_git.wire.unified import read_unified
from memsync_git.wire.verdicts import LIMITS, STORED
from memsync_git.wire.witness import decode_witness

LAPTOP = Rid("laptop-7f3a")
LARGEST = 2**53

HEADER: dict[str, Any] = {
    "memsync": 1,
    "min_reader": 1,
    "rid": "laptop-7f3a",
    "host": "laptop",
    "store": "default",
    "rev": 42,
    "tok": "9f1c",
    "prev": "77ab",
    "next": 109,
    "wall": "2026-11-20T11:30:00Z",
    "seen": {"desk-91c2": [17, 64]},
    "removed": {"desk-91c2": [[12, 14], [31, 31]]},
    "ok": 0,
    "retired": ["old-0001"],
}
RECORDS: list[Any] = [
    {
        "e": "Alice",
        "t": [[101, 5, "person"]],
        "o": [[102, 5, "likes tea"], [103, 6, {"said": 1}, {"w": 4}]],
        "f": {"age": [[105, 6, 7]]},
        "h": {"t": [[5, "laptop-7f3a", 101], "person"], "f": {"age": [[6, "laptop-7f3a", 105], 7]}},
    },
    {"l": ["Alice", "Project X", "works_on"], "d": [[106, 5], [108, 5, {"w": 3}]]},
    {"r": "mem_8813", "f": {"tags": [[107, 5, ["a", "b"]]]}},
]


def laid_out(header: Any, records: list[Any]) -> bytes:
    """As a peer would write it, whatever it holds."""
    first = json.dumps(header)[:-1] + ',"records":['
    return (
        first + "\n" + "".join(",\n".join(map(json.dumps, records)) + "\n" if records else "") + "]}\n"
    ).encode()


def with_header(**members: Any) -> bytes:
    return laid_out({**HEADER, **members}, RECORDS)


def with_record(record: Any) -> bytes:
    return laid_out(HEADER, [*RECORDS, record])


def violations(fragment: Fragment) -> Iterator[str]:
    """What no fragment may be, whoever wrote it."""
    header = fragment.header
    numbers = [entry.n for facts in fragment.records.values() for entry in facts.entries()]
    if len(set(numbers)) != len(numbers):
        yield "a number twice"
    if not all(0 < n < header.next <= LARGEST for n in numbers):
        yield "a number out of bounds"
    if not all(
        type(e.ts) is int and 0 <= e.ts <= LARGEST for f in fragment.records.values() for e in f.entries()
    ):
        yield "a time out of bounds"
    if not all(map(is_rid, [header.rid, *header.seen, *header.removed, *header.retired])):
        yield "a strange replica"
    if header.rid in header.removed or header.rid in header.seen:
        yield "about itself"
    for removed in header.removed.values():
        flat = [n for span in removed.spans for n in span]
        if flat != sorted(flat) or any(n < 1 or n > LARGEST for n in flat):
            yield "intervals out of order"
    if not (is_store_name(header.store) and 0 <= header.rev <= LARGEST and 0 <= header.ok <= LARGEST):
        yield "a strange header"


def checked(data: bytes) -> Fragment | Malformed | Newer:
    """Decode anything; whatever is a fragment keeps the rules, shows a view and can be relayed."""
    found = decode(data)
    if isinstance(found, Fragment):
        assert list(violations(found)) == []
        State([found]).graph()
        again = decode(encode(found))
        assert again == found
    return found


def test_the_fragment_the_attacks_start_from_is_sound() -> None:
    assert isinstance(checked(laid_out(HEADER, RECORDS)), Fragment)


# --- one thing wrong at a time

DEEP: Any = []
for _ in range(210):
    DEEP = [DEEP]

WRONG_HEADERS: dict[str, dict[str, Any]] = {
    "no rid": {"rid": None},
    "a rid that climbs": {"rid": "../../etc-0000"},
    "an upper-case rid": {"rid": "Laptop-7f3a"},
    "a rid with a line end": {"rid": "laptop-7f3a\n"},
    "a rid with foreign digits": {"rid": "laptop-٠٠٠٠"},
    "a long rid": {"rid": "a" * 42 + "-7f3a"},
    "a host that is no string": {"host": 7},
    "a host without end": {"host": "h" * 1025},
    "a store that climbs": {"store": "../x"},
    "a store that is a device": {"store": "con"},
    "rev true": {"rev": True},
    "rev as float": {"rev": 1.0},
    "rev as text": {"rev": "42"},
    "rev below zero": {"rev": -1},
    "rev beyond 2^53": {"rev": LARGEST + 1},
    "rev of a thousand digits": {"rev": 10**1000},
    "tok as list": {"tok": []},
    "tok without end": {"tok": "t" * 65},
    "next zero": {"next": 0},
    "next below a number": {"next": 108},
    "next beyond 2^53": {"next": LARGEST + 1},
    "wall as number": {"wall": 5},
    "wall in local time": {"wall": "2026-11-20T11:30:00+01:00"},
    "wall on no day": {"wall": "2026-02-30T11:30:00Z"},
    "wall before 1970": {"wall": "1969-12-31T23:59:59Z"},
    "seen as list": {"seen": []},
    "seen of itself": {"seen": {"laptop-7f3a": [1, 1]}},
    "seen of nobody": {"seen": {"": [1, 1]}},
    "seen without next": {"seen": {"desk-91c2": [1]}},
    "seen below zero": {"seen": {"desk-91c2": [-1, 1]}},
    "removals of its own": {"removed": {"laptop-7f3a": [[1, 2]]}},
    "an interval backwards": {"removed": {"desk-91c2": [[3, 2]]}},
    "intervals out of order": {"removed": {"desk-91c2": [[5, 6], [1, 2]]}},
    "intervals that touch": {"removed": {"desk-91c2": [[1, 2], [3, 4]]}},
    "an interval from zero": {"removed": {"desk-91c2": [[0, 2]]}},
    "an interval beyond 2^53": {"removed": {"desk-91c2": [[1, LARGEST + 1]]}},
    "an interval of three": {"removed": {"desk-91c2": [[1, 2, 3]]}},
    "ok as null": {"ok": None},
    "retired as object": {"retired": {}},
    "a retired nobody": {"retired": ["x"]},
    "too many retired": {"retired": [f"a-{n:04x}" for n in range(257)]},
    "too many seen": {"seen": {f"a-{n:04x}": [1, 1] for n in range(257)}},
    "too many removers": {"removed": {f"a-{n:04x}": [[1, 1]] for n in range(257)}},
    "records in the header": {"records": 5},
    "a format of no number": {"memsync": "1"},
    "no format": {"memsync": 0},
    "a reader of no number": {"min_reader": "1"},
    "an unknown key too deep": {"x": DEEP},
    "more lines promised than there are": {"sharded": 4},
    "a promise that is no number": {"sharded": "many"},
}


@pytest.mark.parametrize("members", WRONG_HEADERS.values(), ids=WRONG_HEADERS.keys())
def test_a_header_with_one_thing_wrong_is_refused(members: dict[str, Any]) -> None:
    assert isinstance(checked(with_header(**members)), Malformed)


@pytest.mark.parametrize("key", HEADER)
def test_a_header_with_a_key_missing_is_refused(key: str) -> None:
    left = {name: value for name, value in HEADER.items() if name != key}
    assert isinstance(checked(laid_out(left, RECORDS)), Malformed)


WRONG_RECORDS: dict[str, Any] = {
    "no object": [],
    "a string": "x",
    "two kinds": {"e": "x", "r": "x", "d": [[1, 5]]},
    "a name that is a number": {"e": 7, "t": [[1, 5, "x"]]},
    "a name that is null": {"e": None, "t": [[1, 5, "x"]]},
    "a relation of two": {"l": ["a", "b"], "d": [[1, 5]]},
    "a relation of four": {"l": ["a", "b", "c", "d"], "d": [[1, 5]]},
    "a relation to a number": {"l": ["a", "b", 1], "d": [[1, 5]]},
    "an entity that exists without a type": {"e": "x", "d": [[1, 5]]},
    "a relation with a type": {"l": ["a", "b", "c"], "t": [[1, 5, "x"]]},
    "a generic record with observations": {"r": "x", "o": [[1, 5, "x"]]},
    "a record there is already": {"e": "Alice", "o": [[1, 5, "x"]]},
    "a number used elsewhere": {"e": "x", "o": [[101, 5, "x"]]},
    "a number used twice in one record": {"e": "x", "o": [[1, 5, "x"], [1, 6, "y"]]},
    "a number at next": {"e": "x", "o": [[109, 5, "x"]]},
    "a number of zero": {"e": "x", "o": [[0, 5, "x"]]},
    "a number below zero": {"e": "x", "o": [[-1, 5, "x"]]},
    "a number that is true": {"e": "x", "o": [[True, 5, "x"]]},
    "a number that is a float": {"e": "x", "o": [[1.0, 5, "x"]]},
    "a number that is text": {"e": "x", "o": [["1", 5, "x"]]},
    "a time before 1970": {"e": "x", "o": [[1, -1, "x"]]},
    "a time beyond 2^53": {"e": "x", "o": [[1, LARGEST + 1, "x"]]},
    "a time that is null": {"e": "x", "o": [[1, None, "x"]]},
    "a time of a thousand digits": {"e": "x", "o": [[1, 10**1000, "x"]]},
    "entries that are no list": {"e": "x", "o": {}},
    "an entry that is no list": {"e": "x", "o": ["x"]},
    "an entry without value": {"e": "x", "o": [[1, 5]]},
    "an entry of five": {"e": "x", "o": [[1, 5, "x", {}, 1]]},
    "an observation nested too deeply": {"e": "x", "o": [[1, 5, DEEP]]},
    "a type that is a number": {"e": "x", "t": [[1, 5, 7]]},
    "options that are no object": {"e": "x", "t": [[1, 5, "x", 7]]},
    "a wall time that is text": {"e": "x", "t": [[1, 5, "x", {"w": "5"}]]},
    "existence with a value": {"r": "x", "d": [[1, 5, "x"]]},
    "existence of four": {"r": "x", "d": [[1, 5, {}, {}]]},
    "fields that are no object": {"r": "x", "f": []},
    "a field nested too deeply": {"r": "x", "f": {"a": [[1, 5, DEEP]]}},
    "a hint that is no object": {"e": "x", "t": [[1, 5, "x"]], "h": []},
    "a hint without stamp": {"e": "x", "t": [[1, 5, "x"]], "h": {"t": ["x"]}},
    "a hint of a strange replica": {"e": "x", "t": [[1, 5, "x"]], "h": {"t": [[5, "X", 1], "x"]}},
    "a hint from nowhere": {"e": "x", "t": [[1, 5, "x"]], "h": {"t": [[5, "a-0000", 0], "x"]}},
    "a hinted field nested too deeply": {
        "r": "x",
        "d": [[1, 5]],
        "h": {"f": {"a": [[5, "a-0000", 1], DEEP]}},
    },
    "an unknown key nested too deeply": {"r": "x", "d": [[1, 5]], "z": DEEP},
    "an unknown kind nested too deeply": {"z": DEEP},
}


@pytest.mark.parametrize("record", WRONG_RECORDS.values(), ids=WRONG_RECORDS.keys())
def test_a_record_with_one_thing_wrong_refuses_the_fragment(record: Any) -> None:
    assert isinstance(checked(with_record(record)), Malformed)


SOUND = laid_out(HEADER, RECORDS)

WRONG_BYTES: dict[str, bytes] = {
    "nothing": b"",
    "blank": b"\n\n",
    "NUL bytes": b"\x00" * 4096,
    "a byte order mark": b"\xef\xbb\xbf" + SOUND,
    "UTF-16": SOUND.decode().encode("utf-16"),
    "no UTF-8 in a record": SOUND.replace(b"likes tea", b"likes \xff"),
    "no UTF-8 in the header": SOUND.replace(b'"host": "laptop"', b'"host": "\xc3("'),
    "conflict markers": b"<<<<<<< HEAD\n" + SOUND + b"=======\n" + SOUND + b">>>>>>> x\n",
    "on one line": SOUND.replace(b"\n", b""),
    "a torn tail": SOUND[:-40],
    "without its end": SOUND.removesuffix(b"]}\n"),
    "more behind its end": SOUND + b"{}",
    "two fragments": SOUND + SOUND,
    "a comma missing": SOUND.replace(b"},\n", b"}\n", 1),
    "a comma too many": SOUND.replace(b"\n]}", b",\n]}"),
    "a blank line between records": SOUND.replace(b"},\n", b"},\n\n", 1),
    "not a number": SOUND.replace(b"[101, 5", b"[101, NaN"),
    "an infinite time": SOUND.replace(b"[101, 5", b"[101, 1e999"),
    "a raw control character": SOUND.replace(b"likes tea", b"likes\ttea"),
    "a header that closes itself": b'{"memsync":1,"min_reader":1},"records":[\n]}\n',
    "a list": b"[" + b",".join([b"1"] * 10) + b"]",
    "only brackets": b"[" * 100_000,
    "brackets in a header": b'{"x":' + b"[" * 100_000 + b',"records":[\n]}\n',
    "brackets in a record": SOUND.replace(b'"likes tea"', b"[" * 100_000),
    "objects in a record": SOUND.replace(b'"likes tea"', b'{"a":' * 100_000),
}


@pytest.mark.parametrize("data", WRONG_BYTES.values(), ids=WRONG_BYTES.keys())
def test_bytes_that_are_no_fragment_are_refused_without_an_exception(data: bytes) -> None:
    assert isinstance(checked(data), Malformed)


# --- anything wrong anywhere


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every member of a value."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        yield (*path, key)
        yield from places(member, (*path, key))


ODD = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 101, 106, 108, 109, 110, LARGEST, LARGEST + 1, 2**63, 2**64, 10**400),
        *(0.5, -0.0, "", "x", "laptop-7f3a", "desk-91c2", "\ud83d", "\x00"),
        *([], {}, [[]], [[1, 5, "x"]], [[1, 1]], {"w": 1}, {"desk-91c2": [[1, LARGEST]]}, DEEP),
    ]
)


@given(st.lists(st.tuples(st.sampled_from(list(places([HEADER, RECORDS]))), ODD), min_size=1, max_size=4))
def test_whatever_is_put_in_whatever_place_the_rules_hold(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    whole = copy.deepcopy([HEADER, RECORDS])
    for path, odd in changes:
        _put(whole, path, copy.deepcopy(odd))
    header, records = whole
    if isinstance(header, dict) and header and isinstance(records, list):
        checked(laid_out(header, records))


def _put(whole: Any, path: tuple[Any, ...], odd: Any) -> None:
    """Set one place; it may be gone by an earlier change."""
    *way, last = path
    try:
        for step in way:
            whole = whole[step]
        whole[last] = odd
    except (KeyError, IndexError, TypeError):
        return


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(SOUND) - 1),
            st.integers(0, 3),
            st.binary(max_size=3) | st.sampled_from([b'"', b",", b"\n", b"]", b"{", b"-", b"e9"]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_bytes_are_changed_the_rules_hold(edits: list[tuple[int, int, bytes]]) -> None:
    data = SOUND
    for at, length, other in edits:
        data = data[:at] + other + data[at + length :]
    checked(data)


def test_ten_thousand_random_wounds_are_survived() -> None:
    chance = random.Random(20261120)
    pieces = [SOUND[at : at + 17] for at in range(0, len(SOUND), 17)]
    outcomes = set()
    for _ in range(10_000):
        mixed = list(pieces)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(mixed))
            match chance.randrange(4):
                case 0:
                    mixed[at] = b""
                case 1:
                    mixed[at] = chance.choice(pieces)
                case 2:
                    mixed[at] = bytes(chance.randrange(256) for _ in range(5))
                case _:
                    mixed[at] = mixed[at].replace(b"1", b"9").replace(b"5", b"105")
        outcomes.add(type(checked(b"".join(mixed))))
    assert outcomes == {Fragment, Malformed, Newer}


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert not isinstance(checked(data), Fragment)
    for limits in (LIMITS, STORED):
        decode_header(data, limits)
        decode_record(data, limits)
    decode_marker(data)
    read_unified(data)
    assert decode_witness(data) is None


# --- claims and limits


def test_a_fragment_under_another_name_is_refused() -> None:
    assert isinstance(decode(SOUND, rid=Rid("desk-91c2")), Malformed)
    assert isinstance(decode(SOUND, rid=LAPTOP, store="work"), Malformed)


def test_a_lone_surrogate_and_duplicate_keys_are_read_as_node_reads_them() -> None:
    found = checked(with_record({"e": "\ud83d", "o": [[1, 5, "\udc00"]]}))
    assert isinstance(found, Fragment)
    assert found.records["e", "\ud83d"].observations[0].value == "\udc00"
    twice = checked(SOUND.replace(b'{"e": "Alice"', b'{"e": "Mallory", "e": "Alice"'))
    assert isinstance(twice, Fragment)
    assert ("e", "Mallory") not in twice.records


@pytest.mark.parametrize(
    "limits",
    [
        WireLimits(max_fragment_bytes=len(SOUND) - 1),
        WireLimits(max_line_bytes=100),
        WireLimits(max_text_chars=8),
        WireLimits(max_facts=8),
        WireLimits(max_hosts=0),
        WireLimits(max_spans=1),
        WireLimits(max_nesting=0),
    ],
    ids=["size", "line", "text", "facts", "hosts", "spans", "nesting"],
)
def test_each_limit_holds(limits: WireLimits) -> None:
    assert isinstance(decode(SOUND, limits=limits), Malformed)


def test_the_deepest_value_a_memory_file_may_hold_is_read() -> None:
    deepest = DEEP
    for _ in range(11):
        deepest = deepest[0]
    found = checked(with_record({"e": "x", "o": [[1, 5, deepest]], "z": [[0.5, deepest[0][0]]]}))
    assert isinstance(found, Fragment)


def test_what_this_machine_stored_itself_is_read_whatever_its_size() -> None:
    line = json.dumps({"e": "x", "o": [[1, 5, "x" * (17 << 20)]]}).encode()
    assert isinstance(decode_record(line, LIMITS), Malformed)
    assert not isinstance(decode_record(line), Malformed)


def test_a_removal_of_everything_for_ever_costs_no_memory() -> None:
    tracemalloc.start()
    found = checked(with_header(removed={"desk-91c2": [[1, LARGEST]]}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, Fragment)
    assert peak < 1 << 20


def test_a_sharded_fragment_takes_no_line_twice_and_none_that_is_foreign() -> None:
    found = decode(SOUND)
    assert isinstance(found, Fragment)
    files = encode_files(found, shard_over_bytes=0)
    main, *shards = files.values()
    assert decode(main, shards=shards) == found
    assert isinstance(decode(main, shards=[*shards[1:], shards[1]]), Malformed)
    assert isinstance(decode(main, shards=[*shards[1:], b'{"e":"x","o":[[9999,5,"x"]]}\n']), Malformed)
    assert isinstance(decode(main, shards=[*shards[1:], b"\xff\n"]), Malformed)
    assert isinstance(decode(main), Malformed)


def test_shards_beside_a_fragment_that_promises_none_are_not_read() -> None:
    assert decode(SOUND, shards=[b"garbage"]) == decode(SOUND)


# --- names


STRANGE_PATHS = (
    """
memory.json_|Memory.json|./memory.json|/memory.json|memory-.json|memory-laptop.json|memory-laptop-7f3a.JSON
memory-Laptop-7f3a.json|memory-laptop-7F3A.json|memory-../x-7f3a.json|memory-laptop-7f3a/0.jsonl
memory-laptop-7f3a/GG.jsonl|memory-laptop-7f3a/../00.jsonl|memory-laptop-7f3a.json/00.jsonl|stores/memory.json
stores/../memory.json|stores/default/memory.json|stores/con/memory.json|stores/Work/memory.json|-rf
stores/a/b/memory.json|stores//memory.json|.memsync.json/memory.json|memory-l\u0430ptop-7f3a.json
memory-laptop-\u0660\u0660\u0660\u0660.json|memory-laptop-7f3a/\u0660\u0660\u0660\u0660.jsonl
memory-laptop-7f3a/0004.jsonl|memory-laptop-7f3a/012.jsonl|memory-laptop-7f3a/00000.jsonl
""".strip()
    .replace("\n", "|")
    .split("|")
)


@pytest.mark.parametrize(
    "path", [*STRANGE_PATHS, "", "memory.json\n", "memory.json ", "memory-" + "a" * 42 + "-7f3a.json"]
)
def test_a_path_that_is_not_exactly_one_of_ours_is_nobodys(path: str) -> None:
    assert parse_path(path) is None


@given(st.text(max_size=40))
def test_a_path_we_recognise_is_the_one_we_would_write(path: str) -> None:
    assert parse_path(path) is None
    assert parse_path(f"memory-{path}.json") is None or is_rid(path)
    assert parse_path(f"stores/{path}/memory.json") is None or is_store_name(path)


@pytest.mark.parametrize("rid", ["", "laptop", "../x-0000", "laptop-7f3a/", "laptop-7f3a\x00"])
def test_no_path_is_made_of_a_strange_replica_id(rid: str) -> None:
    with pytest.raises(ValueError, match="replica id"):
        fragment_path(Rid(rid))


def test_no_path_is_made_of_a_strange_store() -> None:
    with pytest.raises(ValueError, match="store name"):
        fragment_path(LAPTOP, "../x")


# --- witness and marker

WITNESS = {"rid": "laptop-7f3a", "rev": 42, "tok": "9f1c", "pub": 41, "seen": {"desk-91c2": 17}}


@pytest.mark.parametrize(
    "members",
    [{"rid": "x"}, {"rev": -1}, {"rev": 1.0}, {"tok": 7}, {"pub": None}, {"seen": []}, {"seen": {"x": 1}}],
)
def test_an_odd_witness_is_no_witness(members: dict[str, Any]) -> None:
    assert decode_witness(json.dumps(WITNESS).encode()) is not None
    assert decode_witness(json.dumps({**WITNESS, **members}).encode()) is None


def test_a_huge_witness_is_no_witness() -> None:
    assert decode_witness(b" " * (1 << 21) + json.dumps(WITNESS).encode()) is None


def test_a_marker_is_read_strictly() -> None:
    sound = {"memsync": 1, "min_reader": 1, "created": "2026-11-20T11:30:00Z"}
    assert decode_marker(json.dumps({**sound, "more": 1}).encode()) == Marker(1795174200000)
    assert decode_marker(json.dumps({**sound, "min_reader": 3}).encode()) == Newer(3)
    assert decode_marker(b'{"created":"x","min_reader":3,"memsync":9}') == Newer(3)
    for odd in ({"created": 5}, {"memsync": None}, {"min_reader": "1"}):
        assert isinstance(decode_marker(json.dumps({**sound, **odd}).encode()), Malformed)
    assert isinstance(decode_marker(b" " * 70_000), Malformed)


def test_a_header_alone_is_as_strict() -> None:
    assert isinstance(decode_header(json.dumps(HEADER).encode()), Header)
    of_the_whole = {name for name in WRONG_HEADERS if "next below" in name or "promise" in name}
    for name, members in WRONG_HEADERS.items():
        found = decode_header(json.dumps({**HEADER, **members}).encode(), LIMITS)
        assert isinstance(found, Header if name in of_the_whole else Malformed), name
