"""Keeping repositories small: when, which, and that nothing is lost by it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from memsync_git.remotes import upkeep
from memsync_git.remotes.survey import create_hub
from memsync_git.remotes.upkeep import MAX_LOOSE_BYTES, MAX_LOOSE_FILES, MAX_PACKS, Stock, due
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, git, publication, versions


@pytest.mark.parametrize(
    ("stock", "work"),
    [
        (Stock(), "nothing"),
        (Stock(MAX_LOOSE_FILES, MAX_LOOSE_BYTES, MAX_PACKS), "nothing"),
        (Stock(loose=MAX_LOOSE_FILES + 1), "repack"),
        (Stock(loose_bytes=MAX_LOOSE_BYTES + 1), "repack"),
        (Stock(packs=MAX_PACKS + 1), "repack"),
        (Stock(packs=MAX_PACKS, pack_bytes=1 << 40), "nothing"),
    ],
)
def test_what_is_loose_or_scattered_is_packed_and_large_packs_are_left(stock: Stock, work: str) -> None:
    assert due(stock) == work


def loose_objects(repository: Path, *, number: int) -> None:
    """So many objects, put in by git at one go."""
    stream = b"".join(b"blob\ndata %d\n%d\n" % (len(str(at)), at) for at in range(number))
    git("-c", "fastimport.unpackLimit=1000000", "fast-import", "--quiet", cwd=repository, stdin=stream)


def test_everything_is_counted_and_an_estimate_is_near_it(hub: HubFolder) -> None:
    loose_objects(hub.path, number=2560)
    counted, guessed = upkeep.stock(hub.path), upkeep.estimated(hub.path)
    assert (counted.loose, counted.packs) == (2560, 0)
    assert counted.total_bytes == counted.loose_bytes > 2560
    assert 0 < guessed.loose < 5 * counted.loose
    upkeep.repack(hub.path)
    assert upkeep.stock(hub.path).packs == 1


def test_a_hub_of_our_making_is_kept_by_whoever_uses_it(hub: HubFolder) -> None:
    desk = hub.remote("desk")
    accepted(desk.publish(publication(fragment(DESK))))
    loose_objects(hub.path, number=12_000)
    assert desk.upkeep()
    assert upkeep.stock(hub.path).loose == 0
    assert versions(hub.remote().fetch()) == {(DESK, 1, "a")}
    git("fsck", "--strict", cwd=hub.path)


def test_a_hub_somebody_else_made_is_left_alone(hub: HubFolder) -> None:
    hub.git("config", "--unset", upkeep.OWN_HUB[0])
    desk = hub.remote("desk")
    accepted(desk.publish(publication(fragment(DESK))))
    loose_objects(hub.path, number=12_000)
    assert desk.own_hub is None
    assert not desk.upkeep()
    assert upkeep.stock(hub.path).loose > 12_000


def test_packs_that_fetches_leave_are_joined(hub: HubFolder) -> None:
    hub.git("config", "transfer.hideRefs", "refs/hidden")  # so that every fetch goes through git
    desk, laptop = hub.remote("desk"), hub.remote("laptop")
    for rev in range(1, MAX_PACKS + 3):
        accepted(desk.publish(publication(fragment(DESK, rev, f"t{rev}"))))
        fetched(laptop)
    folder = hub.folder / "laptop" / ".git"
    assert upkeep.stock(folder).packs > MAX_PACKS
    assert laptop.upkeep()
    assert upkeep.stock(folder).packs == 1
    assert versions(laptop.fetch()) == {(DESK, MAX_PACKS + 2, f"t{MAX_PACKS + 2}")}


def test_a_machine_that_joins_takes_no_history_until_it_asks_for_it(hub: HubFolder) -> None:
    """Its clone begins at depth 1; a witness that names an older revision deepens it."""
    desk = hub.remote("desk")
    for rev in range(1, 41):
        accepted(desk.publish(publication(fragment(DESK, rev, f"t{rev}", says=f"{rev} cups"))))
    hub.git("repack", "-q", "-a", "-d")
    laptop = hub.remote("laptop")
    assert versions(laptop.fetch()) == {(DESK, 40, "t40")}
    folder = hub.folder / "laptop"
    assert git("rev-list", "--count", "--all", cwd=folder).strip() == b"2"
    laptop.upkeep(full=True)
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(DESK, 40, "t40"))))
    assert laptop.revision(DESK, 7) == fragment(DESK, 7, "t7", says="7 cups")
    assert len(list(laptop.past_views())) == 41
    git("fsck", "--strict", cwd=folder)


def test_only_a_new_clone_begins_without_history(hub: HubFolder) -> None:
    """What it has in common with another hub would end where that one's tips stand."""
    desk = hub.remote("desk")
    for rev in range(1, 6):
        accepted(desk.publish(publication(fragment(DESK, rev, f"t{rev}"))))
    copy = shutil.copytree(hub.path, hub.folder / "copy.git")
    assert versions(hub.remote("desk", name="copy", url=str(copy)).fetch()) == {(DESK, 5, "t5")}
    assert git("rev-list", "--count", "--all", cwd=hub.folder / "desk").strip() == b"10"


def test_a_hub_takes_what_was_published_to_another_in_the_same_second(hub: HubFolder) -> None:
    """Both get the same first commits. Fetched at depth 1 from the one, they could not go to the other."""
    desk, saying = hub.remote("desk"), publication(fragment(DESK))
    accepted(desk.publish(saying))
    new, backup = hub.folder / "new.git", hub.folder / "backup.git"
    for path in (new, backup):
        create_hub(path)
    hub.clock.sleep(60)
    accepted(hub.remote("apart", url=str(new)).publish(saying))
    desk.forget()
    assert versions(hub.remote("desk", url=str(new)).fetch()) == {(DESK, 1, "a")}
    accepted(hub.remote("desk", name="backup", url=str(backup)).publish(saying))
