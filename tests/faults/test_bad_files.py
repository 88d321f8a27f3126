"""Two machines over a real repository while the memory file of one is damaged in every way there is.

The round says `unusable` and exits with 7, nobody's memory changes, what others write still arrives, and the
next good file, or a repair, goes on exactly where things stood.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from memsync_git.app import App
from memsync_git.cli.exits import CODES
from memsync_git.config import Places
from memsync_git.documents import SyncDocument
from memsync_git.errors import FileUnusable
from memsync_git.options import InitOptions, SyncOptions
from memsync_git.ports import Snapshot
from tests.faults.file_circumstances import IS_ROOT, NOBODY

Damage = Callable[[Path, bytes], None]

START = {"Alice": ["likes tea", "lives in Oslo"], "Bob": ["plays go"], "Projekt Süd": ["launched"]}


@dataclass
class Machine:
    """One installation under its own home; every command opens it anew."""

    home: Path
    hub: Path

    @property
    def app(self) -> App:
        return App.open(Places.of({"MEMSYNC_HOME": str(self.home)}))

    @property
    def file(self) -> Path:
        return self.home / "memory.json"

    def join(self) -> SyncDocument | None:
        plan = self.app.plan(InitOptions(remote=str(self.hub), host=self.home.name))
        return self.app.join(plan, service=False)["sync"]

    def sync(self) -> SyncDocument:
        return self.app.sync(SyncOptions())

    def holds(self) -> dict[str, list[str]]:
        """What this machine knows, whatever its file looks like."""
        graph = self.app.rooms.replica().state.graph()
        return {record.name: sorted(record.observations) for record in graph}

    def says(self) -> dict[str, list[str]]:
        """What the file says."""
        rows = [json.loads(line) for line in self.file.read_bytes().split(b"\n") if line]
        return {row["name"]: sorted(row["observations"]) for row in rows}

    def quarantined(self) -> list[bytes]:
        folder = self.app.rooms.quarantine().folder
        return [path.read_bytes() for path in folder.iterdir()] if folder.is_dir() else []


def rows_of(memory: dict[str, list[str]]) -> bytes:
    """The bytes the server writes."""
    rows = [
        {"type": "entity", "name": name, "entityType": "thing", "observations": said}
        for name, said in memory.items()
    ]
    return b"\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() for row in rows)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Machine, Machine]:
    """Two machines that hold the same three entities."""
    hub = tmp_path / "hub.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", hub], check=True)
    laptop, desk = Machine(tmp_path / "laptop", hub), Machine(tmp_path / "desk", hub)
    for machine in (laptop, desk):
        machine.home.mkdir(mode=0o700)
    laptop.file.write_bytes(rows_of(START))
    laptop.join()
    desk.join()
    assert laptop.holds() == desk.holds() == desk.says() == START_SORTED
    return laptop, desk


START_SORTED = {name: sorted(said) for name, said in START.items()}


# --- the ways


def with_bytes(change: Callable[[bytes], bytes]) -> Damage:
    def damage(path: Path, good: bytes) -> None:
        path.write_bytes(change(good))

    return damage


def conflict_markers(good: bytes) -> bytes:
    first, *rest = good.split(b"\n")
    other = first.replace(b"likes tea", b"likes coffee")
    return b"\n".join([b"<<<<<<< ours", first, b"=======", other, b">>>>>>> theirs", *rest])


def a_missing_file(path: Path, _good: bytes) -> None:
    path.unlink()


def a_directory(path: Path, _good: bytes) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path, _good: bytes) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link(path: Path, _good: bytes) -> None:
    target = path.with_name("elsewhere.json")
    path.rename(target)
    path.symlink_to(target)


def a_closed_file(path: Path, _good: bytes) -> None:
    """Nobody but its owner may read it; to the superuser no mode is closed, so it belongs to another."""
    path.chmod(0)
    if IS_ROOT:
        os.chown(path, NOBODY, -1)


def one_line_array(good: bytes) -> bytes:
    return b"[" + b",".join(good.split(b"\n")) + b"]"


DAMAGED: dict[str, Damage] = {
    "truncated mid-line": with_bytes(lambda good: good[:-20]),
    "garbage": with_bytes(lambda _: bytes(range(128, 256)) * 8),
    "NUL padding and a torn row": with_bytes(lambda good: good + b"\n" + b"\0" * 64 + b'{"type":"ent'),
    "a one-line array": with_bytes(one_line_array),
    "an empty array": with_bytes(lambda _: b"[]"),
    "an empty object of entities": with_bytes(lambda _: b'{"entities":[],"relations":[]}'),
    "a byte order mark": with_bytes(lambda good: b"\xef\xbb\xbf" + good),
    "conflict markers": with_bytes(conflict_markers),
    "two rows on one line": with_bytes(lambda good: good.replace(b"}\n{", b"}{")),
    "a stale tail": with_bytes(lambda good: good + b'"]}}'),
    "a number": with_bytes(lambda good: good + b"\n17"),
}
"""What `doctor --fix` can repair."""

EMPTIED: dict[str, Damage] = {
    "empty": with_bytes(lambda _: b""),
    "white space": with_bytes(lambda _: b" \n\t\n"),
    "missing": a_missing_file,
}
"""What only a person can decide about."""

OBSTRUCTED: dict[str, Damage] = {
    "a directory": a_directory,
    "a pipe": a_pipe,
    "a symbolic link": a_link,
    "a closed file": a_closed_file,
}
"""What stands where the file should be."""

EVERYTHING = {**DAMAGED, **EMPTIED, **OBSTRUCTED}


def clear(path: Path) -> None:
    """A person takes away what stood in the way."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def as_it_stands(path: Path) -> object:
    """What can be said of a place without opening what is no file."""
    if not os.path.lexists(path):
        return None
    kind = path.lstat().st_mode
    return kind, path.read_bytes() if path.is_file() else None


# --- the promises


@pytest.mark.parametrize("kind", EVERYTHING)
def test_a_bad_file_deletes_nothing_stops_nobody_and_the_next_good_file_goes_on(
    pair: tuple[Machine, Machine], kind: str
) -> None:
    laptop, desk = pair
    good = laptop.file.read_bytes()
    EVERYTHING[kind](laptop.file, good)
    before = as_it_stands(laptop.file)
    desk.file.write_bytes(rows_of({**START, "Carol": ["noted at the desk"]}))
    desk.sync()

    told = laptop.sync()

    assert told["outcome"] == "unusable"
    assert CODES[told["outcome"]] == 7
    assert any("nothing was deleted" in notice["unharmed"].lower() for notice in told["notices"])
    assert as_it_stands(laptop.file) == before, "the file was left as it is"
    kept = {name: set(said) for name, said in laptop.holds().items()}
    assert all(kept[name] >= set(said) for name, said in START.items()), "nothing was deleted here"
    assert kept["Carol"] == {"noted at the desk"}, "what others write is fetched"
    assert laptop.sync()["outcome"] == "unusable", "and it is no better the second time"
    desk.sync()
    elsewhere = {name: set(said) for name, said in desk.says().items()}
    assert all(elsewhere[name] >= set(said) for name, said in START.items()), "nor anywhere else"

    clear(laptop.file)
    read = {**START, "Alice": [*START["Alice"], "likes coffee"]} if kind == "conflict markers" else START
    laptop.file.write_bytes(rows_of({**read, "Dora": ["noted after the repair"]}))
    assert laptop.sync()["outcome"] == "accepted"
    desk.sync()
    laptop.sync()
    expected = {**read, "Carol": ["noted at the desk"], "Dora": ["noted after the repair"]}
    for machine in (laptop, desk):
        assert machine.says() == machine.holds() == {n: sorted(said) for n, said in expected.items()}
        assert machine.sync()["outcome"] == "nothing"


@pytest.mark.parametrize("kind", DAMAGED)
def test_doctor_repairs_a_damaged_file_and_nothing_is_missing_anywhere(
    pair: tuple[Machine, Machine], kind: str
) -> None:
    laptop, desk = pair
    DAMAGED[kind](laptop.file, laptop.file.read_bytes())
    laptop.sync()
    found = {row["check"]: row for row in laptop.app.doctor()["rows"]}
    assert found["contents"]["verdict"] == "fail"
    assert found["contents"]["cure"].startswith("memsync-git doctor --fix")

    mended = {row["check"]: row for row in laptop.app.doctor(fix=True)["rows"]}

    assert all(mended[check]["verdict"] == "ok" for check in ("contents", "format", "memory file"))
    assert any(row["fixed"] for row in mended.values())
    says = {name: set(said) for name, said in laptop.says().items()}
    assert all(says[name] >= set(said) for name, said in START.items())
    assert says.keys() == START.keys()
    assert laptop.file.stat().st_mode & 0o777 == 0o600
    laptop.sync()
    desk.sync()
    assert laptop.says() == desk.says() == desk.holds()
    laptop.file.write_bytes(laptop.file.read_bytes() + b"\n" + rows_of({"Dora": ["after"]}))
    laptop.sync()
    desk.sync()
    assert desk.says() == {**laptop.says(), "Dora": ["after"]}


def test_what_cannot_be_read_is_kept_word_for_word(pair: tuple[Machine, Machine]) -> None:
    laptop, _ = pair
    torn = b'{"type":"entity","name":"Eve","obs'
    laptop.file.write_bytes(laptop.file.read_bytes() + b"\n" + torn + b"\nnonsense")
    laptop.app.doctor(fix=True)
    assert sorted(laptop.quarantined()) == sorted([torn, b"nonsense"])
    folder = laptop.app.rooms.quarantine().folder
    assert {path.name for path in folder.iterdir()} == {sha256(p).hexdigest() for p in (torn, b"nonsense")}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())


@pytest.mark.parametrize("kind", EMPTIED)
def test_an_emptied_file_is_brought_back_by_recreate_and_not_by_doctor(
    pair: tuple[Machine, Machine], kind: str
) -> None:
    laptop, desk = pair
    EMPTIED[kind](laptop.file, laptop.file.read_bytes())
    before = as_it_stands(laptop.file)
    rows = {row["check"]: row for row in laptop.app.doctor(fix=True)["rows"]}
    assert rows["memory file" if kind == "missing" else "contents"]["verdict"] == "fail"
    assert as_it_stands(laptop.file) == before
    assert laptop.app.sync(SyncOptions(recreate=True))["outcome"] == "accepted"
    desk.sync()
    assert laptop.says() == desk.says() == START_SORTED


@pytest.mark.parametrize("kind", OBSTRUCTED)
def test_init_names_what_stands_in_the_way(tmp_path: Path, kind: str) -> None:
    hub = tmp_path / "hub.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", hub], check=True)
    laptop = Machine(tmp_path / "laptop", hub)
    laptop.home.mkdir(mode=0o700)
    laptop.file.write_bytes(rows_of(START))
    OBSTRUCTED[kind](laptop.file, b"")
    before = as_it_stands(laptop.file)
    with pytest.raises(FileUnusable) as caught:
        laptop.join()
    assert caught.value.exit_code == 7
    assert as_it_stands(laptop.file) == before


@pytest.mark.parametrize(
    "kind", ["truncated mid-line", "a byte order mark", "two rows on one line", "garbage"]
)
def test_init_on_a_damaged_file_asks_and_then_keeps_all_that_can_be_read(
    pair: tuple[Machine, Machine], tmp_path: Path, kind: str
) -> None:
    laptop, desk = pair
    third = Machine(tmp_path / "third", laptop.hub)
    third.home.mkdir(mode=0o700)
    own = {"Frida": ["only here", "and this"], "Gustav": ["only here too"]}
    DAMAGED[kind](third.file, rows_of(own))
    damaged = third.file.read_bytes()
    plan = third.app.plan(InitOptions(remote=str(third.hub), host="third"))
    assert plan.needs_consent
    preview = third.app.preview(plan)
    assert any("quarantine" in notice["unharmed"] for notice in preview["notices"])
    assert third.file.read_bytes() == damaged, "planning and previewing change nothing"
    assert not third.quarantined()

    document = third.app.join(plan, service=False)["sync"]

    assert document is not None
    assert document["outcome"] == "accepted"
    readable = {
        "truncated mid-line": {"Frida": own["Frida"]},
        "garbage": {},
    }.get(kind, own)
    expected = {**START_SORTED, **{name: sorted(said) for name, said in readable.items()}}
    laptop.sync()
    desk.sync()
    for machine in (third, laptop, desk):
        assert machine.says() == expected
    assert bool(third.quarantined()) == (readable != own)


def test_a_write_of_the_server_during_the_repair_is_not_lost(pair: tuple[Machine, Machine]) -> None:
    """The server replaces the file between the repair's look and its swap; what it wrote is taken in."""
    from memsync_git.local.file import OsFile
    from memsync_git.sync import RoundOptions, sync_round

    laptop, desk = pair
    laptop.file.write_bytes(laptop.file.read_bytes() + b"\ngarbage")
    rooms = laptop.app.rooms
    late = rows_of({**START, "Late": ["written while it was mended"]})

    class Racing(OsFile):
        """The file, with a server that saves at the worst moment, once."""

        def exchange(self, prepared, *, over):  # type: ignore[no-untyped-def]
            if b"Late" not in bytes(prepared.data):
                fresh = laptop.file.with_name("server.tmp")
                fresh.write_bytes(late)
                shutil.move(fresh, laptop.file)
            return super().exchange(prepared, over=over)

    with rooms.session() as session:
        session.world.file = Racing(laptop.file)
        report = sync_round(session, RoundOptions(set_aside=rooms.quarantine().keep))
    assert report.wrote_file
    desk.sync()
    laptop.sync()
    expected = {**START_SORTED, "Late": ["written while it was mended"]}
    assert laptop.says() == desk.says() == expected
    assert laptop.quarantined() == [b"garbage"]


def test_a_full_quarantine_leaves_the_file_as_it_is(pair: tuple[Machine, Machine]) -> None:
    from memsync_git.local.quarantine import Quarantine
    from memsync_git.sync import RoundOptions, sync_round

    laptop, _ = pair
    laptop.file.write_bytes(laptop.file.read_bytes() + b"\n" + b"x" * 200)
    damaged = laptop.file.read_bytes()
    small = Quarantine(laptop.app.rooms.quarantine().folder, max_bytes=100)
    with laptop.app.rooms.session() as session:
        report = sync_round(session, RoundOptions(set_aside=small.keep))
    assert (report.file, report.wrote_file) == ("damaged", False)
    assert "full" in report.file_reason
    assert laptop.file.read_bytes() == damaged
    assert isinstance(laptop.app.rooms.file().read(), Snapshot)
