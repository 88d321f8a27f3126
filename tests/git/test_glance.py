"""A glance at a hub on this disk: the same digest as a fetch finds, and no program started."""

from __future__ import annotations

from pathlib import Path

import pytest

from memsync_git.remotes.glance import digest_of_refs, glance, refs_on_disk
from memsync_git.remotes.url import validate
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fragment, git, publication


def glanced(hub: HubFolder, clone: str = "desk") -> str | None:
    return glance(validate(str(hub.path)), hub.folder / clone / ".git", branch="main", timeout_s=20)


@pytest.fixture
def used(hub: HubFolder) -> HubFolder:
    """A hub two machines have published to."""
    accepted(hub.remote("laptop").publish(publication(fragment(LAPTOP))))
    desk = hub.remote("desk")
    desk.fetch()
    accepted(desk.publish(publication(fragment(DESK), fragment(LAPTOP))))
    return hub


def fetched_digest(hub: HubFolder) -> str:
    remote = hub.remote("desk")
    remote.fetch()
    return remote.digest


def test_a_glance_finds_what_a_fetch_finds(used: HubFolder) -> None:
    assert glanced(used) == fetched_digest(used)


def test_packed_refs_are_read_and_loose_ones_win(used: HubFolder) -> None:
    used.git("pack-refs", "--all")
    assert glanced(used) == fetched_digest(used)
    remote = used.remote("desk")
    remote.fetch()
    accepted(remote.publish(publication(fragment(DESK, 2, "b"), fragment(LAPTOP))))
    assert glanced(used) == fetched_digest(used)


def test_refs_of_no_concern_are_left_out(used: HubFolder) -> None:
    before = glanced(used)
    used.git("update-ref", "refs/heads/other", used.oid("main"))
    used.git("tag", "v1", "main")
    assert glanced(used) == before == fetched_digest(used)


def test_locks_of_a_push_under_way_are_no_refs(used: HubFolder) -> None:
    before = glanced(used)
    (used.path / "refs" / "memsync" / "phone-00ff.lock").write_text("")
    assert glanced(used) == before


def test_no_program_is_started_for_plain_files(
    used: HubFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    assert glanced(used)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("setting", ["transfer.hideRefs", "uploadpack.hideRefs"])
def test_a_hub_that_hides_refs_is_asked(used: HubFolder, setting: str) -> None:
    used.git("config", setting, "refs/memsync/laptop-7f3a")
    assert refs_on_disk(used.path, "main") is None
    assert glanced(used) == fetched_digest(used)


def test_a_symbolic_ref_is_for_git_to_follow(used: HubFolder) -> None:
    used.git("symbolic-ref", "refs/heads/main-too", "refs/heads/main")
    assert refs_on_disk(used.path, "main") is None
    assert glanced(used) == fetched_digest(used)


def test_a_repository_with_files_of_its_own_is_read_as_well(used: HubFolder, tmp_path: Path) -> None:
    git("clone", "--quiet", str(used.path), str(tmp_path / "work"), cwd=tmp_path)
    assert refs_on_disk(tmp_path / "work", "main") == {"refs/heads/main": used.oid("main")}


def test_what_is_no_repository_tells_nothing(tmp_path: Path) -> None:
    assert refs_on_disk(tmp_path, "main") is None


def test_an_empty_hub_is_empty(hub: HubFolder) -> None:
    assert glanced(hub) == digest_of_refs({})
