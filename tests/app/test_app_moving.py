"""An import adds what is new and nothing else, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memsync_git.app.moving import import_data, preview_data
from memsync_git.errors import Misused
from memsync_git.model import Entity, Relation

from .machines import Machine, sync_all

ROWS = [
    {"type": "entity", "name": "Alice", "entityType": "robot", "observations": ["likes tea", "plays go"]},
    {"type": "entity", "name": "Bergen", "entityType": "city", "observations": ["rains"]},
    {"type": "relation", "from": "Alice", "to": "Bergen", "relationType": "lives in"},
]


def lines(*rows: dict) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows)


@pytest.fixture
def old_copy(tmp_path: Path) -> Path:
    path = tmp_path / "old memory.json"
    path.write_bytes(lines(*ROWS))
    return path


def with_alice(laptop: Machine) -> None:
    laptop.writes(Entity("Alice", "person", ("likes tea", "tall")))
    laptop.sync()


def messages(document) -> list[str]:
    return [notice["message"] for notice in document["notices"]]


def test_an_import_adds_what_is_new_on_every_machine(laptop: Machine, desk: Machine, old_copy: Path) -> None:
    with_alice(laptop)
    answer = laptop.app.import_(str(old_copy))
    assert (answer["imported"], answer["known"]) == ({"added": 4, "removed": 0, "changed": 0}, 1)
    assert (answer["format"], answer["source"], answer["unreadable"]) == ("jsonl", str(old_copy), 0)
    assert answer["txn"] is not None
    assert answer["txn"].startswith(laptop.rid)
    desk.sync()
    for machine in (laptop, desk):
        assert machine.entities() == {
            "Alice": ("person", ["likes tea", "tall", "plays go"]),
            "Bergen": ("city", ["rains"]),
        }
        assert machine.relations() == {("Alice", "Bergen", "lives in")}


def test_a_type_that_differs_is_kept_and_told(laptop: Machine, old_copy: Path) -> None:
    with_alice(laptop)
    answer = laptop.app.import_(str(old_copy))
    assert messages(answer) == ["Alice keeps its type person; the file says robot"]
    assert laptop.app.conflicts()["conflicts"] == []


def test_importing_twice_adds_nothing(laptop: Machine, hub: Path, old_copy: Path) -> None:
    laptop.app.import_(str(old_copy))
    again = laptop.app.import_(str(old_copy))
    assert (again["imported"]["added"], again["known"], again["txn"]) == (0, 6, None)
    assert laptop.sync()["outcome"] == "nothing"


def test_a_preview_tells_exactly_what_the_import_does_and_writes_nothing(
    laptop: Machine, old_copy: Path
) -> None:
    with_alice(laptop)
    before = laptop.file.read_bytes()
    preview = laptop.app.preview_import(str(old_copy))
    assert (preview["would_add"], preview["would_change"], preview["would_remove"]) == (4, 0, 0)
    assert {(part["kind"], part["name"], part["value"]) for part in preview["changes"]} == {
        ("observation", "Alice", "plays go"),
        ("entity", "Bergen", "city"),
        ("observation", "Bergen", "rains"),
        ("relation", "Alice → Bergen", "lives in"),
    }
    assert laptop.file.read_bytes() == before
    assert laptop.sync()["outcome"] == "nothing"


def test_what_the_fleet_deleted_comes_back_when_it_is_imported(laptop: Machine, desk: Machine) -> None:
    laptop.writes(Entity("Alice", "person", ("likes tea",)), Entity("Bob", "person", ("a", "b", "c")))
    sync_all(laptop, desk)
    laptop.removes("Alice")
    sync_all(laptop, desk)
    assert list(desk.entities()) == ["Bob"]
    import_data(desk.app.rooms, lines(*ROWS[:1]), "standard input")
    laptop.sync()
    assert laptop.entities()["Alice"] == desk.entities()["Alice"] == ("robot", ["likes tea", "plays go"])


def test_bytes_from_anywhere_are_imported_with_what_is_said_about_them(laptop: Machine) -> None:
    stamped = {**ROWS[1], "_sync_metadata": {"host": "old", "timestamp": "2024-01-01T00:00:00Z"}}
    data = lines(stamped) + b"\n{broken\n" + lines(ROWS[0])
    preview = preview_data(laptop.app.rooms, data, "standard input")
    assert preview["action"] == "import standard input (jsonl-fields)"
    answer = import_data(laptop.app.rooms, data, "standard input")
    assert answer["unreadable"] == 1
    assert any(message.startswith("Line 2 cannot be read") for message in messages(answer))
    assert any(message.startswith("Rows that say who wrote them and when: 1") for message in messages(answer))
    assert list(laptop.entities()) == ["Bergen", "Alice"]


def test_what_the_file_cannot_hold_is_kept_by_the_memory(laptop: Machine) -> None:
    answer = import_data(laptop.app.rooms, lines({**ROWS[1], "createdAt": "2024"}), "standard input")
    assert answer["imported"]["added"] == 3
    assert any("cannot stand in a file of the format jsonl: 1" in message for message in messages(answer))
    assert b"createdAt" not in laptop.file.read_bytes()
    again = import_data(laptop.app.rooms, lines({**ROWS[1], "createdAt": "2025"}), "standard input")
    assert (again["txn"], messages(again)) == (
        None,
        ['Bergen keeps createdAt = "2024"; the file says "2025"'],
    )


def test_an_imported_item_leaves_the_hold_that_kept_it_back(laptop: Machine) -> None:
    names = [f"person {number:02}" for number in range(30)]
    staying = [Entity(f"place {number:02}", "place", ("is there",)) for number in range(60)]
    laptop.writes(*(Entity(name, "person") for name in names), *staying)
    laptop.sync()
    laptop.removes(*names)
    laptop.sync()
    row = {"type": "entity", "name": names[0], "entityType": "person", "observations": []}
    assert import_data(laptop.app.rooms, lines(row), "standard input")["imported"]["added"] == 1
    (hold,) = laptop.app.holds()["holds"]
    assert hold["entities"] == 29
    laptop.app.decide((hold["id"],), accept=True)
    assert names[0] in laptop.entities()
    assert len(laptop.entities()) == 61


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"", "holds no memories"),
        (b"[]", "holds no memories"),
        (b"neither JSON nor a memory", "nothing that can be imported: line 1"),
    ],
)
def test_a_file_that_says_nothing_is_refused(
    laptop: Machine, tmp_path: Path, contents: bytes | None, words: str
) -> None:
    path = tmp_path / "foreign.json"
    if contents is not None:
        path.write_bytes(contents)
    for order in (laptop.app.preview_import, laptop.app.import_):
        with pytest.raises(Misused) as caught:
            order(str(path))
        assert words in caught.value.message
        assert caught.value.unharmed == "Nothing was changed."


def test_a_folder_and_a_giant_are_refused(laptop: Machine, tmp_path: Path) -> None:
    with pytest.raises(Misused, match="cannot be read"):
        laptop.app.preview_import(str(tmp_path))
    giant = {"type": "entity", "name": "Big", "entityType": "x", "observations": ["y" * ((1 << 20) + 1)]}
    with pytest.raises(Misused, match="does not fit"):
        preview_data(laptop.app.rooms, lines(giant), "standard input")


def test_an_import_without_a_network_is_saved_and_published_later(
    laptop: Machine, desk: Machine, old_copy: Path
) -> None:
    laptop.unplug()
    answer = laptop.app.import_(str(old_copy))
    assert answer["imported"]["added"] == 6
    assert list(laptop.entities()) == ["Alice", "Bergen"]
    assert any("saved" in notice["unharmed"] for notice in answer["notices"])
    laptop.plug()
    sync_all(laptop, desk)
    assert desk.relations() == {("Alice", "Bergen", "lives in")}


def test_relations_are_imported_from_a_whole_graph(laptop: Machine) -> None:
    graph = {
        "entities": [{key: ROWS[1][key] for key in ("name", "entityType", "observations")}],
        "relations": [{key: ROWS[2][key] for key in ("from", "to", "relationType")}],
    }
    answer = import_data(laptop.app.rooms, json.dumps(graph, indent=1).encode(), "read_graph")
    assert (answer["format"], answer["imported"]["added"]) == ("read-graph", 3)
    assert laptop.relations() == {("Alice", "Bergen", "lives in")}
    assert laptop.records()[-1] == Relation("Alice", "Bergen", "lives in")
