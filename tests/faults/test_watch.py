"""Noticing changes on real folders: by events where there are some, by looking where not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memsync_git.local.watch import Watch, type_of
from tests.cli.machines import new_hub
from tests.git.hubs import git

NAMES = ("memory.json", "memory.json.tmp", ".memory.json.memsync", ".memory.json.memsync-1-2-3-aa.new")


class Told:
    """How often somebody was told."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1

    def again(self, act: Callable[[], object], within_s: float = 10) -> bool:
        """Whether an act is told about."""
        before = self.times
        act()
        end_s = time.monotonic() + within_s
        while self.times == before and time.monotonic() < end_s:
            time.sleep(0.005)
        return self.times > before


@pytest.fixture
def told() -> Told:
    return Told()


@contextmanager
def watching(file: Path, told: Told, **hubs: Path) -> Iterator[Watch]:
    watch = Watch(file, told, hubs=dict.fromkeys(hubs.values(), told))
    watch.start()
    try:
        yield watch
    finally:
        watch.close()


def rename_over(path: Path, text: str) -> None:
    fresh = path.with_name("memory.json.tmp")
    fresh.write_text(text)
    fresh.rename(path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "renamed over": lambda path: rename_over(path, "new"),
    "written in place": lambda path: path.write_text("new"),
    "appended to": lambda path: path.open("a").write("more"),
    "deleted": lambda path: path.unlink(),
    "moved away": lambda path: path.rename(path.with_name("gone")),
    "linked into place": lambda path: (path.unlink(), path.hardlink_to(path.with_name("other"))),
}


@pytest.mark.parametrize("how", WRITERS)
def test_whatever_a_writer_does_is_told_by_an_event(how: str, tmp_path: Path, told: Told) -> None:
    path = tmp_path / "memory.json"
    path.write_text("old")
    path.with_name("other").write_text("other")
    with watching(path, told) as watch:
        assert watch.watching == "events"
        assert told.again(lambda: WRITERS[how](path))


def test_what_is_not_the_memory_file_is_not_told(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "memory.json"
    path.write_text("old")
    with watching(path, told):
        settled(told)
        before = told.times
        for name in NAMES[1:]:
            (tmp_path / name).write_text("theirs")
            (tmp_path / name).unlink()
        path.read_text()
        assert told.again(lambda: path.write_text("new"))
        assert told.times - before <= 2


def settled(told: Told) -> None:
    """Wait until what was begun is over: nothing was told for a moment."""
    before = -1
    while told.times != before:
        before = told.times
        time.sleep(0.1)


def test_a_look_notices_what_no_event_told(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "memory.json"
    path.write_text("old")
    watch = Watch(path, told)
    path.write_text("newer")
    watch.look()
    first = told.times
    watch.look()
    watch.close()
    assert first >= 1
    assert told.times == first


def test_a_folder_that_does_not_exist_yet_is_watched_once_it_does(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "later" / "memory.json"
    with watching(path, told) as watch:
        assert watch.watching == "polling"
        path.parent.mkdir()
        watch.look()
        assert watch.watching == "events"
        assert told.again(lambda: path.write_text("new"))


@pytest.mark.parametrize("with_file", [True, False])
def test_a_folder_that_is_replaced_is_watched_in_its_new_form(
    with_file: bool, tmp_path: Path, told: Told
) -> None:
    path = tmp_path / "memory" / "memory.json"
    path.parent.mkdir()
    path.write_text("old")
    with watching(path, told) as watch:
        path.parent.rename(tmp_path / "old")
        path.parent.mkdir()
        if with_file:
            path.write_text("other")
        settled(told)
        assert told.again(watch.look)
        assert told.again(lambda: rename_over(path, "new"))


def test_a_push_to_a_hub_is_told_by_an_event(tmp_path: Path, told: Told) -> None:
    hub = new_hub(tmp_path / "hub.git")
    path = tmp_path / "memory.json"
    with watching(path, told, origin=hub):
        settled(told)
        tree = git("mktree", cwd=hub).decode().strip()
        commit = git("commit-tree", tree, "-m", "x", cwd=hub).decode().strip()
        assert told.again(lambda: git("update-ref", "refs/memsync/laptop-7f3a", commit, cwd=hub))
        settled(told)
        assert told.again(lambda: git("update-ref", "refs/heads/main", commit, cwd=hub))
        settled(told)
        assert told.again(lambda: git("pack-refs", "--all", cwd=hub))
        settled(told)
        assert told.again(lambda: git("update-ref", "-d", "refs/heads/main", cwd=hub))


def test_a_hub_that_comes_back_is_told_and_watched(tmp_path: Path, told: Told) -> None:
    hub = new_hub(tmp_path / "hub.git")
    with watching(tmp_path / "memory.json", told, origin=hub) as watch:
        away = hub.rename(tmp_path / "away.git")
        watch.look()
        settled(told)
        away.rename(hub)
        assert told.again(watch.look)


MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /home rw shared:2 - nfs4 server:/home rw
31 30 0:26 / /home/me/with\040space rw - ext4 /dev/sdb1 rw
32 22 0:27 / /mnt rw - fuse.sshfs me@there: rw
33 22 0:28 / /homestead rw - xfs /dev/sdc1 rw
""".strip()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/home/me", "nfs4"),
        ("/home/me/with space/x", "ext4"),
        ("/mnt/memory", "fuse.sshfs"),
        ("/homestead/me", "xfs"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_the_nearest_mount(path: str, kind: str) -> None:
    assert type_of(MOUNTS, path) == kind


def test_of_mounts_on_one_place_the_last_one_counts() -> None:
    again = MOUNTS + "\n40 32 0:30 / /mnt rw - tmpfs none rw"
    assert type_of(again, "/mnt/memory") == "tmpfs"
