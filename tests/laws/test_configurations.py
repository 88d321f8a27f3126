"""Configurations of assistants: what they say about a memory server, and changing one key of them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.assistants import jsonc
from memsync_git.assistants.servers import Contained, Stable, Unnamed, memory_servers, projects
from memsync_git.assistants.table import ASSISTANTS, Assistant, Folders
from memsync_git.assistants.writing import pointed
from memsync_git.errors import Misused

HOME = Path("/home/me")
MEMORY = Path("/home/me/.cache/mcp-memory/memory.json")
NPX: dict[str, Any] = {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory"]}
IN_TOML = '[mcp_servers.memory]\ncommand = "npx"\nargs = ["@modelcontextprotocol/server-memory"]\n'
BY_NAME = {assistant.name: assistant for assistant in ASSISTANTS}
DESKTOP, CODE, CODEX = BY_NAME["Claude Desktop"], BY_NAME["Claude Code"], BY_NAME["Codex"]


def said(assistant: Assistant, text: str) -> list[tuple[str, object]]:
    return [(server.told, server.keeps) for server in memory_servers(assistant, HOME / "file", text)]


def desktop(**table: Any) -> str:
    return json.dumps({"mcpServers": {"memory": {**NPX, **table}}})


def docker(*args: str) -> dict[str, Any]:
    return {"command": "docker", "args": ["run", *args]}


@pytest.mark.parametrize(
    ("table", "keeps"),
    [
        ({}, Unnamed()),
        ({"env": {}}, Unnamed()),
        ({"env": {"MEMORY_FILE_PATH": "memory.json"}}, Unnamed()),
        ({"env": {"MEMORY_FILE_PATH": ""}}, Unnamed()),
        ({"env": {"MEMORY_FILE_PATH": 7}}, Unnamed()),
        ({"env": {"MEMORY_FILE_PATH": str(MEMORY)}}, Stable(MEMORY)),
        ({"args": ["-y", "mcp-knowledge-graph@1.4.0", "--memory-path", "/m"]}, Stable(Path("/m"))),
        (docker("-i", "-v", "kept:/app/dist", "--rm", "mcp/memory"), Contained("kept")),
        (docker("--mount=type=volume,src=kept,dst=/app", "mcp/memory"), Contained("kept")),
        (docker("-i", "--rm", "mcp/memory:latest"), Contained("")),
    ],
)  # fmt: skip
def test_where_a_server_keeps_its_memory(table: dict[str, Any], keeps: object) -> None:
    assert said(DESKTOP, desktop(**table)) == [("Claude Desktop", keeps)]


@pytest.mark.parametrize(
    "table",
    [
        {"args": ["-y", "@modelcontextprotocol/server-filesystem"]},
        {"args": ["-y", "@modelcontextprotocol/server-memory-bench"]},
        {"args": "@modelcontextprotocol/server-memory"},
        {"command": None, "args": [None, 7]},
    ],
)
def test_other_servers_and_nonsense_are_passed_over(table: dict[str, Any]) -> None:
    assert said(DESKTOP, desktop(**table)) == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{broken", "null", '{"mcpServers": []}', '{"mcpServers": {"a": 1}}', "[" * 99]
)
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    for assistant in ASSISTANTS:
        assert said(assistant, text) == []


def test_the_pinned_version_is_known() -> None:
    (server,) = memory_servers(DESKTOP, HOME, desktop(args=["@modelcontextprotocol/server-memory@2025.4.25"]))
    assert (server.package, server.version) == ("@modelcontextprotocol/server-memory", "2025.4.25")
    (unpinned,) = memory_servers(DESKTOP, HOME, desktop())
    assert unpinned.version == ""


def test_claude_code_has_servers_for_all_projects_and_for_one() -> None:
    text = json.dumps(
        {"mcpServers": {"memory": NPX}, "projects": {"/work/a": {"mcpServers": {"memory": NPX}}}}
    )
    assert said(CODE, text) == [("Claude Code", Unnamed()), ("Claude Code in /work/a", Unnamed())]
    assert projects(text) == [Path("/work/a")]


def test_codex_is_configured_in_toml() -> None:
    text = IN_TOML + f'env = {{ MEMORY_FILE_PATH = "{MEMORY}" }}\n'
    assert said(CODEX, text) == [("Codex", Stable(MEMORY))]


def test_every_platform_has_its_own_places() -> None:
    places = {platform: Folders.of(HOME, {}, platform).file_of(DESKTOP) for platform in ("darwin", "linux")}
    assert places["darwin"] == HOME / "Library/Application Support/Claude/claude_desktop_config.json"
    assert places["linux"] == HOME / ".config/Claude/claude_desktop_config.json"
    moved = Folders.of(HOME, {"CODEX_HOME": "/c", "XDG_CONFIG_HOME": "/x", "APPDATA": "/a"}, "linux")
    assert (moved.codex, moved.programs) == (Path("/c"), Path("/x"))
    assert Folders.of(HOME, {"APPDATA": "/a"}, "win32").programs == Path("/a")


# --- changing one key

COMMENTED = """\
// my servers
{
  "mcpServers": {
    "memory": { // the good one
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-memory"], /* newest */
    },
    "other": {"command": "x"}
  },
  "theme": "dark"
}
"""


def pointed_at(text: str, assistant: Assistant = DESKTOP) -> str:
    (server,) = memory_servers(assistant, HOME / "file", text)
    fresh = pointed(server, text, MEMORY)
    assert said(assistant, fresh) == [(assistant.name, Stable(MEMORY))]
    return fresh


def test_comments_and_layout_stay() -> None:
    fresh = pointed_at(COMMENTED)
    added = [line for line in fresh.splitlines() if line not in COMMENTED.splitlines()]
    assert [line.strip() for line in added] == [f'"env": {{"MEMORY_FILE_PATH": "{MEMORY}"}}']
    assert [line for line in COMMENTED.splitlines() if line not in fresh.splitlines()] == []


@pytest.mark.parametrize(
    "text",
    [
        desktop(),
        json.dumps(json.loads(desktop()), indent=4),
        json.dumps(json.loads(desktop(env={"A": "b"})), indent=2),
        desktop(env={}),
        desktop(env={"MEMORY_FILE_PATH": "memory.json", "A": "b"}),
        desktop().replace('"]}', '"] // newest\n}'),
        "\ufeff" + desktop(),
    ],
)
def test_the_key_is_set_and_nothing_else_is_another(text: str) -> None:
    before, after = jsonc.parse(text).value(), jsonc.parse(pointed_at(text)).value()
    assert isinstance(before, dict)
    before["mcpServers"]["memory"].setdefault("env", {})["MEMORY_FILE_PATH"] = str(MEMORY)
    assert after == before
    assert pointed_at(pointed_at(text)) == pointed_at(text)


def test_codex_keeps_its_comments_too() -> None:
    text = f'# mine\nmodel = "x"  # best\n{IN_TOML}\n[other]\na = 1\n'
    fresh = pointed_at(text, CODEX)
    assert "# mine\n" in fresh
    assert 'model = "x"  # best\n' in fresh
    assert tomllib.loads(fresh)["other"] == {"a": 1}


def test_something_that_is_no_object_is_left_alone() -> None:
    text = desktop(env="none")
    (server,) = memory_servers(DESKTOP, HOME / "file", text)
    with pytest.raises(Misused, match="was not changed") as caught:
        pointed(server, text, MEMORY)
    assert "MEMORY_FILE_PATH" in caught.value.hint


keys = st.text(st.sampled_from('ab"\\/é'), max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | keys,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(value=values, indent=st.none() | st.integers(0, 3))
def test_all_json_is_read_as_json_reads_it(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert jsonc.parse(text).value() == value


@given(value=st.dictionaries(keys, values, max_size=3), indent=st.none() | st.integers(0, 3), key=keys)
def test_any_object_takes_a_new_value_and_keeps_the_others(value: dict, indent: int | None, key: str) -> None:
    fresh = jsonc.with_value(json.dumps(value, indent=indent), [key], "new")
    assert json.loads(fresh) == {**value, key: "new"}


@given(text=st.text(st.sampled_from('{}[]:,"/*\n a1\\-'), max_size=30))
def test_no_text_is_anything_but_read_or_refused(text: str) -> None:
    try:
        node = jsonc.parse(text)
    except jsonc.NotJsonc:
        return
    assert text[node.start : node.end]
