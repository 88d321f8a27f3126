"""Joining after a look goes on from what the look has made, and leaves what joining without one leaves."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import pytest

from memsync_git.app import App
from memsync_git.app.planning import Plan
from memsync_git.documents import InitDocument
from memsync_git.model import Entity, Relation
from memsync_git.options import InitOptions
from memsync_git.wire.fragments import encode
from tests.git.contacts import seen, traced

from .machines import BALLAST, Machine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


@pytest.fixture
def fleet(laptop: Machine) -> Machine:
    """A machine that has published something, and taken a part of it away again."""
    alice = Entity("Alice", "person", ("likes tea", "lives in Oslo", *BALLAST))
    laptop.adds(alice, Entity("Bob", "person", ("hums",)))
    laptop.adds(Relation("Alice", "Bob", "knows"))
    laptop.sync()
    laptop.removes("Bob")
    assert laptop.sync()["local"]["removed"] == 3
    return laptop


def new(fleet: Machine, name: str) -> Machine:
    machine = Machine(fleet.home.with_name(name), name, fleet.hub)
    machine.home.mkdir()
    return machine


def looked(machine: Machine) -> tuple[App, Plan]:
    app = machine.app
    plan = app.plan(InitOptions(remote=str(machine.hub), host=machine.host))
    app.preview(plan)
    return app, plan


def joined_after_a_look(machine: Machine) -> InitDocument:
    app, plan = looked(machine)
    return app.join(plan, service=False)


def foreign_fragments(machine: Machine) -> dict[str, bytes]:
    replica = machine.app.rooms.replica()
    return {rid: encode(each) for rid, each in replica.state.fragments().items() if rid != replica.rid}


def test_joining_after_a_look_leaves_what_joining_without_one_leaves(fleet: Machine, folder: Path) -> None:
    with_look, without = new(fleet, "birch"), new(fleet, "cedar")
    found = joined_after_a_look(with_look)
    plain = without.app.join(
        without.app.plan(InitOptions(remote=str(without.hub), host="cedar")), service=False
    )
    assert with_look.file.read_bytes() == without.file.read_bytes()
    assert foreign_fragments(with_look) == foreign_fragments(without)
    assert found["sync"] is not None
    assert plain["sync"] is not None
    for part in ("outcome", "local", "remote", "conflicts", "holds", "wrote_file"):
        assert found["sync"][part] == plain["sync"][part], part
    assert found["replica"]["id"] == with_look.rid
    assert with_look.app.verify()["outcome"] == "accepted"
    assert with_look.sync()["outcome"] == without.sync()["outcome"] == "nothing"
    assert list(folder.iterdir()) == []


def test_joining_after_a_look_clones_nothing_again(
    fleet: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = new(fleet, "birch")
    app, plan = looked(machine)
    contacts = traced(tmp_path / "trace", monkeypatch)
    app.join(plan, service=False)
    assert seen(contacts) == []
    assert machine.entities() == fleet.entities()


@pytest.mark.parametrize("has_file", [False, True])
def test_a_repository_is_brought_here_once(
    fleet: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_file: bool
) -> None:
    machine = new(fleet, "birch")
    if has_file:
        machine.writes(Entity("Dora", "person", ("sings",)))
    contacts = traced(tmp_path / "trace", monkeypatch)
    app, plan = looked(machine)
    app.join(plan, service=False)
    asked = seen(contacts)
    assert asked.count("fetch") == 1
    assert asked.count("deepen") == has_file  # it may be written from what the fleet once said
    fleet.sync()
    assert machine.entities() == fleet.entities()


def test_what_has_come_since_the_look_is_taken_in(fleet: Machine) -> None:
    machine = new(fleet, "birch")
    app, plan = looked(machine)
    fleet.adds(Entity("Carol", "person", ("reads",)))
    fleet.sync()
    app.join(plan, service=False)
    assert machine.entities() == fleet.entities()
    machine.adds(Entity("Dora", "person", ("sings",)))
    machine.sync()
    fleet.sync()
    assert machine.entities() == fleet.entities()


def test_whoever_has_got_a_file_since_the_look_begins_anew(fleet: Machine, folder: Path) -> None:
    machine = new(fleet, "birch")
    app, plan = looked(machine)
    machine.writes(Entity("Dora", "person", ("sings",)))
    app.join(plan, service=False)
    fleet.sync()
    assert machine.entities() == fleet.entities()
    assert "Dora" in fleet.entities()
    assert list(folder.iterdir()) == []


def test_a_store_that_came_to_be_since_the_look_keeps_its_place(fleet: Machine, folder: Path) -> None:
    machine = new(fleet, "birch")
    app, plan = looked(machine)
    with plan.rooms.replica_store():
        pass
    app.join(plan, service=False)
    assert machine.entities() == fleet.entities()
    assert machine.app.verify()["outcome"] == "accepted"
    assert list(folder.iterdir()) == []


def test_a_look_that_leads_to_nothing_leaves_nothing(fleet: Machine, folder: Path) -> None:
    machine = new(fleet, "birch")
    app, plan = looked(machine)
    assert list(folder.iterdir()) != []
    assert list(machine.home.iterdir()) == []
    del app, plan
    gc.collect()
    assert list(folder.iterdir()) == []
