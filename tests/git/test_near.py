"""A hub on this disk is read where it stands: what git would bring, and a debt until git brings it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from memsync_git.ports import Refused, Unreachable
from memsync_git.remotes import loose
from memsync_git.remotes.near import near_hub
from memsync_git.remotes.objects import Unfit
from memsync_git.remotes.trees import Oid, new_object
from memsync_git.remotes.url import validate
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, git, publication, versions


@pytest.fixture
def used(hub: HubFolder) -> HubFolder:
    """The desk has published; the laptop has fetched before, so that it may look by itself."""
    accepted(hub.remote("desk").publish(publication(fragment(DESK))))
    fetched(hub.remote("laptop"))
    return hub


def test_what_is_read_there_is_what_git_brings(used: HubFolder) -> None:
    accepted(used.remote("desk").publish(publication(fragment(DESK, 2, "b"), unified=b"two")))
    near = fetched(used.remote("laptop"))
    used.git("config", "transfer.hideRefs", "refs/hidden")
    through_git = fetched(used.remote("laptop"))
    assert near == through_git
    assert versions(near) == {(DESK, 2, "b")}


def test_packed_hubs_are_read_where_they_stand(used: HubFolder) -> None:
    accepted(used.remote("desk").publish(publication(fragment(DESK, 2, "b"))))
    used.git("repack", "-q", "-a", "-d")
    used.git("pack-refs", "--all")
    laptop = used.remote("laptop")
    assert versions(laptop.fetch()) == {(DESK, 2, "b")}
    assert laptop._clone.lender is not None


def test_a_hub_that_moves_on_after_it_was_read_takes_the_own_ref_at_once(used: HubFolder) -> None:
    laptop, desk = used.remote("laptop"), used.remote("desk")
    accepted(desk.publish(publication(fragment(DESK, 2, "b"))))
    fetched(laptop)
    accepted(desk.publish(publication(fragment(DESK, 3, "c"))))
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(DESK, 2, "b"))), on_main=False)
    assert versions(laptop.fetch()) == {(DESK, 3, "c"), (LAPTOP, 1, "a")}
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(DESK, 3, "c"))))
    git("fsck", "--strict", cwd=used.folder / "laptop")


def test_upkeep_brings_the_clone_what_was_read_and_the_hub_may_go(used: HubFolder) -> None:
    accepted(used.remote("desk").publish(publication(fragment(DESK, 2, "b"))))
    laptop = used.remote("laptop")
    fetched(laptop)
    laptop.upkeep()
    shutil.rmtree(used.path)
    assert isinstance(laptop.fetch(), Unreachable)
    assert laptop.revision(DESK, 2) == fragment(DESK, 2, "b")


def test_a_hub_that_is_gone_before_the_push_is_unreachable_and_nothing_breaks(used: HubFolder) -> None:
    accepted(used.remote("desk").publish(publication(fragment(DESK, 2, "b"))))
    laptop = used.remote("laptop")
    fetched(laptop)
    aside = used.path.rename(used.folder / "aside")
    assert isinstance(laptop.publish(publication(fragment(LAPTOP), fragment(DESK, 2, "b"))), Unreachable)
    aside.rename(used.path)
    fetched(laptop)
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(DESK, 2, "b"))))


def test_an_object_the_hub_has_lost_is_for_git_to_complain_about(used: HubFolder) -> None:
    accepted(used.remote("desk").publish(publication(fragment(DESK, 2, "b"))))
    oid = used.oid(f"main:memory-{DESK}.json")
    lost = used.path / "objects" / oid[:2] / oid[2:]
    lost.chmod(0o600)
    lost.write_bytes(b"x")
    outcome = used.remote("laptop").fetch()
    assert isinstance(outcome, Unreachable | Refused), outcome


def test_a_process_that_ends_between_fetch_and_upkeep_owes_nothing_for_ever(used: HubFolder) -> None:
    accepted(used.remote("desk").publish(publication(fragment(DESK, 2, "b"))))
    known = fetched(used.remote("laptop")).digest
    again = used.remote("laptop")
    again.known_digest = known
    assert fetched(again).unchanged
    again.upkeep()
    assert (
        used.git("rev-parse", "main")
        == git("rev-parse", "refs/hub/origin/heads/main", cwd=used.folder / "laptop").decode().strip()
    )


@pytest.mark.parametrize("name", ["a:b.git", 'a"b.git'])
def test_a_place_git_cannot_be_told_of_is_fetched_from(tmp_path: Path, name: str) -> None:
    hub = HubFolder(tmp_path)
    hub.path = hub.path.rename(tmp_path / name)
    assert near_hub(validate(str(hub.path)), "main") is None
    desk = hub.remote("desk", url=str(hub.path))
    accepted(desk.publish(publication(fragment(DESK))))
    assert versions(hub.remote("laptop", url=str(hub.path)).fetch()) == {(DESK, 1, "a")}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_hub_of_somebody_else_is_left_to_git(used: HubFolder) -> None:
    assert near_hub(validate(str(used.path)), "main") is not None
    os.chown(used.path, 65534, 65534)
    assert near_hub(validate(str(used.path)), "main") is None


# --- loose objects


def test_git_reads_what_we_write_and_we_read_what_git_writes(tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    folder = tmp_path / ".git" / "objects"
    for data in (b"", b"tea\n", os.urandom(100_000), b"a" * 3_000_000):
        ours = new_object("blob", data)
        loose.write(folder, [ours, ours])
        assert git("cat-file", "blob", ours.oid, cwd=tmp_path) == data
        assert loose.read(folder, ours.oid, "blob", limit=len(data)) == data
        theirs = git("hash-object", "-w", "--stdin", cwd=tmp_path, stdin=data + b"x").decode().strip()
        assert loose.read(folder, Oid(theirs), "blob", limit=len(data) + 1) == data + b"x"
    git("fsck", "--strict", cwd=tmp_path)
    assert not list(folder.glob("??/tmp_obj_*"))


def test_what_is_too_large_of_another_kind_or_not_what_its_name_says_is_not_read(tmp_path: Path) -> None:
    item = new_object("blob", b"a" * 10_000)
    loose.write(tmp_path, [item])
    assert isinstance(loose.read(tmp_path, item.oid, "blob", limit=9_999), Unfit)
    assert isinstance(loose.read(tmp_path, item.oid, "tree", limit=10_000), Unfit)
    assert loose.read(tmp_path, Oid("0" * 40), "blob", limit=10_000) is None
    other = Oid("ab" + "0" * 38)
    (tmp_path / "ab").mkdir(exist_ok=True)
    (tmp_path / item.oid[:2] / item.oid[2:]).rename(tmp_path / "ab" / other[2:])
    assert loose.read(tmp_path, other, "blob", limit=10_000) is None


@pytest.mark.parametrize("bad", [b"", b"x", b"\x78\x01", bytes(100)])
def test_bytes_that_are_no_object_are_none(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / ("0" * 38)).write_bytes(bad)
    assert loose.read(tmp_path, Oid("ab" + "0" * 38), "blob", limit=100) is None
