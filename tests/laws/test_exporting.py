"""An export says all it has room for, and importing it again adds nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.cli.export import LAYOUTS as OFFERED
from memsync_git.formats import canonical
from memsync_git.formats.exporting import LAYOUTS, exported, row_id
from memsync_git.formats.importing import read_import
from memsync_git.model import Entity, Generic, Graph, Record, Relation, Verbatim

texts = st.text(max_size=12) | st.sampled_from(["id", "\u2028", "\ud83d", "entity:a", 'quo"te', ""])
values = st.sampled_from([canonical(value) for value in ("v", 1, None, ["a", {"b": True}], "entity:a")])
names = st.sampled_from(["createdAt", "tags", "id", "content"])
fields = st.dictionaries(names, values, max_size=3)
observations = texts | st.sampled_from([Verbatim(canonical({"content": "c"}))])
entities = st.builds(Entity, texts, texts, st.lists(observations, max_size=3, unique=True).map(tuple), fields)
relations = st.builds(Relation, texts, texts, texts, fields)
generics = st.builds(
    Generic,
    texts.map(lambda text: f"mem {text}"),
    st.dictionaries(st.sampled_from(["content", "tags"]), values),
)
graphs = st.lists(entities | relations | generics, max_size=6).map(Graph.of)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(graph=graphs)
def test_importing_what_was_exported_adds_nothing(layout: str, graph: Graph) -> None:
    made = exported(graph, layout)
    read = read_import(made.data)
    assert read.unreadable == ()
    expected = {_without_own_id(record) for record in map(_hashable, made.graph)}
    assert {_without_own_id(record) for record in map(_hashable, read.graph)} == expected
    assert made.left_out == len(graph.items()) - len(made.graph.items())


def _hashable(record: Record) -> tuple[tuple[str, ...], object, frozenset[object], frozenset[object]]:
    kind = record.type if isinstance(record, Entity) else None
    said = frozenset(record.observations) if isinstance(record, Entity) else frozenset()
    return record.key, kind, said, frozenset(record.fields.items())


def _without_own_id(record: tuple) -> tuple:
    """A field `id` that says just what an export says is taken for that: the one thing it cannot tell."""
    key, kind, said, found = record
    own = ("id", canonical(f"entity:{key[1]}"))
    return key, kind, said, frozenset(found - {own})


@given(graph=graphs)
def test_an_array_holds_everything_and_each_row_has_an_id_of_its_own(graph: Graph) -> None:
    made = exported(graph, "json-array")
    assert made.left_out == 0
    assert all("id" in row for row in json.loads(made.data))
    assert len({row_id(record) for record in graph}) == len(graph)


def test_an_array_and_a_whole_graph_never_stand_on_one_line() -> None:
    """On one line the official server would read an empty memory from it."""
    for graph in (Graph(), Graph.of([Entity("a", "t", ("x",))])):
        for layout in ("json-array", "read-graph"):
            assert b"\n" in exported(graph, layout).data.strip()


def test_the_command_line_offers_every_layout_and_the_official_one_first() -> None:
    assert set(OFFERED) == set(LAYOUTS)
    assert OFFERED[0] == "jsonl"
