"""What an app remembers of a remote from one process to the next, and what it says of a closed one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync_git.app import App
from memsync_git.app.installation import Identity
from memsync_git.config import Places
from memsync_git.model import Entity
from memsync_git.options import SyncOptions
from tests.git.contacts import seen, traced
from tests.git.web import Serving, basic

from .machines import Machine

BY_HAND, EVENT = SyncOptions(), SyncOptions(push_first=True)


@pytest.fixture
def contacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return traced(tmp_path / "trace", monkeypatch)


@pytest.fixture
def web(hub: Path) -> Iterator[str]:
    """The hub over http: one on this disk is looked at without contacting anybody."""
    serving = Serving(hub.parent)
    yield serving.url
    serving.close()


def note(machine: Machine, name: str) -> None:
    machine.adds(Entity(name, "person", ("likes tea",)))


def sync(machine: Machine, url: str, options: SyncOptions = BY_HAND) -> None:
    """One round in a new process, with the hub under another address."""
    places = Places.of({"MEMSYNC_HOME": str(machine.home)})
    App.open(places, {"remotes.origin.url": url}).sync(options)


def test_a_new_process_after_a_file_event_pushes_without_asking(
    laptop: Machine, web: str, contacts: Path
) -> None:
    note(laptop, "Alice")
    sync(laptop, web)
    seen(contacts)
    note(laptop, "Bob")
    sync(laptop, web, EVENT)
    assert seen(contacts) == ["push"]
    note(laptop, "Carol")
    sync(laptop, web)
    assert seen(contacts) == ["fetch", "push"], "a person who asks wants to see news"


def test_what_another_machine_wrote_lately_is_remembered(
    laptop: Machine, desk: Machine, web: str, contacts: Path
) -> None:
    note(laptop, "Alice")
    sync(laptop, web)
    note(desk, "Bob")
    desk.sync()
    sync(laptop, web)
    seen(contacts)
    note(laptop, "Carol")
    sync(laptop, web, EVENT)
    assert seen(contacts) == ["fetch", "push"]


def test_on_a_machine_that_was_copied_nothing_is_believed(laptop: Machine, web: str, contacts: Path) -> None:
    note(laptop, "Alice")
    sync(laptop, web)
    with laptop.app.rooms.installation() as installation:
        identity = installation.identity()
        assert identity is not None
        installation.set_identity(Identity(identity.rid, "another machine", identity.created_ms))
    seen(contacts)
    note(laptop, "Bob")
    sync(laptop, web, EVENT)
    assert seen(contacts) == ["fetch", "push"]


def test_a_closed_hub_is_told_with_the_way_in(
    laptop: Machine, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    serving = Serving(hub.parent)
    try:
        serving.opens_to = basic("me", "secret")
        places = Places.of({"MEMSYNC_HOME": str(laptop.home)})
        app = App.open(places, {"remotes.origin.url": serving.url})
        note(laptop, "Alice")
        document = app.sync(SyncOptions())
        assert document["outcome"] == "refused"
        assert document["notices"][0]["hint"].startswith(f"git ls-remote {serving.url}")
        assert app.status()["notices"][0]["hint"].startswith(f"git ls-remote {serving.url}")
    finally:
        serving.close()
