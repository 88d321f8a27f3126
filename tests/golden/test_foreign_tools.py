"""Every source of `import`, by one suite over all rows, on files of their tools (fixtures/README.md)."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from memsync_git.formats.importing import Imported
from memsync_git.importers import SOURCES, Source, read_source
from memsync_git.importers.entities import as_entities
from memsync_git.importers.memory_service import content_hash_of
from memsync_git.importers.older_tool import combined, is_file
from memsync_git.model import Entity, Generic, Graph, Relation

FIXTURES = Path(__file__).parents[2] / "fixtures"
FOREIGN = FIXTURES / "foreign"
TEA = "Alice prefers tea over coffee"
MISTAKE = "This one was a mistake"


def unpacked(name: str) -> bytes:
    return gzip.decompress((FOREIGN / name).read_bytes())


def older_tool() -> dict[str, bytes]:
    folder = FOREIGN / "older-tool"
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {path: (folder / path).read_bytes() for path in paths if is_file(path)}


SAMPLES: dict[str, Callable[[], bytes]] = {
    "SQLite database of mcp-memory-service": lambda: unpacked("memory-service.db.gz"),
    "SQLite database of ContextFS": lambda: unpacked("contextfs.db.gz"),
    "JSON export of mcp-memory-service": (FOREIGN / "memory-service.json").read_bytes,
    "memory file, JSON array, read_graph object, file of the older tool": lambda: older_tool()[
        "memory-desk.json"
    ],
}


def texts(imported: Imported) -> set[str]:
    """The texts of the memories that are no rows of a graph."""
    return {json.loads(each.fields["content"]) for each in imported.graph if "content" in each.fields}


@pytest.fixture(params=SOURCES, ids=lambda source: source.title)
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = request.param
    return found


class TestEverySource:
    def test_it_has_a_sample_that_its_tool_wrote(self, source: Source) -> None:
        assert source.title in SAMPLES

    def test_it_knows_its_own_sample_and_no_other_source_does_before_it(self, source: Source) -> None:
        data = SAMPLES[source.title]()
        answers = [each.title for each in SOURCES if each.recognise(data) is not None]
        assert answers[0] == source.title
        assert set(answers[1:]) <= {SOURCES[-1].title}

    def test_it_reads_its_sample_whole_and_the_same_at_every_reading(self, source: Source) -> None:
        data = SAMPLES[source.title]()
        first, again = source.read(data), source.read(data)
        assert first.unreadable == ()
        assert len(first.graph) > 0
        assert first.graph == again.graph
        assert read_source(data)[1].graph == first.graph

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_file_that_was_cut_off_is_named_and_never_raises(self, source: Source, share: float) -> None:
        data = SAMPLES[source.title]()
        cut = source.read(data[: int(len(data) * share)])
        assert cut.unreadable or len(cut.graph) < len(source.read(data).graph)

    def test_bytes_that_were_altered_never_raise(self, source: Source) -> None:
        chance = random.Random(5)
        data = SAMPLES[source.title]()
        for _ in range(12):
            altered = bytearray(data)
            for _ in range(20):
                altered[chance.randrange(min(len(altered), 40_000))] = chance.randrange(256)
            source.recognise(bytes(altered))
            source.read(bytes(altered))

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\x00" * 5000,
            b"SQLite format 3\x00",
            b"SQLite format 3\x00" + b"\xff" * 5000,
            b"[" * 5000,
            b"{}",
        ],
        ids=["nothing", "NUL", "a head", "a head and noise", "brackets", "an empty object"],
    )
    def test_anything_else_is_read_without_a_memory(self, source: Source, data: bytes) -> None:
        source.recognise(data)
        assert not [each for each in source.read(data).graph if not isinstance(each, Generic) or each.fields]


# --- mcp-memory-service


def test_the_export_and_the_database_of_one_service_are_the_same_memories() -> None:
    export = read_source((FOREIGN / "memory-service.json").read_bytes())[1]
    database = read_source(unpacked("memory-service.db.gz"))[1]
    assert export.graph == database.graph
    assert len(export.graph) == 3


def test_a_memory_of_the_service_is_known_by_the_hash_of_its_text_made_again_here() -> None:
    graph = read_source(unpacked("memory-service.db.gz"))[1].graph
    tea = graph.records["r", content_hash_of(TEA)]
    assert tea.fields["tags"] == '["alice","drinks"]'
    assert tea.fields["memory_type"] == '"observation"'
    assert tea.fields["metadata"] == '{"source":"chat"}'
    export = json.loads((FOREIGN / "memory-service.json").read_bytes())
    claimed = {memory["content_hash"] for memory in export["memories"]}
    assert {("r", each) for each in claimed} == set(graph.records)
    for memory in export["memories"]:
        memory["content_hash"] = "0" * 64
    assert read_source(json.dumps(export).encode())[1].graph == graph


def test_a_tombstone_is_counted_and_left_out() -> None:
    service = read_source(unpacked("memory-service.db.gz"))[1]
    assert service.deleted == 1
    assert MISTAKE not in texts(service)
    contextfs = read_source(unpacked("contextfs.db.gz"))[1]
    assert contextfs.deleted == 2, "a memory, and the edge that ended at it"
    assert "Taken back" not in texts(contextfs)


def test_a_memory_without_a_text_is_named_and_hides_nothing() -> None:
    export = json.loads((FOREIGN / "memory-service.json").read_bytes())
    export["memories"][1] = {"content": 7}
    export["memories"].append("nothing")
    imported = read_source(json.dumps(export).encode())[1]
    assert len(imported.graph) == 2
    assert [(each.line, imported.counts) for each in imported.unreadable] == [(2, "Memory"), (4, "Memory")]


# --- ContextFS


def test_memories_of_contextfs_keep_their_id_their_fields_and_their_vector_clock() -> None:
    graph = read_source(unpacked("contextfs.db.gz"))[1].graph
    memories = [each for each in graph if "content" in each.fields]
    assert {json.loads(each.fields["content"]) for each in memories} == {
        "Deploys run from the main branch",
        "We chose SQLite for the store",
    }
    deploys = next(each for each in memories if "vector_clock" in each.fields)
    assert json.loads(deploys.fields["vector_clock"]) == {"laptop-0a1b2c3d4e5f": 2, "desk-5e4d3c2b1a00": 1}
    assert json.loads(deploys.fields["summary"]) == "where deploys run"
    assert deploys.fields["namespace_id"] == '"global"'


def test_an_edge_of_contextfs_keeps_its_ends_and_its_weight() -> None:
    graph = read_source(unpacked("contextfs.db.gz"))[1].graph
    (edge,) = [each for each in graph if "relation" in each.fields]
    assert (edge.fields["relation"], edge.fields["weight"]) == ('"references"', "0.5")
    assert ("r", json.loads(edge.fields["from_id"])) in graph
    assert ("r", json.loads(edge.fields["to_id"])) in graph


# --- as entities


def test_memories_as_entities_say_what_they_said_and_drop_no_field() -> None:
    graph = read_source(unpacked("contextfs.db.gz"))[1].graph
    mapped = as_entities(graph)
    entities = [each for each in mapped if isinstance(each, Entity)]
    (relation,) = [each for each in mapped if isinstance(each, Relation)]
    assert len(entities) == 2
    assert {relation.source, relation.target} == {each.name for each in entities}
    deploys = next(each for each in entities if each.type == "fact")
    assert deploys.observations == (
        "Deploys run from the main branch",
        "summary: where deploys run",
        "tag: deploy",
    )
    used = {"content", "summary", "tags", "type"}
    before = next(each for each in graph if "summary" in each.fields)
    assert dict(deploys.fields) == {name: text for name, text in before.fields.items() if name not in used}
    assert relation.fields["weight"] == "0.5"


def test_what_is_a_row_of_a_graph_stays_as_it_is_as_an_entity() -> None:
    graph = Graph.of([Entity("a", "t", ("x",)), Relation("a", "b", "r"), Generic("m", {"content": '"c"'})])
    assert list(as_entities(graph)) == [
        Entity("a", "t", ("x",)),
        Relation("a", "b", "r"),
        Entity("memory m", "memory", ("c",)),
    ]


# --- the older tool


def test_a_repository_of_the_older_tool_is_one_memory_with_the_newest_fields() -> None:
    imported = combined(older_tool())
    assert imported.unreadable == ()
    graph = imported.graph
    alice = graph.records["e", "Alice"]
    assert isinstance(alice, Entity)
    assert set(alice.observations) == {"likes tea", "plays go"}
    assert ("l", "Alice", "Oslo", "lives_in") in graph
    assert {key[1] for key in graph.records if key[0] == "r"} == {"mem_0", "mem_1", "memory_7"}
    assert graph.records["r", "mem_1"].fields["content"] == '"The printer is on the third floor"'
    assert {note.host for note in imported.notes} >= {"laptop", "desk"}


def test_the_order_of_the_files_decides_nothing() -> None:
    files = older_tool()
    backwards = dict(reversed(files.items()))
    assert combined(files).graph == combined(backwards).graph
    renamed = {f"memory-{number}.json": data for number, data in enumerate(reversed(files.values()))}
    assert combined(renamed).graph == combined(files).graph


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("memory.json", True),
        ("memory-laptop.json", True),
        ("unified-memory.json", True),
        ("historical/memory-2025-09-01.json", True),
        ("package.json", False),
        ("src/memory.json", False),
        ("historical/old/memory.json", False),
        (".memory.json.memsync", False),
    ],
)
def test_only_files_of_the_older_tool_are_read(path: str, wanted: bool) -> None:
    assert is_file(path) is wanted
