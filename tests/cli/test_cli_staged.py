"""`stash`, `pull`, `apply` and `push`: what they ask, print and end with."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.machines import Home, entity

PARTS = ("stash", "pull", "apply", "push")
WINDOW_S = 2.2
"""W of a small file (model page, section 7), and a little more."""
LONG = tuple(f"fact {number}" for number in range(40))


@pytest.fixture
def laptop(memsync: Command, home: Path, hub: Path, tmp_path: Path) -> Home:
    """A machine that has fetched Bob and Carol from the desk, and applied neither."""
    machine = Home(home)
    home.mkdir()
    machine.write(entity("Alice", *LONG))
    assert memsync("init", str(hub), "--host", "laptop", "--no-service").code == 0
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "memory.json").write_text("\n".join((entity("Bob", "plays chess"), entity("Carol", "runs"))))
    environment = {**os.environ, "MEMSYNC_HOME": str(desk)}
    join = [sys.executable, "-m", "memsync_git", "init", str(hub), "--host", "desk", "--no-service", "--yes"]
    subprocess.run(join, env=environment, check=True, capture_output=True)
    assert memsync("pull").code == 0
    return machine


def on_terminal(home: Path, answers: bytes, *arguments: str) -> tuple[int, str]:
    """The code and the words of a command line on a terminal where somebody types these answers."""
    main, end = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-m", "memsync_git", *arguments],
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
        env={**os.environ, "MEMSYNC_HOME": str(home), "NO_COLOR": "1"},
    )
    os.close(end)
    os.write(main, answers)
    text = b""
    with suppress(OSError):  # the end of a terminal whose last user left
        while part := os.read(main, 4096):
            text += part
    os.close(main)
    return asking.wait(timeout=60), text.decode()


@pytest.mark.parametrize(
    ("answers", "names"),
    [
        (b"y\nn\n", ["Alice", "Bob"]),
        (b"n\ny\n", ["Alice", "Carol"]),
        (b"a\n", ["Alice", "Bob", "Carol"]),
        (b"y\nq\n", ["Alice", "Bob"]),
    ],
)
def test_interactively_each_name_is_asked_about(laptop: Home, answers: bytes, names: list[str]) -> None:
    code, text = on_terminal(laptop.path, answers, "apply", "--interactive")
    assert code == 0
    assert "Apply Bob?" in text
    assert "+ Bob: plays chess" in text
    assert sorted(laptop.names()) == names


def test_who_picks_nothing_changes_nothing(laptop: Home) -> None:
    code, text = on_terminal(laptop.path, b"n\nq\n", "apply", "--interactive")
    assert (code, laptop.names()) == (0, ["Alice"])
    assert "Nothing was picked" in text


def test_on_a_terminal_apply_asks_and_no_changes_nothing(laptop: Home) -> None:
    code, _ = on_terminal(laptop.path, b"n\n", "apply")
    assert (code, laptop.names()) == (1, ["Alice"])
    code, _ = on_terminal(laptop.path, b"y\n", "apply")
    assert (code, sorted(laptop.names())) == (0, ["Alice", "Bob", "Carol"])


def test_a_preview_is_one_document_and_changes_nothing(memsync: Command, laptop: Home) -> None:
    document = json.loads(memsync("apply", "--preview", "--only", "Bob", "--json").out)
    assert (document["schema_version"], document["action"], document["would_add"]) == (1, "apply Bob", 2)
    assert laptop.names() == ["Alice"]


def test_json_is_one_document_for_every_part(memsync: Command, laptop: Home) -> None:
    for part in PARTS:
        ended = memsync(part, "--json", *(["--yes"] if part == "apply" else []))
        document = json.loads(ended.out)
        assert (ended.code, document["schema_version"], document["action"]) == (0, 1, part)
        assert {"outcome", "local", "remote", "applied", "staged", "waiting", "notices"} <= document.keys()
    assert sorted(laptop.names()) == ["Alice", "Bob", "Carol"]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_before_init_says_what_to_do(memsync: Command, part: str) -> None:
    ended = memsync(part)
    assert (ended.code, "Hint: memsync-git init" in ended.err) == (2, True)


def test_while_a_hold_waits_every_part_says_so_and_does_its_work(memsync: Command, laptop: Home) -> None:
    laptop.write(entity("Alice", *LONG), *(entity(f"person {number}") for number in range(30)))
    assert memsync("stash").code == 0
    time.sleep(WINDOW_S)  # who writes sooner may not have seen what it leaves out
    laptop.write(entity("Alice", *LONG))
    for part in PARTS:
        ended = memsync(part, *(["--yes"] if part == "apply" else []))
        assert (part, ended.code) == (part, 4)
        assert "Hint: memsync-git holds" in ended.err
    assert sorted(laptop.names()) == ["Alice", "Bob", "Carol"]


@pytest.mark.parametrize(
    "line",
    [("stash", "Alice"), ("pull", "--only", "Bob"), ("apply", "Bob"), ("push", "--yes"), ("apply", "--all")],
    ids=" ".join,
)
def test_wrong_use_ends_with_2(memsync: Command, home: Path, line: tuple[str, ...]) -> None:
    ended = memsync(*line)
    assert (ended.code, f"Hint: memsync-git {line[0]} --help" in ended.err) == (2, True)
