"""What stands in memory files after crashes, merges and editors: read as far as possible, repaired whole."""

from hashlib import sha256

import pytest

from memsync_git.formats import AIM_HEADER, Decoded, Limits, TooLarge, decode, encode
from memsync_git.formats.salvage import salvage
from memsync_git.model import Entity, Generic, Graph, JsonText, Relation, Verbatim

A = b'{"type":"entity","name":"a","entityType":"t","observations":["1"]}'
A2 = b'{"type":"entity","name":"a","entityType":"t","observations":["2"]}'
A12 = b'{"type":"entity","name":"a","entityType":"t","observations":["1","2"]}'
B = b'{"type":"entity","name":"b","entityType":"t","observations":[]}'
R = b'{"type":"relation","from":"a","to":"b","relationType":"r"}'
BOM = b"\xef\xbb\xbf"


def read(data: bytes, variant: str = "jsonl") -> Decoded:
    decoded = decode(data, variant)
    assert isinstance(decoded, Decoded)
    return decoded


DAMAGED = [
    ("byte order mark", BOM + A + b"\n" + B, {1: "byte order mark"}, [], A + b"\n" + B),
    ("two rows on one line", A + B + b"\n" + R, {1: "two rows"}, [], A + b"\n" + B + b"\n" + R),
    (
        "a misfit run into a row",
        b"7" + A + b"\n[]{}" + B,
        {1: "not JSON", 2: "two rows"},
        [b"7", b"[]"],
        A + b"\n{}\n" + B,
    ),
    ("a stale tail", A + b"\n" + B + b"}}}", {2: "not JSON"}, [b"}}}"], A + b"\n" + B),
    ("a torn tail", A + b"\n" + B[:40], {2: "not JSON"}, [B[:40]], A),
    ("a row torn by the next", B[:30] + A, {1: "not JSON"}, [B[:30]], A),
    ("padding of a power cut", A + b"\n" + B + b"\0" * 9, {2: "NUL"}, [], A + b"\n" + B),
    ("nothing but padding", b"\0" * 64, {1: "NUL"}, [], b""),
    ("a raw control character", A + b'\n{"x":"\x01"}', {2: "not JSON"}, [b'{"x":"\x01"}'], A),
    ("a list", A + b"\n[1,2]", {2: "no object"}, [b"[1,2]"], A),
    ("null", b"null\n" + A, {1: "no object"}, [b"null"], A),
    ("NaN", A + b'\n{"x":NaN}', {2: "not JSON"}, [b'{"x":NaN}'], A),
    ("an array on one line", b"[" + A + b"," + B + b"]", {1: "no object"}, [], A + b"\n" + B),
    ("an array over lines", b"[\n " + A + b",\n " + B + b"\n]", {1: "", 2: "", 4: ""}, [], A + b"\n" + B),
    (
        "a whole graph",
        b'{"entities":[{"name":"b","entityType":"t","observations":[]}],"relations":[]}',
        {1: "a whole graph"},
        [],
        B,
    ),
    (
        "a conflict",
        b"<<<<<<< HEAD\n" + A + b"\n=======\r\n" + A2 + b"\n>>>>>>> theirs\n" + R,
        {1: "conflict", 3: "conflict", 5: "conflict"},
        [],
        A12 + b"\n" + R,
    ),
    (
        "a conflict with its ancestor",
        b"<<<<<<< HEAD\n" + A + b"\n||||||| base\n" + B + b"\n=======\n" + A2 + b"\n>>>>>>> theirs",
        {1: "conflict", 3: "conflict", 5: "conflict", 7: "conflict"},
        [B],
        A12,
    ),
    ("a marker without end", A + b"\n||||||| base\n" + B, {2: "conflict"}, [], A + b"\n" + B),
    *[
        (f"a misfit: {row.decode()}", row + b"\n" + A, {1: reason}, [row], A)
        for row, reason in [
            (b'{"type":"entity","entityType":"t","observations":[]}', "name"),
            (b'{"type":"entity","name":null,"entityType":"t","observations":[]}', "name"),
            (b'{"type":"entity","name":5,"entityType":"t","observations":[]}', "name"),
            (b'{"type":"entity","name":"n","entityType":5,"observations":[]}', "entityType"),
            (b'{"type":"entity","name":"n","entityType":"t"}', "observations"),
            (b'{"type":"entity","name":"n","entityType":"t","observations":"x"}', "observations"),
            (b'{"type":"entity","name":"n","entityType":"t","observations":[5]}', "observation"),
            (b'{"type":"entity","name":"n","entityType":"t","observations":[{"a":1}]}', "observation"),
            (b'{"type":"relation","from":"a","to":"b"}', "relationType"),
            (b'{"type":"relation","from":"a","to":1,"relationType":"r"}', "relation"),
        ]
    ],
]


@pytest.mark.parametrize(
    ("damaged", "lines", "lost", "clean"), [c[1:] for c in DAMAGED], ids=[c[0] for c in DAMAGED]
)
def test_damage_is_named_by_line_and_repaired(
    damaged: bytes, lines: dict[int, str], lost: list[bytes], clean: bytes
) -> None:
    found = read(damaged)
    assert not found.whole
    assert {bad.line for bad in found.damage} == set(lines)
    assert all(lines[bad.line] in bad.reason for bad in found.damage)
    repaired = salvage(damaged, "jsonl")
    assert repaired.clean == clean
    assert [bad.raw for bad in repaired.quarantined] == lost
    assert repaired.graph == read(clean).graph


@pytest.mark.parametrize("data", [b"", b"\n\n", b" \t\r\n", A + b"\r\n" + R + b"\r\n", A + b"\n\n\n" + B])
def test_what_the_server_reads_without_complaint_is_no_damage(data: bytes) -> None:
    assert read(data).whole
    assert salvage(data, "jsonl").clean == data


def test_invalid_utf_8_inside_a_string_is_read_as_the_server_reads_it_and_kept_as_it_stands() -> None:
    raw = A.replace(b'"1"', b'"\xff\xfe"')
    decoded = read(raw)
    assert list(decoded.graph) == [Entity("a", "t", ("\ufffd\ufffd",))]
    assert decoded.rows[0].raw == raw


def test_rows_of_unknown_types_are_no_damage_and_say_nothing_in_a_file_of_lines() -> None:
    decoded = read(b'{"type":"_sync"}\n{}\n' + A)
    assert decoded.whole
    assert [row.record is None for row in decoded.rows] == [True, True, False]
    assert list(decoded.graph) == [Entity("a", "t", ("1",))]


def test_an_observation_that_is_no_string_is_known_by_its_canonical_text_where_there_may_be_such() -> None:
    row = b'{"type":"entity","name":"n","entityType":"t","observations":["x",{"b":1.0,"a":2},7]}'
    said = ("x", Verbatim(JsonText('{"a":2,"b":1.0}')), Verbatim(JsonText("7")))
    assert list(read(row, "jsonl-objects").graph) == [Entity("n", "t", said)]
    assert not read(row, "jsonl").whole
    wanted = Graph.of([Entity("n", "t", (*said[:2], "y"))])
    changed = encode(read(row, "jsonl-objects").rows, wanted, "jsonl-objects")
    assert changed == row.replace(b",7", b',"y"')


ARRAYS = [
    ("no end", b"[\n" + A + b",\n" + B, [], {"no end"}),
    ("no comma", b"[\n" + A + b"\n" + B + b"\n]", [], {"a comma is missing"}),
    ("a comma too many", b"[\n" + A + b",\n" + B + b",\n]", [], {"a comma too many"}),
    ("text behind it", b"[\n" + A + b"," + B + b"\n] x", [b"x"], {"more text"}),
    ("rows behind it", b"[\n" + A + b"\n]" + B, [], {"more text"}),
    ("a broken row", b'[\n{"id":"x","c"},\n' + A + b",\n" + B + b"\n]", [b'{"id":"x","c"},\n'], {"not JSON"}),
    ("a number", b"[7," + A + b"," + B + b"]", [b"7"], {"no object"}),
    ("rows", A + b"\n" + B, [], {"no array", "a comma is missing", "no end"}),
    (
        "a conflict",
        b"[\n<<<<<<< x\n" + A + b",\n=======\n" + A + b",\n>>>>>>> y\n" + B + b"\n]",
        [],
        {"not JSON"},
    ),
]


@pytest.mark.parametrize(
    ("damaged", "lost", "reasons"), [case[1:] for case in ARRAYS], ids=[c[0] for c in ARRAYS]
)
def test_a_damaged_array_is_repaired_row_by_row(damaged: bytes, lost: list[bytes], reasons: set[str]) -> None:
    found = read(damaged, "json-array")
    assert not found.whole
    assert all(any(reason in bad.reason for bad in found.damage) for reason in reasons)
    repaired = salvage(damaged, "json-array")
    assert repaired.clean == b"[\n" + A + b",\n" + B + b"\n]"
    assert [bad.raw.strip() for bad in repaired.quarantined] == [raw.strip() for raw in lost]


def test_rows_of_an_array_are_known_by_name_by_id_and_by_content() -> None:
    data = b'[{"id":"m1","text":"x"},{"id":"m1","text":"y"},{"id":7},{"text":"z"},' + A + b"," + R + b"]"
    records = list(read(data, "json-array").graph)
    assert records[0] == Generic("m1", {"text": '"y"'})
    assert records[1] == Generic("7", {"id": "7"})
    assert records[2] == Generic(sha256(b'{"text":"z"}').hexdigest(), {"text": '"z"'})
    assert records[3:] == [Entity("a", "t", ("1",)), Relation("a", "b", "r")]


def test_the_header_of_an_aim_file_stays_first_and_comes_back_when_it_was_lost() -> None:
    assert salvage(AIM_HEADER + b"\n" + A + b"}", "aim").clean == AIM_HEADER + b"\n" + A
    assert salvage(A + b"}", "aim").clean == AIM_HEADER + b"\n" + A


BIG = A.replace(b'"1"', b'"' + b"x" * 200 + b'"')
DEEP = b'{"type":"entity","name":"d","entityType":"t","observations":[],"f":' + b"[" * 9 + b"]" * 9 + b"}"


@pytest.mark.parametrize(
    ("data", "limits", "expected"),
    [
        (A + b"\n" + A, Limits(max_file_bytes=100), ("a file", 0)),
        (A + b"\n" + BIG, Limits(max_line_bytes=100), ("a line", 2)),
        (A + b"\n" + BIG, Limits(max_observation_bytes=199), ("an observation", 2)),
        (A + b"\n" + DEEP, Limits(max_nesting=9), ("nesting", 2)),
    ],
)
def test_beyond_a_limit_nothing_is_read_and_the_place_is_named(
    data: bytes, limits: Limits, expected: tuple[str, int]
) -> None:
    found = decode(data, "jsonl", limits)
    assert isinstance(found, TooLarge)
    assert (found.what, found.line) == expected
    assert str(found.limit) in found.reason
    assert isinstance(decode(data, "jsonl"), Decoded)


def test_exactly_at_a_limit_everything_is_read() -> None:
    limits = Limits(len(BIG), len(BIG), 200, 10)
    assert isinstance(decode(BIG, "jsonl", limits), Decoded)
    assert isinstance(decode(DEEP, "jsonl", Limits(max_nesting=10)), Decoded)


def test_the_limit_of_an_observation_counts_bytes_not_characters() -> None:
    row = A.replace(b'"1"', '"ääää"'.encode())
    assert isinstance(decode(row, "jsonl", Limits(max_observation_bytes=8)), Decoded)
    assert isinstance(decode(row, "jsonl", Limits(max_observation_bytes=7)), TooLarge)


@pytest.mark.parametrize("variant", ["jsonl", "json-array"])
@pytest.mark.parametrize("bracket", [b"[", b'{"a":', b"[{"])
def test_brackets_without_end_are_damage_and_hide_nothing(variant: str, bracket: bytes) -> None:
    lines = [bracket * 100_000, A]
    data = b"\n".join(lines) if variant == "jsonl" else b"[\n" + b",\n".join(lines) + b"\n]"
    found = read(data, variant)
    assert not found.whole
    assert found.graph == Graph.of([Entity("a", "t", ("1",))])


def test_large_rows_are_not_damage_to_a_repair() -> None:
    huge = A.replace(b'"1"', b'"' + b"x" * (2 << 20) + b'"')
    repaired = salvage(huge + b"\n" + B[:20], "jsonl")
    assert repaired.clean == huge
