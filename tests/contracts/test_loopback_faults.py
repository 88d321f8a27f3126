"""The hooks of the remote in memory: what a simulation makes happen at each port call."""

from __future__ import annotations

from memsync_git.ports import Accepted, Fetched, Publication, Refused, Stale, Unreachable
from memsync_git.remotes.loopback import LoopbackHub, LoopbackRemote
from tests.git.hubs import DESK, LAPTOP, TestClock, accepted, fetched, fragment, publication, versions


def fleet(count: int = 2) -> list[LoopbackRemote]:
    hub = LoopbackHub(TestClock().wall_ms)
    return [LoopbackRemote(hub) for _ in range(count)]


def test_an_offline_machine_learns_and_changes_nothing() -> None:
    one, two = fleet()
    accepted(two.publish(publication(fragment(LAPTOP))))
    one.before_fetch = lambda: Unreachable("offline")
    one.before_apply = lambda _publication: Unreachable("offline")
    assert one.fetch() == Unreachable("offline")
    assert one.publish(publication(fragment(DESK))) == Unreachable("offline")
    assert versions(two.fetch()) == {(LAPTOP, 1, "a")}


def test_a_lost_answer_can_be_asked_for_again() -> None:
    one, two = fleet()
    one.after_apply = lambda _outcome: Unreachable("answer lost")
    assert one.publish(publication(fragment(DESK))) == Unreachable("answer lost")
    assert versions(two.fetch()) == {(DESK, 1, "a")}
    one.after_apply = lambda outcome: outcome
    assert isinstance(one.publish(publication(fragment(DESK))), Accepted)
    fetched(one)
    accepted(one.publish(publication(fragment(DESK))))


def test_a_revision_made_after_a_lost_answer_needs_a_fetch_first() -> None:
    one, _ = fleet()
    one.after_apply = lambda _outcome: Unreachable("answer lost")
    one.publish(publication(fragment(DESK)))
    one.after_apply = lambda outcome: outcome
    assert isinstance(one.publish(publication(fragment(DESK, 2, "b"))), Stale)
    fetched(one)
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))


def test_another_machine_can_push_in_between() -> None:
    one, two = fleet()
    fetched(one)

    def meanwhile(_publication: Publication) -> None:
        accepted(two.publish(publication(fragment(LAPTOP))))

    one.before_apply = meanwhile
    accepted(one.publish(publication(fragment(DESK))), on_main=False)


def test_an_answer_to_a_fetch_can_be_an_old_one() -> None:
    one, two = fleet()
    old = fetched(one)
    accepted(two.publish(publication(fragment(LAPTOP))))
    one.after_fetch = lambda _fetched: old
    assert one.fetch() == Fetched(digest=old.digest)


def test_refs_the_hub_refuses() -> None:
    one, two = fleet()
    one.hub.refuses_main = "protected"
    accepted(one.publish(publication(fragment(DESK))), on_main=False)
    assert one.publish(publication(None, fragment(LAPTOP))) == Refused("protected")
    one.hub.refuses_main, one.hub.refuses_hosts = "", "hidden"
    accepted(two.publish(publication(fragment(LAPTOP))))
    one.hub.refuses_main = "closed"
    assert two.publish(publication(fragment(LAPTOP, 2, "b"))) == Refused("closed")
