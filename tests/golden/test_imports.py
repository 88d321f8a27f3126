"""Foreign files, among them those of the older tool whose defects are pinned here as ours never to have."""

import json

from memsync_git.formats.detecting import READ_GRAPH, detect
from memsync_git.formats.importing import Note, read_import
from memsync_git.model import Entity, Generic, Relation

ENTITY = {"name": "a", "entityType": "t", "observations": ["x"]}
RELATION = {"from": "a", "to": "b", "relationType": "r"}


def dump(value: object, **options: object) -> bytes:
    return json.dumps(value, **options).encode()  # type: ignore[arg-type]


def test_ten_entities_and_five_relations_without_ids_are_fifteen_records() -> None:
    rows = [{"type": "entity", **ENTITY, "name": f"e{n}"} for n in range(10)]
    rows += [{"type": "relation", **RELATION, "to": f"e{n}"} for n in range(5)]
    as_lines = read_import(b"\n".join(map(dump, rows)))
    as_array = read_import(dump(rows))
    as_stream = read_import(b"\n".join(dump(row, indent=2) for row in rows))
    for imported in (as_lines, as_array, as_stream):
        assert len(imported.graph) == 15
        assert imported.unreadable == ()
    assert as_lines.graph == as_array.graph == as_stream.graph


def test_observations_of_rows_with_one_name_are_joined_and_none_is_dropped() -> None:
    rows = [{"type": "entity", **ENTITY, "observations": ["x", f"from {host}"]} for host in "AB"]
    assert list(read_import(dump(rows)).graph) == [Entity("a", "t", ("x", "from A", "from B"))]


def test_rows_without_an_id_have_the_same_identity_at_every_import() -> None:
    first = read_import(dump([{"content": "one"}, {"content": "two"}]))
    again = read_import(dump([{"content": "two"}, {"content": "one"}, {"content": "two"}]))
    assert first.graph == again.graph
    assert len(first.graph) == 2


def test_stamps_of_the_older_tool_become_notes_and_no_part_of_the_memory() -> None:
    rows = [
        {
            "type": "entity",
            **ENTITY,
            "_sync_metadata": {"host": "h1", "timestamp": 1763637000, "id": "h1_a_1"},
        },
        {"id": "m1", "content": "c", "_crdt_metadata": {"host": "h2", "timestamp": "2025-01-01T00:00:00Z"}},
        {"id": "m2", "content": "d", "_metadata": {"timestamp": "yesterday"}},
        {"id": "m3", "_sync_metadata": "broken"},
    ]
    imported = read_import(dump(rows))
    assert list(imported.graph) == [
        Entity("a", "t", ("x",)),
        Generic("m1", {"content": '"c"'}),
        Generic("m2", {"content": '"d"'}),
        Generic("m3"),
    ]
    assert imported.notes == (
        Note(("e", "a"), "h1", "1763637000"),
        Note(("r", "m1"), "h2", "2025-01-01T00:00:00Z"),
        Note(("r", "m2"), "", "yesterday"),
    )


def test_two_stampings_of_one_row_are_one_row() -> None:
    rows = [{"content": "c", "_sync_metadata": {"host": host, "timestamp": "1"}} for host in ("h1", "h2")]
    imported = read_import(dump(rows))
    assert len(imported.graph) == 1
    assert [note.host for note in imported.notes] == ["h1", "h2"]


def test_the_head_of_a_history_file_is_no_row() -> None:
    imported = read_import(dump([{"_metadata": {"total": 1}}, {"id": "m1", "content": "c"}]))
    assert list(imported.graph) == [Generic("m1", {"content": '"c"'})]
    assert imported.notes == ()


def test_a_read_graph_answer_is_imported_in_any_layout() -> None:
    answer = {"entities": [ENTITY], "relations": [RELATION]}
    for data in (dump(answer), dump(answer, indent=2), b"\xef\xbb\xbf" + dump(answer, indent="\t")):
        assert detect(data) == READ_GRAPH
        assert list(read_import(data).graph) == [Entity("a", "t", ("x",)), Relation("a", "b", "r")]


def test_fields_objects_and_unknown_rows_are_kept() -> None:
    rows = [
        {"type": "entity", **ENTITY, "observations": [{"b": 1, "a": 2}], "tags": ["k"]},
        {"type": "_other"},
    ]
    imported = read_import(dump(rows))
    entity, other = imported.graph
    assert entity.fields == {"tags": '["k"]'}
    assert isinstance(other, Generic)
    assert other.fields == {"type": '"_other"'}


def test_what_cannot_be_read_is_named_and_hides_nothing() -> None:
    good = dump({"type": "entity", **ENTITY})
    imported = read_import(
        b"\n".join([b"{broken", good, b"7", good[:-5], dump({"type": "relation", **RELATION})])
    )
    assert [bad.line for bad in imported.unreadable] == [1, 3, 4]
    assert len(imported.graph) == 2
