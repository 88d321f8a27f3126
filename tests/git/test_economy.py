"""How many processes and connections an exchange costs."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from memsync_git.crdt.fragment import Fragment
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, publication

Counting = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counting:
    """The git commands that some step starts, by git's own trace."""
    trace = tmp_path / "trace"

    def count(step: Callable[[], object]) -> list[str]:
        trace.write_text("")
        monkeypatch.setenv("GIT_TRACE2_PERF", str(trace))
        step()
        monkeypatch.delenv("GIT_TRACE2_PERF")
        rows = [[cell.strip() for cell in line.split("|")] for line in trace.read_text().splitlines()]
        return [row[8] for row in rows if row[1] == "d0" and row[3] == "cmd_name"]

    return count


@pytest.fixture
def far(hub: HubFolder) -> HubFolder:
    """A hub whose files do not say what it advertises, so that only git can tell, as for one far away."""
    hub.git("config", "transfer.hideRefs", "refs/hidden")
    return hub


def test_a_fetch_without_news_is_one_connection_and_nothing_else(far: HubFolder, started: Counting) -> None:
    remote = far.remote()
    accepted(remote.publish(publication(fragment(DESK))))
    assert _names(started(remote.fetch)) == ["fetch"]
    assert _names(started(remote.fetch)) == ["fetch"]


def test_a_hub_on_this_disk_is_read_without_a_program(hub: HubFolder, started: Counting) -> None:
    one, two = hub.remote(), hub.remote()
    accepted(one.publish(publication(fragment(DESK))))
    fetched(two)
    assert started(two.fetch) == []
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    assert started(two.fetch) == []


def test_what_was_read_at_the_hub_itself_is_fetched_before_a_push(hub: HubFolder, started: Counting) -> None:
    hub.git("config", "receive.fsckObjects", "true")  # asked for by somebody: only git does it
    one, two = hub.remote(), hub.remote()
    accepted(one.publish(publication(fragment(DESK))))
    fetched(two)
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    fetched(two)
    step = publication(fragment(LAPTOP), fragment(DESK, 2, "b"))
    assert _names(started(lambda: accepted(two.publish(step))))[:2] == ["fetch", "push"]
    assert not two.upkeep()
    fetched(two)
    assert started(two.upkeep) == []


def test_a_new_process_that_finds_the_digest_it_knew_reads_nothing(far: HubFolder, started: Counting) -> None:
    hub = far
    before = hub.remote("desk")
    accepted(before.publish(publication(fragment(DESK))))
    after = hub.remote("desk")
    after.known_digest = before.digest
    assert _names(started(after.fetch)) == ["fetch"]
    assert fetched(after).unchanged


def test_a_publish_after_a_fetch_that_read_nothing_does_not_list_the_refs_again(
    far: HubFolder, started: Counting
) -> None:
    before = far.remote("desk")
    accepted(before.publish(publication(fragment(DESK))))
    after = far.remote("desk")
    after.known_digest = before.digest
    assert fetched(after).unchanged
    commands = _names(started(lambda: accepted(after.publish(publication(fragment(DESK, 2, "b"))))))
    assert commands == ["push"]


def test_a_fetch_with_news_looks_at_the_refs_and_then_at_what_is_new(
    far: HubFolder, started: Counting
) -> None:
    one, two = far.remote(), far.remote()
    accepted(one.publish(publication(fragment(DESK))))
    fetched(two)
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    assert _names(started(two.fetch)) == ["fetch", "cat-file", "cat-file"]


def test_a_publish_with_nothing_new_starts_no_process(hub: HubFolder, started: Counting) -> None:
    remote = hub.remote()
    accepted(remote.publish(publication(fragment(DESK), unified=b"x")))
    assert started(lambda: accepted(remote.publish(publication(fragment(DESK), unified=b"x")))) == []
    fetched(remote)
    assert started(lambda: accepted(remote.publish(publication(fragment(DESK), unified=b"x")))) == []


def test_a_publish_starts_nothing_but_its_push(far: HubFolder, started: Counting) -> None:
    one, two = far.remote(), far.remote()
    accepted(one.publish(publication(fragment(DESK))))
    fetched(two)
    step = publication(fragment(LAPTOP), fragment(DESK), unified=b"{}")
    assert _names(started(lambda: accepted(two.publish(step)))) == ["push", "cat-file"]
    step = publication(fragment(LAPTOP, 2, "b"), fragment(DESK), unified=b"{}")
    assert _names(started(lambda: accepted(two.publish(step)))) == ["push"]


def test_a_publish_to_a_hub_on_this_disk_starts_no_program(hub: HubFolder, started: Counting) -> None:
    one, two = hub.remote(), hub.remote()
    accepted(one.publish(publication(fragment(DESK))))
    fetched(two)
    step = publication(fragment(LAPTOP), fragment(DESK), unified=b"{}")
    assert "push" in _names(started(lambda: accepted(two.publish(step)))), "its ref is new there"
    step = publication(fragment(LAPTOP, 2, "b"), fragment(DESK), unified=b"{}")
    assert started(lambda: accepted(two.publish(step))) == []
    assert started(two.upkeep) == [], "the clone has it as well"
    fetched(one)
    step = publication(fragment(DESK, 2, "b"), fragment(LAPTOP, 2, "b"), unified=b"{}")
    assert started(lambda: accepted(one.publish(step))) == []
    assert _names(started(one.upkeep))[0] == "fetch", "what the laptop wrote is still owed"


def _names(commands: list[str]) -> list[str]:
    return [command.split(" ")[0] for command in commands]


def test_who_only_publishes_keeps_no_more_than_the_refs_hold(hub: HubFolder) -> None:
    """Nobody else writes, so no fetch ever tidies up: fifty notes must not be fifty fragments in memory."""
    remote = hub.remote()

    def publish(rev: int) -> int:
        """The fragments alive after another revision was published."""
        says = f"{rev} cups of tea"
        accepted(remote.publish(publication(fragment(DESK, rev, f"tok{rev}", says=says))))
        gc.collect()
        return sum(isinstance(each, Fragment) for each in gc.get_objects())

    publish(1)
    before = publish(2)
    assert [publish(rev) for rev in range(3, 9)] == [before] * 6
