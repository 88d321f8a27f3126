"""A daemon and a hub that hangs, drips, refuses or is gone: work here goes on, and nothing is left behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.daemon.machines import Home, publishes, shared, until
from tests.daemon.servers import listening
from tests.git.processes import nothing_left_of, processes_about


@pytest.mark.parametrize("drip", [False, True], ids=["silent", "dripping"])
def test_a_hub_that_hangs_keeps_neither_a_capture_nor_the_end_waiting(laptop: Home, drip: bool) -> None:
    with listening(drip) as url:
        laptop.set(remotes__origin__url=url, remotes__origin__timeout_s=60)
        laptop.begin()
        until(lambda: processes_about(url), lambda: laptop.said)
        laptop.add("Alice")
        until(lambda: laptop.status()["pending"]["up"] == 2, lambda: laptop.said, within_s=5)
        assert laptop.status()["state"] == "syncing"
        began_s = time.monotonic()
        assert laptop.stop() == 0
        assert time.monotonic() - began_s < 12
        assert nothing_left_of(url)
    assert laptop.pulse() is None


def test_a_hub_that_hangs_is_offline_after_its_deadline_and_tried_again(laptop: Home) -> None:
    with listening(drip=False) as url:
        laptop.set(remotes__origin__url=url, remotes__origin__timeout_s=1)
        laptop.start()
        until(lambda: laptop.status()["state"] == "offline", laptop.status)
        until(lambda: laptop.said.count("offline") >= 2, lambda: laptop.said)
        assert laptop.status()["daemon"]["running"]


def test_a_hub_that_is_gone_for_a_while_is_caught_up_with(laptop: Home, desk: Home, hub: Path) -> None:
    laptop.start()
    desk.start()
    away = hub.rename(hub.with_name("away.git"))
    laptop.add("Alice")
    desk.add("Bob")
    until(lambda: laptop.status()["state"] == "offline", lambda: laptop.said)
    until(lambda: desk.status()["pending"]["up"] == 2, lambda: desk.said)
    away.rename(hub)
    laptop.gets("Alice", "Bob")
    desk.gets("Alice", "Bob")
    until(lambda: laptop.status()["state"] == "in_sync", laptop.status)


def test_a_hook_that_refuses_needs_a_person_and_is_not_pressed(laptop: Home, hub: Path) -> None:
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho refused >> {hub.with_name('tries')}\nexit 1\n")
    hook.chmod(0o755)
    laptop.start()
    laptop.add("Alice")
    until(lambda: laptop.status()["state"] == "attention", laptop.status)
    tries = hub.with_name("tries").read_text().count("\n")
    for name in ("Bob", "Carol", "Dora"):
        laptop.add(name)
        until(lambda name=name: laptop.status()["file"]["entities"] >= len(laptop.names()), laptop.status)  # type: ignore[misc]
    assert hub.with_name("tries").read_text().count("\n") == tries
    hook.unlink()
    assert laptop.run("sync").returncode == 0
    assert shared(hub) == {"Alice", "Bob", "Carol", "Dora"}


def test_two_remotes_each_have_their_own_fate(laptop: Home, hub: Path, tmp_path: Path) -> None:
    with listening(drip=False) as url:
        laptop.set(remotes__backup__url=url, remotes__backup__timeout_s=1)
        laptop.start()
        laptop.add("Alice")
        publishes(hub, "Alice")
        outcomes = {part["name"]: part["outcome"] for part in laptop.status()["remotes"]}
        assert outcomes["backup"] == "offline"
