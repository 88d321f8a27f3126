"""Databases made to be imported by somebody else: they are read as far as they are plain, and run nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from memsync_git.importers import read_source
from memsync_git.importers.databases import Database, NotADatabase, opened

COLUMNS = "content TEXT, content_hash TEXT, memory_type TEXT, deleted_at REAL"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 1, 2, 3 FROM n"
PATIENCE_S = 60.0
"""CPU time; generous, because the bound is in steps."""

Make = Callable[[str], bytes]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """A database made by a script."""

    def make(script: str) -> bytes:
        path = tmp_path / "foreign.db"
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        connection.executescript(script)
        connection.close()
        return path.read_bytes()

    return make


def test_a_view_in_place_of_the_table_is_not_read(made: Make) -> None:
    data = made(f"CREATE VIEW memories(content, content_hash, memory_type, deleted_at) AS {ENDLESS}")
    layout, imported = read_source(data)
    assert not layout.startswith("mcp-memory-service")
    assert len(imported.graph) == 0


def test_a_virtual_table_in_place_of_the_table_is_not_read(made: Make) -> None:
    data = made("CREATE VIRTUAL TABLE memories USING fts5(content, content_hash, memory_type)")
    assert len(read_source(data)[1].graph) == 0


def test_a_column_that_is_computed_to_fill_the_memory_is_refused(made: Make) -> None:
    data = made(
        f"CREATE TABLE memories({COLUMNS}, metadata AS (hex(zeroblob(40000000))));"
        "INSERT INTO memories VALUES ('a', 'x', 'y', NULL)"
    )
    imported = read_source(data)[1]
    assert len(imported.graph) == 0
    assert [each.reason for each in imported.unreadable] == ["string or blob too big"]


def test_a_trigger_never_runs_and_nothing_is_written(made: Make) -> None:
    data = made(
        f"CREATE TABLE memories({COLUMNS});"
        "INSERT INTO memories VALUES ('kept', 'x', '', NULL);"
        "CREATE TRIGGER gone BEFORE DELETE ON memories BEGIN SELECT 1; END;"
    )
    with opened(data) as database, pytest.raises(NotADatabase, match=r"not authorized|prohibited"):
        run(database, "DELETE FROM memories")
    assert len(read_source(data)[1].graph) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH 'other.db' AS other",
        "SELECT load_extension('x')",
        "PRAGMA writable_schema = ON",
        "VACUUM INTO 'x'",
    ],
)
def test_nothing_but_reading_is_allowed(made: Make, statement: str) -> None:
    data = made(f"CREATE TABLE memories({COLUMNS})")
    with opened(data) as database, pytest.raises(NotADatabase):
        run(database, statement)


def run(database: Database, statement: str) -> None:
    """What an importer never does: run any statement; refused as every other error is told."""
    from memsync_git.importers.databases import _told

    with _told():
        database._connection.execute(statement).fetchall()


def test_a_database_that_busies_the_reader_ends(made: Make) -> None:
    data = made(f"CREATE TABLE memories({COLUMNS})")
    before = time.process_time()
    with opened(data, most_steps=5_000_000) as database:
        database._connection.set_authorizer(None)  # else it is refused before it begins
        with pytest.raises(NotADatabase, match="interrupted"):
            run(database, ENDLESS.replace("SELECT i, 1, 2, 3", "SELECT count(i)"))
    assert time.process_time() - before < PATIENCE_S


def test_values_of_other_kinds_are_left_out_or_named(made: Make) -> None:
    data = made(
        f"CREATE TABLE memories({COLUMNS}, metadata TEXT, created_at REAL, tags);"
        "INSERT INTO memories VALUES (x'00ff', 'x', '', NULL, NULL, 1, 'a');"
        "INSERT INTO memories VALUES (NULL, 'x', '', NULL, NULL, 1, 'a');"
        "INSERT INTO memories VALUES ('a' || char(0) || 'b', 'x', 'y', NULL, '{broken', 9e999, 7);"
        "INSERT INTO memories VALUES (CAST(x'ff41' AS TEXT), 'x', 'y', NULL, '[' , -1e308, ' , a,,b ');"
    )
    imported = read_source(data)[1]
    assert [each.line for each in imported.unreadable] == [1, 2]
    first, second = imported.graph
    assert first.fields["content"] == '"a\\u0000b"'
    assert "created_at" not in first.fields
    assert first.fields["metadata"] == '"{broken"'
    assert second.fields["tags"] == '["a","b"]'
    assert second.fields["content"] == '"\ufffdA"'
