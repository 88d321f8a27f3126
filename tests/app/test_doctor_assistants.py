"""`doctor` on the assistants of a machine: which file they use, and what a service reaches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from memsync_git.app import App
from memsync_git.app.doctor import doctor
from memsync_git.assistants.processes import Process, leaves, writers_of
from memsync_git.documents import DoctorRow
from memsync_git.model import Entity
from memsync_git.options import InitOptions
from memsync_git.remotes.trying import reached_with
from memsync_git.remotes.url import validate
from memsync_git.services.surroundings import environment_of, led_by
from tests.git.sshd import Sshd, program
from tests.standins import offer

from .machines import Machine

NPX: dict[str, Any] = {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory"]}
NOTED = {"type": "entity", "name": "Noted in npx", "entityType": "note", "observations": ["only there"]}
WAITING_S = 20.0


def configure(person: Path, file: str, text: str) -> Path:
    path = person / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def desktop(person: Path, **table: Any) -> Path:
    text = json.dumps({"mcpServers": {"memory": {**NPX, **table}}, "theme": "dark"}, indent=2)
    return configure(person, ".config/Claude/claude_desktop_config.json", text)


def unpacked(person: Path, name: str, version: str, *rows: dict[str, Any]) -> Path:
    """The server as npx leaves it, with what it has noted."""
    package = person / f".npm/_npx/{name}/node_modules/@modelcontextprotocol/server-memory"
    (package / "dist").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": version}))
    if rows:
        (package / "dist/memory.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return package


def examine(machine: Machine, **options: Any) -> dict[str, DoctorRow]:
    return {row["check"]: row for row in machine.app.doctor(**options)["rows"]}


# --- which file


def test_a_machine_without_assistants_is_told_what_one_would_need(laptop: Machine, person: Path) -> None:
    row = examine(laptop)["assistants"]
    assert row["verdict"] == "ok"
    assert f"MEMORY_FILE_PATH={laptop.file}" in row["evidence"]


@pytest.mark.parametrize(
    "spelling", ["{file}", "${{HOME}}/link/memory.json", "${{env:HOME}}/link/memory.json"]
)
def test_an_assistant_that_uses_the_file_is_named(laptop: Machine, person: Path, spelling: str) -> None:
    (person / "link").symlink_to(laptop.home)
    desktop(person, env={"MEMORY_FILE_PATH": spelling.format(file=laptop.file)})
    row = examine(laptop)["assistants"]
    assert (row["verdict"], row["evidence"]) == ("ok", "used by Claude Desktop")


def test_an_assistant_that_uses_another_file_is_told_about_and_left_alone(
    laptop: Machine, person: Path
) -> None:
    config = desktop(person, env={"MEMORY_FILE_PATH": "/elsewhere/memory.json"})
    before = config.read_text()
    row = examine(laptop, fix=True)["assistants"]
    assert (row["verdict"], row["curable"]) == ("warn", False)
    assert "/elsewhere/memory.json" in row["evidence"]
    assert str(laptop.file) in row["cure"]
    assert config.read_text() == before


def test_a_memory_in_a_container_is_named_only(laptop: Machine, person: Path) -> None:
    args = ["run", "-i", "-v", "claude-memory:/app/dist", "--rm", "mcp/memory"]
    desktop(person, command="docker", args=args)
    row = examine(laptop)["assistants"]
    assert (row["verdict"], row["curable"]) == ("warn", False)
    assert "the volume claude-memory" in row["evidence"]


def test_a_configuration_that_others_read_is_told_about_and_left_alone(laptop: Machine, person: Path) -> None:
    project = person / "work"
    shared = configure(project, ".mcp.json", json.dumps({"mcpServers": {"memory": NPX}}))
    configure(person, ".claude.json", json.dumps({"projects": {str(project): {}}}))
    before = shared.read_text()
    row = examine(laptop, fix=True)["assistants"]
    assert (row["verdict"], row["curable"]) == ("warn", False)
    assert str(project) in row["evidence"]
    assert shared.read_text() == before


def test_a_memory_in_a_package_is_taken_in_and_the_assistant_told_the_file(
    laptop: Machine, desk: Machine, person: Path
) -> None:
    laptop.writes(Entity("Alice", "person", ("likes tea",)))
    laptop.sync()
    config = desktop(person)
    before = config.read_text()
    package = unpacked(person, "abc", "2025.4.25", NOTED)
    row = examine(laptop)["assistants"]
    assert (row["verdict"], row["curable"]) == ("fail", True)
    assert config.read_text() == before, "looking changes nothing"
    cured = examine(laptop, fix=True)["assistants"]
    assert (cured["verdict"], cured["fixed"]) == ("ok", True)
    assert laptop.entities()["Noted in npx"] == ("note", ["only there"])
    assert "Alice" in laptop.entities()
    desk.sync()
    assert "Noted in npx" in desk.entities()
    said = json.loads(config.read_text())
    assert said["mcpServers"]["memory"] == {**NPX, "env": {"MEMORY_FILE_PATH": str(laptop.file)}}
    assert said["theme"] == "dark"
    assert config.with_name(f"{config.name}.before-memsync-git").read_text() == before
    assert (package / "dist/memory.jsonl").exists()
    assert examine(laptop)["assistants"]["evidence"] == "used by Claude Desktop"


def test_every_assistant_is_told_and_a_copy_is_never_written_over(laptop: Machine, person: Path) -> None:
    config = desktop(person)
    config.with_name(f"{config.name}.before-memsync-git").write_text("older copy")
    servers = json.dumps({"mcpServers": {"memory": NPX}})
    configure(person, ".cursor/mcp.json", servers)
    configure(
        person, ".config/Code/User/mcp.json", '{ // mine\n"servers": {"memory": ' + json.dumps(NPX) + "}}"
    )
    code = {name: {"mcpServers": {"memory": NPX}} for name in ("/w", "/v")}
    before = configure(person, ".claude.json", json.dumps({"projects": code})).read_text()
    toml = '# mine\n[mcp_servers.memory]\ncommand = "npx"\nargs = ["@modelcontextprotocol/server-memory"]\n'
    configure(person, ".codex/config.toml", toml)
    assert examine(laptop, fix=True)["assistants"]["fixed"]
    row = examine(laptop)["assistants"]
    assert row["evidence"] == "used by Claude Desktop, Claude Code, Cursor, VS Code, Codex"
    assert config.with_name(f"{config.name}.before-memsync-git").read_text() == "older copy"
    assert [copy.read_text() for copy in person.glob(".claude.json.before*")] == [before]
    assert (person / ".config/Code/User/mcp.json").read_text().startswith("{ // mine\n")
    assert (person / ".codex/config.toml").read_text().startswith("# mine\n")


def test_a_configuration_that_is_a_link_is_left_alone_and_said_so(laptop: Machine, person: Path) -> None:
    config = desktop(person)
    real = config.rename(config.with_name("dotfiles.json"))
    config.symlink_to(real)
    before = real.read_text()
    row = examine(laptop, fix=True)["assistants"]
    assert row["verdict"] == "fail"
    assert "not cured" in row["evidence"]
    assert config.is_symlink()
    assert real.read_text() == before


def test_init_says_which_assistant_does_not_use_the_file_yet(tmp_path: Path, hub: Path, person: Path) -> None:
    desktop(person)
    machine = Machine(tmp_path / "new", "new", hub)
    machine.home.mkdir()
    app = machine.app
    document = app.join(app.plan(InitOptions(remote=str(hub), host="new")), service=False)
    (told,) = [notice for notice in document["notices"] if "Claude Desktop" in notice["message"]]
    assert told["hint"].startswith("memsync-git doctor --fix")


def test_the_report_names_no_file_of_a_memory_and_no_project(
    laptop: Machine, person: Path, tmp_path: Path
) -> None:
    servers = {"memory": {**NPX, "env": {"MEMORY_FILE_PATH": "/elsewhere/secret.json"}}}
    configure(person, ".claude.json", json.dumps({"projects": {"/secret project": {"mcpServers": servers}}}))
    unpacked(person, "abc", "2025.4.25", NOTED)
    evidence = examine(laptop)["assistants"]["evidence"]
    assert "/secret project" in evidence
    assert "/elsewhere/secret.json" in evidence
    laptop.app.doctor(bundle=str(tmp_path / "report.json"))
    text = (tmp_path / "report.json").read_text()
    assert "Noted in npx" not in text
    assert "secret" not in text
    assert str(person) not in text


# --- versions and writers


def test_several_versions_of_the_server_are_told_with_the_way_to_pin_one(
    laptop: Machine, person: Path
) -> None:
    unpacked(person, "abc", "2025.4.25")
    assert examine(laptop)["server versions"]["evidence"] == "version 2025.4.25"
    unpacked(person, "def", "2026.8.31")
    args = ["@modelcontextprotocol/server-memory@2026.1.26"]
    desktop(person, args=args, env={"MEMORY_FILE_PATH": str(laptop.file)})
    row = examine(laptop)["server versions"]
    assert row["verdict"] == "warn"
    assert "2025.4.25, 2026.1.26, 2026.8.31" in row["evidence"]
    assert "@modelcontextprotocol/server-memory@VERSION" in row["cure"]


@contextmanager
def holding(path: Path) -> Iterator[int]:
    """A process that holds a file open."""
    script = f"import sys; held = open({str(path)!r}); print('ready', flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.stdin.close()
        process.wait(WAITING_S)
        process.stdout.close()


@contextmanager
def memory_server(path: Path) -> Iterator[int]:
    """A process as `npx` starts it: a shell around a server, both told the file."""
    words = ["sh", "-c", 'cat; : "$0"', "mcp-server-memory"]
    env = {**os.environ, "MEMORY_FILE_PATH": str(path)}
    process = subprocess.Popen(words, stdin=subprocess.PIPE, env=env)
    assert process.stdin is not None
    try:
        yield process.pid
    finally:
        process.stdin.close()
        process.wait(WAITING_S)


def eventually(path: Path, count: int) -> list[int]:
    until = time.monotonic() + WAITING_S
    while len(found := writers_of(path)) != count and time.monotonic() < until:
        time.sleep(0.02)
    return found


def test_two_processes_on_one_file_are_told_and_one_is_no_trouble(laptop: Machine, person: Path) -> None:
    laptop.writes(Entity("Alice", "person"))
    with holding(laptop.file) as first:
        assert eventually(laptop.file, 1) == [first]
        assert examine(laptop)["writers"]["evidence"] == f"process {first}"
        with memory_server(laptop.file):
            found = eventually(laptop.file, 2)
            assert first in found
            row = examine(laptop)["writers"]
            assert row["verdict"] == "warn"
            assert all(str(pid) in row["evidence"] for pid in found)
    assert eventually(laptop.file, 0) == []
    assert examine(laptop)["writers"]["verdict"] == "ok"


def test_of_a_line_of_processes_the_last_counts() -> None:
    line = {pid: Process(pid, pid - 1) for pid in (5, 6, 7)}
    assert leaves({**line, 9: Process(9, 1)}) == {7, 9}
    assert leaves({}) == set()


def test_a_system_that_tells_nothing_of_processes_tells_of_no_writer(tmp_path: Path) -> None:
    assert writers_of(tmp_path / "memory.json", proc=tmp_path / "nowhere") == []


# --- what a service reaches


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    program()
    server = Sshd(tmp_path / "sshd")
    yield server
    server.stop()


@pytest.fixture
def with_cron(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where cron is the only service."""
    crontab, systemctl = offer(tmp_path / "bin", "crontab"), offer(tmp_path / "bin", "systemctl")
    systemctl.set("off")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return crontab.state / "spool"


def test_a_hub_that_only_the_terminal_reaches_is_told_with_a_way_in(
    tmp_path: Path, hub: Path, person: Path, sshd: Sshd, with_cron: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is known to the terminal alone, as one in an ssh agent is."""
    monkeypatch.setenv("GIT_SSH_COMMAND", sshd.command)
    machine = Machine(tmp_path / "new", "new", hub)
    machine.home.mkdir()
    url = f"ssh://127.0.0.1:{sshd.port}{hub}"
    app = App(machine.app.rooms, "/opt/memsync-git/bin/memsync-git")
    app.join(app.plan(InitOptions(remote=url, host="new")), service=True)
    app = App(machine.app.rooms, app.executable)
    rows = {row["check"]: row for row in doctor(app.rooms, executable=app.executable)["rows"]}
    assert rows["fetch"]["verdict"] == "ok"
    row = rows["service fetch"]
    assert row["verdict"] == "fail"
    assert "but not the service cron" in row["evidence"]
    assert "IdentityFile" in row["cure"]


def test_a_hub_that_every_process_reaches_is_reached(sshd: Sshd, hub: Path, person: Path) -> None:
    around = {**environment_of("cron"), "GIT_SSH_COMMAND": sshd.command, "PATH": os.environ["PATH"]}
    url = validate(f"ssh://127.0.0.1:{sshd.port}{hub}")
    assert reached_with(url, around, deadline_s=WAITING_S) == ""
    assert reached_with(url, {**environment_of("cron"), "PATH": os.environ["PATH"]}, deadline_s=WAITING_S)


def test_a_hub_on_this_disk_asks_nobody(laptop: Machine, person: Path) -> None:
    assert examine(laptop)["service fetch"]["verdict"] == "ok"


def test_of_what_a_manager_was_given_only_what_leads_somewhere_is_taken() -> None:
    text = "HOME=/h\nSSH_AUTH_SOCK=/run/agent\nTOKEN=secret\nPATH=$'/a\\nb'\n"
    assert led_by(text) == {"SSH_AUTH_SOCK": "/run/agent"}


def test_a_service_is_never_given_what_only_a_terminal_has(
    monkeypatch: pytest.MonkeyPatch, person: Path
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    for name in ("cron", "systemd"):
        around = environment_of(name)
        assert "/run/agent" not in around.values() or name == "systemd"
        assert "secret" not in around.values()
        assert around["HOME"] == str(person)
