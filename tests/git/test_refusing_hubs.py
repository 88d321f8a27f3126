"""Real hubs that refuse, with git's own hooks and settings."""

from __future__ import annotations

import pytest

from memsync_git.ports import Accepted, Fetched, Refused, Stale, Unreachable
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, publication, versions


def refused(outcome: object) -> Refused:
    assert isinstance(outcome, Refused), outcome
    return outcome


def test_a_protected_main_leaves_the_host_ref_and_is_remembered(hub: HubFolder) -> None:
    hub.hook("update", 'test "$1" != refs/heads/main || { echo main is protected >&2; exit 1; }')
    remote = hub.remote()
    accepted(remote.publish(publication(fragment(DESK))), on_main=False)
    assert remote.refs_mode == "host"
    accepted(remote.publish(publication(fragment(DESK, 2, "b"))), on_main=False)
    assert versions(hub.remote().fetch()) == {(DESK, 2, "b")}


def test_refused_host_refs_leave_main_and_are_remembered(hub: HubFolder) -> None:
    hub.hook("update", 'case "$1" in refs/heads/*) ;; *) exit 1 ;; esac')
    remote = hub.remote()
    accepted(remote.publish(publication(fragment(DESK))))
    assert remote.refs_mode == "main"
    accepted(remote.publish(publication(fragment(DESK, 2, "b"))))
    assert fetched(hub.remote()).on_main == {DESK: (2, "b")}


def test_hidden_host_refs_leave_main(hub: HubFolder) -> None:
    hub.git("config", "receive.hideRefs", "refs/memsync")
    remote = hub.remote()
    accepted(remote.publish(publication(fragment(DESK))))
    assert remote.refs_mode == "main"


@pytest.mark.parametrize(
    ("disliked", "mode", "on_main"),
    [("refs/heads/main", "host", False), ("refs/memsync/", "main", True)],
)
def test_a_hub_that_sinks_the_whole_push_for_one_ref_gets_each_alone(
    hub: HubFolder, disliked: str, mode: str, on_main: bool
) -> None:
    hub.hook("pre-receive", f"! grep -q {disliked}")
    remote = hub.remote()
    accepted(remote.publish(publication(fragment(DESK))), on_main=on_main)
    assert remote.refs_mode == mode
    assert versions(hub.remote().fetch()) == {(DESK, 1, "a")}


def test_a_hub_that_refuses_everything_says_why(hub: HubFolder) -> None:
    hub.hook("pre-receive", "echo this hub is closed >&2; exit 1")
    remote = hub.remote()
    outcome = refused(remote.publish(publication(fragment(DESK))))
    assert "this hub is closed" in outcome.reason
    assert not outcome.hub_trouble
    assert remote.refs_mode == "host+main"


def test_a_hub_without_room_is_in_trouble(hub: HubFolder) -> None:
    hub.git("config", "receive.maxInputSize", "10")
    assert refused(hub.remote().publish(publication(fragment(DESK)))).hub_trouble


def test_a_hub_with_main_checked_out_takes_the_host_ref(hub: HubFolder) -> None:
    hub.git("config", "core.bare", "false")
    accepted(hub.remote().publish(publication(fragment(DESK))), on_main=False)
    assert versions(hub.remote().fetch()) == {(DESK, 1, "a")}


def test_a_stuck_lock_on_main_does_not_stop_the_host_ref(hub: HubFolder) -> None:
    remote = hub.remote()
    accepted(remote.publish(publication(fragment(DESK))))
    lock = hub.path / "refs" / "heads" / "main.lock"
    lock.touch()
    accepted(remote.publish(publication(fragment(DESK, 2, "b"))), on_main=False)
    lock.unlink()
    accepted(remote.publish(publication(fragment(DESK, 2, "b"))))


def test_a_stuck_lock_on_the_host_ref_is_trouble_and_main_still_carries_the_change(hub: HubFolder) -> None:
    remote = hub.remote()
    accepted(remote.publish(publication(fragment(DESK))))
    (hub.path / "refs" / "memsync" / f"{DESK}.lock").touch()
    accepted(remote.publish(publication(fragment(DESK, 2, "b"))))
    assert fetched(hub.remote()).on_main == {DESK: (2, "b")}


def test_stuck_locks_on_both_refs_are_hub_trouble_not_a_lost_race(hub: HubFolder) -> None:
    remote = hub.remote()
    accepted(remote.publish(publication(fragment(DESK))))
    for ref in (f"memsync/{DESK}", "heads/main"):
        (hub.path / "refs" / f"{ref}.lock").touch()
    outcome = refused(remote.publish(publication(fragment(DESK, 2, "b"))))
    assert outcome.hub_trouble
    assert "lock" in outcome.reason


def test_a_name_in_the_way_of_the_host_ref_is_trouble(hub: HubFolder) -> None:
    accepted(hub.remote().publish(publication(fragment(LAPTOP))))
    hub.git("update-ref", f"refs/memsync/{DESK}/inner", "main")
    hub.hook("update", 'test "$1" != refs/heads/main')
    remote = hub.remote()
    fetched(remote)
    refused(remote.publish(publication(fragment(DESK))))
    (hub.path / "hooks" / "update").unlink()
    accepted(remote.publish(publication(fragment(DESK), fragment(LAPTOP))))


def test_main_moved_between_advertisement_and_update_is_a_lost_race(hub: HubFolder) -> None:
    """The hub's own hook lets another machine in at the worst moment."""
    one, two = hub.remote("one"), hub.remote("two")
    accepted(one.publish(publication(fragment(DESK))))
    fetched(two)
    accepted(two.publish(publication(fragment(LAPTOP), fragment(DESK))))
    theirs = hub.oid("main")
    hub.git("update-ref", "refs/heads/main", "main~1")
    hub.git("update-ref", "-d", f"refs/memsync/{LAPTOP}")
    hub.hook("pre-receive", f"unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main {theirs}")
    accepted(one.publish(publication(fragment(DESK, 2, "b"))), on_main=False)
    (hub.path / "hooks" / "pre-receive").unlink()
    assert fetched(one).on_main == {DESK: (1, "a"), LAPTOP: (1, "a")}
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))


def test_an_answer_lost_after_the_hub_took_the_push_is_asked_for_again(hub: HubFolder) -> None:
    """The connection breaks after the refs have moved: `post-receive` kills the hub's side, once."""
    marker = hub.folder / "killed"
    hub.hook("post-receive", f"test -e {marker} || {{ touch {marker}; kill -9 $PPID; }}")
    accepted(hub.remote().publish(publication(fragment(DESK))))
    assert marker.exists()


def test_an_answer_lost_before_the_hub_took_the_push_is_made_good_by_the_second_try(hub: HubFolder) -> None:
    marker = hub.folder / "killed"
    hub.hook("pre-receive", f"test -e {marker} || {{ touch {marker}; kill -9 $PPID; }}")
    accepted(hub.remote().publish(publication(fragment(DESK))))
    assert fetched(hub.remote()).on_main == {DESK: (1, "a")}


def test_a_hub_that_always_breaks_off_is_unreachable(hub: HubFolder) -> None:
    hub.hook("pre-receive", "kill -9 $PPID")
    assert isinstance(hub.remote().publish(publication(fragment(DESK))), Unreachable)


def test_a_process_that_died_after_its_push_makes_the_same_commit_again(hub: HubFolder) -> None:
    """Nothing of the answer was noted: the clone is as it was before the push."""
    first, second = hub.remote("first"), hub.remote("second")
    accepted(first.publish(publication(fragment(DESK))))
    host = hub.oid(f"refs/memsync/{DESK}")
    hub.clock.sleep(60)
    outcome = second.publish(publication(fragment(DESK)))
    assert isinstance(outcome, Accepted)
    assert hub.oid(f"refs/memsync/{DESK}") == host


def test_a_missing_hub_is_unreachable(hub: HubFolder) -> None:
    remote = hub.remote(url=str(hub.folder / "gone.git"))
    assert isinstance(remote.fetch(), Unreachable)
    assert isinstance(remote.publish(publication(fragment(DESK))), Unreachable)


def test_branches_mode_keeps_host_refs_under_heads(hub: HubFolder) -> None:
    remote = hub.remote(refs_mode="branches")
    accepted(remote.publish(publication(fragment(DESK))))
    assert hub.oid(f"refs/heads/memsync/{DESK}")
    hub.git("update-ref", "-d", "refs/heads/main")
    assert versions(hub.remote().fetch()) == {(DESK, 1, "a")}


def test_in_main_mode_a_lost_race_is_stale_because_nothing_is_durable(hub: HubFolder) -> None:
    one, two = hub.remote(refs_mode="main"), hub.remote(refs_mode="main")
    fetched(two)
    accepted(one.publish(publication(fragment(DESK))))
    assert isinstance(two.publish(publication(fragment(LAPTOP))), Stale)
    fetched(two)
    accepted(two.publish(publication(fragment(LAPTOP))))


def test_in_main_mode_a_foreign_revision_of_ours_is_stale(hub: HubFolder) -> None:
    one, two = hub.remote(refs_mode="main"), hub.remote(refs_mode="main")
    accepted(one.publish(publication(fragment(DESK, 1, "b"))))
    fetched(two)
    assert isinstance(two.publish(publication(fragment(DESK, 1, "a"))), Stale)


def test_a_hub_whose_head_points_elsewhere_is_read_all_the_same(hub: HubFolder) -> None:
    accepted(hub.remote().publish(publication(fragment(DESK))))
    hub.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    assert isinstance(hub.remote().fetch(), Fetched)
