"""What this machine does not share gets no new facts by a command either, and the person is told so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memsync_git.app.resting import look
from memsync_git.config.writing import change
from memsync_git.model import Entity
from memsync_git.options import ResolveOptions, RestoreOptions, Take, UndoOptions

from .machines import BALLAST, Machine, sync_all
from .test_app_undoing import a_moment

STOCK = Entity("Zoo", "place", BALLAST)
BOB = Entity("Bob", "person", ("plays chess",))
SECRET = Entity("Secret plan", "project", ("rob the bank",))


def leaves_out(machine: Machine, glob: str) -> None:
    change(machine.home / "config.toml", {"stores.default.exclude": [glob]})


def told(document) -> list[str]:
    return [each["message"] for each in document["notices"] if "does not share" in each["message"]]


@pytest.mark.parametrize("glob", ["Secret*", "project"])
def test_an_import_leaves_out_what_is_not_shared(
    laptop: Machine, desk: Machine, tmp_path: Path, glob: str
) -> None:
    laptop.writes(STOCK)
    sync_all(laptop, desk)
    leaves_out(laptop, glob)
    old = tmp_path / "old.json"
    rows = [
        {"type": "entity", "name": each.name, "entityType": each.type, "observations": each.observations}
        for each in (BOB, SECRET)
    ]
    old.write_text("\n".join(map(json.dumps, rows)))
    preview = laptop.app.preview_import(str(old))
    assert {part["name"] for part in preview["changes"]} == {"Bob"}
    assert told(preview)
    answer = laptop.app.import_(str(old))
    assert answer["imported"]["added"] == 2
    assert told(answer) == ["This machine does not share Secret plan: nothing was written about that."]
    sync_all(laptop, desk)
    assert set(desk.entities()) == {"Zoo", "Bob"}


def test_an_undo_leaves_alone_what_is_not_shared(laptop: Machine, desk: Machine) -> None:
    laptop.writes(STOCK)
    sync_all(laptop, desk)
    laptop.adds(BOB, SECRET)
    txn = laptop.sync()["txn"]
    sync_all(desk)
    leaves_out(laptop, "Secret*")
    intention = laptop.app.plan_undo(UndoOptions(txn, 1))
    assert told(intention.preview)
    assert told(laptop.app.amend(intention))
    sync_all(laptop, desk)
    assert set(desk.entities()) == {"Zoo", "Secret plan"}
    assert "Secret plan" in laptop.entities()


def test_what_others_deleted_of_it_is_not_brought_back(laptop: Machine, desk: Machine) -> None:
    laptop.writes(STOCK, BOB, SECRET)
    sync_all(laptop, desk)
    then = a_moment()
    desk.writes(STOCK)
    sync_all(desk, laptop)
    leaves_out(laptop, "Secret*")
    answer = laptop.app.amend(laptop.app.plan_restore(RestoreOptions(then, (), exactly=False)))
    assert told(answer) == ["This machine does not share Secret plan: nothing was written about that."]
    sync_all(laptop, desk)
    assert set(desk.entities()) == {"Zoo", "Bob"}


def test_a_conflict_under_a_name_that_is_not_shared_stays(laptop: Machine, desk: Machine) -> None:
    laptop.writes(STOCK, Entity("Mercury", "planet", ("hot",)))
    desk.writes(STOCK, Entity("Mercury", "metal", ("liquid",)))
    sync_all(laptop, desk)
    leaves_out(laptop, "Mercury")
    answer = laptop.app.resolve(ResolveOptions("Mercury", Take("mine"), None))
    assert (answer["txn"], answer["resolved"], answer["left"]) == (None, [], 1)
    assert told(answer) == ["This machine does not share Mercury: nothing was written about that."]
    desk.sync()
    assert len(desk.app.conflicts()["conflicts"]) == 1


def rests(machine: Machine) -> bool:
    """Whether the next sync would do nothing but look."""
    return look(machine.app.rooms).rests is not None


def test_a_machine_that_leaves_something_out_rests_until_file_or_rules_change(
    laptop: Machine, desk: Machine
) -> None:
    laptop.writes(STOCK, BOB)
    sync_all(laptop, desk)
    leaves_out(laptop, "Secret*")
    assert not rests(laptop)
    laptop.adds(SECRET)
    assert laptop.sync()["published"] is False
    assert laptop.sync()["outcome"] == "nothing"
    assert rests(laptop)
    assert laptop.sync()["outcome"] == "nothing"
    laptop.adds(Entity("Secret song", "song", ("la",)))
    assert not rests(laptop)
    laptop.sync()
    assert rests(laptop)
    leaves_out(laptop, "Secret p*")
    assert not rests(laptop)
    sync_all(laptop, desk)
    assert "Secret song" in desk.entities()
    assert "Secret plan" not in desk.entities()
    assert rests(laptop)
