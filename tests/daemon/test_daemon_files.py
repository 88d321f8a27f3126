"""A daemon whose memory file, or its folder, comes to harm: nothing is lost, nothing is taken for a wipe."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.machines import Home, ended, publishes, shared, until
from tests.faults.file_circumstances import IS_ROOT, NOBODY, fill, mounted


def test_a_file_that_is_deleted_and_written_anew_is_no_wipe(laptop: Home, hub: Path) -> None:
    laptop.start()
    laptop.add("Alice", "Bob")
    publishes(hub, "Alice", "Bob")
    laptop.file.unlink()
    until(lambda: laptop.status()["state"] == "attention", laptop.status)
    assert shared(hub) == {"Alice", "Bob"}
    laptop.write("Alice", "Bob", "Carol")
    publishes(hub, "Alice", "Bob", "Carol")
    until(lambda: laptop.status()["state"] == "in_sync", laptop.status)


def test_a_folder_that_is_replaced_is_watched_again(laptop: Home, hub: Path, tmp_path: Path) -> None:
    folder = moved(laptop, tmp_path / "memory")
    laptop.start()
    laptop.add("Alice")
    publishes(hub, "Alice")
    folder.rename(tmp_path / "old")
    folder.mkdir(mode=0o700)
    laptop.write("Alice", "Bob")
    publishes(hub, "Bob")
    until(lambda: laptop.status()["daemon"]["watching"] == "events", lambda: laptop.said)
    seen = laptop.said.count("by events")
    laptop.add("Carol")
    publishes(hub, "Carol")
    assert seen >= 1


def test_a_folder_that_is_unmounted_is_no_wipe_and_is_taken_up_again(
    laptop: Home, hub: Path, tmp_path: Path
) -> None:
    with mounted(tmp_path / "memory", "mode=700,size=1m") as is_mounted:
        folder = moved(laptop, tmp_path / "memory")
        laptop.start()
        laptop.add("Alice", "Bob")
        publishes(hub, "Alice", "Bob")
        until(lambda: laptop.status()["state"] == "in_sync", laptop.status)
    if not is_mounted:
        folder.rename(tmp_path / "unmounted")
        folder.mkdir(mode=0o700)
    until(lambda: laptop.status()["state"] == "attention", lambda: laptop.said)
    assert shared(hub) == {"Alice", "Bob"}
    laptop.write("Alice", "Bob", "Carol")
    publishes(hub, "Alice", "Bob", "Carol")
    until(lambda: laptop.status()["daemon"]["watching"] == "events", lambda: laptop.said)
    assert laptop.stop() == 0


def moved(home: Home, folder: Path) -> Path:
    """The memory file of a machine in a folder of its own."""
    folder.mkdir(mode=0o700, exist_ok=True)
    home.elsewhere = folder / "memory.json"
    home.elsewhere.write_text("")
    home.set(stores__default__file=str(home.elsewhere))
    return folder


def test_a_full_disk_costs_nothing_that_is_still_in_the_file(hub: Path, tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "mode=700,size=6m") as is_small:
        assert is_small or not IS_ROOT, "root could not mount a small disk"
        home = Home(tmp_path / "small" / "laptop", str(hub))
        home.init()
        moved(home, tmp_path / "memory")
        with ended(home):
            home.start(**({} if is_small else {"denied": {"fsync": errno.ENOSPC}}))
            filler = tmp_path / "small" / "filler"
            fill(filler)
            home.add("Alice")
            until(lambda: "failed" in home.said, lambda: home.said)
            assert home.status()["daemon"]["running"]
            filler.unlink()
            publishes(hub, "Alice", within_s=40)
            assert home.stop() == 0


@pytest.fixture
def visitor(hub: Path) -> Iterator[Home]:
    """A machine of an ordinary account: permissions mean nothing to root."""
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(hub, folder / "hub.git")
    home = Home(folder / "laptop", str(folder / "hub.git"))
    home.init()
    if IS_ROOT:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder], check=True)
    with ended(home):
        yield home
    shutil.rmtree(folder)


def test_a_file_whose_permission_is_lost_is_neither_missing_nor_empty(visitor: Home) -> None:
    hub = Path(visitor.hub)
    visitor.start(**({"uid": NOBODY} if IS_ROOT else {}))
    add_as_owner(visitor, "Alice")
    publishes(hub, "Alice")
    visitor.file.chmod(0o000)
    os.utime(visitor.file)
    until(lambda: visitor.status()["state"] == "attention", lambda: visitor.said)
    assert shared(hub) == {"Alice"}
    visitor.file.chmod(0o600)
    add_as_owner(visitor, "Alice", "Bob")
    publishes(hub, "Alice", "Bob")
    assert visitor.stop() == 0


def add_as_owner(home: Home, *names: str) -> None:
    home.write(*names)
    if IS_ROOT:
        os.chown(home.file, NOBODY, NOBODY)


@pytest.mark.parametrize(
    "denied",
    [
        pytest.param({"inotify_init": errno.EMFILE, "inotify_init1": errno.EMFILE}, id="instances"),
        pytest.param({"inotify_add_watch": errno.ENOSPC}, id="watches"),
    ],
)
def test_without_events_the_file_is_looked_at_and_that_is_said(
    laptop: Home, hub: Path, denied: dict[str, int]
) -> None:
    laptop.start(denied=denied)
    laptop.add("Alice")
    publishes(hub, "Alice")
    status = laptop.status()
    assert status["daemon"]["watching"] == "polling"
    assert "the limit" in laptop.said
    assert laptop.stop() == 0
