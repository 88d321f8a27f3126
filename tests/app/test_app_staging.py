"""Stash, pull, apply and push: each its part of a round, in any order, on real files and a real hub."""

from __future__ import annotations

import subprocess

import pytest

from memsync_git.errors import Misused
from memsync_git.model import Entity, Relation

from .machines import BALLAST, Machine, sync_all

ALICE = Entity("Alice", "person", BALLAST)
BOB = Entity("Bob", "person", ("plays chess",))
OSLO = Entity("Oslo", "city", ("rains", "lies by the sea", "has trams", "has a fjord", "is cold"))
LIVES = Relation("Bob", "Oslo", "lives in")
ORDERS = (
    ("stash", "pull", "push", "apply"),
    ("push", "apply", "pull", "stash"),
    ("apply", "push", "stash", "pull"),
    ("pull", "apply", "stash", "push"),
)


@pytest.fixture
def fleet(laptop: Machine, desk: Machine) -> tuple[Machine, Machine]:
    """Both know Alice; the desk has published Bob, who lives in Oslo, and the laptop has not heard of it."""
    laptop.writes(ALICE)
    sync_all(laptop, desk)
    desk.adds(BOB, OSLO, LIVES)
    desk.sync()
    return laptop, desk


def commits(machine: Machine) -> str:
    shown = subprocess.run(
        ["git", "-C", machine.hub, "for-each-ref"], capture_output=True, text=True, check=True
    )
    return shown.stdout


def test_what_is_stashed_is_not_published_before_a_push(laptop: Machine) -> None:
    laptop.writes(ALICE)
    before = commits(laptop)
    document = laptop.app.stash()
    assert (document["outcome"], document["local"]["added"]) == ("accepted", 1 + len(BALLAST))
    assert document["staged"]["count"] == 1 + len(BALLAST)
    assert document["txn"] == f"{laptop.rid}:{laptop.app.hosts()['hosts'][0]['rev']}"
    assert commits(laptop) == before
    status = laptop.app.status()
    assert (status["pending"]["up"], status["staged"]) == (1 + len(BALLAST), ["Alice"])
    assert laptop.app.push()["published"]
    assert commits(laptop) != before
    assert laptop.app.status()["pending"] == {"up": 0, "down": 0}


def test_a_push_takes_what_was_recorded_and_not_what_the_file_says_by_now(
    laptop: Machine, desk: Machine
) -> None:
    laptop.writes(ALICE)
    laptop.app.stash()
    laptop.adds(BOB)
    laptop.app.push()
    desk.sync()
    assert set(desk.entities()) == {"Alice"}
    laptop.app.stash()
    laptop.app.push()
    desk.sync()
    assert set(desk.entities()) == {"Alice", "Bob"}


def test_a_pull_leaves_the_file_alone_to_the_byte(fleet: tuple[Machine, Machine]) -> None:
    laptop, _ = fleet
    before = (laptop.file.read_bytes(), laptop.file.stat().st_mtime_ns, laptop.file.stat().st_ino)
    document = laptop.app.pull()
    assert (document["outcome"], document["wrote_file"]) == ("accepted", False)
    assert document["waiting"]["count"] == 9
    assert (laptop.file.read_bytes(), laptop.file.stat().st_mtime_ns, laptop.file.stat().st_ino) == before
    status = laptop.app.status()
    assert (status["pending"], status["waiting"]) == ({"up": 0, "down": 3}, ["Bob", "Oslo"])
    assert laptop.app.pull()["outcome"] == "nothing"


def test_a_preview_is_exactly_what_apply_then_does(fleet: tuple[Machine, Machine]) -> None:
    laptop, _ = fleet
    laptop.app.pull()
    for names in (("Oslo",), ()):
        before = laptop.file.read_bytes()
        preview = laptop.app.preview_apply(names)
        assert laptop.file.read_bytes() == before
        assert laptop.app.apply(names)["applied"] == preview["changes"] != []


def test_a_picked_apply_leaves_the_rest_pending_and_nothing_is_deleted_anywhere(
    fleet: tuple[Machine, Machine],
) -> None:
    laptop, desk = fleet
    laptop.app.pull()
    document = laptop.app.apply(("Oslo",))
    assert set(laptop.entities()) == {"Alice", "Oslo"}
    assert laptop.relations() == set()
    assert [change["name"] for change in document["waiting"]["changes"]] == ["Bob", "Bob", "Bob → Oslo"]
    for _ in range(2):
        assert laptop.app.stash()["outcome"] == "nothing"
        assert laptop.app.push()["published"] is False
    assert laptop.app.status()["pending"] == {"up": 0, "down": 2}
    desk.sync()
    assert set(desk.entities()) == {"Alice", "Bob", "Oslo"}
    assert laptop.sync()["wrote_file"]
    assert (set(laptop.entities()), laptop.relations()) == (set(desk.entities()), desk.relations())


def test_what_was_picked_can_be_deleted_while_the_rest_still_waits(fleet: tuple[Machine, Machine]) -> None:
    laptop, desk = fleet
    laptop.app.pull()
    laptop.app.apply(("Oslo",))
    laptop.writes(ALICE, Entity("Oslo", "city", OSLO.observations[1:]))
    assert laptop.app.stash()["local"]["removed"] == 1
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        assert set(machine.entities()) == {"Alice", "Bob", "Oslo"}
        assert machine.entities()["Oslo"] == ("city", list(OSLO.observations[1:]))


def test_a_deletion_from_elsewhere_can_wait_too(fleet: tuple[Machine, Machine]) -> None:
    laptop, desk = fleet
    laptop.sync()
    desk.removes("Bob")
    desk.adds(Entity("Alice", "person", ("sings",)))
    desk.sync()
    laptop.app.pull()
    laptop.app.apply(("Alice",))
    assert set(laptop.entities()) == {"Alice", "Bob", "Oslo"}
    assert laptop.app.stash()["local"] == {"added": 0, "removed": 0, "changed": 0}
    laptop.app.apply()
    assert set(laptop.entities()) == {"Alice", "Oslo"}


def test_what_the_server_writes_while_something_waits_is_recorded_and_kept(
    fleet: tuple[Machine, Machine],
) -> None:
    laptop, desk = fleet
    laptop.app.pull()
    laptop.app.apply(("Oslo",))
    laptop.adds(Entity("Carol", "person", ("runs",)))
    assert laptop.app.apply()["local"]["added"] == 2
    sync_all(laptop, desk)
    for machine in (laptop, desk):
        assert set(machine.entities()) == {"Alice", "Bob", "Carol", "Oslo"}


def test_a_name_for_which_nothing_waits_is_refused_and_the_waiting_ones_are_told(
    fleet: tuple[Machine, Machine],
) -> None:
    laptop, _ = fleet
    with pytest.raises(Misused, match="Nothing about 'Bob' waits"):
        laptop.app.preview_apply(("Bob",))
    laptop.app.pull()
    with pytest.raises(Misused, match="Nothing about 'bob' waits") as refused:
        laptop.app.apply(("Oslo", "bob"))
    assert refused.value.hint == "memsync-git apply --only Bob"
    assert set(laptop.entities()) == {"Alice"}


def test_what_waits_is_grouped_by_the_names_that_pick_it(fleet: tuple[Machine, Machine]) -> None:
    laptop, _ = fleet
    laptop.app.pull()
    groups = laptop.app.waiting()["groups"]
    assert [group["name"] for group in groups] == ["Bob", "Oslo"]
    assert [change["kind"] for change in groups[1]["changes"]] == ["entity", *["observation"] * 5, "relation"]


def test_offline_everything_but_the_remote_works_and_the_push_is_made_up_for(
    fleet: tuple[Machine, Machine],
) -> None:
    laptop, desk = fleet
    laptop.app.pull()
    laptop.unplug()
    laptop.adds(Entity("Carol", "person", ("runs",)))
    assert laptop.app.stash()["outcome"] == "accepted"
    assert laptop.app.push()["outcome"] == "offline"
    assert laptop.app.pull()["outcome"] == "offline"
    assert laptop.app.apply()["wrote_file"]
    assert set(laptop.entities()) == {"Alice", "Bob", "Carol", "Oslo"}
    assert laptop.app.status()["staged"] == ["Carol"]
    laptop.plug()
    assert laptop.app.push()["published"]
    desk.sync()
    assert "Carol" in desk.entities()


def test_a_refused_push_stays_staged_and_is_made_up_for(laptop: Machine) -> None:
    hook = laptop.hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    laptop.writes(ALICE)
    laptop.app.stash()
    assert laptop.app.push()["outcome"] == "refused"
    assert laptop.app.status()["pending"]["up"] == 1 + len(BALLAST)
    hook.unlink()
    assert laptop.app.push()["published"]


def test_a_push_that_was_overtaken_joins_what_is_there_and_touches_no_file(
    fleet: tuple[Machine, Machine],
) -> None:
    laptop, desk = fleet
    laptop.adds(Entity("Carol", "person", ("runs",)))
    laptop.app.stash()
    assert laptop.app.push()["published"]
    assert set(laptop.entities()) == {"Alice", "Carol"}
    assert laptop.app.status()["waiting"] == ["Bob", "Oslo"]
    desk.sync()
    assert set(desk.entities()) == {"Alice", "Bob", "Carol", "Oslo"}


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_in_whatever_order_the_parts_run_the_next_syncs_bring_all_together(
    fleet: tuple[Machine, Machine], order: tuple[str, ...]
) -> None:
    laptop, desk = fleet
    laptop.adds(Entity("Carol", "person", ("runs",)))
    for part in order:
        assert getattr(laptop.app, part)()["outcome"] in ("accepted", "nothing")
    sync_all(laptop, desk)
    assert set(laptop.entities()) == set(desk.entities()) == {"Alice", "Bob", "Carol", "Oslo"}
    assert laptop.app.status()["pending"] == {"up": 0, "down": 0}


def test_an_unusable_file_is_told_and_the_remote_is_served_all_the_same(laptop: Machine) -> None:
    laptop.writes(ALICE)
    laptop.app.stash()
    laptop.file.write_text("{broken")
    assert laptop.app.stash()["outcome"] == "unusable"
    assert laptop.app.apply()["outcome"] == "unusable"
    assert laptop.file.read_text() == "{broken"
    assert laptop.app.push()["published"]


def test_before_init_no_part_is_carried_out(tmp_path: object, laptop: Machine) -> None:
    stranger = Machine(laptop.home.with_name("stranger"), "stranger", laptop.hub)
    for part in ("stash", "pull", "push", "apply", "preview_apply", "waiting"):
        with pytest.raises(Misused, match="not set up"):
            getattr(stranger.app, part)()
    assert not stranger.home.exists()
