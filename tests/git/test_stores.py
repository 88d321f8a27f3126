"""Several stores of one machine in one repository, through one clone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from memsync_git.crdt.fragment import Fragment
from memsync_git.ports import Refused
from memsync_git.remotes.git import FetchFailure, GitRemote
from memsync_git.remotes.visits import Visits
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, publication, versions
from tests.git.web import Serving


def of_work(item: Fragment) -> Fragment:
    return replace(item, header=replace(item.header, store="work"))


def test_two_stores_of_one_machine_share_its_host_ref(hub: HubFolder) -> None:
    home, work = hub.remote("desk"), hub.remote("desk", store="work")
    fetched(home), fetched(work)
    accepted(home.publish(publication(fragment(DESK, says="tea"), unified=b"home")))
    accepted(work.publish(publication(of_work(fragment(DESK, says="coffee")), unified=b"work")))
    accepted(home.publish(publication(fragment(DESK, 2, "b"))))
    accepted(work.publish(publication(of_work(fragment(DESK, 2, "c")))))
    assert set(hub.files(f"refs/memsync/{DESK}")) == {
        f"memory-{DESK}.json",
        f"stores/work/memory-{DESK}.json",
    }
    assert hub.files()["memory.json"] == b"home"
    assert hub.files()["stores/work/memory.json"] == b"work"
    assert versions(hub.remote().fetch()) == {(DESK, 2, "b")}
    assert versions(hub.remote(store="work").fetch()) == {(DESK, 2, "c")}


def test_another_machine_on_the_host_ref_is_stale_for_both_stores_all_the_same(hub: HubFolder) -> None:
    home, work, clone = hub.remote("desk"), hub.remote("desk", store="work"), hub.remote("clone")
    accepted(home.publish(publication(fragment(DESK))))
    accepted(work.publish(publication(of_work(fragment(DESK)))))
    fetched(clone)
    accepted(clone.publish(publication(fragment(DESK, 2, "other"))))
    assert type(home.publish(publication(fragment(DESK, 2, "mine")))).__name__ == "Stale"
    fetched(home)
    assert type(home.publish(publication(fragment(DESK, 2, "mine")))).__name__ == "Stale"


def test_a_store_others_have_is_no_business_of_a_machine_without_it(hub: HubFolder) -> None:
    work = hub.remote("desk", store="work")
    accepted(work.publish(publication(of_work(fragment(DESK)))))
    laptop = hub.remote("laptop")
    assert fetched(laptop).fragments == ()
    accepted(laptop.publish(publication(fragment(LAPTOP))))
    assert fetched(work).on_main == {DESK: (1, "a")}


def test_two_hubs_share_a_clone_and_each_gets_what_it_lacks(hub: HubFolder) -> None:
    other = HubFolder(hub.folder / "elsewhere")
    origin = hub.remote("desk")
    backup = hub.remote("desk", name="backup", url=str(other.path))
    fetched(origin), fetched(backup)
    accepted(origin.publish(publication(fragment(DESK), unified=b"one")))
    accepted(backup.publish(publication(fragment(DESK), unified=b"one")))
    laptop = other.remote("laptop")
    fetched(laptop)
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(DESK))))
    fetched(backup)
    accepted(origin.publish(publication(fragment(DESK), fragment(LAPTOP))))
    assert fetched(hub.remote()).on_main == {DESK: (1, "a"), LAPTOP: (1, "a")}
    assert hub.git("for-each-ref", "refs/memsync/").count("\n") == 0


# --- what the stores of a machine share


@pytest.fixture
def far(hub: HubFolder) -> Iterator[Serving]:
    """The hub over http, where every look is a connection."""
    serving = Serving(hub.folder)
    yield serving
    serving.close()


def looks(far: Serving) -> int:
    """How often the hub was asked for its refs since this was asked last."""
    return sum("info/refs" in each for each in far.asked())


def both(hub: HubFolder, url: str) -> tuple[GitRemote, GitRemote, Visits[FetchFailure]]:
    visits: Visits[FetchFailure] = Visits()
    home, work = (
        hub.remote("desk", store=store, url=url, visit=visits.to("origin")) for store in ("default", "work")
    )
    return home, work, visits


def test_what_one_store_fetched_the_other_reads_and_who_asks_again_sees_what_is_new(
    hub: HubFolder, far: Serving
) -> None:
    home, work, visits = both(hub, far.url)
    theirs = hub.remote("laptop", store="work")
    accepted(theirs.publish(publication(of_work(fragment(LAPTOP)))))
    assert fetched(home).fragments == ()
    assert versions(work.fetch()) == {(LAPTOP, 1, "a")}
    assert looks(far) == 1
    accepted(theirs.publish(publication(of_work(fragment(LAPTOP, 2, "b")))))
    assert versions(work.fetch()) == {(LAPTOP, 2, "b")}
    fetched(home)
    assert looks(far) == 1, "the store that asked again had it fetched for both"
    visits.begin()
    fetched(home)
    assert looks(far) == 1, "another go"


def test_a_hub_that_lets_nobody_in_is_asked_once_for_all_and_again_in_the_next_go(
    hub: HubFolder, far: Serving
) -> None:
    home, work, visits = both(hub, far.url)
    far.opens_to = "nobody"
    outcome = home.fetch()
    assert isinstance(outcome, Refused)
    assert "credential.helper" in outcome.hint
    assert looks(far) > 0
    assert work.fetch() == outcome
    assert looks(far) == 0
    far.opens_to = ""
    visits.begin()
    fetched(work), fetched(home)
    assert looks(far) == 1


def test_what_a_store_published_the_other_sees_without_another_fetch(hub: HubFolder, far: Serving) -> None:
    home, work, _ = both(hub, far.url)
    fetched(home)
    accepted(home.publish(publication(fragment(DESK), unified=b"home")))
    looks(far)
    fetched(work)
    assert looks(far) == 0
    assert accepted(work.publish(publication(of_work(fragment(DESK)), unified=b"work"))).on_main
    assert {"memory.json", "stores/work/memory.json"} <= set(hub.files())
