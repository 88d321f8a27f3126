"""What bytes may be made of a fragment, and what a fragment may be made of bytes."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Entry, Fragment, Header, Hint, RecordFacts
from memsync_git.crdt.intervals import Intervals
from memsync_git.formats.canonical import NotJson, parse
from memsync_git.formats.scratch import ScratchBytes
from memsync_git.model import Entity, Graph, JsonText, Relation, Rid
from memsync_git.wire.fragments import (
    Malformed,
    Newer,
    decode,
    decode_header,
    decode_record,
    encode,
    encode_files,
    encode_header,
    encode_record,
)
from memsync_git.wire.repository import Marker, decode_marker, encode_marker
from memsync_git.wire.rid import (
    FragmentPath,
    ShardPath,
    UnifiedPath,
    fragment_path,
    is_rid,
    new_rid,
    parse_path,
    shard_path,
    unified_path,
)
from memsync_git.wire.unified import METADATA, Provenance, read_unified, unified
from memsync_git.wire.witness import Witness, decode_witness, encode_witness
from tests.laws.wire_strategies import LARGEST, fragments, headers, records, rids, texts, times_ms

rich = settings(max_examples=settings().max_examples // 4)
"""A fragment is a hundred choices: each example costs twenty milliseconds to draw."""

LAPTOP = Rid("laptop-7f3a")
DESK = Rid("desk-91c2")

ALICE = RecordFacts(
    types=(Entry(101, 1763637000000, "person"),),
    observations=(Entry(102, 1763637000000, "likes tea"), Entry(103, 1763637000001, "lives in Oslo")),
    hint=Hint(((1763637000000, LAPTOP, 101), "person")),
)
PROJECT = RecordFacts(
    observations=(Entry(104, 1763637100000, "launched v2", 1763637099000),),
    hint=Hint(((1763600000000, DESK, 9), "project")),
)
WORKS_ON = RecordFacts(existence=(Entry(106, 1763637200000),))
GENERIC = RecordFacts(
    fields={"content": (Entry(107, 1763637300000, JsonText('"…"')),)},
    hint=Hint(
        None,
        {
            "content": ((1763637300000, LAPTOP, 107), JsonText('"…"')),
            "tags": ((1763600000000, DESK, 20), JsonText('["a","b"]')),
        },
    ),
)
PAGE = Fragment(
    Header(
        rid=LAPTOP,
        host="laptop",
        rev=42,
        tok="9f1c",
        prev="77ab",
        next=109,
        wall_ms=1795174200000,
        seen={DESK: (17, 64)},
        removed={DESK: Intervals(((12, 14), (31, 31)))},
    ),
    {
        ("r", "mem_8813"): GENERIC,
        ("l", "Alice", "Project X", "works_on"): WORKS_ON,
        ("e", "Project X"): PROJECT,
        ("e", "Alice"): ALICE,
    },
)
PAGE_BYTES = """\
{"memsync":1,"min_reader":1,"rid":"laptop-7f3a","host":"laptop","store":"default","rev":42,"tok":"9f1c",\
"prev":"77ab","next":109,"wall":"2026-11-20T11:30:00Z","seen":{"desk-91c2":[17,64]},\
"removed":{"desk-91c2":[[12,14],[31,31]]},"ok":0,"retired":[],"records":[
{"e":"Alice","t":[[101,1763637000000,"person"]],"o":[[102,1763637000000,"likes tea"],\
[103,1763637000001,"lives in Oslo"]],"h":{"t":[[1763637000000,"laptop-7f3a",101],"person"]}},
{"e":"Project X","o":[[104,1763637100000,"launched v2",{"w":1763637099000}]],\
"h":{"t":[[1763600000000,"desk-91c2",9],"project"]}},
{"l":["Alice","Project X","works_on"],"d":[[106,1763637200000]]},
{"r":"mem_8813","f":{"content":[[107,1763637300000,"…"]]},\
"h":{"f":{"content":[[1763637300000,"laptop-7f3a",107],"…"],"tags":[[1763600000000,"desk-91c2",20],["a","b"]]}}}
]}
""".encode()


def unwritten(fragment: Fragment) -> Fragment:
    """The same fragment without the lines it was read from."""
    return Fragment(
        fragment.header, {key: replace(facts, raw=None) for key, facts in fragment.records.items()}
    )


def read(data: bytes) -> Fragment:
    found = decode(data)
    assert isinstance(found, Fragment), found
    return found


# --- one layout, to the byte


def test_the_example_of_the_format_page_is_written_to_the_byte() -> None:
    assert encode(PAGE) == PAGE_BYTES


def test_the_example_of_the_format_page_is_read() -> None:
    assert decode(PAGE_BYTES, rid=LAPTOP, store="default") == PAGE


def test_a_fragment_that_says_nothing_yet_has_two_lines() -> None:
    empty = Fragment(Header(LAPTOP, "laptop"))
    assert encode(empty).endswith(b',"records":[\n]}\n')
    assert decode(encode(empty)) == empty


# --- laws of reading and writing


@rich
@given(fragments())
def test_what_is_written_is_read_back(fragment: Fragment) -> None:
    assert decode(encode(fragment), rid=fragment.rid, store=fragment.header.store) == fragment


@rich
@given(fragments())
def test_a_fragment_relayed_or_written_anew_is_the_same_bytes(fragment: Fragment) -> None:
    data = encode(fragment)
    found = read(data)
    assert encode(found) == data
    assert encode(unwritten(found)) == data


@rich
@given(fragments(), st.randoms(use_true_random=False))
def test_equal_fragments_are_equal_bytes_whatever_the_order_of_their_parts(fragment: Fragment, order) -> None:
    def shuffled(mapping):
        members = list(mapping.items())
        order.shuffle(members)
        return dict(members)

    header = fragment.header
    twin = Fragment(
        replace(
            header, seen=shuffled(header.seen), removed=shuffled(header.removed), extra=shuffled(header.extra)
        ),
        {
            key: replace(facts, fields=shuffled(facts.fields), extra=shuffled(facts.extra))
            for key, facts in shuffled(fragment.records).items()
        },
    )
    assert encode(twin) == encode(fragment)


@rich
@given(fragments())
def test_a_fragment_is_valid_json_with_one_record_a_line_sorted_by_first_dot(fragment: Fragment) -> None:
    data = encode(fragment)
    whole = json.loads(data)
    assert isinstance(parse(data), dict)
    lines = data.decode().split("\n")
    assert len(lines) == len(fragment.records) + 3
    assert lines[-2:] == ["]}", ""]
    firsts = [min(e.n for e in read_facts(line)) for line in lines[1:-2]]
    assert firsts == sorted(firsts)
    assert list(whole)[:4] == ["memsync", "min_reader", "rid", "host"]


def read_facts(line: str) -> list[Entry]:
    found = decode_record(line.removesuffix(",").encode())
    assert not isinstance(found, Malformed), found
    return list(found[1].entries())


@rich
@given(fragments(), texts)
def test_a_change_of_one_record_changes_its_line_and_the_header_only(fragment: Fragment, text: str) -> None:
    key = ("e", "the one that changes")
    facts = RecordFacts(types=(Entry(LARGEST - 2, 5, "person"),))
    more = replace(facts, observations=(Entry(LARGEST - 1, 5, text),))
    before = Fragment(replace(fragment.header, next=LARGEST), {**fragment.records, key: facts})
    after = Fragment(replace(before.header, rev=7, tok="new"), {**before.records, key: more})
    old, new = (Counter(line.rstrip(b",") for line in encode(f).split(b"\n")[1:]) for f in (before, after))
    assert list((old - new).elements()) == [encode_record(key, facts)]
    assert list((new - old).elements()) == [encode_record(key, more)]


@rich
@given(fragments())
def test_records_and_headers_can_be_stored_one_by_one(fragment: Fragment) -> None:
    assert decode_header(encode_header(fragment.header)) == fragment.header
    for key, facts in fragment.records.items():
        assert decode_record(encode_record(key, facts)) == (key, facts)


@rich
@given(fragments())
def test_shards_hold_the_same_fragment(fragment: Fragment) -> None:
    files = encode_files(fragment, shard_over_bytes=0)
    path = fragment_path(fragment.rid, fragment.header.store)
    shards = {name: data for name, data in files.items() if name != path}
    assert all(isinstance(parse_path(name), ShardPath) for name in shards)
    assert decode(files[path], rid=fragment.rid, shards=shards.values()) == fragment
    for missing in shards:
        left = [data for name, data in shards.items() if name != missing]
        assert isinstance(decode(files[path], shards=left), Malformed)


def test_a_small_fragment_is_one_file_and_a_large_one_is_sharded() -> None:
    assert encode_files(PAGE) == {"memory-laptop-7f3a.json": PAGE_BYTES}
    large = {
        ("e", f"entity {n}"): RecordFacts(observations=(Entry(n, 5, "x" * 5000),)) for n in range(1, 301)
    }
    files = encode_files(Fragment(replace(PAGE.header, next=301), large))
    assert len(files) > 100
    assert max(map(len, files.values())) < 50_000
    assert all(parse_path(path) is not None for path in files)


# --- what this release does not know

FROM_LATER = (
    b'{"memsync":2,"min_reader":1,"rid":"desk-91c2","host":"desk","store":"default","rev":3,"tok":"a","prev":"b",'
    b'"next":9,"wall":"2027-01-01T00:00:00Z","seen":{},"removed":{},"ok":0,"retired":[],'
    b'"colour":{"b":1.10,"a":18446744073709551617},"records":[\n'
    b'{"e":"Alice","t":[[1,5,"person",{"w":4,"zone":"CET"}]],"h":{"t":[[5,"desk-91c2",1],"person"],"n":1},"z":[[8,5]]},\n'
    b'{"q":"a kind of tomorrow","t":7},\n'
    b'{"l":["a","b","c"],"d":[[2,5,{"v":1}]],"\\ud83d":"\\udc00"}\n]}\n'
)


def test_what_a_later_release_adds_is_carried_byte_for_byte() -> None:
    relayed = encode(read(FROM_LATER)).split(b"\n")
    original = FROM_LATER.split(b"\n")
    assert Counter(line.rstrip(b",") for line in relayed[1:]) == Counter(
        line.rstrip(b",") for line in original[1:]
    )
    assert b'"colour":{"a":18446744073709551617,"b":1.10}' in relayed[0]


def test_what_a_later_release_adds_survives_writing_its_records_anew() -> None:
    fragment = read(FROM_LATER)
    again = read(encode(unwritten(fragment)))
    assert again == fragment
    assert [facts.extra for facts in again.records.values()].count({}) == 0


def test_a_record_of_an_unknown_kind_asserts_nothing() -> None:
    facts = [facts for key, facts in read(FROM_LATER).records.items() if key[0] not in "elr"]
    assert len(facts) == 1
    assert list(facts[0].entries()) == []


def test_a_fragment_for_a_newer_reader_is_told_apart_whatever_else_it_holds() -> None:
    assert decode(PAGE_BYTES.replace(b'"min_reader":1', b'"min_reader":2')) == Newer(2)
    assert decode(b'{"memsync":9,"min_reader":7,"layout":"binary"}\n\x00\x01\x02') == Newer(7)
    assert decode(b'{"memsync":9,"min_reader":7}') == Newer(7)


# --- time


def test_decoding_a_thousand_records_takes_milliseconds() -> None:
    records = {
        ("e", f"entity {n}"): RecordFacts(
            types=(Entry(2 * n, 1763637000000, "person"),),
            observations=(
                Entry(2 * n + 1, 1763637000000, f"observation {n} of some length, as people write"),
            ),
            hint=Hint(((1763637000000, LAPTOP, 2 * n), "person")),
        )
        for n in range(1, 1001)
    }
    data = encode(Fragment(replace(PAGE.header, next=5000), records))

    def once() -> float:
        begin = time.process_time()
        read(data)
        return time.process_time() - begin

    assert min(once() for _ in range(5)) < 0.05  # 8 ms where it was written; five times that is a defect


# --- names


@given(rids, st.sampled_from(["default", "work", "x_1-y"]), st.integers(0, 255))
def test_paths_are_read_back(rid: Rid, store: str, shard: int) -> None:
    assert parse_path(fragment_path(rid, store)) == FragmentPath(rid, store)
    assert parse_path(shard_path(rid, shard, store)) == ShardPath(rid, shard, store)
    assert parse_path(unified_path(store)) == UnifiedPath(store)
    former = f"{fragment_path(rid, store).removesuffix('.json')}/{shard:02x}.jsonl"
    assert parse_path(former) == ShardPath(rid, shard, store, is_former=True)


def test_git_tells_all_shards_apart() -> None:
    """By what it knows the name of a file for when it looks for what the file may be a delta of."""
    paths = [shard_path(Rid("laptop-7f3a"), shard) for shard in range(256)]
    assert paths[0b00_01_10_11] == "memory-laptop-7f3a/0123.jsonl"
    assert len({hash_of_name(path) for path in paths}) == 256
    assert len({hash_of_name(f"memory-laptop-7f3a/{shard:02x}.jsonl") for shard in range(256)}) == 144


def hash_of_name(path: str) -> int:
    """`pack_name_hash` of git's pack-objects.h; what counts is 32 bits wide."""
    found = 0
    for char in path.encode():
        found = ((found >> 2) + (char << 24)) & 0xFFFFFFFF
    return found


@given(st.text(max_size=80), st.from_regex(r"[0-9a-f]{16}", fullmatch=True))
def test_any_hostname_makes_a_replica_id(hostname: str, token: str) -> None:
    assert is_rid(new_rid(hostname, token))


def test_a_replica_id_reads_like_its_host() -> None:
    assert new_rid("Anna's MacBook Pro.local", "0123456789abcdef") == "anna-s-macbook-pro-local-01234567"
    assert new_rid("日本", "0123456789abcdef") == "host-01234567"


# --- the unified view


def provenance(n: int) -> Provenance:
    return Provenance("laptop", 1795174200999, LAPTOP, n)


def test_a_row_of_the_unified_view_says_who_wrote_it_last() -> None:
    rows = [
        (b"2", Relation("Alice", "Oslo", "lives in"), provenance(9)),
        (b"1", Entity("Alice", "person", ("likes tea",)), provenance(8)),
    ]
    assert (
        b"".join(unified(rows, ScratchBytes())).decode()
        == """\
{"type":"entity","name":"Alice","entityType":"person","observations":["likes tea"],\
"_sync_metadata":{"host":"laptop","timestamp":"2026-11-20T11:30:00Z","id":"laptop-7f3a:8"}}
{"type":"relation","from":"Alice","to":"Oslo","relationType":"lives in",\
"_sync_metadata":{"host":"laptop","timestamp":"2026-11-20T11:30:00Z","id":"laptop-7f3a:9"}}"""
    )


@given(st.lists(records(), max_size=5, unique_by=lambda record: record.key), texts)
def test_a_unified_view_is_read_back_without_its_metadata(said, host: str) -> None:
    wrote = Provenance(host, 1795174200000, LAPTOP, 1)
    placed = [(b"%d" % at, record, wrote) for at, record in enumerate(said)]
    data = b"".join(unified(reversed(placed), ScratchBytes()))
    assert read_unified(data) == Graph.of(said)
    for line in data.split(b"\n") if data else []:
        assert list(json.loads(line))[-1] == METADATA


def test_a_field_that_pretends_to_be_our_metadata_is_left_out() -> None:
    forged = Entity("Alice", "person", (), {METADATA: JsonText('{"host":"evil"}')})
    assert b"".join(unified([(b"1", forged, provenance(1))], ScratchBytes())).count(b"_sync_metadata") == 1


# --- witness and marker


@given(headers(after=1), times_ms)
def test_a_witness_is_read_back(header: Header, pub: int) -> None:
    seen = {rid: rev for rid, (rev, _) in header.seen.items()}
    witness = Witness(header.rid, header.rev, header.tok, pub, seen)
    assert decode_witness(encode_witness(witness)) == witness


@given(st.integers(0, 253_402_300_799_999))
def test_a_marker_is_read_back_to_the_second(created_ms: int) -> None:
    assert decode_marker(encode_marker(created_ms)) == Marker(created_ms // 1000 * 1000)


@given(st.integers(-(10**20), 10**20))
def test_no_clock_is_too_wrong_to_write_a_header(wall_ms: int) -> None:
    header = replace(PAGE.header, wall_ms=wall_ms)
    assert isinstance(decode_header(encode_header(header)), Header)


def test_the_example_is_no_accident() -> None:
    """The strict reader agrees that a lone surrogate travels escaped and U+2028 raw."""
    facts = RecordFacts(observations=(Entry(1, 5, "\ud83d\u2028\x00"),))
    line = encode_record(("e", "x"), facts)
    assert line == '{"e":"x","o":[[1,5,"\\ud83d\u2028\\u0000"]]}'.encode()
    assert decode_record(line) == (("e", "x"), facts)


def test_a_half_written_line_is_no_json() -> None:
    for cut in range(1, len(PAGE_BYTES) - 2):
        try:
            parse(PAGE_BYTES[:cut])
        except NotJson:
            continue
        raise AssertionError(f"a fragment cut at {cut} still reads as JSON")
