"""Laws of the memory file formats: bytes ↔ graph loses nothing, alters nothing, never falls over."""

import json

from hypothesis import assume, given
from hypothesis import strategies as st

from memsync_git.crdt.changes import items_between
from memsync_git.formats import (
    AIM_HEADER,
    VARIANTS,
    Decoded,
    Limits,
    Row,
    Rows,
    TooLarge,
    canonical,
    compact,
    decode,
    encode,
    parse,
    quoted,
)
from memsync_git.formats.canonical import Number, canonical_object
from memsync_git.formats.detecting import READ_GRAPH, detect
from memsync_git.formats.importing import read_import
from memsync_git.formats.rows import read_row, record_of
from memsync_git.formats.salvage import salvage
from memsync_git.formats.writing import row_of
from memsync_git.model import (
    EVERYTHING,
    PLAIN,
    Entity,
    Generic,
    Graph,
    JsonText,
    Record,
    Relation,
    Verbatim,
    items_of,
    same_items,
)

LINE_VARIANTS = [name for name in VARIANTS if name != "json-array"]

# --- what may be in a memory -------------------------------------------------------------------------

ODD = '\0\t\n\r\x1b"\\\x7f\x85\u2028\ud83d\ude00\ufeff\uffff\ue000a '


def paired(text: str) -> str:
    """Surrogates that belong together as the one character they are."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


texts = (st.text(ODD, max_size=6) | st.text(st.characters(exclude_categories=()), max_size=6)).map(paired)
"""Every JavaScript string, lone surrogates included."""

number_texts = st.sampled_from(["0", "-0", "1.10", "1e400", "18446744073709551617", "-3.5E-7"])
values = st.recursive(
    st.none() | st.booleans() | texts | number_texts.map(Number),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["a", "b", "c", ""]) | texts
OFFICIAL = {"type", "name", "entityType", "observations", "from", "to", "relationType", "id"}
field_names = texts.filter(lambda name: name not in OFFICIAL)
fields = st.dictionaries(field_names, values.map(canonical), max_size=2)
objects = st.dictionaries(texts, values, max_size=2).map(lambda value: Verbatim(canonical(value)))
observations = st.lists(texts, max_size=4, unique=True).map(tuple)
any_observations = st.lists(texts | objects, max_size=4, unique=True).map(tuple)

plain_entities = st.builds(Entity, names, st.none() | names, observations)
plain_relations = st.builds(Relation, names, names, names)
rich_entities = st.builds(Entity, names, st.none() | names, any_observations, fields)
rich_relations = st.builds(Relation, names, names, names, fields)
generics = st.builds(Generic, names, fields)


def graphs(*kinds: st.SearchStrategy[Record]) -> st.SearchStrategy[Graph]:
    return st.lists(st.one_of(*kinds), max_size=6, unique_by=lambda record: record.key).map(Graph.of)


any_graphs = graphs(rich_entities, rich_relations, generics)
variants = st.sampled_from(sorted(VARIANTS))
line_variants = st.sampled_from(LINE_VARIANTS)


def read(data: bytes, variant: str, before: Rows | None = None) -> Decoded:
    decoded = decode(data, variant, before=before)
    assert isinstance(decoded, Decoded)
    return decoded


def projected(graph: Graph, variant: str) -> Graph:
    return VARIANTS[variant].projection.graph(graph)


def stringified(record: Record) -> str:
    """The row as JSON.stringify would write it, composed by the standard library."""
    match record:
        case Entity(name, kind, said, _):
            row = {"type": "entity", "name": name, "entityType": kind, "observations": list(said)}
        case Relation(source, target, kind, _):
            row = {"type": "relation", "from": source, "to": target, "relationType": kind}
        case Generic():
            raise AssertionError("no server writes these")
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)


few_names = st.sampled_from(["a", "b"])
alike = st.one_of(
    st.builds(
        Entity,
        few_names,
        st.none() | few_names,
        st.lists(few_names, max_size=3).map(tuple),
        st.dictionaries(few_names, st.just(JsonText("1")), max_size=1),
    ),
    st.builds(Relation, few_names, few_names, few_names),
    st.builds(Generic, few_names),
)


@given(alike, alike)
def test_two_records_differ_in_the_items_that_they_say(one: Record, other: Record) -> None:
    said, says = set(items_of(one)), set(items_of(other))
    assert same_items(one, other) == (said == says)
    assert items_between(one, other) == (said - says, says - said)


# --- round trips -------------------------------------------------------------------------------------


@given(any_graphs, variants)
def test_what_is_written_is_read_back(graph: Graph, variant: str) -> None:
    decoded = read(encode((), graph, variant), variant)
    assert decoded.whole
    assert decoded.graph == projected(graph, variant)
    assert list(decoded.graph) == sorted(decoded.graph, key=lambda r: not isinstance(r, Entity))


@given(graphs(st.builds(Entity, names, names, observations), plain_relations))
def test_every_byte_a_server_can_write_comes_back(graph: Graph) -> None:
    ordered = [r for r in graph if isinstance(r, Entity)] + [r for r in graph if isinstance(r, Relation)]
    data = "\n".join(map(stringified, ordered)).encode("utf-8")
    decoded = read(data, "jsonl")
    assert decoded.whole
    assert list(decoded.graph) == ordered
    assert encode((), decoded.graph, "jsonl") == data
    assert encode(decoded.rows, decoded.graph, "jsonl") == data


@given(any_graphs, any_graphs, variants)
def test_a_file_takes_the_items_it_is_given(old: Graph, new: Graph, variant: str) -> None:
    standing = read(encode((), old, variant), variant)
    written = read(encode(standing.rows, new, variant), variant)
    assert written.whole
    assert written.graph == projected(new, variant)


@given(any_graphs, any_graphs, variants)
def test_rows_that_say_the_same_keep_their_bytes_and_their_order(
    old: Graph, new: Graph, variant: str
) -> None:
    standing = read(spaced(encode((), old, variant)), variant)
    wanted = projected(new, variant)
    kept = [row.raw for row in standing.rows if row.record in list(wanted)]
    written = read(encode(standing.rows, new, variant), variant)
    assert [row.raw for row in written.rows if row.raw in kept] == kept


def spaced(data: bytes) -> bytes:
    """The same rows as no server writes them, so that a rewritten row shows."""
    return data.replace(b'{"type":', b'{ "type" :')


@given(st.lists(plain_entities | plain_relations, max_size=8), line_variants)
def test_a_file_with_duplicate_rows_comes_back_byte_for_byte(records: list[Record], variant: str) -> None:
    lines = [row_of(record, EVERYTHING) for record in records]
    data = b"\n".join([AIM_HEADER, *lines] if variant == "aim" else lines)
    decoded = read(data, variant)
    assert decoded.graph == Graph.of(records)
    assert encode(decoded.rows, decoded.graph, variant) == data


blanks = st.sampled_from([b"", b" ", b"\r", "\u00a0".encode(), "\ufeff\u2028".encode()])
unknown = st.sampled_from([b"{}", b'{ "type":"_other", "a":1.0}', b'{"a":[1, 2]}\r', AIM_HEADER])
rows = st.one_of(plain_entities, plain_relations).map(lambda record: row_of(record, EVERYTHING))
spaced_rows = rows.map(lambda row: row.replace(b'"type":', b' "type" : ', 1) + b" \r")
odd_lines = st.sampled_from([b'{"type":"entity","name":"\xff","entityType":"","observations":[]}'])


@given(st.lists(st.one_of(rows, spaced_rows, unknown, blanks, odd_lines), max_size=8), line_variants)
def test_reading_what_was_read_and_written_changes_nothing(lines: list[bytes], variant: str) -> None:
    first = read(b"\n".join(lines), variant)
    assert first.whole
    again = read(encode(first.rows, first.graph, variant), variant)
    assert without_header(again) == without_header(first)
    assert again.graph == first.graph


@given(
    st.lists(rows | spaced_rows | generics.map(lambda row: row_of(row, EVERYTHING)), max_size=6), st.data()
)
def test_an_array_in_any_layout_is_read_and_settles_into_one(lines: list[bytes], data: st.DataObject) -> None:
    spaces = st.sampled_from([b"", b" ", b"\n", b"\r\n\t"])
    parts = [data.draw(spaces) + line + data.draw(spaces) for line in lines]
    first = read(data.draw(spaces) + b"[" + b",".join(parts) + b"]" + data.draw(spaces), "json-array")
    assert first.whole
    assert len(first.rows) == len(lines)
    again = read(encode(first.rows, first.graph, "json-array"), "json-array")
    assert again == first


def without_header(decoded: Decoded) -> list[Row]:
    return [row for row in decoded.rows if row.raw != AIM_HEADER]


@given(any_graphs, any_graphs, variants)
def test_knowing_rows_changes_no_answer(old: Graph, new: Graph, variant: str) -> None:
    standing = read(encode((), old, variant), variant)
    data = encode(standing.rows, new, variant)
    assert read(data, variant, standing.rows) == read(data, variant)


def test_a_known_row_is_not_parsed_again() -> None:
    marker = Entity("looked up", "t")
    before = Rows.of([b"not even JSON"], [marker])
    decoded = read(b"not even JSON\n{}", "jsonl", before)
    assert decoded.whole
    assert list(decoded.graph) == [marker]


# --- never falling over ------------------------------------------------------------------------------


WHOLE = b'{"type":"entity","name":"a","entityType":"t","observations":["x"]}'
GRAPH = b'{"entities":[],"relations":[]}'
MARKERS = [b"<<<<<<< a\n", b"|||||||\n", b"=======\n", b">>>>>>> b\n"]
PARTS = [
    b'{"type":"entity"',
    b'"name":"a",',
    b'"id":1',
    b"{}",
    WHOLE,
    GRAPH,
    b"\xed\xa0\xbd",
    b"\xef\xbb\xbf",
]
scraps = st.sampled_from([*PARTS, *MARKERS]) | st.sampled_from(b'{}[],"\n\r\\\xff\0 0').map(
    lambda n: bytes([n])
)
wreckage = st.lists(scraps | st.binary(max_size=3), max_size=25).map(b"".join)


@given(wreckage, variants)
def test_no_bytes_make_anything_fall_over(data: bytes, variant: str) -> None:
    assert isinstance(decode(data, variant), Decoded | TooLarge)
    assert detect(data) in {*VARIANTS, READ_GRAPH}
    read_import(data)
    rescued = salvage(data, variant)
    mended = read(rescued.clean, variant)
    assert mended.whole
    assert mended.graph == rescued.graph


@given(wreckage, variants)
def test_repairing_twice_repairs_nothing_more(data: bytes, variant: str) -> None:
    once = salvage(data, variant)
    twice = salvage(once.clean, variant)
    assert twice.clean == once.clean
    assert twice.quarantined == ()


@given(wreckage, variants)
def test_what_a_reader_understands_is_never_lost_in_a_repair(data: bytes, variant: str) -> None:
    assume(b"|||||||" not in data)
    decoded = read(data, variant)
    assert decoded.graph.items() - salvage(data, variant).graph.items() <= types_of(decoded.graph)


def types_of(graph: Graph) -> set[tuple[object, ...]]:
    """Of two rows with one name the first gives the type, and a repair may find an earlier row."""
    return {item for item in graph.items() if item[0] in ("t", "f")}


@given(
    st.lists(plain_entities | plain_relations, min_size=1, max_size=6, unique_by=lambda record: record.key),
    st.binary(max_size=30).filter(lambda bad: b"\n" not in bad),
    st.integers(0, 6),
    line_variants,
)
def test_one_bad_line_never_hides_another(records: list[Record], bad: bytes, at: int, variant: str) -> None:
    lines = [row_of(record, EVERYTHING) for record in records]
    lines.insert(at, bad)
    decoded = read(b"\n".join(lines), variant)
    assert Graph.of(records).items() <= decoded.graph.items()
    assert {(found.line, found.raw) for found in decoded.damage} <= {(min(at, len(records)) + 1, bad)}


@given(
    st.lists(rich_entities | generics, min_size=1, max_size=5, unique_by=lambda record: record.key),
    st.sampled_from([b'{"broken', b"{]", b'{"a":1}}', b"nul", b"{} {}", b"\xff", b"'x'"]),
    st.integers(0, 5),
)
def test_one_bad_element_never_hides_another(records: list[Record], bad: bytes, at: int) -> None:
    lines = [row_of(record, EVERYTHING) for record in records]
    lines.insert(at, bad)
    decoded = read(b"[\n" + b",\n".join(lines) + b"\n]", "json-array")
    assert not decoded.whole
    assert Graph.of(records).items() <= decoded.graph.items()


# --- the two ways of reading and of writing agree -----------------------------------------------------


@given(rich_entities | rich_relations | generics)
def test_the_quick_way_of_reading_agrees_with_the_strict_one(record: Record) -> None:
    raw = row_of(record, EVERYTHING)
    slowly = record_of(parse(raw), EVERYTHING)
    assert read_row(raw, EVERYTHING, Limits()) == slowly
    assert slowly == record


@given(st.builds(Entity, names, names, observations))
def test_the_quick_way_of_writing_agrees_with_the_long_one(entity: Entity) -> None:
    standing = b'{"type":"entity","name":"","entityType":"","observations":null}'
    assert row_of(entity, EVERYTHING) == row_of(entity, EVERYTHING, standing)


@given(st.builds(Entity, names, names, observations), st.builds(Entity, names, names, observations))
def test_the_quick_way_of_writing_anew_agrees_with_the_long_one(standing: Entity, entity: Entity) -> None:
    """A member that stays has the row written the long way."""
    raw, member = stringified(standing).encode(errors="surrogatepass"), b',"x":1}'
    written = row_of(entity, PLAIN, raw)
    assert row_of(entity, PLAIN, raw[:-1] + member) == written[:-1] + member


@given(values)
def test_canonical_text_reads_back_as_the_value_it_was_made_of(value: object) -> None:
    text = canonical(value)  # type: ignore[arg-type]
    assert canonical(parse(text)) == text
    assert compact(parse(text)) == text
    assert "\n" not in text


@given(st.dictionaries(texts, values, max_size=5))
def test_canonical_keys_stand_in_the_order_of_their_code_units(members: dict[str, object]) -> None:
    found = parse(canonical(members))  # type: ignore[arg-type]
    assert isinstance(found, dict)
    order = [key.encode("utf-16-be", "surrogatepass") for key in found]
    assert order == sorted(order)
    assert canonical_object({key: canonical(value) for key, value in found.items()}) == canonical(found)


def test_keys_are_ordered_by_code_unit_and_not_by_code_point() -> None:
    assert canonical({"\uff61": 1, "\U0001f600": 2, "a": 3}) == '{"a":3,"\U0001f600":2,"\uff61":1}'


@given(texts)
def test_a_quoted_string_reads_back(text: str) -> None:
    assert parse(quoted(text)) == text
    assert quoted(text).encode("utf-8")


def test_numbers_are_never_altered() -> None:
    text = '{"a":[18446744073709551617,1.10,-0,1E400,0.1e-7]}'
    assert compact(parse(text)) == text


@given(any_graphs, variants)
def test_detection_is_stable(graph: Graph, written_as: str) -> None:
    data = encode((), graph, written_as)
    variant = detect(data)
    decoded = read(data, variant)
    assert decoded.whole
    assert detect(encode(decoded.rows, decoded.graph, variant)) == variant
    assert decoded.graph == projected(graph, written_as)
