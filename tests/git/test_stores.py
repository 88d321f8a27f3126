"""Several stores of one machine in one repository, through one clone."""

from __future__ import annotations

from dataclasses import replace

from memsync_git.crdt.fragment import Fragment
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, publication, versions


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
