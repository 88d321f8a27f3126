"""Held deletions are listed, accepted and rejected; machines are retired."""

from __future__ import annotations

import pytest

from memsync_git.errors import Misused
from memsync_git.model import Entity, Relation

from .machines import Machine, sync_all

MANY = [f"person {number:02}" for number in range(30)]
STAYING = [f"place {number:02}" for number in range(60)]


def people() -> list[Entity]:
    return [Entity(name, "person", (f"{name} was here",)) for name in MANY]


def places() -> list[Entity]:
    return [Entity(name, "place", ("is there",)) for name in STAYING]


def held_on(laptop: Machine) -> str:
    """The laptop's file loses thirty entities at once; the id of the hold."""
    laptop.writes(*people(), *places(), Relation(MANY[0], STAYING[0], "lives in"))
    laptop.sync()
    laptop.removes(*MANY)
    assert laptop.sync()["outcome"] == "held"
    (hold,) = laptop.app.holds()["holds"]
    return hold["id"]


def test_a_large_deletion_is_listed_with_what_it_takes(laptop: Machine) -> None:
    identity = held_on(laptop)
    (hold,) = laptop.app.holds()["holds"]
    assert (hold["id"], hold["source"], hold["store"]) == (identity, "file", "default")
    assert (hold["entities"], hold["observations"], hold["relations"]) == (30, 30, 1)
    assert len(hold["items"]) + hold["cut"] == 61
    assert hold["items"][0] == {"kind": "entity", "name": MANY[0], "value": "person"}
    assert hold["at"].endswith("Z")
    assert hold["reason"]


def test_an_accepted_deletion_is_deleted_everywhere_and_held_nowhere_else(
    laptop: Machine, desk: Machine
) -> None:
    identity = held_on(laptop)
    desk.sync()
    assert len(desk.entities()) == 90
    answer = laptop.app.decide((identity,), accept=True)
    assert (answer["holds"], answer["decided"], answer["notices"]) == ([], [identity], [])
    assert desk.sync()["holds"] == 0
    assert sorted(desk.entities()) == sorted(laptop.entities()) == STAYING
    assert desk.relations() == set()


def test_a_rejected_deletion_stands_in_the_file_again(laptop: Machine, desk: Machine) -> None:
    held_on(laptop)
    answer = laptop.app.decide((), accept=False)
    assert (answer["holds"], len(answer["decided"])) == ([], 1)
    assert sorted(laptop.entities()) == sorted(MANY + STAYING)
    assert laptop.entities()[MANY[0]] == ("person", [f"{MANY[0]} was here"])
    assert laptop.sync()["outcome"] == "nothing"
    desk.sync()
    assert sorted(desk.entities()) == sorted(MANY + STAYING)


def test_accepting_spares_what_was_noted_elsewhere_meanwhile(laptop: Machine, desk: Machine) -> None:
    identity = held_on(laptop)
    desk.sync()
    desk.adds(Entity(MANY[3], "person", ("moved to Bergen",)))
    desk.sync()
    laptop.app.decide((identity,), accept=True)
    desk.sync()
    for machine in (laptop, desk):
        assert machine.entities()[MANY[3]] == ("person", ["moved to Bergen"])
        assert len(machine.entities()) == len(STAYING) + 1


def test_what_its_owner_writes_again_is_not_deleted_with_the_rest(laptop: Machine) -> None:
    identity = held_on(laptop)
    laptop.adds(*people()[:2])
    answer = laptop.app.decide((identity,), accept=True)
    assert answer["decided"] == [identity]
    assert sorted(laptop.entities()) == sorted(MANY[:2] + STAYING)


def test_a_hold_that_has_dissolved_is_told_and_nothing_is_deleted(laptop: Machine) -> None:
    identity = held_on(laptop)
    laptop.adds(*people(), Relation(MANY[0], STAYING[0], "lives in"))
    answer = laptop.app.decide((identity,), accept=True)
    assert answer["decided"] == []
    assert "stands in the memory file again" in answer["notices"][0]["message"]
    assert len(laptop.entities()) == 90


def emptied(laptop: Machine) -> None:
    laptop.writes(*people()[:3])
    laptop.sync()
    laptop.file.write_bytes(b"")
    assert laptop.sync()["outcome"] == "unusable"


def test_an_emptied_file_is_one_hold_of_everything(laptop: Machine) -> None:
    emptied(laptop)
    (hold,) = laptop.app.holds()["holds"]
    assert (hold["id"], hold["source"], hold["entities"], hold["observations"]) == ("file", "file", 3, 3)
    first_seen = hold["at"]
    laptop.sync()
    assert laptop.app.holds()["holds"][0]["at"] == first_seen


def test_accepting_an_emptied_file_deletes_all_it_held_everywhere(laptop: Machine, desk: Machine) -> None:
    laptop.writes(*people(), *places())
    sync_all(laptop, desk)
    laptop.file.write_bytes(b"")
    laptop.sync()
    answer = laptop.app.decide(("file",), accept=True)
    assert (answer["decided"], answer["holds"]) == (["file"], [])
    assert laptop.entities() == {}
    assert desk.sync()["holds"] == 0
    assert desk.entities() == {}


def test_accepting_a_missing_file_creates_an_empty_one(laptop: Machine) -> None:
    laptop.writes(*people()[:3])
    laptop.sync()
    laptop.file.unlink()
    laptop.sync()
    laptop.app.decide(("file",), accept=True)
    assert laptop.file.read_bytes() == b""
    assert laptop.sync()["outcome"] == "nothing"


def test_rejecting_an_emptied_file_brings_it_back(laptop: Machine) -> None:
    emptied(laptop)
    answer = laptop.app.decide((), accept=False)
    assert (answer["decided"], answer["holds"]) == (["file"], [])
    assert sorted(laptop.entities()) == MANY[:3]
    assert laptop.app.status()["state"] == "in_sync"


def test_a_file_that_came_back_by_itself_is_not_deleted(laptop: Machine) -> None:
    emptied(laptop)
    laptop.writes(*people()[:4])
    answer = laptop.app.decide(("file",), accept=True)
    assert answer["decided"] == []
    assert "there again" in answer["notices"][0]["message"]
    assert sorted(laptop.entities()) == MANY[:4]


def held_from_elsewhere(laptop: Machine, desk: Machine, hub_names: list[str]) -> str:
    """The desk deletes most of the memory in steps too small for its own guard; the laptop holds it."""
    laptop.writes(*(Entity(name, "thing") for name in hub_names))
    sync_all(laptop, desk)
    for start in range(0, len(hub_names) - 40, 20):
        desk.removes(*hub_names[start : start + 20])
        assert desk.sync()["holds"] == 0
    assert laptop.sync()["holds"] == 1
    (hold,) = laptop.app.holds()["holds"]
    assert hold["source"] == "desk"
    return hold["id"]


THINGS = [f"thing {number:03}" for number in range(200)]


def test_a_deletion_from_elsewhere_is_carried_out_once_accepted(laptop: Machine, desk: Machine) -> None:
    identity = held_from_elsewhere(laptop, desk, THINGS)
    assert len(laptop.entities()) == 200
    answer = laptop.app.decide((identity,), accept=True)
    assert (answer["holds"], answer["decided"]) == ([], [identity])
    assert sorted(laptop.entities()) == sorted(desk.entities()) == THINGS[160:]


def test_a_deletion_from_elsewhere_is_taken_back_everywhere_once_rejected(
    laptop: Machine, desk: Machine
) -> None:
    held_from_elsewhere(laptop, desk, THINGS)
    answer = laptop.app.decide((), accept=False)
    assert answer["holds"] == []
    desk.sync()
    assert sorted(laptop.entities()) == sorted(desk.entities()) == THINGS
    assert laptop.app.conflicts()["conflicts"] == []


def test_an_unknown_hold_is_refused(laptop: Machine) -> None:
    with pytest.raises(Misused) as caught:
        laptop.app.decide(("nothing",), accept=True)
    assert "'nothing'" in caught.value.message


def test_with_nothing_held_a_decision_says_so(laptop: Machine) -> None:
    answer = laptop.app.decide((), accept=True)
    assert (answer["decided"], [each["message"] for each in answer["notices"]]) == ([], ["Nothing is held."])


# --- retiring


def test_a_retired_machine_is_told_to_all_with_the_next_sync(laptop: Machine, desk: Machine) -> None:
    desk.adds(Entity("Oslo", "city"))
    sync_all(desk, laptop)
    rid = desk.rid
    answer = laptop.app.retire("desk")
    assert [(host["id"], host["retired"]) for host in answer["hosts"]] == [(laptop.rid, False), (rid, True)]
    assert answer["notices"][0]["hint"] == "memsync-git sync"
    assert laptop.sync()["published"]
    assert "Oslo" in laptop.entities()


def test_a_retired_machine_that_comes_back_takes_a_new_id_and_keeps_all(
    laptop: Machine, desk: Machine
) -> None:
    desk.adds(Entity("Oslo", "city"))
    sync_all(desk, laptop)
    before = desk.rid
    laptop.app.retire(before)
    laptop.sync()
    desk.sync()
    assert desk.rid != before
    assert "Oslo" in desk.entities()
    assert {host["host"]: host["retired"] for host in desk.app.hosts()["hosts"] if host["id"] != before} == {
        "desk": False,
        "laptop": False,
    }


def test_retiring_twice_is_the_same_as_once(laptop: Machine, desk: Machine) -> None:
    desk.adds(Entity("Oslo", "city"))
    sync_all(desk, laptop)
    laptop.app.retire("desk")
    laptop.sync()
    assert "retired already" in laptop.app.retire("desk")["notices"][0]["message"]
    assert laptop.sync()["published"] is False


def test_nobody_can_retire_this_machine_or_a_stranger(laptop: Machine) -> None:
    with pytest.raises(Misused, match="cannot retire itself"):
        laptop.app.retire("laptop")
    with pytest.raises(Misused) as caught:
        laptop.app.retire("lapto")
    assert caught.value.hint == "memsync-git hosts"
