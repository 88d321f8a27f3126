"""A command line that click does not read means what it would mean if click had read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import pytest

from memsync_git.cli import plainly, program
from memsync_git.cli.opening import opened
from memsync_git.cli.plainly import STATUS_FLAGS, SYNC_FLAGS, sync_options
from memsync_git.cli.status import status
from memsync_git.cli.sync import sync
from memsync_git.options import SyncOptions
from tests.cli.conftest import Command
from tests.cli.machines import Home, entity


@pytest.mark.parametrize(
    "flags", [each for many in range(6) for each in combinations(sorted(SYNC_FLAGS), many)]
)
def test_a_sync_is_asked_for_what_click_would_ask(flags: tuple[str, ...]) -> None:
    read = sync.make_context("sync", list(flags)).params
    assert read.pop("quiet") == ("--quiet" in flags)
    assert read.pop("as_json") == ("--json" in flags)
    assert sync_options(set(flags)) == SyncOptions(**read)


def test_a_status_is_asked_for_what_click_would_ask() -> None:
    assert {"--json"} == STATUS_FLAGS
    assert status.make_context("status", ["--json"]).params == {"as_json": True, "watch": False}


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["sync", "--quiet"],
        ["sync", "--no-fetch", "--no-push"],
        ["hook", "session-start"],
    ],
)
def test_both_ways_say_the_same(
    words: list[str], memsync: Command, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    Home(home).write(entity("Alice", "likes tea"))
    assert memsync("init", "--no-service").code == 0
    assert memsync("sync").code == 0
    ended = []
    for answered in (plainly.answered, program.answered):
        code = answered(words)
        ended.append((code, capsys.readouterr()))
    assert ended[0] == ended[1]


@pytest.mark.parametrize("answered", [plainly.answered, program.answered])
def test_a_full_sync_finds_a_difference_nobody_knows_of(
    answered: Callable[[Sequence[str]], int], memsync: Command, home: Path
) -> None:
    home.mkdir()
    machine = Home(home)
    machine.write(entity("Alice", "likes tea"))
    assert memsync("init", "--no-service").code == 0
    with opened(store="").rooms.session() as session:
        session.act(lambda replica, moment: replica.write((), [("o", "Alice", "hums")], moment, cause="edit"))
        session.act(lambda replica, _: replica.behind.clear())
    assert answered(["sync"]) == 0
    assert "hums" not in machine.file.read_text()
    assert answered(["sync", "--full"]) == 0
    assert "hums" in machine.file.read_text()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["status", "--watch"],
        ["status", "--store", "x"],
        ["sync", "--wait", "1"],
        ["hook"],
        ["--help"],
        ["sync", "x"],
    ],
)
def test_whatever_has_more_to_it_is_left_to_click(words: list[str]) -> None:
    assert plainly.answered(words) is None
