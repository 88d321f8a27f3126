"""`sync` with each of its options, over a real hub and a real memory file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.machines import Home, entity, main_of, shared_names

HOLDING = """
import sys
from pathlib import Path
from memsync_git.stores.lock import round_lock
with round_lock(Path(sys.argv[1]), 5.0):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process_holds(lock: Path) -> Iterator[None]:
    """The lock of the round is held by a process of its own while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        assert holder.stdin is not None
        holder.stdin.close()


def lock_of(machine: Home) -> Path:
    return machine.path / "state" / "round.lock"


# --- the lock


def test_another_sync_at_work_is_8_after_the_wait(memsync: Command, laptop: Home) -> None:
    laptop.write(entity("Alice", "likes tea"), entity("Bob"))
    with another_process_holds(lock_of(laptop)):
        ended = memsync("sync", "--wait", "0")
    assert ended.code == 8
    assert ended.out == ""
    assert ended.err.startswith("Error: ")
    assert memsync("sync").code == 0


def test_what_a_sync_without_remotes_reads_is_saved_beside_another(memsync: Command, laptop: Home) -> None:
    laptop.write(entity("Alice", "likes tea"), entity("Bob"))
    with another_process_holds(lock_of(laptop)):
        assert memsync("sync", "--no-fetch", "--no-push").code == 0
        assert memsync("show", "Bob").code == 0
        laptop.file.unlink()
        ended = memsync("sync", "--no-fetch", "--no-push", "--recreate", "--wait", "0")
        assert ended.code == 8
        assert "was saved" in ended.err
        assert not laptop.file.exists()
    assert memsync("sync", "--recreate").code == 0
    assert laptop.names() == ["Alice", "Bob"]


def test_cron_leaves_it_to_the_sync_at_work_without_a_word(memsync: Command, laptop: Home) -> None:
    laptop.write(entity("Alice", "likes tea"), entity("Bob"))
    with another_process_holds(lock_of(laptop)):
        ended = memsync("sync", "--if-stale", "15", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


@pytest.mark.parametrize(
    "look", [["sync", "--dry-run"], ["sync", "--wait", "0"], ["status"], ["show", "Alice"]]
)
def test_where_nothing_is_to_do_nobody_waits_for_the_lock(
    memsync: Command, laptop: Home, look: list[str]
) -> None:
    memsync("sync")
    with another_process_holds(lock_of(laptop)):
        assert memsync(*look).code == 0


def test_a_locked_sync_prints_no_document(memsync: Command, laptop: Home) -> None:
    laptop.write(entity("Alice", "likes tea"), entity("Bob"))
    with another_process_holds(lock_of(laptop)):
        ended = memsync("sync", "--wait", "0.1", "--json")
    assert (ended.code, ended.out) == (8, "")


def test_without_a_daemon_cron_syncs(memsync: Command, laptop: Home, hub: Path) -> None:
    laptop.write(entity("Alice", "likes tea"), entity("Bob"))
    ended = memsync("sync", "--if-stale", "15", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert shared_names(hub) == ["Alice", "Bob"]


# --- a part of a round


def test_no_push_saves_and_publishes_nothing(memsync: Command, laptop: Home, hub: Path) -> None:
    before = main_of(hub)
    laptop.write(entity("Alice", "likes tea"), entity("Bob"))
    document = json.loads(memsync("sync", "--no-push", "--json").out)
    assert (document["outcome"], document["published"], document["local"]["added"]) == ("accepted", False, 1)
    assert main_of(hub) == before
    assert json.loads(memsync("status", "--json").out)["pending"] == {"up": 1, "down": 0}
    assert memsync("sync").code == 0
    assert shared_names(hub) == ["Alice", "Bob"]


def test_no_fetch_publishes_and_takes_nothing_in(
    memsync: Command, laptop: Home, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_machine_notes_bob(memsync, hub, tmp_path, monkeypatch, laptop)
    document = json.loads(memsync("sync", "--no-fetch", "--json").out)
    assert document["remote"] == {"added": 0, "removed": 0, "changed": 0}
    assert laptop.names() == ["Alice"]
    assert memsync("sync").code == 0
    assert laptop.names() == ["Alice", "Bob"]


def another_machine_notes_bob(
    memsync: Command, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: Home
) -> None:
    desk = Home(tmp_path / "desk")
    desk.path.mkdir()
    desk.write(entity("Bob"))
    monkeypatch.setenv("MEMSYNC_HOME", str(desk.path))
    assert memsync("init", str(hub), "--host", "desk", "--no-service", "--yes").code == 0
    monkeypatch.setenv("MEMSYNC_HOME", str(back.path))


def test_a_dry_run_tells_both_directions_exactly_and_writes_nothing(
    memsync: Command, laptop: Home, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_machine_notes_bob(memsync, hub, tmp_path, monkeypatch, laptop)
    laptop.write(entity("Alice", "likes tea", "sings"))
    before = (laptop.file.read_bytes(), main_of(hub))
    document = json.loads(memsync("sync", "--dry-run", "--json").out)
    told = {
        way: [(each["change"], each["name"], each["value"]) for each in changes]
        for way, changes in document["would"].items()
    }
    assert told == {"up": [("add", "Alice", "sings")], "down": [("add", "Bob", "person")]}
    assert (document["dry_run"], document["published"], document["wrote_file"]) == (True, False, False)
    assert (laptop.file.read_bytes(), main_of(hub)) == before
    assert json.loads(memsync("status", "--json").out)["pending"] == {"up": 0, "down": 0}


def test_full_writes_the_unified_file_anew_when_somebody_spoilt_it(
    memsync: Command, laptop: Home, hub: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "clone", "--quiet", hub, clone], check=True)
    (clone / "memory.json").write_text("spoilt\n")
    subprocess.run([*git, "-C", clone, "commit", "--quiet", "-am", "spoilt"], check=True)
    subprocess.run([*git, "-C", clone, "push", "--quiet"], check=True)
    assert memsync("sync", "--full").code == 0
    assert shared_names(hub) == ["Alice"]


def test_recreate_writes_a_missing_file_from_the_memory(memsync: Command, laptop: Home) -> None:
    laptop.file.unlink()
    assert memsync("sync", "--quiet").code == 7
    assert not laptop.file.exists()
    ended = memsync("sync", "--recreate", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert laptop.names() == ["Alice"]


# --- what is said


def test_quiet_is_silent_when_all_is_well_and_not_otherwise(
    memsync: Command, laptop: Home, hub: Path
) -> None:
    laptop.write(entity("Alice", "likes tea"), entity("Bob"))
    ended = memsync("sync", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    hub.rename(hub.with_name("unplugged.git"))
    ended = memsync("sync", "--quiet")
    assert (ended.code, ended.out) == (5, "! Offline.\n")
    assert ended.err.count("could not be reached") == 1


def test_the_documents_have_the_keys_of_the_interface_page(memsync: Command, laptop: Home) -> None:
    status = json.loads(memsync("status", "--json").out)
    assert {
        "schema_version",
        "state",
        "store",
        "replica",
        "stores",
        "remotes",
        "file",
        "remote",
        "pending",
        "conflicts",
        "holds",
        "hosts",
        "daemon",
        "last_sync",
        "next_sync",
    } <= set(status)
    assert set(status["remote"]) >= {"kind", "url", "branch", "head", "last_fetch", "last_push", "outcome"}
    assert (status["state"], status["remote"]["outcome"], status["last_sync"]["outcome"]) == (
        ("in_sync", "accepted", "accepted")
    )
    assert (status["stores"][0], status["remotes"][0]) == (status["file"], status["remote"])
    laptop.write(entity("Alice", "sings"))
    sync = json.loads(memsync("sync", "--json").out)
    assert {
        "schema_version",
        "outcome",
        "local",
        "remote",
        "conflicts",
        "holds",
        "published",
        "wrote_file",
        "rounds",
        "ms",
        "txn",
    } <= set(sync)
    assert sync["txn"] == f"{status['replica']['id']}:2"


def test_of_offline_and_an_unusable_file_the_file_decides_the_code(
    memsync: Command, laptop: Home, hub: Path
) -> None:
    hub.rename(hub.with_name("unplugged.git"))
    laptop.file.write_text("{broken")
    document = json.loads(memsync("sync", "--json").out)
    assert (document["outcome"], document["remotes"][0]["outcome"]) == ("unusable", "offline")
    assert memsync("sync").code == 7
