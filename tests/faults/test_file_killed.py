"""kill -9 at every step of a write-back, and a reader that never stops looking."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from memsync_git.local.file import OsFile
from memsync_git.local.swaps import SWAPS, Swap
from memsync_git.ports import Displaced, Prepared, Snapshot
from tests.fakes import prepared
from tests.faults.file_circumstances import WITH_PACKAGE, command_of, outcome_of

Rounds = list[dict[str, Any]]
"""What was found after a kill at each step, the whole run last."""

EXCHANGES = 300


@pytest.fixture(scope="module", params=["ExchangeSwap", "LinkSwap"])
def rounds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rounds:
    """Kills while a version is written over another."""
    found = outcome_of("killed.py", tmp_path_factory.mktemp("killed"), request.param, "over")
    assert isinstance(found, list)
    return found


def test_a_kill_at_any_step_leaves_one_whole_version_and_offers_the_other(rounds: Rounds) -> None:
    assert len(rounds) > 25
    assert {found["standing"] for found in rounds} == {"old", "new"}
    for step, found in enumerate(rounds):
        offered = [version for _, version in found["leftovers"]]
        assert "torn" not in offered, step
        if found["standing"] == "new":
            assert found["offered"] or "old" in offered, step


def test_a_kill_at_any_step_leaves_nothing_behind_once_the_leftovers_are_forgotten(rounds: Rounds) -> None:
    debris = {name for found in rounds for name in found["debris"]}
    assert debris == {"memory.json", ".memory.json.memsync"}


def test_kills_strike_before_and_after_the_displaced_version_gets_its_name(rounds: Rounds) -> None:
    offered = {tuple(leftover) for found in rounds for leftover in found["leftovers"]}
    assert (".new", "new") in offered
    assert (".old", "old") in offered
    assert rounds[-1]["over"]


@pytest.mark.parametrize("way", ["ExchangeSwap", "LinkSwap"])
def test_a_kill_while_the_first_version_is_written_leaves_it_whole_or_not_at_all(
    way: str, tmp_path: Path
) -> None:
    rounds = outcome_of("killed.py", tmp_path, way, "first")
    assert {found["standing"] for found in rounds} == {"absent", "new"}
    assert all(version == "new" for found in rounds for _, version in found["leftovers"])
    assert {name for found in rounds for name in found["debris"]} <= {"memory.json", ".memory.json.memsync"}


@pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: type(swap).__name__)
def test_a_reader_never_finds_the_file_absent_or_partial(swap: Swap, tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    path.write_bytes(version(0))
    file = OsFile(path, swaps=(swap,))
    with subprocess.Popen(
        command_of("polling.py", path), env=WITH_PACKAGE, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as poller:
        assert poller.stdout is not None
        assert poller.stdout.readline() == b"ready\n"
        for n in range(1, EXCHANGES + 1):
            exchange(file, version(n))
        answer, _ = poller.communicate(b"stop\n")
    seen = json.loads(answer)
    assert (seen["absent"], seen["torn"]) == (0, 0)
    assert seen["versions"] > 1
    assert seen["reads"] > EXCHANGES


def version(n: int) -> bytes:
    return b"%d:%s:%d" % (n, b"x" * 40_000, n)


def exchange(file: OsFile, data: bytes) -> None:
    reading, ready = file.read(), prepared(file, data)
    assert isinstance(reading, Snapshot)
    assert isinstance(ready, Prepared)
    displaced = file.exchange(ready, over=reading)
    assert isinstance(displaced, Displaced)
    file.forget(displaced)
