"""The clone is a cache: whatever a crash or a disk did to it, the next round works."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from memsync_git.ports import Unreachable
from memsync_git.remotes.trees import new_object
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, git, publication, versions


@pytest.fixture
def hub(hub: HubFolder) -> HubFolder:
    """The desk has published twice from the clone `desk`."""
    desk = hub.remote("desk")
    accepted(desk.publish(publication(fragment(DESK), unified=b"one\n")))
    accepted(desk.publish(publication(fragment(DESK, 2, "b"), unified=b"two\n")))
    return hub


def old(path: Path, *, age_s: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


LOCKS = (
    "HEAD.lock",
    "packed-refs.lock",
    "shallow.lock",
    "config.lock",
    f"refs/hub/origin/memsync/{DESK}.lock",
    "refs/hub/origin/heads/main.lock",
    "gc.pid",
)


@pytest.mark.parametrize("lock", LOCKS)
def test_an_old_lock_is_nobodys(hub: HubFolder, lock: str) -> None:
    path = old(hub.folder / "desk" / ".git" / lock, age_s=11)
    desk = hub.remote("desk")
    fetched(desk)
    assert not path.exists()
    accepted(desk.publish(publication(fragment(DESK, 3, "c"))))


def test_a_young_lock_is_left_to_its_owner(hub: HubFolder) -> None:
    path = old(hub.folder / "desk" / ".git" / "packed-refs.lock", age_s=1)
    hub.remote("desk").fetch()
    assert path.exists()


@pytest.mark.parametrize("name", ["tmp_pack_x", "tmp_idx_x", ".tmp-1-pack-x", "pack-1.keep"])
def test_leftovers_of_killed_commands_go_after_an_hour(hub: HubFolder, name: str) -> None:
    folder = hub.folder / "desk" / ".git" / "objects" / "pack"
    gone, kept = old(folder / name, age_s=3601), old(folder / f"{name}.keep", age_s=60)
    fetched(hub.remote("desk"))
    assert not gone.exists()
    assert kept.exists()


def objects_of(clone: Path) -> list[Path]:
    return [path for path in (clone / ".git" / "objects").rglob("*") if path.is_file()]


def empty_objects(clone: Path) -> None:
    """What a power cut leaves where git did not sync."""
    for path in objects_of(clone):
        path.chmod(0o644)
        path.write_bytes(b"")


def garbled_objects(clone: Path) -> None:
    for path in objects_of(clone):
        path.chmod(0o644)
        path.write_bytes(b"x" * 100)


def no_objects(clone: Path) -> None:
    for path in objects_of(clone):
        path.unlink()


def garbled_refs(clone: Path) -> None:
    for path in (clone / ".git" / "refs" / "hub").rglob("*"):
        if path.is_file():
            path.write_text("garbage\n")


def garbled_head(clone: Path) -> None:
    (clone / ".git" / "HEAD").write_bytes(bytes(40))


def garbled_config(clone: Path) -> None:
    (clone / ".git" / "config").write_text("[core\n")


def garbled_notes(clone: Path) -> None:
    (clone / ".git" / "memsync-origin.json").write_text('{"main": "; rm -rf /", "own": 3}')


DAMAGES = [
    empty_objects, garbled_objects, no_objects, garbled_refs, garbled_head, garbled_config, garbled_notes
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_clone_is_replaced_and_the_round_goes_on(hub: HubFolder, damage: object) -> None:
    damage(hub.folder / "desk")  # type: ignore[operator]
    desk = hub.remote("desk")
    assert versions(desk.fetch()) == {(DESK, 2, "b")}
    accepted(desk.publish(publication(fragment(DESK, 3, "c"))))
    assert versions(hub.remote().fetch()) == {(DESK, 3, "c")}
    assert desk.revision(DESK, 1) == fragment(DESK)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_clone_damaged_between_fetch_and_publish_costs_no_more_than_a_round(
    hub: HubFolder, damage: object
) -> None:
    desk = hub.remote("desk")
    fetched(desk)
    damage(hub.folder / "desk")  # type: ignore[operator]
    desk.publish(publication(fragment(DESK, 3, "c")))
    fetched(desk)
    accepted(desk.publish(publication(fragment(DESK, 3, "c"))))
    assert versions(hub.remote().fetch()) == {(DESK, 3, "c")}


def test_a_clone_that_was_deleted_is_made_anew(hub: HubFolder) -> None:
    desk = hub.remote("desk")
    fetched(desk)
    shutil.rmtree(hub.folder / "desk")
    assert versions(desk.fetch()) == {(DESK, 2, "b")}


def test_the_files_in_the_clone_show_what_main_holds(hub: HubFolder) -> None:
    folder = hub.folder / "desk"
    assert (folder / "memory.json").read_bytes() == b"two\n"
    assert "memsync-git init" in (folder / "README.md").read_text()
    assert b'"rev":2' in (folder / f"memory-{DESK}.json").read_bytes()
    assert (folder / "memory.json").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(git("log", "--oneline", cwd=folder).splitlines()) == 2


def test_the_files_in_the_clone_follow_other_machines(hub: HubFolder) -> None:
    laptop = hub.remote("laptop")
    fetched(laptop)
    accepted(laptop.publish(publication(fragment(LAPTOP), unified=b"three\n")))
    desk = hub.remote("desk")
    fetched(desk)
    desk.show()
    assert (hub.folder / "desk" / "memory.json").read_bytes() == b"three\n"
    assert (hub.folder / "desk" / f"memory-{LAPTOP}.json").is_file()


def blobs_in_folder_17() -> Iterator[bytes]:
    """Contents whose object names begin with 17, the folder git estimates from."""
    contents = (b"%d" % number for number in count())
    return (data for data in contents if new_object("blob", data).oid.startswith("17"))


def test_a_clone_with_many_loose_objects_is_repacked_and_nothing_is_lost(hub: HubFolder) -> None:
    desk, folder = hub.remote("desk"), hub.folder / "desk"
    assert not desk.upkeep()
    for data in islice(blobs_in_folder_17(), 9):
        git("hash-object", "-w", "--stdin", cwd=folder, stdin=data)
    assert desk.upkeep()
    assert not desk.upkeep()
    assert list((folder / ".git" / "objects" / "pack").glob("*.pack"))
    assert desk.revision(DESK, 1) == fragment(DESK)
    accepted(desk.publish(publication(fragment(DESK, 3, "c"))))


def test_the_monthly_collection_keeps_what_was_published(hub: HubFolder) -> None:
    desk = hub.remote("desk")
    hub.git("update-ref", "refs/heads/main", "main~1")
    assert fetched(desk).on_main == {DESK: (1, "a")}
    assert desk.upkeep(full=True)
    accepted(desk.publish(publication(fragment(DESK, 2, "b"))))
    assert fetched(hub.remote()).on_main == {DESK: (2, "b")}
    assert desk.revision(DESK, 1) == fragment(DESK)


def test_a_place_where_no_clone_can_be_is_said_and_nothing_breaks(hub: HubFolder) -> None:
    (hub.folder / "blocked").write_text("a file")
    remote = hub.remote("blocked")
    for outcome in (remote.fetch(), remote.publish(publication(fragment(DESK)))):
        assert isinstance(outcome, Unreachable)
        assert str(hub.folder / "blocked") in outcome.reason
    assert remote.revision(DESK, 1) is None
    assert list(remote.past_views()) == []
    assert remote.read_file("memory.json") is None


def test_files_that_cannot_be_shown_do_not_fail_the_publish(hub: HubFolder) -> None:
    memory = hub.folder / "desk" / "memory.json"
    memory.unlink()
    memory.mkdir()
    desk = hub.remote("desk")
    fetched(desk)
    accepted(desk.publish(publication(fragment(DESK, 3, "c"), unified=b"three")))
