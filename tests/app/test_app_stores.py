"""Several stores in one repository, through real git."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from memsync_git.app import App
from memsync_git.app.contexts import contexts, store_name
from memsync_git.config import Places
from memsync_git.config.writing import change
from memsync_git.documents import StoresDocument, SyncDocument
from memsync_git.errors import MemsyncError, Misused, StoreDamaged
from memsync_git.model import Entity
from memsync_git.options import InitOptions, ShowOptions, SyncOptions
from tests.git.web import Serving
from tests.laws.test_exposition import parsed

from .machines import Machine, new_hub


@pytest.fixture
def desk(tmp_path: Path, hub: Path) -> Machine:
    machine = Machine(tmp_path / "desk", "desk", hub)
    machine.join()
    return machine


@pytest.fixture
def laptop(tmp_path: Path, hub: Path, desk: Machine) -> Machine:
    machine = Machine(tmp_path / "laptop", "laptop", hub)
    machine.join()
    return machine


def work_of(machine: Machine) -> Path:
    return machine.home / "work.jsonl"


def note(path: Path, *names: str) -> None:
    """The server of a file saves these entities and no others."""
    rows = [
        {"type": "entity", "name": name, "entityType": "task", "observations": ["open"]} for name in names
    ]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")


def names_in(path: Path) -> set[str]:
    return {json.loads(line)["name"] for line in path.read_text("utf-8").splitlines()}


def add(machine: Machine, name: str = "work", file: Path | None = None) -> StoresDocument:
    app = machine.app
    return app.add_stores(app.store_candidates({name: str(file or work_of(machine))}))


def of(machine: Machine, store: str) -> App:
    return App.open(Places.of({"MEMSYNC_HOME": str(machine.home)}), store=store)


def laptop_writes_into_work(desk: Machine, laptop: Machine) -> None:
    """Both have the store; the desk has not heard of the laptop yet, which has written only there."""
    note(work_of(desk), "Plan")
    add(desk)
    add(laptop)
    note(work_of(laptop), "Plan", "Budget")
    laptop.sync()


def test_two_machines_share_two_files_and_nothing_of_one_shows_in_the_other(
    desk: Machine, laptop: Machine
) -> None:
    desk.adds(Entity("Alice", "person", ("likes tea",)))
    note(work_of(desk), "Plan")
    assert add(desk)["sync"]["outcome"] == "accepted"
    add(laptop)
    assert names_in(work_of(laptop)) == {"Plan"}

    note(work_of(laptop), "Plan", "Budget")
    laptop.adds(Entity("Bob", "person", ()))
    laptop.sync()
    note(work_of(desk), "Plan", "Meeting")
    desk.sync()
    laptop.sync()
    assert names_in(work_of(desk)) == names_in(work_of(laptop)) == {"Plan", "Budget", "Meeting"}
    assert set(desk.entities()) == set(laptop.entities()) == {"Alice", "Bob"}


def test_a_deletion_in_one_store_travels_and_leaves_the_same_name_in_the_other(
    desk: Machine, laptop: Machine
) -> None:
    desk.adds(Entity("Plan", "project", ("of life",)), Entity("Alice", "person", ()))
    note(work_of(desk), "Plan", "Budget")
    add(desk)
    add(laptop)
    note(work_of(laptop), "Budget")
    laptop.sync()
    desk.sync()
    assert names_in(work_of(desk)) == {"Budget"}
    assert "Plan" in desk.entities()


def test_a_machine_without_a_store_carries_it_along(desk: Machine, laptop: Machine, hub: Path) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    laptop.adds(Entity("Bob", "person", ()))
    assert laptop.sync()["outcome"] == "accepted"
    listed = ["git", "-C", str(hub), "ls-tree", "-r", "--name-only", "main"]
    paths = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    assert f"stores/work/memory-{desk.rid}.json" in paths
    assert not work_of(laptop).exists()
    desk.sync()
    assert set(desk.entities()) == {"Bob"}
    assert names_in(work_of(desk)) == {"Plan"}


def test_both_stores_of_a_machine_come_to_rest(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    desk.sync()
    before = subprocess.check_output(["git", "-C", str(desk.hub), "for-each-ref"])
    document = desk.sync()
    assert (document["outcome"], document["published"]) == ("nothing", False)
    assert [each["store"] for each in document["stores"]] == ["default", "work"]
    assert subprocess.check_output(["git", "-C", str(desk.hub), "for-each-ref"]) == before


def test_offline_what_waits_is_counted_for_all_stores_and_goes_out_later(
    desk: Machine, laptop: Machine
) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    add(laptop)
    desk.unplug()
    desk.adds(Entity("Alice", "person", ("likes tea",)))
    note(work_of(desk), "Plan", "Budget")
    assert desk.sync()["outcome"] == "offline"
    status = desk.app.status()
    assert (status["state"], status["pending"]) == ("offline", {"up": 4, "down": 0})
    assert [file["store"] for file in status["stores"]] == ["default", "work"]
    assert of(desk, "work").status()["pending"]["up"] == 2
    desk.plug()
    desk.sync()
    laptop.sync()
    assert "Alice" in laptop.entities()
    assert names_in(work_of(laptop)) == {"Plan", "Budget"}


def test_a_file_that_cannot_be_used_keeps_no_other_store_from_its_round(
    desk: Machine, laptop: Machine
) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    desk.file.write_bytes(b'{"type":"entity","name":\n')
    note(work_of(desk), "Plan", "Budget")
    document = desk.sync()
    assert document["outcome"] == "unusable"
    assert [each["outcome"] for each in document["stores"]] == ["unusable", "accepted"]
    assert document["notices"][0]["message"].startswith("default: ")
    add(laptop)
    assert names_in(work_of(laptop)) == {"Plan", "Budget"}


def test_a_replica_that_is_damaged_keeps_no_other_store_from_its_round(
    desk: Machine, laptop: Machine
) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    desk.app.rooms.places.store("work").write_bytes(b"no database at all" * 300)
    desk.adds(Entity("Alice", "person", ()))
    document = desk.sync()
    assert [each["outcome"] for each in document["stores"]] == ["accepted", "failed"]
    assert any(each["message"].startswith("work: ") for each in document["notices"])
    laptop.sync()
    assert set(laptop.entities()) == {"Alice"}


def test_a_replica_that_is_damaged_hides_no_other_store_from_the_screen(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    desk.adds(Entity("Alice", "person", ()))
    desk.sync()
    stores = [desk.app.rooms.places.store(name) for name in ("work", "default")]
    stores[0].write_bytes(b"no database at all" * 300)
    status = desk.app.status()
    assert (status["state"], status["store"]) == ("attention", "default")
    assert [each["entities"] for each in status["stores"]] == [1]
    assert status["notices"][0]["message"].startswith("work: ")
    assert "memsync-git doctor" in status["notices"][0]["hint"]
    stores[1].write_bytes(b"no database either" * 300)
    with pytest.raises(StoreDamaged):
        desk.app.status()


def test_a_question_is_answered_of_the_store_it_names(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    assert of(desk, "work").show(ShowOptions("Plan", None))["found"]
    with pytest.raises(MemsyncError, match="says nothing about 'Plan'"):
        desk.app.show(ShowOptions("Plan", None))
    with pytest.raises(Misused, match="No store is called 'play'"):
        of(desk, "play")


def test_a_large_deletion_is_held_in_its_store_and_found_from_the_screen(desk: Machine) -> None:
    note(work_of(desk), *(f"Task {number}" for number in range(40)))
    add(desk)
    note(work_of(desk), "Task 1")
    desk.sync()
    status = desk.app.status()
    assert (status["state"], status["holds"]) == ("attention", 1)
    assert "memsync-git holds --store work" in [each["hint"] for each in status["notices"]]
    assert not desk.app.holds()["holds"]
    work = of(desk, "work")
    work.decide((), accept=False)
    desk.sync()
    assert len(names_in(work_of(desk))) == 40


def test_a_sync_of_one_store_leaves_the_others_alone(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    desk.adds(Entity("Alice", "person", ()))
    assert of(desk, "work").sync(SyncOptions())["outcome"] == "nothing"
    assert desk.sync()["local"]["added"] == 1


def test_a_preview_shows_what_joining_would_bring_and_changes_nothing(desk: Machine, laptop: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    app = laptop.app
    shown = app.preview_stores(app.store_candidates({"work": str(work_of(laptop))}))
    assert (shown["would_add"], shown["would_remove"]) == (2, 0)
    assert [machine["host"] for machine in shown["machines"]] == ["desk"]
    assert not work_of(laptop).exists()
    assert [store["store"] for store in laptop.app.stores()["stores"]] == ["default"]


def test_a_store_that_is_left_stays_everywhere_and_can_come_back(desk: Machine, laptop: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    add(laptop)
    before = work_of(desk).read_bytes()
    left = desk.app.remove_store("work")
    assert [store["store"] for store in left["stores"]] == ["default"]
    assert "stays as it is" in left["notices"][0]["message"]
    note(work_of(laptop), "Plan", "Budget")
    laptop.sync()
    desk.sync()
    assert work_of(desk).read_bytes() == before

    add(desk)
    desk.sync()
    laptop.sync()
    assert names_in(work_of(desk)) == names_in(work_of(laptop)) == {"Plan", "Budget"}


def test_a_store_that_comes_back_with_another_file_deletes_nothing(desk: Machine, laptop: Machine) -> None:
    note(work_of(desk), *(f"Task {number}" for number in range(9)))
    add(desk)
    add(laptop)
    desk.app.remove_store("work")
    other = desk.home / "other.jsonl"
    note(other, "Elsewhere")
    add(desk, file=other)
    desk.sync()
    laptop.sync()
    assert len(names_in(other)) == len(names_in(work_of(laptop))) == 10


def test_the_contexts_of_a_folder_become_stores_in_one_step(desk: Machine, laptop: Machine) -> None:
    for machine in (desk, laptop):
        (machine.home / "aim").mkdir()
    note(desk.home / "aim" / "memory-work.jsonl", "Plan")
    note(desk.home / "aim" / "memory-Home Improvement.jsonl", "Shelf")
    app = desk.app
    added = app.add_stores(app.store_candidates(app.contexts(str(desk.home / "aim"))))
    assert [store["store"] for store in added["stores"]] == ["default", "home-improvement", "work"]
    add(laptop, "home-improvement", laptop.home / "aim" / "memory-Home Improvement.jsonl")
    assert names_in(laptop.home / "aim" / "memory-Home Improvement.jsonl") == {"Shelf"}


def test_the_file_without_a_context_becomes_a_store_too_and_what_is_one_is_passed_over(
    desk: Machine, laptop: Machine
) -> None:
    for machine in (desk, laptop):
        (machine.home / "aim").mkdir()
    aim = desk.home / "aim"
    note(aim / "memory.jsonl", "Compass")
    note(aim / "memory-club.jsonl", "Chess")
    (aim / "memory.jsonl.bak").touch()
    (aim / "memoryless.jsonl").touch()
    app = desk.app
    app.add_stores(app.store_candidates(app.contexts(str(aim))))
    assert [store["store"] for store in desk.app.stores()["stores"]] == ["default", "club", "aim"]
    note(aim / "memory-home.jsonl", "Shelf")
    assert desk.app.contexts(str(aim)) == {"home": str(aim / "memory-home.jsonl")}
    app = desk.app
    app.add_stores(app.store_candidates(app.contexts(str(aim))))
    with pytest.raises(Misused, match="is a store already"):
        desk.app.contexts(str(aim))
    add(laptop, "aim", laptop.home / "aim" / "memory.jsonl")
    assert names_in(laptop.home / "aim" / "memory.jsonl") == {"Compass"}


def test_the_file_without_a_context_may_be_the_first_store(tmp_path: Path, hub: Path) -> None:
    aim = tmp_path / "aim"
    aim.mkdir()
    note(aim / "memory.jsonl", "Compass")
    note(aim / "memory-club.jsonl", "Chess")
    alone = Machine(tmp_path / "alone", "alone", hub)
    alone.home.mkdir()
    wanted = InitOptions(remote=str(hub), host="alone", file=str(aim / "memory.jsonl"))
    alone.app.join(alone.app.plan(wanted), service=False)
    assert alone.app.contexts(str(aim)) == {"club": str(aim / "memory-club.jsonl")}


def test_contexts_that_would_be_called_the_same_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Misused, match=r"There is no memory\.jsonl and no memory-CONTEXT\.jsonl"):
        contexts(str(tmp_path))
    for name in ("memory-a b.jsonl", "memory-a-b.jsonl"):
        (tmp_path / name).touch()
    with pytest.raises(Misused, match="would both be called a-b"):
        contexts(str(tmp_path))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("memory-work.jsonl", "work"),
        ("memory-Größe 2.jsonl", "gr-e-2"),
        ("memory-§.jsonl", "context"),
        ("memory.jsonl", "aim"),
    ],
)
def test_a_context_gives_a_name_that_a_store_may_have(file: str, name: str) -> None:
    assert store_name(file) == name


def test_what_is_taken_or_nameless_is_refused(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    with pytest.raises(Misused, match="is the file of the store default"):
        add(desk, file=desk.file)
    with pytest.raises(Misused, match="The name 'Work' is 'Work'"):
        add(desk, "Work")
    with pytest.raises(Misused, match="A store needs its file"):
        desk.app.store_candidates({"work": None})
    add(desk)
    with pytest.raises(Misused, match="There is a store called work already"):
        add(desk)
    desk.app.remove_store("work")
    with pytest.raises(Misused, match="default is the only store"):
        desk.app.remove_store("default")


def test_a_store_that_was_only_configured_is_named_until_it_is_adopted(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    change(desk.app.rooms.places.config, {"stores.work.file": str(work_of(desk))})
    for notices in (desk.sync()["notices"], desk.app.status()["notices"], desk.app.stores()["notices"]):
        assert any(
            "work stands in the configuration, but was never adopted" in each["message"] for each in notices
        )
    with pytest.raises(Misused, match="never adopted"):
        of(desk, "work")
    app = desk.app
    app.add_stores(app.store_candidates({"work": None}))
    assert not desk.sync()["notices"]


def test_doctor_tells_of_every_store(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    rows = {row["check"]: row for row in desk.app.doctor()["rows"]}
    assert rows["store work"]["verdict"] == "ok"
    work_of(desk).write_bytes(b'{"type":"entity","name":\n')
    rows = {row["check"]: row for row in desk.app.doctor()["rows"]}
    assert rows["memory file"]["verdict"] == rows["contents"]["verdict"] == "ok"
    assert rows["store work"]["verdict"] != "ok"
    assert rows["store work"]["cure"] == "memsync-git doctor --store work"
    closer = {row["check"]: row for row in of(desk, "work").doctor()["rows"]}
    assert {closer[check]["verdict"] for check in ("memory file", "contents")} != {"ok"}


def test_rules_of_a_store_hold_from_the_first_round(desk: Machine, laptop: Machine) -> None:
    note(work_of(desk), "Plan", "Secret plan")
    app = desk.app
    app.add_stores(app.store_candidates({"work": str(work_of(desk))}, exclude=["Secret*"]))
    add(laptop)
    assert names_in(work_of(laptop)) == {"Plan"}
    assert names_in(work_of(desk)) == {"Plan", "Secret plan"}


def test_a_new_hub_is_given_every_store(desk: Machine, laptop: Machine, tmp_path: Path) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    other = new_hub(tmp_path / "other.git")
    app = desk.app
    app.move_remote(app.candidate("origin", str(other), None, moves=True))
    guest = Machine(tmp_path / "guest", "guest", other)
    guest.join()
    add(guest)
    assert names_in(work_of(guest)) == {"Plan"}


# --- the whole machine, told as one


def test_verify_compares_every_store_and_names_the_one_that_differs(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    document = desk.app.verify()
    assert document["outcome"] == "accepted"
    assert {part.get("store") for part in document["parts"]} == {"default", "work"}
    note(work_of(desk), "Plan", "Budget")
    document = desk.app.verify()
    apart = [(part.get("store"), part["what"]) for part in document["parts"] if part["verdict"] != "ok"]
    assert (document["outcome"], apart) == ("failed", [("work", "file")])
    assert {"store"} & {key for part in of(desk, "work").verify()["parts"] for key in part} == set()


def test_the_worst_of_all_stores_is_what_verify_ends_with(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    work_of(desk).write_bytes(b"{broken")
    desk.adds(Entity("Alice", "person", ()))
    assert desk.app.verify()["outcome"] == "unusable"


def test_verify_and_the_self_test_name_a_store_that_was_only_configured(desk: Machine) -> None:
    note(work_of(desk), "Plan")
    change(desk.app.rooms.places.config, {"stores.work.file": str(work_of(desk))})
    (part,) = [each for each in desk.app.verify()["parts"] if each.get("store") == "work"]
    assert "never adopted" in part["evidence"]
    (row,) = [each for each in desk.app.self_test()["rows"] if each.get("store") == "work"]
    assert (row["verdict"], row["hint"]) == ("warn", "memsync-git stores add work")


def test_the_self_test_tries_every_file_and_asks_the_machine_once(desk: Machine, laptop: Machine) -> None:
    laptop_writes_into_work(desk, laptop)
    desk.adds(Entity("Alice", "person", ()))
    note(work_of(desk), "Plan", "Meeting")
    document = desk.app.self_test()
    rows = {row["name"]: row for row in document["rows"]}
    assert len(rows) == len(document["rows"])
    assert not [name for name, row in rows.items() if row["verdict"] == "fail"]
    assert {"store", "store work", "trial round work", "next sync work"} <= set(rows)
    assert "clock work" not in rows
    assert (rows["next sync"]["store"], rows["next sync work"]["store"]) == ("default", "work")
    assert "would publish 1 change and bring 0" in rows["next sync"]["detail"]
    assert "would publish 2 changes and bring 2" in rows["next sync work"]["detail"]
    assert {part["name"] for part in document["preview"]["changes"]} == {"Alice", "Meeting", "Budget"}
    assert document["preview"]["action"].endswith("would publish 3 and bring 2 to the file")
    work_of(desk).write_bytes(b"{broken")
    rows = {row["name"]: row for row in desk.app.self_test()["rows"]}
    assert (rows["memory file"]["verdict"], rows["memory file work"]["verdict"]) == ("ok", "fail")


def test_figures_are_those_of_all_stores(desk: Machine) -> None:
    before = parsed(desk.app.metrics())
    note(work_of(desk), "Plan")
    add(desk)
    desk.sync()
    found = parsed(desk.app.metrics())
    assert found["memsync_entities", 'store="work"'] == 1
    rounds = [
        sum(value for (name, _), value in samples.items() if name == "memsync_rounds_total")
        for samples in (before, found)
    ]
    assert rounds[1] == rounds[0] + 3, "the first of work, and one in each"
    desk.unplug()
    note(work_of(desk), "Plan", "Budget")
    of(desk, "work").sync(SyncOptions())
    found = parsed(desk.app.metrics())
    assert found["memsync_remote_outcome", 'remote="origin",outcome="offline"'] == 1
    assert found["memsync_failing_since_timestamp_seconds", ""] > 0
    assert found["memsync_pending_items", 'direction="up"'] == 2


def test_a_machine_is_listed_once_and_renamed_and_retired_wherever_it_takes_part(
    desk: Machine, laptop: Machine
) -> None:
    laptop_writes_into_work(desk, laptop)
    desk.adds(Entity("Alice", "person", ()))
    desk.sync()
    assert [host["host"] for host in desk.app.hosts()["hosts"]] == ["desk", "laptop"], "from work alone"
    laptop.app.rename("kitchen")
    desk.sync()
    assert {host["host"] for host in of(desk, "work").hosts()["hosts"]} == {"desk", "kitchen"}

    laptop.adds(Entity("Bob", "person", ()))
    laptop.sync()
    desk.sync()
    retired = desk.app.retire("kitchen")
    assert {host["host"]: host["retired"] for host in retired["hosts"]} == {"desk": False, "kitchen": True}
    for store in ("default", "work"):
        marked = {host["host"]: host["retired"] for host in of(desk, store).hosts()["hosts"]}
        assert marked == {"desk": False, "kitchen": True}
    assert "retired already" in desk.app.retire("kitchen")["notices"][0]["message"]


def test_what_only_one_store_heard_of_can_be_retired_and_this_machine_cannot(
    desk: Machine, laptop: Machine
) -> None:
    laptop_writes_into_work(desk, laptop)
    desk.sync()
    assert {host["host"]: host["retired"] for host in desk.app.retire("laptop")["hosts"]}["laptop"]
    with pytest.raises(Misused, match="cannot retire itself"):
        desk.app.retire("desk")


# --- one push for all


def commits(hub: Path, ref: str = "main") -> int:
    return int(subprocess.check_output(["git", "-C", str(hub), "rev-list", "--count", ref]))


def test_what_changed_in_several_stores_is_one_commit_and_one_push(desk: Machine, hub: Path) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    desk.sync()
    before = commits(hub)
    desk.adds(Entity("Alice", "person", ("likes tea",)))
    note(work_of(desk), "Plan", "Budget")
    document = desk.sync()
    assert [each["outcome"] for each in document["stores"]] == ["accepted", "accepted"]
    assert commits(hub) == before + 1
    assert commits(hub, f"refs/memsync/{desk.rid}") == 2, "the first of work, and one for both"
    said = subprocess.check_output(["git", "-C", str(hub), "log", "-1", "--format=%B", "main"], text=True)
    assert "Alice" in said.splitlines()[0]
    assert "Budget" in said.splitlines()[0]
    assert said.count("Memsync-Txn: ") == 2
    assert desk.sync()["outcome"] == "nothing"


def test_a_store_whose_file_cannot_be_used_is_published_with_the_others_as_far_as_it_says(
    desk: Machine, laptop: Machine, hub: Path
) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    add(laptop)
    desk.sync()
    work_of(desk).write_bytes(work_of(desk).read_bytes() + b'\n{"type":"entity","na')
    desk.adds(Entity("Alice", "person", ()))
    document = desk.sync()
    assert [each["outcome"] for each in document["stores"]] == ["accepted", "unusable"]
    laptop.sync()
    assert set(laptop.entities()) == {"Alice"}
    assert names_in(work_of(laptop)) == {"Plan"}


def test_two_machines_that_write_into_both_stores_at_once_agree(desk: Machine, laptop: Machine) -> None:
    note(work_of(desk), "Plan")
    add(desk)
    add(laptop)
    for name, machine in (("Alice", desk), ("Bob", laptop)):
        machine.adds(Entity(name, "person", ()))
        note(work_of(machine), "Plan", f"of {name}")
    for machine in (desk, laptop, desk):
        machine.sync()
    assert set(desk.entities()) == set(laptop.entities()) == {"Alice", "Bob"}
    assert names_in(work_of(desk)) == names_in(work_of(laptop)) == {"Plan", "of Alice", "of Bob"}
    assert desk.app.verify()["outcome"] == laptop.app.verify()["outcome"] == "accepted"


def test_a_sync_of_several_stores_asks_a_far_hub_as_often_as_a_sync_of_one(tmp_path: Path, hub: Path) -> None:
    subprocess.run(["git", "-C", hub, "config", "http.receivepack", "true"], check=True)
    serving = Serving(tmp_path)
    try:
        desk = Machine(tmp_path / "desk", "desk", hub)
        desk.home.mkdir()
        desk.app.join(desk.app.plan(InitOptions(remote=serving.url, host="desk")), service=False)
        for name in ("work", "club"):
            note(desk.home / f"{name}.jsonl", "Plan")
        serving.asked()
        app = desk.app
        plans = app.store_candidates({name: str(desk.home / f"{name}.jsonl") for name in ("work", "club")})
        app.preview_stores(plans)
        assert sum("info/refs" in each for each in serving.asked()) == 1
        added = app.add_stores(plans)["sync"]
        assert [each["outcome"] for each in added["stores"]] == ["accepted", "accepted"]
        assert sum("info/refs" in each for each in serving.asked()) == 2, "a look and a push"
        desk.sync()

        def connections(document: SyncDocument) -> tuple[str, int]:
            return document["outcome"], sum("info/refs" in each for each in serving.asked())

        serving.asked()
        assert connections(desk.sync()) == ("nothing", 1)
        desk.adds(Entity("Alice", "person", ()))
        for name in ("work", "club"):
            note(desk.home / f"{name}.jsonl", "Plan", "Budget")
        before = commits(hub)
        assert connections(desk.sync()) == ("accepted", 2), "a look and a push"
        assert commits(hub) == before + 1
        assert connections(desk.sync()) == ("nothing", 1)
        serving.opens_to = "nobody"
        assert connections(desk.sync()) == ("refused", 1)
    finally:
        serving.close()
