"""No secret a remote, an address or a hook lets slip stands in a log, a report, a status or an argument.

A hub that shouts tokens, a configuration with a token in its address, a git that sees every argument:
after each, everything this installation wrote is searched, byte for byte.
"""

from __future__ import annotations

import importlib.util
import json
import linecache
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memsync_git.app.reports import report_of
from tests.cli.machines import Home, entity, new_hub

SECRETS = {
    "github": "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8",
    "github2": "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "oauth": "gho_Z9y8X7w6V5u4T3s2R1q0P9o8N7m6L5k4J3i2",
    "gitlab": "glpat-s3cr3ts3cr3ts3cr3t",
    "age": "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ",
    "basic": "bWU6aHVudGVyMmh1bnRlcjI",
    "bearer": "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0",
    "password": "hunter2hunter2",
}
SHOUTED = [
    f"token {SECRETS['github']}",
    f"and {SECRETS['github2']} {SECRETS['oauth']}",
    f"PRIVATE-TOKEN: {SECRETS['gitlab']}",
    f"key {SECRETS['age']}",
    f"Authorization: Basic {SECRETS['basic']}",
    f"curl -H 'Authorization: Bearer {SECRETS['bearer']}'",
    f"fatal: https://me:{SECRETS['password']}@host/x.git",
]

GIT = """#!/bin/sh
printf '%s\\n' "$*" >>{log}
exec {git} "$@"
"""
"""Writes down its arguments, as `ps` would show them, and is git."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("MEMSYNC_HOME", str(folder))
    return folder


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where every argument of every git stands afterwards."""
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    log, folder = tmp_path / "arguments", tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(GIT.format(log=log, git=real))
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return log


def memsync(*words: str) -> tuple[int, str]:
    """A command as a process of its own: its code and all it said."""
    done = subprocess.run(
        [sys.executable, "-m", "memsync_git", *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def leaks(text: str) -> list[str]:
    return [name for name, secret in SECRETS.items() if secret in text]


def written(home: Path) -> str:
    """All that stands in the home, clone and stores included; the memory file alone is the person's."""
    files = [each for each in home.rglob("*") if each.is_file() and each.name != "memory.json"]
    assert files
    return "\n".join(each.read_bytes().decode("latin-1") for each in files)


def shouting(hub: Path, hook: str) -> None:
    script = hub / "hooks" / hook
    script.parent.mkdir(exist_ok=True)
    said = "\n".join(f'cat >&2 <<"END"\n{line}\nEND' for line in SHOUTED)
    script.write_text(f"#!/bin/sh\n{said}\nexit 1\n")
    script.chmod(0o755)


def test_a_hub_whose_hook_shouts_tokens_gets_none_of_them_into_anything(
    home: Path, tmp_path: Path, arguments: Path
) -> None:
    hub = new_hub(tmp_path / "hub.git")
    Home(home).write(entity("Alice", "likes tea"))
    assert memsync("init", str(hub), "--no-service")[0] == 0
    shouting(hub, "pre-receive")
    (home / "config.toml").write_text((home / "config.toml").read_text() + '\n[log]\nlevel = "debug"\n')
    Home(home).write(entity("Alice", "likes tea", "sings"))
    said = ""
    for words in (["sync"], ["sync", "--json"], ["sync", "--if-stale", "15", "--quiet"], ["status"],
                  ["status", "--json"], ["logs"], ["logs", "--json"], ["doctor"], ["--test"], ["metrics"],
                  ["hook", "session-start"], ["doctor", "--bundle", str(home / "bundle.json")]):  # fmt: skip
        said += memsync(*words)[1]
    assert "***" in said
    assert "Refused" in said
    assert leaks(said) == []
    assert leaks(written(home)) == []
    assert "remote: token ***" in (home / "logs" / "memory_sync.log").read_text()
    assert "push" in arguments.read_text()
    assert leaks(arguments.read_text()) == []


@pytest.mark.parametrize("url", [f"https://me:{SECRETS['password']}@127.0.0.1:1/x.git",
                                 f"https://{SECRETS['github']}@127.0.0.1:1/x.git",
                                 f"ssh://me:{SECRETS['password']}@127.0.0.1:1/x.git",
                                 f"https://127.0.0.1:1/x?private_token={SECRETS['gitlab']}"])  # fmt: skip
def test_an_address_with_a_secret_in_it_is_refused_everywhere_and_written_nowhere(
    home: Path, arguments: Path, url: str
) -> None:
    said = memsync("init", url, "--no-service")[1] + memsync("config", "set", "remotes.url", url)[1]
    assert "Error" in said
    assert leaks(said) == []
    (home / "config.toml").write_text(f'[[remotes]]\nname = "origin"\nurl = "{url}"\n')
    for words in (["sync"], ["status"], ["doctor"], ["config", "validate"], ["config", "explain"], ["logs"],
                  ["hook", "session-start"], ["metrics"]):  # fmt: skip
        said = memsync(*words)[1]
        assert leaks(said) == [], words
    (home / "config.toml").unlink()
    assert not arguments.exists() or leaks(arguments.read_text()) == []
    assert [
        each for each in home.rglob("*") if each.is_file() and leaks(each.read_bytes().decode("latin-1"))
    ] == []


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server on loopback that answers every request alike; at most twenty of them."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(20):
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_server_that_sends_back_what_it_was_sent_gets_it_into_nothing(home: Path, arguments: Path) -> None:
    """An answer with credentials in a redirect and in its text, which git shows as `remote:` lines."""
    body = "\n".join(SHOUTED).encode()
    answer = (
        f"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\nSet-Cookie: {SECRETS['basic']}\r\n\r\n"
    ).encode() + body
    with answering(answer) as port:
        said = memsync("init", f"http://127.0.0.1:{port}/x.git", "--no-service")[1]
    assert "Error" in said
    assert leaks(said) == []
    assert leaks(arguments.read_text()) == []


def test_a_report_of_a_bug_holds_no_secret(tmp_path: Path) -> None:
    """The line of the source that failed is quoted in it, and can hold one."""
    script = tmp_path / "failing.py"
    lines = [f"text = {shouted!r}" for shouted in SHOUTED]
    for at, line in enumerate(lines):
        script.write_text(f"def fail():\n    {line}; raise ValueError(text)\n")
        report = report_of(_raised_by(script, at), ["sync"])
        assert "***" in report
        assert leaks(report) == []


def _raised_by(script: Path, at: int) -> Exception:
    spec = importlib.util.spec_from_file_location(f"failing_{at}", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        module.fail()
    except ValueError as error:
        linecache.checkcache(str(script))
        return error
    raise AssertionError("it did not fail")


def test_what_is_searched_for_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("\n".join([*SHOUTED]))
    assert leaks(written(tmp_path)) == [*SECRETS]
    assert leaks(json.dumps(SHOUTED)) == [*SECRETS]
