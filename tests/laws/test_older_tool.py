"""Nine defects of the tool this one succeeds, each on rows of the real memory server: theirs, then ours."""

from __future__ import annotations

import json
import re
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from memsync_git.local.file import OsFile
from memsync_git.ports import Displaced, Publication, Snapshot, Unusable
from memsync_git.remotes.loopback import LoopbackHub
from memsync_git.sync import sync_round
from memsync_git.wire.fragments import encode
from tests.fakes import QuietClock, prepared
from tests.laws import older_tool
from tests.laws.machines import Machine
from tests.laws.older_tool import Row

SERVER = Path(__file__).parents[2] / "fixtures" / "golden" / "server-memory-2026.8.31"
REAL = (SERVER / "step-06.jsonl").read_bytes()
"""As the server wrote it: entities and relations, no ids, no times, texts of every kind."""
ALICE = "Alice"


def rows_of(data: bytes) -> list[Row]:
    """A file as the server reads it.

    Raises:
        ValueError: it cannot, and answers every call with an error.
    """
    return [json.loads(line) for line in data.split(b"\n") if line.strip()]


def file_of(rows: list[Row]) -> bytes:
    """A file as the server writes it."""
    return b"\n".join(map(_line, rows))


def _line(row: Row) -> bytes:
    """As JSON.stringify writes it: half an emoji as an escape, everything else as it is."""
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text).encode()


def with_note(rows: list[Row], text: str, name: str = ALICE) -> list[Row]:
    """`add_observations`."""

    def noted(row: Row) -> Row:
        return {**row, "observations": [*row["observations"], text]} if row.get("name") == name else row

    return list(map(noted, rows))


def without_entity(rows: list[Row], name: str) -> list[Row]:
    """`delete_entities`, relations and all."""
    return [row for row in rows if name not in (row.get("name"), row.get("from"), row.get("to"))]


def said(rows: list[Row]) -> set[tuple[str, ...]]:
    """Everything some rows say, in no order."""
    found: set[tuple[str, ...]] = set()
    for row in rows:
        if row["type"] == "relation":
            found.add((row["from"], row["to"], row["relationType"]))
        else:
            found.add((row["name"], row["entityType"]))
            found |= {(row["name"], "says", text) for text in row["observations"]}
    return found


class Fleet:
    """Two machines and their hub; `ash` brings the real file."""

    def __init__(self, data: bytes = REAL) -> None:
        clock = QuietClock()
        self.hub = LoopbackHub(clock.wall_ms)
        self.ash = Machine("ash", self.hub, clock, data)
        self.birch = Machine("birch", self.hub, clock)
        self.sync()

    def sync(self) -> None:
        for _ in range(2):
            self.ash.sync()
            self.birch.sync()

    def agrees_on(self, rows: list[Row]) -> bool:
        return said(rows_of(self.ash.data)) == said(rows_of(self.birch.data)) == said(rows)


def test_rows_without_an_id_are_not_one_row() -> None:
    """Defect 1: every row of the server was keyed `unknown`, so that one of them survived."""
    rows = rows_of(REAL)
    assert len(rows) > 6
    assert len(older_tool.crdt_merge(older_tool.inject(rows, "ash", "2026-01-01T00:00:00"))) == 1

    fleet = Fleet()
    assert fleet.birch.data == REAL


def test_lines_of_the_real_server_are_read_and_what_is_published_is_json() -> None:
    """Defect 2: the shell ended at the second line; of an array it made a stream that it could not read."""
    with pytest.raises(older_tool.ShellEnds):
        older_tool.shell_backup(REAL.decode(), "ash", 1)
    stream = older_tool.shell_backup(json.dumps(rows_of(REAL)), "ash", 1)
    with pytest.raises(json.JSONDecodeError, match="Extra data"):
        json.loads(stream)

    fleet = Fleet()
    published = json.loads(encode(fleet.ash.session.replica.fragment()))
    assert len(published["records"]) == len(rows_of(REAL))
    assert fleet.hub.main is not None
    assert fleet.hub.main.of().unified is not None
    assert said(rows_of(fleet.hub.main.of().unified)) == said(rows_of(REAL))


def test_the_last_to_write_wins_and_not_the_last_to_sync() -> None:
    """Defect 3: every backup stamped everything anew, so an old copy beat a new edit by running later."""
    old = {"id": "1", "name": ALICE, "observations": ["old"]}
    edited = json.loads(older_tool.shell_backup(json.dumps([{**old, "observations": ["new"]}]), "ash", 10))
    stale = json.loads(older_tool.shell_backup(json.dumps([old]), "birch", 20))
    assert older_tool.shell_merge([[edited], [stale]])[0]["observations"] == ["old"]

    fleet = Fleet()
    edited_rows = with_note(rows_of(REAL), "new")
    fleet.ash.write(file_of(edited_rows))
    fleet.ash.sync()
    fleet.birch.sync()
    fleet.ash.sync()
    assert fleet.agrees_on(edited_rows)


def test_fetching_keeps_what_was_not_published_and_leaves_a_file_the_server_reads(tmp_path: Path) -> None:
    """Defect 4: fetching overwrote the live file, before backing it up, by an array the server refuses."""
    live = tmp_path / "memory.json"
    live.write_bytes(file_of(with_note(rows_of(REAL), "not pushed yet")))
    older_tool.fetch(live, rows_of(REAL))
    assert "not pushed yet" not in live.read_text()
    with pytest.raises(ValueError, match="Expecting"):
        rows_of(live.read_bytes())

    fleet = Fleet()
    fleet.ash.write(file_of(with_note(rows_of(REAL), "from ash")))
    fleet.birch.write(file_of(with_note(rows_of(REAL), "not pushed yet")))
    fleet.sync()
    assert fleet.agrees_on(with_note(with_note(rows_of(REAL), "from ash"), "not pushed yet"))


def test_observations_of_both_sides_stay() -> None:
    """Defect 5: of an entity edited on both sides, one side's observations were dropped with the whole."""
    mine, theirs = ({"id": ALICE, "observations": ["x", f"from {side}"]} for side in ("A", "B"))
    merged = older_tool.crdt_merge(
        older_tool.inject([mine], "a", "2026-01-01T00:00:01"),
        older_tool.inject([theirs], "b", "2026-01-01T00:00:02"),
    )
    assert [entry["observations"] for entry in merged] == [["x", "from B"]]

    fleet = Fleet()
    fleet.ash.write(file_of(with_note(rows_of(REAL), "from A")))
    fleet.birch.write(file_of(with_note(rows_of(REAL), "from B")))
    fleet.sync()
    assert fleet.agrees_on(with_note(with_note(rows_of(REAL), "from A"), "from B"))


def test_what_was_deleted_stays_deleted() -> None:
    """Defect 6: there were no deletions, so every other copy brought everything back."""
    rows = [{**row, "id": str(at)} for at, row in enumerate(rows_of(REAL))]
    copy = older_tool.inject(rows, "birch", "2026-01-01T00:00:00")
    assert len(older_tool.crdt_merge(copy[1:], copy)) == len(rows)

    fleet = Fleet()
    left = without_entity(rows_of(REAL), ALICE)
    assert len(left) < len(rows)
    fleet.ash.write(file_of(left))
    fleet.ash.sync()
    fleet.birch.write(file_of(with_note(rows_of(fleet.birch.data), "written meanwhile", name="Project X")))
    fleet.sync()
    assert fleet.agrees_on(with_note(left, "written meanwhile", name="Project X"))


def test_syncing_again_and_again_adds_nothing() -> None:
    """Defect 7: rows without id or name had a counter for a key: relations grew at every run, to 3.3 GB."""
    rows = rows_of(REAL)
    merged: dict[str, Row] = {}
    sizes = []
    for _ in range(4):
        merged = older_tool.unified_merge(merged, rows)
        sizes.append(len(merged))
    nameless = sum(1 for row in rows if not row.get("name"))
    assert nameless
    assert [later - before for before, later in pairwise(sizes)] == [nameless] * 3

    fleet = Fleet()
    before = (fleet.ash.data, fleet.birch.data, fleet.hub.main, dict(fleet.hub.hosts))
    for _ in range(4):
        fleet.sync()
    assert (fleet.ash.data, fleet.birch.data, fleet.hub.main, dict(fleet.hub.hosts)) == before


def _two_rows_of_one_key() -> tuple[Row, Row]:
    """Eight hexadecimal digits are met twice among some ten thousand rows."""
    seen: dict[str, Row] = {}
    for at in count():
        row = {"type": "note", "at": at}
        twin = seen.setdefault(older_tool.hashed_key(row), row)
        if twin is not row:
            return twin, row
    raise AssertionError("there are only so many keys")


def test_joining_is_a_function_of_what_is_joined() -> None:
    """Defect 8: lost stamps were replaced by random ones, dates with and without offset could not be
    compared, and short hashes took different rows for one."""
    rows = rows_of(REAL)
    assert older_tool.recovered(rows) != older_tool.recovered(rows)
    with pytest.raises(TypeError, match="offset-naive and offset-aware"):
        max(map(older_tool.parse_timestamp, ("2026-01-01T00:00:00Z", "not a date")))
    one, other = _two_rows_of_one_key()
    assert one != other

    fleet, again = Fleet(), Fleet()
    assert fleet.birch.data == again.birch.data
    fragments = fleet.ash.session.replica.state.fragments()
    assert fragments.keys() == again.ash.session.replica.state.fragments().keys()
    for rid, fragment in again.ash.session.replica.state.fragments().items():
        assert encode(fragment) == encode(fragments[rid])


def test_no_reader_meets_half_a_file(tmp_path: Path) -> None:
    """Defect 9, first part: the live file was emptied, then written."""
    live = tmp_path / "older.json"
    live.write_bytes(REAL)
    met: list[bytes] = []
    older_tool.fetch(live, rows_of(REAL), meanwhile=lambda: met.append(live.read_bytes()))
    assert met == [b""]

    file = OsFile(tmp_path / "memory.json")
    new = file_of(with_note(rows_of(REAL), "joined"))
    (tmp_path / "memory.json").write_bytes(REAL)
    standing = file.read()
    assert isinstance(standing, Snapshot)
    ready = prepared(file, new)
    assert not isinstance(ready, Unusable)
    assert (tmp_path / "memory.json").read_bytes() == REAL
    assert isinstance(file.exchange(ready, over=standing), Displaced)
    assert (tmp_path / "memory.json").read_bytes() == new


def test_two_processes_at_once_write_no_fact_twice_and_lose_none(tmp_path: Path) -> None:
    """Defect 9, the rest: two processes took one lock; a conflict was settled by dropping one side."""
    lock = tmp_path / "lock"
    taken: list[bool] = []
    taken.append(older_tool.acquire_lock(lock, lambda: taken.append(older_tool.acquire_lock(lock))))
    assert taken == [True, True]
    mine, theirs = [{"name": "mine"}], [{"name": "theirs"}]
    assert older_tool.resolve_conflict(mine, theirs) == theirs

    fleet = Fleet()
    rows = with_note(rows_of(REAL), "seen by both")
    fleet.ash.write(file_of(rows))
    second = fleet.ash.process("second")
    runs = count()

    def meanwhile(_publication: Publication) -> Any:
        if next(runs) == 0:
            fleet.ash.write(file_of(with_note(rows, "written during the push")))
            sync_round(second)
            fleet.birch.write(file_of(with_note(rows_of(fleet.birch.data), "from birch")))
            fleet.birch.sync()

    fleet.ash.remote.before_apply = meanwhile
    fleet.sync()
    assert next(runs) > 1
    wanted = with_note(with_note(rows, "written during the push"), "from birch")
    assert fleet.agrees_on(wanted)
    records = fleet.ash.session.replica.fragment().records.values()
    facts = [entry.n for record in records for entry in record.entries()]
    assert len(facts) == len(set(facts))
