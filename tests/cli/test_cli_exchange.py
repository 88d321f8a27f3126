"""`export`, `import --as`, `verify` and `hosts rename` on the command line."""

from __future__ import annotations

import json
import os
import pty
import sys
from pathlib import Path

import pytest

from memsync_git.cli import exits
from tests.cli.conftest import Command
from tests.cli.machines import Home, entity

SERVICE = {
    "export_metadata": {"source_machine": "old"},
    "memories": [{"content": "Alice moved", "tags": ["alice"], "memory_type": "observation"}],
}


@pytest.fixture
def at_home(memsync: Command, home: Path) -> Home:
    home.mkdir()
    Home(home).write(entity("Alice", "likes tea"))
    assert memsync("init", "--no-service", "--host", "laptop").code == 0
    return Home(home)


def test_an_export_to_stdout_is_the_memory_and_nothing_else(at_home: Home, process: Command) -> None:
    ended = process("export")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == entity("Alice", "likes tea") + "\n"


def test_an_export_to_a_terminal_is_harmless(at_home: Home, process: Command) -> None:
    at_home.write(entity("Alice", "\x9b31m \u202e \u2028"))
    ended = process("export")
    assert "\u202e" in ended.out, "byte for byte into a pipe"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "memsync_git", "export"])
    said = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        said += chunk
    os.waitpid(pid, 0)
    os.close(terminal)
    assert b"Alice" in said
    assert "\u202e".encode() not in said


def test_an_export_to_a_file_says_where_and_replaces_none(
    at_home: Home, memsync: Command, tmp_path: Path
) -> None:
    target = str(tmp_path / "out.json")
    ended = memsync("export", "--format", "json-array", "--output", target, "--json")
    document = json.loads(ended.out)
    assert (document["path"], document["entities"], document["left_out"]) == (target, 1, 0)
    again = memsync("export", "--output", target)
    assert again.code == exits.MISUSED
    assert "--force" in again.err
    assert memsync("export", "--output", target, "--force").code == 0


@pytest.mark.parametrize("option", ["--json", "--force"])
def test_options_of_a_file_need_one(at_home: Home, memsync: Command, option: str) -> None:
    ended = memsync("export", option)
    assert ended.code == exits.MISUSED
    assert "--output FILE" in ended.err


def test_what_another_tool_kept_is_shown_asked_about_and_added(
    at_home: Home, memsync: Command, tmp_path: Path
) -> None:
    source = tmp_path / "service.json"
    source.write_text(json.dumps(SERVICE))
    assert memsync("import", str(source), "--as", "entities").code == exits.MISUSED, "nobody agreed"
    assert at_home.names() == ["Alice"]
    ended = memsync("import", str(source), "--as", "entities", "--yes", "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["format"] == "mcp-memory-service export"
    assert len(at_home.names()) == 2


def test_verify_exits_by_what_it_found(at_home: Home, memsync: Command, home: Path) -> None:
    ended = memsync("verify", "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["outcome"] == "accepted"
    at_home.write(entity("Alice", "likes tea", "sings"))
    assert memsync("verify").code == exits.FAILED
    at_home.file.write_text("{broken")
    assert memsync("verify").code == exits.UNUSABLE
    at_home.write(entity("Alice", "likes tea"))
    (home / "hub.git").rename(home / "gone.git")
    assert memsync("verify").code == exits.OFFLINE


def test_a_machine_gets_another_label(at_home: Home, memsync: Command) -> None:
    ended = memsync("hosts", "rename", "kitchen")
    assert ended.code == 0
    assert "kitchen" in ended.out
    assert memsync("config", "get", "replica.host").out.strip() == "kitchen"
    assert memsync("hosts", "rename", "").code == exits.MISUSED


@pytest.mark.parametrize("command", [["export"], ["verify"], ["hosts", "rename", "x"]])
def test_before_init_every_command_says_what_is_missing(memsync: Command, command: list[str]) -> None:
    ended = memsync(*command)
    assert ended.code == exits.MISUSED
    assert "memsync-git init" in ended.err
