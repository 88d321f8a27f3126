"""Two machines with a real memory server each and a bare repository between: everything arrives."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .machines import Machine, let_the_window_pass, said_by, said_in, sync_all
from .servers import IN_PLACE, KEEPING, RENAMING, MemoryServer, entity

NINE_TOOLS = {
    "create_entities",
    "create_relations",
    "add_observations",
    "delete_entities",
    "delete_observations",
    "delete_relations",
    "read_graph",
    "search_nodes",
    "open_nodes",
}

MakeMachine = Callable[[str, str], Machine]


@pytest.fixture
def pair(machine: MakeMachine, hub: Path) -> tuple[Machine, Machine]:
    """Two machines that share an empty memory."""
    machines = machine("laptop", RENAMING), machine("desk", RENAMING)
    for each in machines:
        each.join(hub)
    return machines


def names_in(graph: dict[str, list[dict[str, str]]]) -> set[str]:
    return {row["name"] for row in graph["entities"]}


@pytest.mark.parametrize(("ours", "theirs"), [(RENAMING, IN_PLACE), (IN_PLACE, KEEPING), (KEEPING, RENAMING)])
def test_what_each_of_the_nine_tools_does_arrives_on_the_other_machine(
    machine: MakeMachine, hub: Path, ours: str, theirs: str
) -> None:
    laptop, desk = machine("laptop", ours), machine("desk", theirs)
    assert laptop.server.tools() == desk.server.tools() == NINE_TOOLS
    laptop.join(hub)
    desk.join(hub)

    laptop.server.create_entities(
        entity("Alice", "person", "likes tea", "lives in Oslo"),
        entity("Bob", "person"),
        entity("Projekt Süd", "project", 'emoji \U0001f600, separator \u2028, quote " and \\ too'),
    )
    laptop.server.create_relations(("Alice", "Projekt Süd", "works_on"), ("Bob", "Alice", "knows"))
    sync_all(laptop, desk)
    assert desk.memory() == laptop.memory()

    desk.server.add_observations("Bob", "plays chess")
    sync_all(desk, laptop)
    assert names_in(laptop.server.search_nodes("chess")) == {"Bob"}
    assert names_in(desk.server.search_nodes("tea")) == {"Alice"}
    opened = desk.server.open_nodes("Projekt Süd")
    assert opened["entities"][0]["observations"] == ['emoji \U0001f600, separator \u2028, quote " and \\ too']

    let_the_window_pass()
    desk.server.delete_observations("Alice", "likes tea")
    desk.server.delete_relations(("Alice", "Projekt Süd", "works_on"))
    desk.server.delete_entities("Bob")
    sync_all(desk, laptop)
    assert laptop.memory() == desk.memory()
    assert laptop.memory() == said_by(
        {
            "entities": [
                entity("Alice", "person", "lives in Oslo"),
                entity("Projekt Süd", "project", 'emoji \U0001f600, separator \u2028, quote " and \\ too'),
            ],
            "relations": [],
        }
    )


def test_observations_added_to_one_entity_at_the_same_time_are_both_kept(
    pair: tuple[Machine, Machine],
) -> None:
    laptop, desk = pair
    laptop.server.create_entities(entity("Alice", "person", "likes tea"))
    sync_all(laptop, desk)
    laptop.server.add_observations("Alice", "noted on the laptop")
    desk.server.add_observations("Alice", "noted at the desk")
    sync_all(laptop, desk)
    expected = said_by(
        {
            "entities": [entity("Alice", "person", "likes tea", "noted on the laptop", "noted at the desk")],
            "relations": [],
        }
    )
    assert laptop.memory() == desk.memory() == expected


def test_one_entity_created_on_both_machines_keeps_both_lists(pair: tuple[Machine, Machine]) -> None:
    laptop, desk = pair
    laptop.server.create_entities(entity("Oslo", "city", "capital", "by a fjord"))
    desk.server.create_entities(entity("Oslo", "city", "capital", "has trams"))
    sync_all(laptop, desk)
    expected = said_by(
        {"entities": [entity("Oslo", "city", "capital", "by a fjord", "has trams")], "relations": []}
    )
    assert laptop.memory() == desk.memory() == expected


def test_two_types_for_one_new_entity_are_a_conflict_shown_on_both_machines(
    pair: tuple[Machine, Machine],
) -> None:
    laptop, desk = pair
    laptop.server.create_entities(entity("Mercury", "planet", "hot"))
    desk.server.create_entities(entity("Mercury", "metal", "liquid"))
    sync_all(laptop, desk)
    assert laptop.memory() == desk.memory()
    assert {("observation", "Mercury", "hot"), ("observation", "Mercury", "liquid")} < laptop.memory()
    for each in pair:
        assert each.sync()["conflicts"] == 1


def test_an_entity_deleted_here_and_edited_there_survives_with_its_type(
    pair: tuple[Machine, Machine],
) -> None:
    laptop, desk = pair
    laptop.server.create_entities(entity("Alice", "person", "likes tea"), entity("Rex", "dog"))
    sync_all(laptop, desk)
    let_the_window_pass()
    laptop.server.delete_entities("Alice")
    desk.server.add_observations("Alice", "moved to Bergen")
    sync_all(laptop, desk)
    expected = said_by(
        {"entities": [entity("Alice", "person", "moved to Bergen"), entity("Rex", "dog")], "relations": []}
    )
    assert laptop.memory() == desk.memory() == expected


def test_a_type_changed_by_deleting_and_creating_anew_arrives_with_the_rest(
    pair: tuple[Machine, Machine],
) -> None:
    laptop, desk = pair
    laptop.server.create_entities(entity("Kit", "cat", "sleeps"), entity("Rex", "dog"))
    sync_all(laptop, desk)
    let_the_window_pass()
    desk.server.delete_entities("Kit")
    desk.server.create_entities(entity("Kit", "fox", "sleeps"))
    sync_all(desk, laptop)
    expected = said_by({"entities": [entity("Kit", "fox", "sleeps"), entity("Rex", "dog")], "relations": []})
    assert laptop.memory() == desk.memory() == expected


def test_memories_that_existed_before_are_united_when_the_machines_join(
    machine: MakeMachine, hub: Path
) -> None:
    laptop, desk = machine("laptop", RENAMING), machine("desk", IN_PLACE)
    laptop.server.create_entities(entity("Alice", "person", "likes tea"))
    desk.server.create_entities(entity("Alice", "person", "plays go"), entity("Bob", "person"))
    laptop.join(hub)
    desk.join(hub)
    sync_all(laptop, desk)
    expected = said_by(
        {
            "entities": [entity("Alice", "person", "likes tea", "plays go"), entity("Bob", "person")],
            "relations": [],
        }
    )
    assert laptop.memory() == desk.memory() == expected


def test_a_quiet_fleet_makes_no_commits(pair: tuple[Machine, Machine], hub: Path) -> None:
    laptop, desk = pair
    laptop.server.create_entities(entity("Alice", "person", "likes tea"))
    desk.server.create_entities(entity("Bob", "person"))
    sync_all(laptop, desk, laptop)
    before = refs_of(hub)
    for each in (desk, laptop, desk):
        assert each.sync()["outcome"] in {"nothing", "accepted"}
    assert refs_of(hub) == before


def test_the_unified_file_on_the_hub_is_one_the_memory_server_reads(
    pair: tuple[Machine, Machine], hub: Path, tmp_path: Path
) -> None:
    laptop, desk = pair
    laptop.server.create_entities(entity("Alice", "person", "likes tea"), entity("Bob", "person"))
    desk.server.create_relations(("Alice", "Bob", "knows"))
    sync_all(laptop, desk)
    unified = subprocess.run(
        ["git", "-C", hub, "cat-file", "blob", "main:memory.json"], capture_output=True, check=True
    ).stdout
    assert said_in(unified) == laptop.memory()
    rows = [json.loads(line) for line in unified.split(b"\n") if line]
    assert all({"host", "timestamp", "id"} <= row["_sync_metadata"].keys() for row in rows)
    copy = tmp_path / "copy.json"
    copy.write_bytes(unified)
    with MemoryServer(laptop.script, copy) as server:
        assert said_by(server.read_graph()) == laptop.memory()


def refs_of(hub: Path) -> str:
    return subprocess.run(
        ["git", "-C", hub, "for-each-ref"], capture_output=True, text=True, check=True
    ).stdout
