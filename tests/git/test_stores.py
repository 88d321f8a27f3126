"""Several stores of one machine in one repository, through one clone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from memsync_git.crdt.fragment import Fragment
from memsync_git.ports import Refused, Stale, Unreachable
from memsync_git.remotes.git import FetchFailure, GitRemote
from memsync_git.remotes.together import publish_together
from memsync_git.remotes.visits import Visits
from tests.git.hubs import DESK, LAPTOP, PHONE, HubFolder, accepted, fetched, fragment, publication, versions
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


# --- published together


def trees_of(hub: HubFolder, ref: str) -> list[set[str]]:
    """What every commit of a ref holds, newest first."""
    commits = hub.git("rev-list", ref).split()
    return [set(hub.git("ls-tree", "-r", "--name-only", oid).split()) for oid in commits]


def test_two_stores_together_are_one_commit_a_ref_and_one_push(hub: HubFolder, far: Serving) -> None:
    home, work, _ = both(hub, far.url)
    fetched(home), fetched(work)
    looks(far)
    outcomes = publish_together(
        [
            (home, publication(fragment(DESK), unified=b"home")),
            (work, publication(of_work(fragment(DESK, 1, "w")), unified=b"work")),
        ]
    )
    assert looks(far) == 1
    assert [accepted(outcome).head for outcome in outcomes] == [hub.oid("main")] * 2
    files = {f"memory-{DESK}.json", f"stores/work/memory-{DESK}.json"}
    assert trees_of(hub, f"refs/memsync/{DESK}") == [files]
    assert trees_of(hub, "main") == [
        files | {"memory.json", "stores/work/memory.json", "README.md", ".memsync.json"}
    ]
    assert versions(hub.remote().fetch()) == {(DESK, 1, "a")}
    assert versions(hub.remote(store="work").fetch()) == {(DESK, 1, "w")}


def test_what_was_published_together_is_built_on_by_each(hub: HubFolder) -> None:
    home, work, _ = both(hub, str(hub.path))
    publish_together(
        [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(DESK, 1, "w"))))]
    )
    accepted(home.publish(publication(fragment(DESK, 2, "b"))))
    fetched(work)
    outcomes = publish_together(
        [
            (home, publication(fragment(DESK, 3, "c"))),
            (work, publication(of_work(fragment(DESK, 2, "x")), unified=b"work")),
        ]
    )
    assert all(accepted(outcome).on_main for outcome in outcomes)
    assert len(trees_of(hub, "main")) == len(trees_of(hub, f"refs/memsync/{DESK}")) == 3
    reader = hub.remote(store="work")
    assert versions(reader.fetch()) == {(DESK, 2, "x")}
    assert reader.revision(DESK, 1) == of_work(fragment(DESK, 1, "w"))
    assert home.digest == work.digest == reader.digest


def test_a_commit_for_two_stores_says_what_each_did(hub: HubFolder) -> None:
    home, work, _ = both(hub, str(hub.path))
    said = [
        replace(publication(fragment(DESK)), message="desk: +1 on Alice", trailers=(("Memsync-Rev", "1"),)),
        replace(
            publication(of_work(fragment(DESK))), message="desk: +2 on Plan", trailers=(("Memsync-Rev", "7"),)
        ),
    ]
    publish_together([(home, said[0]), (work, said[1])])
    assert hub.git("log", "-1", "--format=%B", "main").splitlines() == [
        "desk: +1 on Alice; desk: +2 on Plan",
        "",
        "Memsync-Rev: 1",
        "Memsync-Store: work",
        "Memsync-Rev: 7",
    ]


def test_the_outcome_of_each_store_is_its_own(hub: HubFolder) -> None:
    """A copy of the machine has published under the same id, in one of the stores."""
    home, work, _ = both(hub, str(hub.path))
    clone = hub.remote("clone")
    accepted(clone.publish(publication(fragment(DESK, 1, "other"))))
    fetched(home), fetched(work)
    outcomes = publish_together(
        [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(DESK))))]
    )
    assert isinstance(outcomes[0], Stale)
    accepted(outcomes[1])
    assert versions(hub.remote().fetch()) == {(DESK, 1, "other")}
    assert versions(hub.remote(store="work").fetch()) == {(DESK, 1, "a")}


def test_a_store_with_nothing_to_bring_is_accepted_beside_one_that_has(hub: HubFolder) -> None:
    home, work, _ = both(hub, str(hub.path))
    accepted(home.publish(publication(fragment(DESK))))
    fetched(work), fetched(home)
    outcomes = publish_together(
        [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(DESK))))]
    )
    assert all(accepted(outcome).on_main for outcome in outcomes)
    assert len(trees_of(hub, "main")) == 2


def test_who_loses_the_race_for_main_together_is_accepted_and_comes_again(hub: HubFolder) -> None:
    home, work, _ = both(hub, str(hub.path))
    laptop = hub.remote("laptop")
    fetched(home), fetched(work), fetched(laptop)
    accepted(laptop.publish(publication(fragment(LAPTOP))))
    offers = [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(DESK))))]
    assert [accepted(outcome, on_main=False).main_refused for outcome in publish_together(offers)] == [
        False,
        False,
    ]
    fetched(home), fetched(work)
    assert all(accepted(outcome).on_main for outcome in publish_together(offers))
    assert fetched(laptop).on_main == {DESK: (1, "a"), LAPTOP: (1, "a")}


def test_a_hub_that_refuses_refuses_every_store_and_one_that_is_away_is_away_for_all(hub: HubFolder) -> None:
    home, work, _ = both(hub, str(hub.path))
    offers = [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(DESK))))]
    hub.hook("pre-receive", "echo not today >&2; exit 1")
    assert [type(outcome) for outcome in publish_together(offers)] == [Refused, Refused]
    hub.hook("pre-receive", "exit 0")
    hub.path.rename(hub.path.with_name("away.git"))
    assert [type(outcome) for outcome in publish_together(offers)] == [Unreachable, Unreachable]
    hub.path.with_name("away.git").rename(hub.path)
    assert all(accepted(outcome).on_main for outcome in publish_together(offers))


@pytest.mark.parametrize("mode", ["main", "host", "branches"])
def test_it_goes_together_whatever_refs_the_hub_takes(hub: HubFolder, mode: str) -> None:
    home, work = (hub.remote("desk", store=store, refs_mode=mode) for store in ("default", "work"))
    fetched(home), fetched(work)
    outcomes = publish_together(
        [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(DESK))))]
    )
    assert [accepted(outcome, on_main=mode != "host").main_refused for outcome in outcomes] == [
        mode == "host"
    ] * 2
    assert versions(hub.remote(store="work").fetch()) == {(DESK, 1, "a")}


def test_stores_of_different_ids_publish_apart(hub: HubFolder) -> None:
    """One of them has had to take a new id."""
    home, work, _ = both(hub, str(hub.path))
    outcomes = publish_together(
        [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(PHONE))))]
    )
    assert all(accepted(outcome).on_main for outcome in outcomes)
    assert versions(hub.remote(store="work").fetch()) == {(PHONE, 1, "a")}


def test_a_clone_that_is_damaged_is_mended_by_each(hub: HubFolder) -> None:
    hub.git("config", "receive.fsckObjects", "true")  # else nothing but the hub is needed
    home, work, _ = both(hub, str(hub.path))
    offers = [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(DESK))))]
    publish_together(offers)
    fetched(home), fetched(work)
    for path in (hub.folder / "desk" / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
    newer = [
        (home, publication(fragment(DESK, 2, "b"))),
        (work, publication(of_work(fragment(DESK, 2, "w")))),
    ]
    assert {type(outcome) for outcome in publish_together(newer)} == {Stale}, "what was seen is gone"
    fetched(home), fetched(work)
    assert all(accepted(outcome).on_main for outcome in publish_together(newer))
    assert versions(hub.remote().fetch()) == {(DESK, 2, "b")}
    assert versions(hub.remote(store="work").fetch()) == {(DESK, 2, "w")}


def test_after_a_kill_each_store_finds_its_revision_there_and_nothing_is_pushed_again(hub: HubFolder) -> None:
    """The process died between the push and its note: another one knows of no outcome."""
    home, work, _ = both(hub, str(hub.path))
    publish_together(
        [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(DESK, 1, "w"))))]
    )
    refs = hub.git("for-each-ref")
    home, work, _ = both(hub, str(hub.path))
    assert versions(home.fetch()) == {(DESK, 1, "a")}
    assert versions(work.fetch()) == {(DESK, 1, "w")}
    for outcome in publish_together(
        [(home, publication(fragment(DESK))), (work, publication(of_work(fragment(DESK, 1, "w"))))]
    ):
        assert accepted(outcome).on_main
    assert hub.git("for-each-ref") == refs
