"""`memsync-git --test`: everything is tried out, and nothing anywhere is changed by it."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from memsync_git.app import App
from memsync_git.app.rehearsal import copied_store
from memsync_git.app.trial import seeded_hub, try_out
from memsync_git.config import Places
from memsync_git.config.writing import change
from memsync_git.crdt.fragment import Fragment
from memsync_git.documents import SelfTestDocument, SelfTestRow
from memsync_git.errors import Misused
from memsync_git.model import Entity
from memsync_git.ports import Fetched
from memsync_git.stores.lock import round_lock
from memsync_git.stores.reading import SqliteReader

from .machines import BALLAST, Machine

MOST_S = 3.0
"""The promise for a remote on this disk."""

STEPS = [
    "configuration",
    "git",
    "identity",
    "store",
    "permissions",
    "memory file",
    "format",
    "clone",
    "fetch",
    "push",
    "lock",
    "service",
    "clock",
    "trial round",
    "next sync",
]


def rows(document: SelfTestDocument) -> dict[str, SelfTestRow]:
    return {row["name"]: row for row in document["rows"]}


def tried(machine: Machine) -> dict[str, SelfTestRow]:
    return rows(machine.app.self_test())


@pytest.fixture
def tidy(laptop: Machine, desk: Machine) -> Machine:
    """A machine of two, private as the program leaves it, that has synced everything."""
    laptop.adds(Entity("Alice", "person", ("likes tea", *BALLAST)))
    for machine in (laptop, desk, laptop):
        machine.sync()
    for folder in (laptop.home, *[path for path in laptop.home.rglob("*") if path.is_dir()]):
        folder.chmod(0o700)
    return laptop


def everything_at(machine: Machine) -> dict[str, object]:
    """All that people and other machines could see change."""
    refs = subprocess.run(["git", "-C", machine.hub, "for-each-ref"], capture_output=True, check=True).stdout
    objects = {str(path) for path in machine.hub.rglob("*")}
    files = {
        str(path): (path.stat().st_mode, path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in machine.home.rglob("*")
        if path.is_file() and ".git" not in path.parts and path.suffix not in (".lock", ".db")
    }
    stores = {
        name: copied_store(SqliteReader(machine.home / "state" / name)).rows("header")
        for name in ("default/replica.db", "identity.db")
    }
    return {"refs": refs, "objects": objects, "files": files, "stores": stores}


def test_a_sound_machine_passes_every_step_quickly_and_nothing_is_changed(
    tidy: Machine, desk: Machine
) -> None:
    desk.adds(Entity("Desk", "place", BALLAST))
    desk.sync()
    tidy.adds(Entity("Laptop", "place", BALLAST))
    before = everything_at(tidy)
    began_s = time.monotonic()
    document = tidy.app.self_test()
    took_s = time.monotonic() - began_s
    assert everything_at(tidy) == before
    found = rows(document)
    assert list(found) == STEPS
    assert {name for name, row in found.items() if row["verdict"] != "ok"} <= {"service"}
    assert found["service"]["verdict"] != "fail"
    assert all(row["ms"] >= 0 and row["detail"] for row in found.values())
    assert took_s < MOST_S


def test_it_says_what_a_real_sync_would_change_exactly(tidy: Machine, desk: Machine) -> None:
    desk.adds(Entity("Desk", "place", BALLAST))
    desk.sync()
    tidy.adds(Entity("Laptop", "place", BALLAST))
    document = tidy.app.self_test()
    preview = document["preview"]
    assert preview is not None
    assert [host["host"] for host in preview["machines"]] == ["desk"]
    named = {part["name"] for part in preview["changes"]}
    assert named == {"Desk", "Laptop"}
    assert preview["would_add"] == 2 * (1 + len(BALLAST))
    assert (preview["would_remove"], preview["would_change"], preview["cut"]) == (0, 0, 0)
    detail = rows(document)["next sync"]["detail"]
    tidy.sync()
    assert "would publish 13 changes and bring 13 changes" in detail
    quiet = tidy.app.self_test()["preview"]
    assert quiet is not None
    assert quiet["changes"] == []


def test_a_machine_that_was_never_set_up_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(Misused) as caught:
        App.open(Places.of({"MEMSYNC_HOME": str(tmp_path)})).self_test()
    assert caught.value.hint == "memsync-git init"
    assert list(tmp_path.iterdir()) == []


def test_damage_is_named_by_its_line_and_the_rest_is_still_tried(tidy: Machine) -> None:
    tidy.file.write_bytes(tidy.file.read_bytes() + b'\n{"type":"entity","na')
    before = everything_at(tidy)
    found = tried(tidy)
    assert everything_at(tidy) == before
    assert found["memory file"]["verdict"] == "fail"
    assert found["memory file"]["detail"].startswith("Line 2 cannot be read")
    assert found["memory file"]["hint"].startswith("memsync-git doctor --fix")
    assert found["fetch"]["verdict"] == found["push"]["verdict"] == "ok"
    assert found["trial round"]["verdict"] == "warn"


def test_a_link_in_the_files_place_is_seen_by_the_rehearsal_too(tidy: Machine) -> None:
    tidy.file.rename(tidy.home / "elsewhere.json")
    tidy.file.symlink_to(tidy.home / "elsewhere.json")
    found = tried(tidy)
    assert found["memory file"]["verdict"] == "fail"
    assert "symbolic link" in found["next sync"]["detail"]


def test_a_hub_that_cannot_be_reached_fails_two_steps_and_no_other(tidy: Machine) -> None:
    tidy.unplug()
    found = tried(tidy)
    tidy.plug()
    assert found["fetch"]["verdict"] == "fail"
    assert found["fetch"]["hint"] == f"git ls-remote {tidy.hub}"
    assert found["trial round"]["verdict"] == "ok", "what is known here is enough for a trial"
    failed = {name for name, row in found.items() if row["verdict"] == "fail"}
    assert failed == {"fetch"}


def test_a_hub_that_may_only_be_read_fails_the_push(tidy: Machine) -> None:
    hook = "#!/bin/sh\necho 'remote: permission denied' >&2\nexit 1\n"
    wrapper = tidy.home.with_name("receive-pack")
    wrapper.write_text(hook)
    wrapper.chmod(0o755)
    settings = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "remote.memsync-origin.receivepack",
        "GIT_CONFIG_VALUE_0": str(wrapper),
    }
    before = everything_at(tidy)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in settings.items():
            environment.setenv(name, value)
        found = tried(tidy)
    assert found["fetch"]["verdict"] == "ok"
    assert found["push"]["verdict"] == "fail"
    assert "permission denied" in found["push"]["detail"]
    assert everything_at(tidy) == before


def test_an_empty_hub_takes_a_rehearsed_push_and_stays_empty(tmp_path: Path, hub: Path) -> None:
    alone = Machine(tmp_path / "alone", "alone", hub)
    alone.join()
    found = tried(alone)
    assert found["push"]["verdict"] == "ok"
    refs = subprocess.run(["git", "-C", hub, "for-each-ref"], capture_output=True, check=True).stdout
    assert refs == b""


def test_a_running_round_is_named_and_its_clone_left_alone(tidy: Machine) -> None:
    with round_lock(tidy.app.rooms.lock_path, 0):
        found = tried(tidy)
    assert f"process {os.getpid()}" in found["lock"]["detail"]
    assert found["fetch"]["detail"].startswith("Another round is being run")
    assert not [name for name, row in found.items() if row["verdict"] == "fail"]


def test_a_machine_without_crontab_is_a_warning(tidy: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    only_git = tidy.home / "bin"
    only_git.mkdir(mode=0o700)
    git = subprocess.run(["which", "git"], capture_output=True, check=True, text=True).stdout.strip()
    (only_git / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(only_git))
    found = tried(tidy)
    assert found["service"]["verdict"] == "warn"
    assert "crontab" in found["service"]["detail"]
    assert found["push"]["verdict"] == "ok"


def test_a_held_deletion_does_not_fail_the_trial(tidy: Machine) -> None:
    tidy.adds(*[Entity(f"thing {number}", "x") for number in range(100)])
    tidy.sync()
    tidy.removes(*[f"thing {number}" for number in range(40)])
    assert tidy.sync()["outcome"] == "held"
    assert tried(tidy)["trial round"]["verdict"] == "ok"


@pytest.mark.parametrize("variant", ["jsonl-fields", "jsonl-objects"])
def test_the_trial_works_in_other_formats(tidy: Machine, variant: str) -> None:
    change(tidy.home / "config.toml", {"stores.default.format": variant})
    assert tried(tidy)["trial round"]["verdict"] == "ok"


# --- the trial itself


def fetched_by(machine: Machine) -> Fetched:
    outcome = machine.app.rooms.remote(machine.app.configuration.remotes[0]).fetch()
    assert isinstance(outcome, Fetched)
    return outcome


def test_the_trial_begins_with_what_was_fetched_and_mends_a_main_that_is_behind(tidy: Machine) -> None:
    fetched = fetched_by(tidy)
    hub = seeded_hub(list(fetched.fragments), fetched.on_main, "default")
    assert hub.main is not None
    assert {rid: each.version for rid, each in hub.main.of().tree.items()} == dict(fetched.on_main)
    assert set(hub.hosts) == {each.rid for each in fetched.fragments}
    assert try_out(tidy.app.rooms, fetched.fragments, {}).problem == ""


def test_the_trial_of_a_cloned_machine_takes_a_new_id_on_the_copy_and_still_agrees(tidy: Machine) -> None:
    fetched = fetched_by(tidy)
    own = next(each for each in fetched.fragments if each.rid == tidy.rid)
    strange = Fragment(replace(own.header, tok="0badc0de", rev=own.rev + 1), own.records)
    others = [each for each in fetched.fragments if each.rid != tidy.rid]
    tried_out = try_out(tidy.app.rooms, [*others, strange], {})
    assert tried_out.problem == ""
    assert tried_out.records == 1
