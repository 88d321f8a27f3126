"""`remote`: what it prints, asks and ends with; the stories are in docs/remotes.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.machines import Home, new_hub


def test_every_answer_is_one_document(memsync: Command, laptop: Home, tmp_path: Path) -> None:
    backup, third = (str(new_hub(tmp_path / name)) for name in ("backup.git", "third.git"))
    lines = (
        ("list", ["remote"]),
        ("list", ["remote", "list"]),
        ("add", ["remote", "add", "backup", backup]),
        ("set", ["remote", "set", third, "--name", "backup"]),
        ("remove", ["remote", "remove", "backup"]),
    )
    for action, line in lines:
        ended = memsync(*line, "--json")
        document = json.loads(ended.out)
        assert (ended.code, document["schema_version"], document["action"]) == (0, 1, action)
        assert {"name", "url", "branch", "outcome", "pending"} <= document["remotes"][0].keys()


def test_a_check_ends_as_the_worst_of_them(memsync: Command, laptop: Home, hub: Path) -> None:
    assert memsync("remote", "check").code == 0
    hook = hub / "hooks" / "pre-receive"
    hub.rename(hub.with_name("away.git"))
    ended = memsync("remote", "check", "--json")
    assert (ended.code, json.loads(ended.out)["remotes"][0]["fetch"]) == (5, "offline")
    assert not hook.exists()


def test_an_address_with_a_secret_is_refused_and_not_shown(memsync: Command, laptop: Home) -> None:
    ended = memsync("remote", "add", "backup", "https://me:hunter2@example.org/memory.git")
    assert ended.code == 2
    assert "hunter2" not in ended.out + ended.err


@pytest.mark.parametrize("name", ["", "two words", "../up", "-x", "a/b"])
def test_a_name_that_is_none_is_refused(memsync: Command, laptop: Home, tmp_path: Path, name: str) -> None:
    ended = memsync("remote", "add", "--", name, str(new_hub(tmp_path / "backup.git")))
    assert ended.code == 2


@pytest.mark.parametrize(
    "line",
    [("remote",), ("remote", "add", "b", "/x"), ("remote", "set", "/x"), ("remote", "check")],
    ids=" ".join,
)
def test_before_init_it_says_what_to_do(memsync: Command, line: tuple[str, ...]) -> None:
    ended = memsync(*line)
    assert (ended.code, "Hint: memsync-git init" in ended.err) == (2, True)


@pytest.mark.parametrize("line", [("add", "b"), ("set",), ("remove",), ("check", "--all")], ids=" ".join)
def test_wrong_use_ends_with_2(memsync: Command, home: Path, line: tuple[str, ...]) -> None:
    assert memsync("remote", *line).code == 2
