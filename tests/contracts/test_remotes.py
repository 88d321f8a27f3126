"""What every remote promises, over a hub in memory and over a real bare git repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from memsync_git.crdt.fragment import Fragment
from memsync_git.ports import Accepted, Fetched, Remote, Stale
from memsync_git.remotes.loopback import LoopbackHub, LoopbackRemote
from tests.git.hubs import (
    DESK,
    LAPTOP,
    PHONE,
    HubFolder,
    TestClock,
    accepted,
    fetched,
    fragment,
    publication,
    versions,
)


class LoopbackWorld:
    def __init__(self, clock: TestClock) -> None:
        self.hub = LoopbackHub(clock.wall_ms)
        self.clock = clock

    def remote(self, store: str = "default") -> Remote:
        return LoopbackRemote(self.hub, "origin", store)

    def roll_back(self) -> None:
        assert self.hub.main is not None
        self.hub.main = self.hub.main.parent

    def delete_main(self) -> None:
        self.hub.main = None

    def recreate(self) -> None:
        self.hub.main, self.hub.hosts = None, {}

    def lose_host_ref(self, rid: str) -> None:
        del self.hub.hosts[rid]

    def set_back_host_ref(self, rid: str) -> None:
        self.hub.hosts[rid] = self.hub.hosts[rid].parent


class GitWorld:
    def __init__(self, folder: Path, clock: TestClock) -> None:
        self.folder = folder
        self.clock = clock
        self.hub = HubFolder(folder, clock)

    def remote(self, store: str = "default") -> Remote:
        return self.hub.remote(store=store)

    def roll_back(self) -> None:
        self.hub.git("update-ref", "refs/heads/main", "main~1")

    def delete_main(self) -> None:
        self.hub.git("update-ref", "-d", "refs/heads/main")

    def recreate(self) -> None:
        for ref in self.hub.git("for-each-ref", "--format=%(refname)").split():
            self.hub.git("update-ref", "-d", ref)
        self.hub.git("gc", "--quiet", "--prune=now")

    def lose_host_ref(self, rid: str) -> None:
        self.hub.git("update-ref", "-d", f"refs/memsync/{rid}")

    def set_back_host_ref(self, rid: str) -> None:
        self.hub.git("update-ref", f"refs/memsync/{rid}", f"refs/memsync/{rid}~1")


World = LoopbackWorld | GitWorld


@pytest.fixture(params=["loopback", "git"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    clock = TestClock()
    return LoopbackWorld(clock) if request.param == "loopback" else GitWorld(tmp_path, clock)


def test_an_empty_remote_has_nothing_to_say(world: World) -> None:
    assert fetched(world.remote()).fragments == ()
    assert fetched(world.remote()).head == ""


def test_what_one_machine_publishes_another_fetches(world: World) -> None:
    one, two = world.remote(), world.remote()
    head = accepted(one.publish(publication(fragment(DESK, says="likes tea")))).head
    answer = fetched(two)
    assert [item.records[("e", "Alice")].observations[0].value for item in answer.fragments] == ["likes tea"]
    assert answer.on_main == {DESK: (1, "a")}
    assert answer.head == head


def test_publishing_the_same_again_changes_nothing(world: World) -> None:
    remote = world.remote()
    first = remote.publish(publication(fragment(DESK), unified=b"{}"))
    assert remote.publish(publication(fragment(DESK), unified=b"{}")) == first
    assert fetched(remote).head == accepted(first).head


def test_publishing_the_same_from_a_restarted_process_is_accepted(world: World) -> None:
    accepted(world.remote().publish(publication(fragment(DESK))))
    again = world.remote()
    fetched(again)
    accepted(again.publish(publication(fragment(DESK))))


def test_revisions_follow_each_other(world: World) -> None:
    remote = world.remote()
    for rev, tok in enumerate("abc", start=1):
        accepted(remote.publish(publication(fragment(DESK, rev, tok))))
    assert versions(world.remote().fetch()) == {(DESK, 3, "c")}


def test_two_machines_at_once_are_both_durable_and_the_second_is_on_main_after_a_fetch(world: World) -> None:
    one, two = world.remote(), world.remote()
    fetched(one), fetched(two)
    accepted(one.publish(publication(fragment(DESK))))
    accepted(two.publish(publication(fragment(LAPTOP))), on_main=False)
    assert versions(world.remote().fetch()) == {(DESK, 1, "a"), (LAPTOP, 1, "a")}
    assert fetched(two).on_main == {DESK: (1, "a")}
    accepted(two.publish(publication(fragment(LAPTOP))))
    assert fetched(one).on_main == {DESK: (1, "a"), LAPTOP: (1, "a")}


def test_a_host_ref_written_by_somebody_else_is_stale(world: World) -> None:
    mine, clone = world.remote(), world.remote()
    accepted(mine.publish(publication(fragment(DESK, 1, "a"))))
    fetched(clone)
    accepted(clone.publish(publication(fragment(DESK, 2, "b"))))
    assert isinstance(mine.publish(publication(fragment(DESK, 2, "c"))), Stale)
    assert (DESK, 2, "b") in versions(mine.fetch())
    assert isinstance(mine.publish(publication(fragment(DESK, 2, "c"))), Stale)


def test_the_first_publish_under_a_taken_name_is_stale(world: World) -> None:
    accepted(world.remote().publish(publication(fragment(DESK, 1, "a"))))
    assert isinstance(world.remote().publish(publication(fragment(DESK, 1, "b"))), Stale)


def test_main_receives_fragments_it_lacks_from_whoever_holds_them(world: World) -> None:
    one, two = world.remote(), world.remote()
    fetched(one), fetched(two)
    accepted(one.publish(publication(fragment(DESK))))
    accepted(two.publish(publication(fragment(LAPTOP))), on_main=False)
    fetched(one)
    accepted(one.publish(publication(fragment(DESK), fragment(LAPTOP))))
    assert fetched(two).on_main == {DESK: (1, "a"), LAPTOP: (1, "a")}


def test_main_never_gets_an_older_fragment_than_it_has(world: World) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    fetched(two)
    accepted(two.publish(publication(fragment(LAPTOP), fragment(DESK, 1, "z"))))
    assert fetched(one).on_main == {DESK: (2, "b"), LAPTOP: (1, "a")}


def test_a_repair_without_an_own_fragment_touches_main_only(world: World) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK))))
    fetched(two)
    accepted(two.publish(publication(None, fragment(PHONE))))
    answer = fetched(one)
    assert answer.on_main == {DESK: (1, "a"), PHONE: (1, "a")}


def test_a_lost_race_of_a_repair_is_no_failure(world: World) -> None:
    one, two = world.remote(), world.remote()
    fetched(two)
    accepted(one.publish(publication(fragment(DESK))))
    accepted(two.publish(publication(None, fragment(PHONE))), on_main=False)


def test_the_time_of_the_unified_file_is_that_of_its_last_change(world: World) -> None:
    one = world.remote()
    assert fetched(one).unified_ms is None
    accepted(one.publish(publication(fragment(DESK), unified=b"one")))
    written_ms = world.clock.ms
    world.clock.sleep(60)
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    assert fetched(one).unified_ms == written_ms
    late_joiner_ms = fetched(world.remote()).unified_ms
    assert late_joiner_ms is not None
    assert written_ms <= late_joiner_ms <= world.clock.ms
    accepted(one.publish(publication(fragment(DESK, 2, "b"), unified=b"two")))
    assert fetched(world.remote()).unified_ms == world.clock.ms


def test_a_rolled_back_main_gets_back_what_it_lost(world: World) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    world.roll_back()
    assert fetched(one).on_main == {DESK: (1, "a")}
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    assert fetched(two).on_main == {DESK: (2, "b")}
    assert [view.fragments[0].rev for view in two.past_views()] == [2, 1]


def test_a_deleted_main_comes_back_with_its_history(world: World) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    world.delete_main()
    assert fetched(one).on_main == {}
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    fetched(two)
    assert [view.fragments[0].rev for view in two.past_views()] == [2, 1]


def test_a_recreated_hub_is_filled_again(world: World) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    world.recreate()
    assert versions(one.fetch()) == set()
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    assert versions(two.fetch()) == {(DESK, 2, "b")}
    assert two.revision(DESK, 1) == fragment(DESK, 1, "a")


@pytest.mark.parametrize("accident", ["lose_host_ref", "set_back_host_ref"])
def test_a_host_ref_that_is_gone_or_behind_is_restored(world: World, accident: str) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    getattr(world, accident)(DESK)
    fetched(one)
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    fetched(two)
    assert two.revision(DESK, 9) == fragment(DESK, 2, "b")
    assert two.revision(DESK, 1) == fragment(DESK, 1, "a")


def test_a_revision_is_the_newest_published_one_not_above_the_number(world: World) -> None:
    one, two = world.remote(), world.remote()
    for rev in (1, 4, 9):
        accepted(one.publish(publication(fragment(DESK, rev, f"t{rev}"))))
    fetched(two)
    assert [found.rev if (found := two.revision(DESK, rev)) else None for rev in (0, 1, 3, 4, 8, 9, 99)] == [
        None, 1, 1, 4, 4, 9, 9
    ]  # fmt: skip
    assert two.revision(PHONE, 1) is None


def test_past_views_are_the_cuts_main_held_newest_first(world: World) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK))))
    accepted(one.publish(publication(None, fragment(LAPTOP))))
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    head = fetched(two).head
    views = list(two.past_views())
    cuts = [{(item.rid, item.rev) for item in view.fragments} for view in views]
    assert cuts == [{(DESK, 2), (LAPTOP, 1)}, {(DESK, 1), (LAPTOP, 1)}, {(DESK, 1)}]
    assert views[0].head == head
    times_ms = [view.at_ms for view in views if view.at_ms is not None]
    assert len(times_ms) == len(views)
    assert times_ms == sorted(times_ms, reverse=True)


def test_only_the_first_view_is_told_to_be_the_first(world: World) -> None:
    one, two = world.remote(), world.remote()
    for rev in range(1, 4):
        accepted(one.publish(publication(fragment(DESK, rev, f"{rev}"))))
    fetched(two)
    assert [view.is_first for view in two.past_views()] == [False, False, True]


def test_past_heads_are_those_of_the_views(world: World) -> None:
    one, two = world.remote(), world.remote()
    for rev in range(1, 4):
        accepted(one.publish(publication(fragment(DESK, rev, f"{rev}"))))
    assert list(two.past_heads()) == []
    fetched(two)
    views = [(view.head, view.at_ms, view.is_first) for view in two.past_views()]
    assert [(head.head, head.at_ms, head.is_first) for head in two.past_heads()] == views


def test_past_views_begin_where_they_are_asked_to(world: World) -> None:
    one, two = world.remote(), world.remote()
    for rev in range(1, 4):
        accepted(one.publish(publication(fragment(DESK, rev, f"{rev}"))))
    fetched(two)
    middle = list(two.past_heads())[1].head
    assert [view.fragments[0].rev for view in two.past_views(middle)] == [2, 1]


def test_a_known_digest_spares_the_reading(world: World) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK))))
    first = fetched(two)
    assert not first.unchanged
    two.known_digest = first.digest
    quiet = fetched(two)
    assert (quiet.unchanged, quiet.head, quiet.fragments) == (True, first.head, ())
    accepted(two.publish(publication(fragment(LAPTOP), fragment(DESK))))
    assert fetched(one).on_main == {DESK: (1, "a"), LAPTOP: (1, "a")}
    assert not fetched(two).unchanged


def test_an_unchanged_remote_still_tells_how_old_its_unified_file_is(world: World) -> None:
    one = world.remote()
    accepted(one.publish(publication(fragment(DESK), unified=b"one")))
    first = fetched(one)
    one.known_digest = first.digest
    world.clock.sleep(60)
    quiet = fetched(one)
    assert quiet.unchanged
    assert quiet.unified_ms == first.unified_ms


def test_a_publish_without_a_fetch_builds_on_what_was_accepted_last(world: World) -> None:
    one = world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    accepted(one.publish(replace(publication(fragment(DESK, 2, "b")), onto=(1, "a"))))
    assert versions(world.remote().fetch()) == {(DESK, 2, "b")}


def test_a_publish_without_a_fetch_finds_that_main_has_moved(world: World) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    fetched(two)
    accepted(two.publish(publication(fragment(LAPTOP))))
    accepted(one.publish(replace(publication(fragment(DESK, 2, "b")), onto=(1, "a"))), on_main=False)
    assert fetched(two).on_main == {DESK: (1, "a"), LAPTOP: (1, "a")}


def test_a_publish_without_a_fetch_finds_a_clone(world: World) -> None:
    one, clone = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    fetched(clone)
    accepted(clone.publish(publication(fragment(DESK, 2, "b"))))
    assert isinstance(one.publish(replace(publication(fragment(DESK, 2, "c")), onto=(1, "a"))), Stale)
    assert versions(world.remote().fetch()) == {(DESK, 2, "b")}


def test_a_publish_onto_another_version_than_was_last_seen_is_stale_and_sends_nothing(world: World) -> None:
    one = world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    newer = publication(fragment(DESK, 3, "c"))
    assert isinstance(one.publish(replace(newer, onto=(1, "a"))), Stale)
    assert isinstance(one.publish(replace(newer, onto=(2, "z"))), Stale)
    assert versions(world.remote().fetch()) == {(DESK, 2, "b")}
    accepted(one.publish(replace(newer, onto=(2, "b"))))


def test_nothing_is_built_on_what_was_seen_and_never_joined(world: World) -> None:
    """A fetch whose answer was lost, or whose process died: this side remembers more than its caller."""
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    joined = one.digest
    fetched(two)
    accepted(two.publish(publication(fragment(LAPTOP))))
    fetched(one)
    one.known_digest = joined
    newer = replace(publication(fragment(DESK, 2, "b")), onto=(1, "a"))
    assert isinstance(one.publish(newer), Stale)
    assert versions(world.remote().fetch()) == {(DESK, 1, "a"), (LAPTOP, 1, "a")}
    one.known_digest = fetched(one).digest
    accepted(one.publish(newer))


def test_nor_on_a_main_that_was_seen_and_is_not_shown_any_more(world: World) -> None:
    """A mirror lags: after a fetch whose answer was lost it shows what it showed before."""
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"), unified=b"1")))
    fetched(two)
    accepted(two.publish(publication(fragment(LAPTOP), fragment(DESK, 1, "a"), unified=b"2")))
    fetched(one)
    world.roll_back()
    world.lose_host_ref(LAPTOP)
    one.known_digest = fetched(one).digest
    accepted(one.publish(replace(publication(fragment(DESK, 2, "b"), unified=b"3"), onto=(1, "a"))))
    assert fetched(world.remote()).on_main == {DESK: (2, "b")}


def test_a_version_that_is_there_already_is_accepted_onto_anything(world: World) -> None:
    """The answer to its push was lost: the remote was seen with it, the store never heard."""
    one = world.remote()
    accepted(one.publish(publication(fragment(DESK, 1, "a"))))
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    accepted(one.publish(replace(publication(fragment(DESK, 2, "b")), onto=(1, "a"))))


def test_a_fragment_arrives_as_it_was_sent(world: World) -> None:
    sent = replace(fragment(DESK).header, seen={PHONE: (3, 9)}, retired=frozenset({LAPTOP}), ok=1, prev="z")
    own = replace(fragment(DESK), header=sent)
    accepted(world.remote().publish(publication(own)))
    assert fetched(world.remote()).fragments == (own,)


def test_every_accepted_fragment_is_there_whoever_was_first_on_main(world: World) -> None:
    machines = {rid: world.remote() for rid in (DESK, LAPTOP, PHONE)}
    for rev in range(1, 6):
        for rid, remote in machines.items():
            outcome = remote.publish(publication(fragment(rid, rev, f"{rev}")))
            assert isinstance(outcome, Accepted)
    assert versions(world.remote().fetch()) >= {(rid, 5, "5") for rid in machines}


def test_fetched_is_an_answer_not_a_view_of_something_that_moves(world: World) -> None:
    one, two = world.remote(), world.remote()
    accepted(one.publish(publication(fragment(DESK))))
    before = fetched(two)
    accepted(one.publish(publication(fragment(DESK, 2, "b"))))
    assert isinstance(before, Fetched)
    assert before.on_main == {DESK: (1, "a")}


# --- several stores


def of_office(item: Fragment) -> Fragment:
    return replace(item, header=replace(item.header, store="office"))


def test_what_one_store_holds_never_shows_in_another(world: World) -> None:
    home, office = world.remote(), world.remote("office")
    accepted(home.publish(publication(fragment(DESK, 1, "a"), unified=b"home")))
    assert fetched(office).fragments == ()
    accepted(office.publish(publication(of_office(fragment(DESK, 1, "b")), unified=b"office")))
    fetched(home)
    accepted(home.publish(publication(fragment(DESK, 2, "c"))))
    for store, version in (("default", (DESK, 2, "c")), ("office", (DESK, 1, "b"))):
        found = fetched(world.remote(store))
        assert versions(found) == {version}
        assert found.on_main == {DESK: version[1:]}
    assert fetched(world.remote("club")).fragments == ()


def test_a_ref_that_another_store_moved_has_moved_for_all(world: World) -> None:
    """Remotes of two machines, or of one whose clone was made anew: neither knows what the other pushed."""
    home, office = world.remote(), world.remote("office")
    accepted(home.publish(publication(fragment(DESK, 1, "a"))))
    before = fetched(office).digest
    accepted(home.publish(publication(fragment(DESK, 2, "b"))))
    mine = publication(of_office(fragment(DESK, 1, "x")))
    assert isinstance(office.publish(mine), Stale)
    assert fetched(office).digest != before
    accepted(office.publish(mine))
    assert versions(world.remote().fetch()) == {(DESK, 2, "b")}


def test_the_history_of_a_store_is_its_own(world: World) -> None:
    home, office = world.remote(), world.remote("office")
    for rev in (1, 2):
        fetched(home)
        accepted(home.publish(publication(fragment(DESK, rev, f"h{rev}"))))
        fetched(office)
        accepted(office.publish(publication(of_office(fragment(DESK, rev, f"o{rev}")))))
    reader = world.remote("office")
    fetched(reader)
    assert reader.revision(DESK, 1) == of_office(fragment(DESK, 1, "o1"))
    cuts = [{item.version[1] for item in view.fragments} for view in reader.past_views()]
    assert next(cut for cut in cuts if cut) == {"o2"}
    assert set().union(*cuts) == {"o1", "o2"}
    assert len(cuts) == len(list(reader.past_heads())) == 4


def test_the_time_of_a_unified_file_is_that_of_its_own_store(world: World) -> None:
    home, office = world.remote(), world.remote("office")
    accepted(home.publish(publication(fragment(DESK), unified=b"home")))
    written_ms = world.clock.ms
    world.clock.sleep(60)
    fetched(office)
    accepted(office.publish(publication(of_office(fragment(DESK)), unified=b"office")))
    assert fetched(world.remote("office")).unified_ms == world.clock.ms
    assert fetched(home).unified_ms == written_ms
