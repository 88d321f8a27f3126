"""`doctor`: what is wrong is found and named, what needs no decision is cured, nothing is ever deleted."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from memsync_git.app import App
from memsync_git.app.doctor import Case, Finding, alone, examined
from memsync_git.app.doctor.place import kind_of_file_system
from memsync_git.app.doctor.table import CHECKS
from memsync_git.assistants.table import ASSISTANTS
from memsync_git.config import Places
from memsync_git.config.writing import change
from memsync_git.documents import DoctorDocument, DoctorRow
from memsync_git.errors import Busy, Misused
from memsync_git.local.names import minted
from memsync_git.model import Entity
from memsync_git.options import InitOptions, SyncOptions
from memsync_git.stores.lock import round_lock
from tests.standins import offer

from .machines import BALLAST, Machine, new_hub

ALICE = Entity("Alice", "person", ("likes tea", *BALLAST))
OLD_S = 7200


def rows(document: DoctorDocument) -> dict[str, DoctorRow]:
    return {row["check"]: row for row in document["rows"]}


def examine(machine: Machine) -> dict[str, DoctorRow]:
    return rows(machine.app.doctor())


def cure(machine: Machine) -> dict[str, DoctorRow]:
    return rows(machine.app.doctor(fix=True))


def troubles(found: dict[str, DoctorRow]) -> set[str]:
    """The checks that did not pass, apart from the service, which depends on this computer."""
    return {name for name, row in found.items() if row["verdict"] != "ok"} - {"service"}


@pytest.fixture
def tidy(laptop: Machine) -> Machine:
    """A machine as the program sets it up: private from its first moment."""
    laptop.adds(ALICE)
    laptop.sync()
    for folder in (laptop.home, *[path for path in laptop.home.rglob("*") if path.is_dir()]):
        folder.chmod(0o700)
    return laptop


def older(path: Path, by_s: float = OLD_S) -> None:
    then = time.time() - by_s
    os.utime(path, (then, then))


def is_like(row: DoctorRow, *words: str) -> bool:
    return all(word in row["evidence"] for word in words)


# --- nothing wrong


def test_a_sound_machine_passes_every_check_in_the_order_of_the_table(tidy: Machine) -> None:
    found = examine(tidy)
    assert list(found) == [name for name, _ in CHECKS]
    assert len(found) >= 30
    assert troubles(found) == set()
    assert all(row["evidence"] for row in found.values())


def test_the_page_about_doctor_tells_of_every_check_in_that_order() -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text("utf-8")
    table = page.partition("| --- | --- | --- |\n")[2].partition("\n\n")[0]
    assert [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()] == [
        name for name, _ in CHECKS
    ]


def test_the_page_about_doctor_names_every_place_that_is_looked_at() -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text("utf-8")
    for assistant in ASSISTANTS:
        assert f"| {assistant.name} |" in page
        assert Path(assistant.file).name in page


def test_a_fix_with_nothing_to_cure_says_so_and_changes_nothing(tidy: Machine) -> None:
    before = everything_in(tidy.home)
    found = cure(tidy)
    assert found["cure"]["evidence"].startswith("There is nothing --fix can cure")
    assert not any(row["fixed"] for row in found.values())
    assert everything_in(tidy.home) == before


def everything_in(home: Path) -> dict[str, tuple[int, bytes]]:
    """Every file that is not git's own or a log of SQLite, with mode and bytes."""
    return {
        str(path.relative_to(home)): (path.stat().st_mode, path.read_bytes())
        for path in home.rglob("*")
        if path.is_file() and ".git" not in path.parts and not path.name.endswith(("-shm", "-wal", ".lock"))
    }


def test_before_init_it_says_what_is_missing(tmp_path: Path) -> None:
    app = App.open(Places.of({"MEMSYNC_HOME": str(tmp_path)}))
    found = rows(app.doctor())
    assert found["set up"]["cure"] == "memsync-git init"
    assert found["git"]["verdict"] == "ok"
    assert list(tmp_path.iterdir()) == [], "looking creates nothing"


# --- modes, stores, clone


def test_modes_are_taken_back_to_this_account(tidy: Machine) -> None:
    tidy.file.chmod(0o644)
    (tidy.home / "state").chmod(0o755)
    assert is_like(examine(tidy)["modes"], "memory.json (0644)", "state (0755)")
    assert cure(tidy)["modes"]["fixed"]
    assert tidy.file.stat().st_mode & 0o777 == 0o600
    assert (tidy.home / "state").stat().st_mode & 0o777 == 0o700
    assert troubles(examine(tidy)) == set()


def test_a_damaged_store_is_set_aside_and_rebuilt_without_losing_or_bringing_back_anything(
    tidy: Machine, desk: Machine
) -> None:
    tidy.adds(Entity("Bob", "person", BALLAST))
    tidy.sync()
    desk.sync()
    tidy.removes("Bob")
    tidy.sync()
    desk.sync()
    store = tidy.home / "state/default/replica.db"
    store.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    assert examine(tidy)["store"]["verdict"] == "fail"

    assert cure(tidy)["store"]["fixed"]

    assert [path.read_bytes()[16:20] for path in store.parent.glob("replica.db.damaged-*")] == [b"\xff" * 4]
    tidy.sync()
    desk.sync()
    assert tidy.entities() == desk.entities()
    assert set(tidy.entities()) == {"Alice"}
    assert troubles(examine(tidy)) <= {"modes"}


def test_a_store_that_sqlite_finds_damaged_is_found_although_it_still_loads(tidy: Machine) -> None:
    store = tidy.home / "state/default/replica.db"
    data = bytearray(store.read_bytes())
    data[-64:] = b"\xee" * 64
    store.write_bytes(bytes(data))
    assert examine(tidy)["store"]["verdict"] == "fail"


def test_a_damaged_identity_is_written_anew_with_the_same_id(tidy: Machine) -> None:
    rid = tidy.rid
    (tidy.home / "state/identity.db").write_bytes(b"not a database at all" * 200)
    assert examine(tidy)["identity"]["verdict"] == "fail"
    assert cure(tidy)["identity"]["fixed"]
    assert tidy.rid == rid
    assert tidy.sync()["outcome"] in ("nothing", "accepted")


def test_a_damaged_clone_is_set_aside_and_fetched_anew(tidy: Machine) -> None:
    clone = tidy.home / "memory-backup-repo/.git"
    for path in [path for path in (clone / "objects").rglob("*") if path.is_file()]:
        path.chmod(0o600)
        path.write_bytes(b"")
    assert examine_only(tidy, "clone").verdict == "fail"
    shutil.rmtree(clone / "objects")
    (clone / "objects").mkdir(mode=0o700)
    assert cure(tidy)["clone"]["fixed"]
    assert (clone.with_name(".git.damaged")).is_dir()
    tidy.adds(Entity("Bob", "person"))
    assert tidy.sync()["published"]


def test_old_locks_of_killed_git_commands_go_and_fresh_ones_stay(tidy: Machine) -> None:
    git_dir = tidy.home / "memory-backup-repo/.git"
    old, fresh = git_dir / "packed-refs.lock", git_dir / "config.lock"
    old.touch()
    older(old)
    fresh.touch()
    assert "packed-refs.lock" in examine_only(tidy, "clone leftovers").told
    assert cure(tidy)["clone leftovers"]["fixed"]
    assert not old.exists()
    assert fresh.exists()


def examine_only(machine: Machine, name: str) -> Finding:
    """One check alone: others fetch, which mends a clone."""
    return examined(dict(CHECKS)[name], Case(machine.app.rooms))


# --- the memory file


def test_a_one_line_array_is_named_as_the_wipe_it_would_be(tidy: Machine) -> None:
    rows_ = [line for line in tidy.file.read_bytes().split(b"\n") if line]
    tidy.file.write_bytes(b"[" + b",".join(rows_) + b"]")
    found = examine(tidy)
    assert is_like(found["format"], "EMPTY memory", "overwrites everything")
    assert cure(tidy)["format"]["fixed"]
    assert tidy.file.read_bytes() == b"\n".join(rows_)


def test_an_array_that_was_adopted_is_only_warned_about_and_never_converted(
    tmp_path: Path, hub: Path
) -> None:
    machine = Machine(tmp_path / "array", "array", hub)
    machine.home.mkdir()
    row = {"type": "entity", "name": "Alice", "entityType": "person", "observations": ["tea"]}
    machine.file.write_text("[\n" + json.dumps(row) + "\n]")
    machine.app.join(machine.app.plan(InitOptions(remote=str(hub), host="array")), service=False)
    before = machine.file.read_bytes()
    found = cure(machine)
    assert found["format"]["verdict"] == "warn"
    assert "config set stores.default.format jsonl" in found["format"]["cure"]
    assert machine.file.read_bytes() == before
    change(machine.home / "config.toml", {"stores.default.format": "jsonl"})
    assert cure(machine)["format"]["verdict"] == "ok"
    assert set(machine.entities()) == {"Alice"}
    assert machine.sync()["outcome"] in ("nothing", "accepted")
    assert set(machine.entities()) == {"Alice"}


def test_a_format_that_is_not_the_pinned_one_is_pinned(tidy: Machine) -> None:
    row = {"type": "entity", "name": "Zoe", "entityType": "x", "observations": [], "createdAt": "2026"}
    tidy.file.write_bytes(tidy.file.read_bytes() + b"\n" + json.dumps(row).encode())
    assert is_like(examine(tidy)["format"], "jsonl-fields", "jsonl is pinned")
    assert cure(tidy)["format"]["fixed"]
    assert tidy.app.rooms.store.format == "jsonl-fields"
    tidy.sync()
    assert {"Alice", "Zoe"} <= set(tidy.entities())


def test_a_server_that_strips_fields_gets_plain_rows_pinned_and_no_field_is_deleted(
    tidy: Machine, desk: Machine
) -> None:
    change(tidy.home / "config.toml", {"stores.default.format": "jsonl-fields"})
    plain = tidy.file.read_bytes()
    tidy.file.write_bytes(plain.replace(b'"type":"entity"', b'"type":"entity","tags":["a"]', 1))
    tidy.sync()
    tidy.file.write_bytes(plain)
    assert is_like(examine(tidy)["format"], "looks like jsonl", "jsonl-fields is pinned")
    assert cure(tidy)["format"]["fixed"]
    tidy.sync()
    record = tidy.app.rooms.replica().state.record(("e", "Alice"))
    assert record is not None
    assert dict(record.fields) == {"tags": '["a"]'}


def test_another_name_of_the_file_is_named(tidy: Machine) -> None:
    os.link(tidy.file, tidy.home / "second.json")
    assert is_like(examine(tidy)["links"], "2 names")


def test_a_link_is_named_with_the_setting_that_ends_it(tidy: Machine) -> None:
    target = tidy.home / "elsewhere.json"
    tidy.file.rename(target)
    tidy.file.symlink_to(target)
    found = examine(tidy)
    assert found["memory file"]["verdict"] == "fail"
    assert found["links"]["cure"] == f"memsync-git config set stores.default.file {target}"


def test_names_that_look_the_same_are_named_and_left_alone(tidy: Machine) -> None:
    tidy.adds(Entity("Zoë", "person"), Entity("Zoe\u0308", "person"), Entity("Zoë ", "person"))
    tidy.sync()
    found = cure(tidy)
    assert is_like(found["names"], "1 name stands for several entities")
    assert found["names"]["verdict"] == "warn"
    assert {"Zoë", "Zoe\u0308", "Zoë "} <= set(tidy.entities())


def test_what_a_killed_server_left_goes_to_quarantine(tidy: Machine) -> None:
    left = tidy.home / f"memory.json.{'0123456789abcdef' * 2}.tmp"
    left.write_bytes(b"half a save")
    assert examine(tidy)["server leftovers"]["verdict"] == "ok", "it may be at work"
    older(left)
    assert cure(tidy)["server leftovers"]["fixed"]
    assert not left.exists()
    kept = list((tidy.home / "state/default/quarantine").iterdir())
    assert [path.read_bytes() for path in kept] == [b"half a save"]


def test_what_an_interrupted_sync_left_is_taken_in_before_it_goes(tidy: Machine) -> None:
    old_ms = int(time.time() * 1000) - OLD_S * 1000
    left = tidy.home / minted("memory.json", old_ms, "old").text
    row = {"type": "entity", "name": "Late", "entityType": "x", "observations": ["saved last"]}
    left.write_bytes(tidy.file.read_bytes() + b"\n" + json.dumps(row).encode())
    assert examine(tidy)["leftovers"]["verdict"] == "warn"
    assert cure(tidy)["leftovers"]["fixed"]
    assert not left.exists()
    tidy.sync()
    assert tidy.entities()["Late"] == ("x", ["saved last"])


def test_a_network_file_system_is_known_by_the_mount_table(tmp_path: Path) -> None:
    place = tmp_path / "a b" / "memory"
    place.mkdir(parents=True)
    escaped = str(tmp_path / "a b").replace(" ", "\\040")
    mounts = tmp_path / "mounts"
    mounts.write_text(f"none / ext4 rw 0 0\nserver:/home {escaped} nfs4 rw 0 0\n")
    assert kind_of_file_system(place, mounts) == "nfs4"
    assert kind_of_file_system(tmp_path, mounts) == "ext4"
    assert kind_of_file_system(tmp_path, tmp_path / "none") == "unknown"


# --- what waits for people, what others wrote


def test_a_held_deletion_waits_for_its_command(tidy: Machine) -> None:
    tidy.adds(*[Entity(f"thing {number}", "x") for number in range(100)])
    tidy.sync()
    tidy.removes(*[f"thing {number}" for number in range(40)])
    tidy.sync()
    assert examine(tidy)["holds"]["cure"] == "memsync-git holds"


def test_a_conflict_waits_for_its_command(tidy: Machine, desk: Machine) -> None:
    tidy.adds(Entity("Mercury", "planet", BALLAST))
    desk.adds(Entity("Mercury", "metal", BALLAST))
    for machine in (tidy, desk, tidy):
        machine.sync()
    assert examine(tidy)["conflicts"]["cure"] == "memsync-git conflicts"


def test_a_remote_that_cannot_be_reached_is_named_with_its_reason(tidy: Machine) -> None:
    tidy.unplug()
    found = examine(tidy)
    tidy.plug()
    assert found["fetch"]["verdict"] == "fail"
    assert is_like(found["fetch"], "origin cannot be reached")
    assert found["fetch"]["cure"] == f"git ls-remote {tidy.hub}"
    assert found["fragments"]["verdict"] == "ok", "nothing is said of what was not seen"


def test_an_address_nobody_answers_at_is_found_without_long_waiting(tidy: Machine) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    change(
        tidy.home / "config.toml",
        {"remotes.origin.url": f"http://127.0.0.1:{port}/memory.git", "remotes.origin.timeout_s": 5},
    )
    began_s = time.monotonic()
    assert examine(tidy)["fetch"]["verdict"] == "fail"
    assert time.monotonic() - began_s < 20


def test_an_unreadable_fragment_is_listed_and_left(tidy: Machine, desk: Machine) -> None:
    desk.adds(Entity("Desk", "place", BALLAST))
    desk.sync()
    commit_file(tidy.hub, "memory-broken-1a2b.json", b"{ this is no fragment")
    found = cure(tidy)
    assert is_like(found["fragments"], "1 thing on the remote cannot be read", "memory-broken-1a2b")
    tidy.sync()
    assert "Desk" in tidy.entities()


def test_a_newer_format_stops_and_says_what_to_install(tidy: Machine) -> None:
    commit_file(
        tidy.hub, ".memsync.json", b'{"memsync": 9, "min_reader": 9, "created": "2030-01-01T00:00:00Z"}'
    )
    found = examine(tidy)
    assert found["release"]["verdict"] == "fail"
    assert "newest memsync-git" in found["release"]["cure"]


def commit_file(hub: Path, name: str, data: bytes) -> None:
    """Somebody pushes a file to main."""
    work = hub.with_name("somebody")
    who = ["-c", "user.name=Somebody", "-c", "user.email=some@body.example"]
    subprocess.run(["git", "clone", "--quiet", hub, work], check=True)
    (work / name).write_bytes(data)
    for words in (
        ["add", name],
        ["commit", "--quiet", "-m", "by hand"],
        ["push", "--quiet", "origin", "main"],
    ):
        subprocess.run(["git", *who, *words], cwd=work, check=True)


def test_a_copied_installation_is_found_from_either_side(tidy: Machine, tmp_path: Path) -> None:
    twin = Machine(tmp_path / "twin", "laptop", tidy.hub)
    shutil.copytree(tidy.home, twin.home)
    change(twin.home / "config.toml", {"stores.default.file": str(twin.file)})
    twin.adds(Entity("Twin", "x", BALLAST))
    twin.sync()
    tidy.adds(Entity("Original", "x", BALLAST))
    tidy.app.sync(SyncOptions(fetch=False, push=False))
    found = examine(tidy)
    assert found["id"]["verdict"] == "warn"
    assert found["revisions"]["verdict"] == "warn"
    for machine in (tidy, twin, tidy):
        machine.sync()
    assert set(tidy.entities()) == set(twin.entities()) == {"Alice", "Twin", "Original"}
    assert troubles(examine(tidy)) <= {"modes"}


def test_a_retired_machine_is_told_so(tidy: Machine, desk: Machine) -> None:
    desk.sync()
    desk.app.retire(tidy.rid)
    desk.sync()
    rid = tidy.rid
    assert examine(tidy)["retired"]["verdict"] == "warn"
    tidy.sync()
    assert tidy.rid != rid
    assert examine(tidy)["retired"]["verdict"] == "ok"


def test_a_rolled_back_hub_is_noticed(tidy: Machine, tmp_path: Path) -> None:
    backup = tmp_path / "backup.git"
    shutil.copytree(tidy.hub, backup)
    tidy.adds(Entity("Bob", "person", BALLAST))
    tidy.sync()
    shutil.rmtree(tidy.hub)
    backup.rename(tidy.hub)
    assert is_like(examine(tidy)["history"], "no longer holds revision")
    tidy.sync()
    assert examine(tidy)["history"]["verdict"] == "ok"


# --- the lock, the service, the report


def test_a_running_round_is_waited_for_named_and_not_disturbed(tidy: Machine) -> None:
    with round_lock(tidy.app.rooms.lock_path, 0):
        found = examine(tidy)
        assert is_like(found["lock"], f"process {os.getpid()}")
        assert found["fetch"]["verdict"] == "warn"


def test_a_fix_beside_a_running_round_changes_nothing(tidy: Machine) -> None:
    tidy.file.chmod(0o644)
    rooms = tidy.app.rooms
    with (
        round_lock(rooms.lock_path, 0),
        pytest.raises(Busy),
        alone(rooms, wait_s=0, required=True),
    ):
        pytest.fail("two at once")
    assert tidy.file.stat().st_mode & 0o777 == 0o644


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a crontab command and no service manager."""
    crontab, systemctl = offer(tmp_path / "bin", "crontab"), offer(tmp_path / "bin", "systemctl")
    systemctl.set("off")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home of a person"))
    return crontab.state / "spool"


def with_program(machine: Machine) -> App:
    places = Places.of({"MEMSYNC_HOME": str(machine.home)})
    return App.open(places, executable="/opt/memsync-git/bin/memsync-git")


def test_a_missing_cron_line_is_written_and_a_stale_one_renewed(tidy: Machine, spool: Path) -> None:
    spool.write_text("@daily something else\n")
    assert rows(with_program(tidy).doctor())["service"]["verdict"] == "warn"
    assert rows(with_program(tidy).doctor(fix=True))["service"]["fixed"]
    assert spool.read_text().startswith("@daily something else\n")
    assert "*/15 * * * *" in spool.read_text()
    change(tidy.home / "config.toml", {"sync.cron_interval_min": 30})
    assert is_like(rows(with_program(tidy).doctor())["service"], "not what the configuration says")
    assert rows(with_program(tidy).doctor())["service"]["cure"] == "memsync-git service install --kind cron"
    assert rows(with_program(tidy).doctor(fix=True))["service"]["fixed"]
    assert "*/30 * * * *" in spool.read_text()


def test_a_program_whose_place_is_unknown_installs_nothing(tidy: Machine, spool: Path) -> None:
    assert cure(tidy)["service"]["verdict"] == "warn"
    assert not spool.exists()


def test_the_report_tells_versions_and_checks_and_nothing_of_the_memory(
    tidy: Machine, tmp_path: Path
) -> None:
    tidy.adds(Entity("Zoë Secret", "person"), Entity("Zoe\u0308 Secret", "person"))
    tidy.sync()
    change(tidy.home / "config.toml", {"stores.default.exclude": ["Very private *"]})
    tidy.file.write_bytes(tidy.file.read_bytes() + b'\n{"type":"entity","name":"Torn secret')
    path = tmp_path / "report.json"
    document = tidy.app.doctor(bundle=str(path))
    assert document["bundle"] == str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text("utf-8")
    report: dict[str, Any] = json.loads(text)
    assert {"memsync-git", "python", "git"} <= report["versions"].keys()
    assert [row["check"] for row in report["checks"]] == [name for name, _ in CHECKS]
    assert report["configuration"]["remotes.origin.url"] == "file:***"
    hidden = ("Alice", "Secret", "secret", "private", "likes tea", str(tidy.hub))
    assert not [word for word in hidden if word in text]


def test_a_report_that_cannot_be_written_is_said_in_words(tidy: Machine, tmp_path: Path) -> None:
    with pytest.raises(Misused, match="cannot be written"):
        tidy.app.doctor(bundle=str(tmp_path / "no such folder" / "report.json"))


def test_a_clock_far_from_the_others_is_named(tidy: Machine, desk: Machine) -> None:
    desk.adds(Entity("Desk", "place", BALLAST))
    desk.sync()
    case = Case(tidy.app.rooms)
    case.clock = Behind(case.clock.wall_ms() - 3 * 3600 * 1000)
    found = examined(dict(CHECKS)["clock"], case)
    assert found.verdict == "warn"
    assert "ahead" in found.evidence


class Behind:
    """A clock that stands still in the past."""

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms

    def wall_ms(self) -> int:
        return self._at_ms


def test_every_check_survives_a_hub_that_is_no_repository(tidy: Machine) -> None:
    shutil.rmtree(tidy.hub)
    tidy.hub.mkdir()
    found = examine(tidy)
    assert found["fetch"]["verdict"] == "fail"
    shutil.rmtree(tidy.hub)
    new_hub(tidy.hub)
    assert is_like(examine(tidy)["history"], "no longer holds")
