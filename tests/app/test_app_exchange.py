"""Importing from other tools and exporting for them, on machines."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from memsync_git.errors import Misused
from memsync_git.importers.memory_service import content_hash_of
from memsync_git.model import Entity, Relation
from memsync_git.options import ExportOptions, ShowOptions

from .machines import Machine, sync_all

FOREIGN = Path(__file__).parents[2] / "fixtures" / "foreign"
TEA = "Alice prefers tea over coffee"


@pytest.fixture
def samples(tmp_path: Path) -> dict[str, Path]:
    """What other tools left, as it lies on a disk."""
    folder = tmp_path / "others"
    folder.mkdir()
    for name in ("memory-service.db", "contextfs.db"):
        (folder / name).write_bytes(gzip.decompress((FOREIGN / f"{name}.gz").read_bytes()))
    shutil.copy(FOREIGN / "memory-service.json", folder)
    shutil.copytree(FOREIGN / "older-tool", folder / "older-tool")
    return {path.name: path for path in folder.iterdir()}


NAMES = ("memory-service.db", "memory-service.json", "contextfs.db", "older-tool")


@pytest.mark.parametrize("as_entities", [False, True], ids=["as records", "as entities"])
@pytest.mark.parametrize("name", NAMES)
def test_every_tool_is_imported_once_and_the_second_time_there_is_nothing_to_do(
    laptop: Machine, samples: dict[str, Path], name: str, as_entities: bool
) -> None:
    source = str(samples[name])
    preview = laptop.app.preview_import(source, as_entities=as_entities)
    assert laptop.entities() == {}
    first = laptop.app.import_(source, as_entities=as_entities)
    assert first["imported"]["added"] == preview["would_add"] > 0
    assert first["format"] in preview["action"]
    again = laptop.app.import_(source, as_entities=as_entities)
    assert (again["imported"]["added"], again["txn"]) == (0, None)
    assert again["known"] == first["imported"]["added"]
    assert laptop.app.preview_import(source, as_entities=as_entities)["would_add"] == 0


def test_what_was_imported_is_known_on_every_machine(
    laptop: Machine, desk: Machine, samples: dict[str, Path]
) -> None:
    laptop.app.import_(str(samples["memory-service.db"]))
    sync_all(laptop, desk)
    assert desk.app.import_(str(samples["memory-service.json"]))["imported"]["added"] == 0
    assert laptop.sync()["outcome"] == "nothing"


def test_memories_as_entities_stand_in_the_file_where_the_server_shows_them(
    laptop: Machine, samples: dict[str, Path]
) -> None:
    laptop.app.import_(str(samples["memory-service.db"]), as_entities=True)
    name = f"memory {content_hash_of(TEA)[:16]}"
    assert laptop.entities()[name] == ("observation", [TEA, "tag: alice", "tag: drinks"])


def test_memories_as_records_are_told_to_have_no_room_in_the_file(
    laptop: Machine, samples: dict[str, Path]
) -> None:
    answer = laptop.app.import_(str(samples["memory-service.db"]))
    assert laptop.entities() == {}
    assert any(notice["hint"].startswith("add --as entities") for notice in answer["notices"])
    assert any("Deleted there, and left out: 1" in notice["message"] for notice in answer["notices"])


def test_a_database_is_read_with_the_log_that_lies_beside_it_and_nothing_is_changed(
    laptop: Machine, samples: dict[str, Path]
) -> None:
    path = samples["memory-service.db"]
    with closing(sqlite3.connect(path)) as service:
        service.execute("PRAGMA journal_mode = WAL")
        service.execute("PRAGMA wal_autocheckpoint = 0")
        service.execute("UPDATE memories SET deleted_at = NULL")
        service.commit()
        before = {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}
        assert f"{path.name}-wal" in before
        answer = laptop.app.import_(str(path), as_entities=True)
        after = {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}
    assert len(laptop.entities()) == 4, "the tombstone was taken back in the log alone"
    assert before == after
    assert not any("Deleted there" in notice["message"] for notice in answer["notices"])


def test_a_repository_of_the_older_tool_is_adopted_with_the_newest_fields(tmp_path: Path, hub: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(FOREIGN / "older-tool", work)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", "-C", str(work)]
    subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "as the older tool left it"], check=True)
    subprocess.run([*git, "push", "--quiet", str(hub), "main"], check=True)
    machine = Machine(tmp_path / "new", "new", hub)
    machine.join()
    assert set(machine.entities()["Alice"][1]) == {"likes tea", "plays go"}
    (shown,) = machine.app.show(ShowOptions("mem_1"))["found"]
    assert shown["fields"]["content"] == '"The printer is on the third floor"'


def test_an_import_of_a_whole_home_looks_no_further_than_it_must(laptop: Machine, tmp_path: Path) -> None:
    (tmp_path / "home" / "closed").mkdir(parents=True)
    (tmp_path / "home" / "closed" / "memory.json").write_text("{broken")
    with pytest.raises(Misused, match="folder without files of a memory"):
        laptop.app.preview_import(str(tmp_path / "home"))


# --- what must not be imported


def test_a_pipe_is_refused_and_nobody_waits_for_it(laptop: Machine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(Misused, match="no regular file"):
        laptop.app.preview_import(str(tmp_path / "pipe.json"))


def test_a_link_that_a_person_names_is_followed_but_none_that_lies_in_a_folder(
    laptop: Machine, samples: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "link.json").symlink_to(samples["memory-service.json"])
    assert laptop.app.preview_import(str(tmp_path / "link.json"))["would_add"] > 0
    (samples["older-tool"] / "memory-evil.json").symlink_to(samples["memory-service.json"])
    with pytest.raises(Misused, match=r"memory-evil\.json"):
        laptop.app.preview_import(str(samples["older-tool"]))


def test_a_cut_off_database_is_refused_with_what_is_wrong(laptop: Machine, samples: dict[str, Path]) -> None:
    path = samples["contextfs.db"]
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(Misused, match="nothing that can be imported"):
        laptop.app.import_(str(path))
    assert laptop.sync()["outcome"] == "nothing"


def test_a_file_beyond_the_limit_is_refused_with_the_setting_that_raises_it(
    laptop: Machine, tmp_path: Path
) -> None:
    giant = tmp_path / "giant.json"
    with giant.open("wb") as stream:
        stream.truncate((64 << 20) + 1)
    with pytest.raises(Misused) as caught:
        laptop.app.import_(str(giant))
    assert "more than" in caught.value.message
    assert "guards.max_file_mib" in caught.value.hint


def test_a_service_where_everything_is_deleted_holds_no_memories(
    laptop: Machine, samples: dict[str, Path]
) -> None:
    with closing(sqlite3.connect(samples["memory-service.db"])) as service:
        service.execute("UPDATE memories SET deleted_at = 1")
        service.commit()
    with pytest.raises(Misused, match=r"holds no memories; everything in it is deleted \(4\)"):
        laptop.app.import_(str(samples["memory-service.db"]))


# --- export


def with_memory(laptop: Machine) -> None:
    laptop.writes(
        Entity("Alice", "person", ("likes tea",)),
        Entity("Oslo", "city"),
        Relation("Alice", "Oslo", "lives in"),
    )
    laptop.sync()


@pytest.mark.parametrize("layout", ["jsonl", "json-array", "read-graph"])
def test_an_export_is_imported_elsewhere_whole_and_here_not_again(
    laptop: Machine, tmp_path: Path, layout: str
) -> None:
    with_memory(laptop)
    target = tmp_path / f"out.{layout}"
    data, document = laptop.app.export(ExportOptions(layout, str(target)))
    assert target.read_bytes() == data
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert (document["entities"], document["relations"], document["observations"]) == (2, 1, 1)
    assert laptop.app.import_(str(target))["imported"]["added"] == 0
    other = Machine(tmp_path / "other", "other", laptop.hub.with_name("other.git"))
    shutil.copytree(laptop.hub, other.hub)
    other.join()
    assert other.app.import_(str(target))["imported"]["added"] == 0


def test_an_export_says_what_the_file_says_now_though_nothing_was_synced(laptop: Machine) -> None:
    with_memory(laptop)
    laptop.adds(Entity("Bob", "person"))
    data, _ = laptop.app.export(ExportOptions())
    assert [json.loads(line)["name"] for line in data.splitlines() if b"entity" in line][-1] == "Bob"
    assert laptop.app.status()["pending"]["up"] == 0, "an export writes nothing"


def test_what_has_no_room_is_counted_and_an_array_has_room_for_it(
    laptop: Machine, samples: dict[str, Path]
) -> None:
    with_memory(laptop)
    laptop.app.import_(str(samples["contextfs.db"]))
    _, plain = laptop.app.export(ExportOptions())
    assert plain["left_out"] > 0
    assert plain["other"] == 0
    data, whole = laptop.app.export(ExportOptions("json-array"))
    assert (whole["left_out"], whole["notices"], whole["other"]) == (0, [], 3)
    assert len(json.loads(data)) == 6


def test_a_file_that_is_there_is_left_unless_a_person_says_force(laptop: Machine, tmp_path: Path) -> None:
    with_memory(laptop)
    target = tmp_path / "mine.json"
    target.write_text("precious")
    with pytest.raises(Misused, match="is there already") as caught:
        laptop.app.export(ExportOptions(output=str(target)))
    assert caught.value.hint == "add --force to replace it"
    assert target.read_text() == "precious"
    laptop.app.export(ExportOptions(output=str(target), force=True))
    assert b"Alice" in target.read_bytes()
    assert [path.name for path in tmp_path.glob(".mine*")] == []


def test_an_export_never_follows_a_link_that_leads_nowhere(laptop: Machine, tmp_path: Path) -> None:
    with_memory(laptop)
    (tmp_path / "link.json").symlink_to(tmp_path / "nowhere.json")
    with pytest.raises(Misused, match="is there already"):
        laptop.app.export(ExportOptions(output=str(tmp_path / "link.json")))
    with pytest.raises(Misused, match="cannot be written"):
        laptop.app.export(ExportOptions(output=str(tmp_path / "no folder" / "out.json")))
