"""Versions of a file that share what they have in common say, and become, what each does read from scratch.

The files are long and their rows short: stretches have hundreds of lines; changes fall between and into them.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.formats import AIM_HEADER, Decoded, Rows, TooLarge, amend, decode, encode, settle
from memsync_git.formats.arranging import step_to
from memsync_git.formats.lying import Patched, Place
from memsync_git.formats.reading import read_again
from memsync_git.formats.standing import MOST_BY_ITSELF, Gathering, KeptLines
from memsync_git.formats.variants import DEFAULT_LIMITS, VARIANTS
from memsync_git.formats.writing import row_of
from memsync_git.model import EVERYTHING, Entity, Graph, Projection, Record, RecordKey, Relation
from memsync_git.stretches import (
    LINES_TOGETHER,
    MOST_REMEMBERED,
    Amended,
    Order,
    Records,
    Step,
    Stretched,
    differing,
    entity_order,
    in_order,
    last_of,
    whole,
)

LENGTH = 2 * LINES_TOGETHER + 90
LINE_VARIANTS = [name for name in VARIANTS if name != "json-array"]


def row(record: Record) -> bytes:
    return row_of(record, EVERYTHING)


ENTITIES = [row(Entity(f"e{at}", "t")) for at in range(LENGTH)]
RELATIONS = [row(Relation(f"e{at}", "e0", "r")) for at in range(40)]

places = st.integers(0, LENGTH)
names = st.integers(0, LENGTH + 3).map(lambda at: f"e{at}")
new_rows = st.one_of(
    st.builds(Entity, names, st.sampled_from("tu"), st.sampled_from([(), ("x",), ("x", "y")])).map(row),
    st.builds(Relation, names, names, st.just("r")).map(row),
    st.sampled_from([b"", b" \r", b'{"type":"other"}', AIM_HEADER]),
)
edits = st.tuples(places, st.sampled_from([0, 0, 1, 1, 2, 70, 300]), st.lists(new_rows, max_size=3))


def edited(lines: Sequence[bytes], edit: tuple[int, int, list[bytes]]) -> list[bytes]:
    """The lines with some others in the place of a few of them."""
    at, gone, come = edit
    return [*lines[:at], *come, *lines[at + gone :]]


def read(data: bytes, variant: str, before: Rows | None = None) -> Decoded:
    decoded = decode(data, variant, before=before)
    assert isinstance(decoded, Decoded)
    return decoded


def plain(graph: Graph) -> dict[RecordKey, Record]:
    """A graph that shares nothing with any other."""
    return Graph.of(list(graph)).records  # type: ignore[return-value]


def assert_same_reading(one: Decoded, other: Decoded) -> None:
    """Two readings of one file, whatever they share with others."""
    assert one.rows == other.rows
    assert one.damage == other.damage
    assert list(one.graph.records) == list(other.graph.records)
    assert_same_records(one.graph.records, plain(other.graph))
    assert entity_order(one.graph.records) == entity_order(plain(other.graph))


def assert_same_records(one: Records, other: dict[RecordKey, Record]) -> None:
    assert dict(one.items()) == other
    assert len(one) == len(other)
    assert last_of(one) == last_of(other)
    some = [*list(other)[::50], ("e", "nobody")]
    assert [one.get(key) for key in some] == [other.get(key) for key in some]
    assert [key in one for key in some] == [key in other for key in some]
    assert in_order(one, set(some)) == in_order(other, set(some))


@given(st.lists(edits, min_size=1, max_size=5), st.sampled_from(LINE_VARIANTS))
def test_a_version_read_after_another_is_read_as_if_from_scratch(story: list, variant: str) -> None:
    lines = [*([AIM_HEADER] if variant == "aim" else []), *ENTITIES, *RELATIONS]
    decoded = read(b"\n".join(lines), variant)
    for edit in story:
        lines, before = edited(lines, edit), decoded
        data = b"\n".join(lines)
        decoded = read(data, variant, before.rows)
        assert_same_reading(decoded, read(data, variant))
        assert decoded.rows.text == data
        assert_differing(decoded.graph.records, before.graph.records)
        assert_apart(entity_order(before.graph.records), entity_order(decoded.graph.records))


def assert_differing(one: Records, other: Records) -> None:
    """A comparison of what is shared finds what one of everything finds."""
    mine, theirs = dict(one.items()), dict(other.items())
    wanted = {key: (record, theirs.get(key)) for key, record in mine.items() if theirs.get(key) != record}
    wanted |= {key: (None, record) for key, record in theirs.items() if key not in mine}
    assert {key: (new, old) for key, new, old in differing(one, other)} == wanted
    back = Amended(one, {key: old for key, (_, old) in wanted.items()})
    assert_same_records(Amended(one, {}), mine)
    assert whole(back) == theirs
    assert len(back) == len(theirs)
    assert not list(differing(back, other))
    assert {key for key, _, _ in differing(one, back)} == wanted.keys()
    assert {key for key, _, _ in differing(back, one)} == wanted.keys()


def assert_apart(before: Order, now: Order) -> None:
    """Where two orders differ is all it takes to make one of the other."""
    apart = now.apart(before)
    spliced = now.spliced(apart.at, len(apart.mine), apart.theirs)
    assert tuple(spliced) == tuple(before)
    assert len(spliced) == len(before)


@given(edits)
def test_what_did_not_change_is_shared(edit: tuple[int, int, list[bytes]]) -> None:
    before = read(b"\n".join([*ENTITIES, *RELATIONS]), "jsonl")
    decoded = read(b"\n".join(edited([*ENTITIES, *RELATIONS], (edit[0], 1, edit[2]))), "jsonl", before.rows)
    new = [lines for lines in decoded.rows.parts if lines not in before.rows.parts]
    assert len(new) <= 2
    assert isinstance(decoded.graph.records, Stretched)


@given(st.lists(st.tuples(places, st.booleans()), max_size=40))
def test_many_small_changes_leave_no_crumbs(story: list[tuple[int, bool]]) -> None:
    lines = list(ENTITIES)
    rows = read(b"\n".join(lines), "jsonl").rows
    for number, (at, is_gone) in enumerate(story):
        lines = edited(lines, (at, 60, []) if is_gone else (at, 0, [row(Entity(f"n{number}", "t"))]))
        rows = read(b"\n".join(lines), "jsonl", rows).rows
    assert len(rows.parts) <= 1 + len(lines) // (LINES_TOGETHER // 4)


steps = st.lists(
    st.one_of(
        st.tuples(names, st.none()),
        st.tuples(names, st.sampled_from("tu")),
    ),
    max_size=12,
)


@given(st.lists(edits, max_size=2), steps, st.sampled_from(sorted(VARIANTS)))
def test_a_step_writes_what_writing_the_whole_graph_writes(story: list, said: list, variant: str) -> None:
    lines = [*ENTITIES, *RELATIONS]
    for edit in story:
        lines = edited(lines, edit)
    standing = read(_in(variant, lines), variant)
    wanted = plain(standing.graph)
    for name, kind in said:
        wanted.pop(("e", name), None)
        if kind is not None:
            wanted[("e", name)] = Entity(name, kind, ("new",))
    step = {key: now for key, _, now in differing(standing.graph.records, wanted)}
    step = {key: wanted.get(key) for key in [*(key for key in wanted if key in step), *step]}
    amended = amend(standing.rows, step, variant, DEFAULT_LIMITS)
    assert isinstance(amended, tuple)
    pieces, decoded = amended
    data = b"".join(pieces)
    assert data == bytes(pieces) == encode(list(standing.rows), Graph(wanted), variant)
    assert_same_reading(decoded, read(data, variant))
    settle(decoded, data)
    assert_same_reading(decoded, read(data, variant))
    if variant in LINE_VARIANTS:
        assert_held_once(decoded.rows, data)
    again = amend(standing.rows, step_to(standing.rows, Graph(wanted)), variant, DEFAULT_LIMITS)
    assert isinstance(again, tuple)
    assert bytes(again[0]) == data


def assert_held_once(rows: Rows, data: bytes) -> None:
    """All lines lie in the bytes of the file, and say what stood there."""
    at = 0
    for lines in rows.parts:
        assert lines.lies_in(data, at)
        assert lines.text == data[at : at + lines.size]
        at += lines.size + 1


def kept(rows: Rows, read_texts: list[bytes]) -> Rows:
    """The same rows as an earlier process left them; `read_texts` grows by what is read of them."""

    def read_noted(text: bytes, projection: Projection) -> Sequence[Record | None]:
        read_texts.append(text)
        return read_again(text, projection)

    return Rows(
        KeptLines(
            lines.text,
            {key: at for at, key in enumerate(lines.keys)},
            lines.blanks,
            lines.projection,
            read_noted,
        )
        for lines in rows.parts
    )


@given(
    st.lists(edits, max_size=2),
    st.lists(st.tuples(steps, st.booleans()), min_size=1, max_size=3),
    st.sampled_from(LINE_VARIANTS),
)
def test_steps_over_lines_nobody_has_read_write_what_they_write_over_read_ones(
    story: list, several: list, variant: str
) -> None:
    lines = [*ENTITIES, *RELATIONS]
    for edit in story:
        lines = edited(lines, edit)
    standing = read(_in(variant, lines), variant).rows
    unread = kept(standing, [])
    for said, is_settled in several:
        step: Step = {("e", name): kind and Entity(name, kind, ("new",)) for name, kind in said}
        amended = [amend(rows, step, variant, DEFAULT_LIMITS) for rows in (standing, unread)]
        assert not any(isinstance(each, TooLarge) for each in amended)
        (pieces, decoded), (other_pieces, other) = amended  # type: ignore[misc]
        data = b"".join(pieces)
        assert bytes(other_pieces) == data
        if is_settled:
            settle(other, data)
        assert other.rows.text == data
        standing, unread = decoded.rows, other.rows
        assert unread.said.among(step.keys()) == {
            key: decoded.graph.records[key] for key in step if key in decoded.graph.records
        }
    assert_same_reading(other, read(data, variant))


def test_a_scattered_step_reads_the_lines_it_changes_and_no_others() -> None:
    read_texts: list[bytes] = []
    rows = kept(read(b"\n".join(ENTITIES), "jsonl").rows, read_texts)
    names = [f"e{at}" for at in range(0, LENGTH, 90)]
    step: Step = {("e", name): Entity(name, "t", ("new",)) for name in names}
    amended = amend(rows, step, "jsonl", DEFAULT_LIMITS)
    assert isinstance(amended, tuple)
    assert sorted(read_texts) == sorted(row(Entity(name, "t")) for name in names)
    assert amended[1].rows.said.among(step.keys()) == step
    assert len(read_texts) == len(names)


def test_steps_that_change_another_line_each_time_never_come_to_read_all_lines() -> None:
    read_texts: list[bytes] = []
    rows = kept(read(b"\n".join(ENTITIES), "jsonl").rows, read_texts)
    for at in range(2 * MOST_BY_ITSELF):
        amended = amend(rows, {("e", f"e{at}"): Entity(f"e{at}", "t", ("new",))}, "jsonl", DEFAULT_LIMITS)
        assert isinstance(amended, tuple)
        rows = amended[1].rows
    assert sorted(read_texts) == sorted(ENTITIES[: 2 * MOST_BY_ITSELF])


def test_where_records_are_is_found_though_very_many_were_looked_for() -> None:
    records = read(b"\n".join(ENTITIES), "jsonl").graph.records
    assert isinstance(records, Stretched)
    few = {("e", "e7"), ("e", "nobody")}
    for many in (MOST_REMEMBERED - 1, 2 * MOST_REMEMBERED):
        assert not records.among({("e", f"nobody {at}") for at in range(many)})
        assert records.among(few) == {("e", "e7"): Entity("e7", "t")}


def _in(variant: str, lines: list[bytes]) -> bytes:
    """The same rows as a file of a variant."""
    if variant == "json-array":
        return b"[\n" + b",\n".join(line for line in lines if line.strip()) + b"\n]"
    return b"\n".join([AIM_HEADER, *lines] if variant == "aim" else lines)


@given(st.lists(st.integers(1, 3 * LINES_TOGETHER), max_size=4))
def test_lines_are_put_together_evenly(counts: list[int]) -> None:
    gathering = Gathering(EVERYTHING)
    for number, count in enumerate(counts):
        gathering.add([b"%d" % number] * count, [None] * count)
    parts = gathering.finished()
    assert sum(map(len, parts)) == sum(counts)
    assert all(len(lines) <= LINES_TOGETHER * 3 // 2 for lines in parts)


def test_rows_of_one_key_in_two_stretches_are_joined() -> None:
    twin = row(Entity("e0", "late", ("x",)))
    before = read(b"\n".join(ENTITIES), "jsonl")
    decoded = read(b"\n".join([*ENTITIES, twin]), "jsonl", before.rows)
    assert decoded.graph.records[("e", "e0")] == replace(Entity("e0", "t"), observations=("x",))
    again = read(b"\n".join(ENTITIES), "jsonl", decoded.rows)
    assert_same_reading(again, before)


scattered = st.lists(st.tuples(names, st.sampled_from("tu")), min_size=1, max_size=30)


@given(st.lists(st.tuples(st.one_of(edits, scattered), st.lists(names, max_size=20)), min_size=1, max_size=5))
def test_what_was_looked_for_before_is_found_where_it_is_now(story: list) -> None:
    version = read(b"\n".join([*ENTITIES, *RELATIONS]), "jsonl")
    versions = [version]
    for change, asked in story:
        keys = [("e", name) for name in asked]
        for each in versions:
            records = each.graph.records
            assert isinstance(records, Stretched)
            afresh = Stretched(records.stretches)
            assert records.among(set(keys)) == afresh.among(set(keys))
            assert [records.get(key) for key in keys] == [afresh.get(key) for key in keys]
        version = changed(version, change)
        versions.append(version)
    said, ever = version.graph.records, set().union(*(whole(each.graph.records) for each in versions))
    assert {key: said.get(key) for key in ever} == {key: whole(said).get(key) for key in ever}


def changed(version: Decoded, change: tuple | list) -> Decoded:
    """The version after an edit of a server, or a step of ours."""
    if isinstance(change, tuple):
        lines = edited(version.rows.text.split(b"\n"), change)
        return read(b"\n".join(lines), "jsonl", version.rows)
    step: Step = {("e", name): Entity(name, kind, ("noted",)) for name, kind in change}
    amended = amend(version.rows, step, "jsonl", DEFAULT_LIMITS)
    assert isinstance(amended, tuple)
    return amended[1]


rows_of_bytes = st.lists(st.binary(max_size=5).filter(lambda raw: b"\n" not in raw), min_size=1, max_size=30)


@given(rows_of_bytes, st.binary(max_size=4), st.data())
def test_new_lines_among_others_are_what_all_lines_joined_are(
    raws: list[bytes], around: bytes, data: st.DataObject
) -> None:
    text = b"\n".join(raws)
    place = Place(around + text + around, len(around), len(around) + len(text))
    lengths = array("L")
    for _ in range(3):
        some = data.draw(st.sets(st.integers(0, len(raws) - 1)))
        cut = place.cut(some, lengths)
        assert cut.raws == {at: raws[at] for at in some}
        new = {at: data.draw(st.sampled_from([b"", b"new", b"a longer one"])) for at in some}
        raws = [new.get(at, raw) for at, raw in enumerate(raws)]
        assert list(lengths) == [len(cut_out) for cut_out in place.text.split(b"\n")[: len(lengths)]]
        place = cut.patched(new)
        for at, raw in new.items():
            lengths[at] = len(raw)
        assert place.text == b"".join(place.pieces()) == b"\n".join(raws)
        assert place.size == len(place.text)
        assert isinstance(place.data, Patched)
        assert place.data.new == new
