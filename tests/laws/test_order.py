"""What comes first with a remote, and what comes of it: rounds over ports in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.ports import Fetched, FetchOutcome, Publication, PublishOutcome, Refused, Unreachable
from memsync_git.remotes.loopback import LoopbackHub
from memsync_git.sync import RoundOptions, RoundReport, sync_round
from memsync_git.sync.order import LOOKED_MS, QUIET_MS, Outlook, Sighting, pushes_first
from tests.fakes import QuietClock
from tests.laws.machines import Machine

NOW_MS = 1_763_637_000_000
QUIET = Sighting(looked_ms=NOW_MS - 60_000, news_ms=NOW_MS - QUIET_MS - 1)
SURE = Outlook(has_news=True, is_confirmed=True, is_complete=True, sighting=QUIET)
EVENT = RoundOptions(push_first=True)


# --- the decision


def test_a_push_comes_first_where_only_this_machine_has_changed() -> None:
    assert pushes_first(SURE, NOW_MS)
    assert pushes_first(replace(SURE, sighting=Sighting(looked_ms=NOW_MS)), NOW_MS)


@pytest.mark.parametrize("doubt", ["has_news", "is_confirmed", "is_complete"])
def test_any_doubt_asks_first(doubt: str) -> None:
    assert not pushes_first(replace(SURE, **{doubt: False}), NOW_MS)


@pytest.mark.parametrize(
    "sighting",
    [
        Sighting(),
        Sighting(looked_ms=NOW_MS - LOOKED_MS - 1),
        Sighting(looked_ms=NOW_MS + LOOKED_MS + 1),
        Sighting(looked_ms=NOW_MS, news_ms=NOW_MS - QUIET_MS),
        Sighting(looked_ms=NOW_MS, news_ms=NOW_MS + QUIET_MS),
    ],
    ids=["never looked", "looked long ago", "looked in the future", "news lately", "news from the future"],
)
def test_a_remote_that_may_have_news_is_asked_first(sighting: Sighting) -> None:
    assert not pushes_first(replace(SURE, sighting=sighting), NOW_MS)


@given(st.integers(0, 2 * QUIET_MS), st.integers(0, 2 * QUIET_MS))
def test_the_older_the_news_and_the_fresher_the_look_the_rather_a_push(looked: int, news: int) -> None:
    def bets(looked_ms: int, news_ms: int) -> bool:
        sighting = Sighting(NOW_MS - looked_ms, NOW_MS - news_ms)
        return pushes_first(replace(SURE, sighting=sighting), NOW_MS)

    assert bets(looked, news) <= bets(looked // 2, news)
    assert bets(looked, news) <= bets(looked, news + 1)


# --- what comes of it


class Counted(Machine):
    """A machine whose contacts with the hub are noted."""

    def __init__(self, name: str, hub: LoopbackHub, clock: QuietClock, data: bytes | None = None) -> None:
        super().__init__(name, hub, clock, data)
        self.contacts: list[str] = []
        self.remote.before_fetch, self.remote.before_apply = self._fetched, self._pushed

    def _fetched(self) -> FetchOutcome | None:
        self.contacts.append("fetch")
        return None

    def _pushed(self, _publication: Publication) -> PublishOutcome | None:
        self.contacts.append("push")
        return None

    def round(self, options: RoundOptions = EVENT) -> RoundReport:
        """A round as an app runs it; what it cost stands in `contacts`."""
        self.contacts.clear()
        report = sync_round(self.session, options)
        self.remote.known_digest = report.remotes[0].digest
        return report


def row(name: str) -> bytes:
    return f'{{"type":"entity","name":"{name}","entityType":"person","observations":["likes tea"]}}'.encode()


class Pair:
    """Two machines that know everything of each other, and have been silent for a while."""

    def __init__(self) -> None:
        self.hub, self.clock = LoopbackHub(), QuietClock()
        self.hub.now_ms = self.clock.wall_ms
        self.desk = Counted("desk", self.hub, self.clock, row("Alice"))
        self.laptop = Counted("laptop", self.hub, self.clock)
        for machine in (self.desk, self.laptop):
            machine.round(RoundOptions())
            machine.write(machine.data + b"\n" + row(f"of {machine.session.replica.host}"))
        for machine in (self.desk, self.laptop, self.desk):
            machine.round(RoundOptions())
        self.clock.now_ms += QUIET_MS + 1
        for machine in (self.desk, self.laptop):
            machine.round(RoundOptions())

    def writes(self, machine: Counted, name: str) -> None:
        machine.write(machine.data + b"\n" + row(name))


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_a_change_here_is_one_push(pair: Pair) -> None:
    pair.writes(pair.desk, "Bob")
    report = pair.desk.round()
    assert pair.desk.contacts == ["push"]
    assert report.remotes[0].published
    assert pair.hub.main is not None
    assert b"Bob" in (pair.hub.main.of().unified or b"")


def test_a_quiet_poll_and_a_change_elsewhere_are_one_fetch_each(pair: Pair) -> None:
    pair.desk.round(RoundOptions())
    assert pair.desk.contacts == ["fetch"]
    pair.writes(pair.laptop, "Bob")
    pair.laptop.round()
    pair.desk.round(RoundOptions())
    assert pair.desk.contacts == ["fetch"]
    assert b"Bob" in pair.desk.data


def test_changes_on_both_sides_are_a_fetch_and_a_push(pair: Pair) -> None:
    pair.writes(pair.desk, "Bob")
    pair.writes(pair.laptop, "Carol")
    pair.laptop.round()
    pair.desk.round(RoundOptions())
    assert pair.desk.contacts == ["fetch", "push"]


def test_a_lost_bet_fetches_joins_and_brings_main_up_to_date(pair: Pair) -> None:
    pair.writes(pair.desk, "Bob")
    pair.writes(pair.laptop, "Carol")
    pair.laptop.round()
    pair.desk.round()
    assert pair.desk.contacts == ["push", "fetch", "push"]
    assert b"Carol" in pair.desk.data
    assert pair.hub.main is not None
    unified = pair.hub.main.of().unified or b""
    assert {b"Bob" in unified, b"Carol" in unified} == {True}


def test_no_bet_follows_news(pair: Pair) -> None:
    pair.writes(pair.laptop, "Carol")
    pair.laptop.round()
    pair.desk.round()
    pair.writes(pair.desk, "Bob")
    pair.desk.round()
    assert pair.desk.contacts == ["fetch", "push"]
    pair.clock.now_ms += QUIET_MS + 1
    pair.desk.round(RoundOptions())
    pair.writes(pair.desk, "Dora")
    pair.desk.round()
    assert pair.desk.contacts == ["push"]


def test_a_remote_nobody_has_looked_at_since_the_machine_slept_is_asked_first(pair: Pair) -> None:
    pair.writes(pair.desk, "Bob")
    pair.clock.now_ms += 8 * 3_600_000
    pair.desk.round()
    assert pair.desk.contacts == ["fetch", "push"]


def test_the_first_publish_of_a_machine_asks_first(pair: Pair) -> None:
    phone = Counted("phone", pair.hub, pair.clock)
    phone.round(RoundOptions())
    pair.writes(phone, "Bob")
    phone.round()
    assert phone.contacts == ["fetch", "push"]


def test_a_machine_that_was_copied_asks_first(pair: Pair) -> None:
    """The app believes no digest on another machine-id; without one the remote is asked."""
    pair.writes(pair.desk, "Bob")
    pair.desk.remote.known_digest = ""
    pair.desk.round()
    assert pair.desk.contacts == ["fetch", "push"]


def test_a_clone_is_found_by_its_push_and_takes_a_new_id(pair: Pair) -> None:
    """Both run on with the same store; each has pushed first, and the second of them finds the first."""
    twin = Counted("twin", pair.hub, pair.clock)
    twin.store, twin.file = pair.desk.store.copy(), pair.desk.file.clone(pair.clock.wall_ms)
    twin.session = twin.process("cafe")
    twin.session.sightings = dict(pair.desk.session.sightings)
    twin.round(RoundOptions())
    assert twin.session.replica.rid == pair.desk.session.replica.rid
    pair.writes(pair.desk, "Bob")
    pair.writes(twin, "Carol")
    pair.desk.round()
    assert pair.desk.contacts == ["push"]
    twin.round()
    assert twin.contacts[:2] == ["push", "fetch"]
    assert twin.session.replica.rid != pair.desk.session.replica.rid
    pair.desk.round(RoundOptions())
    for machine in (pair.desk, twin):
        assert b"Bob" in machine.data
        assert b"Carol" in machine.data


@pytest.mark.parametrize("options", [EVENT, RoundOptions()], ids=["push first", "fetch first"])
def test_a_store_from_a_backup_never_builds_on_what_it_did_not_write(
    pair: Pair, options: RoundOptions
) -> None:
    """The store is older than what this machine's way to the remote remembers, and has run ahead again."""
    backup = pair.desk.store.copy()
    image, witness = pair.desk.data, pair.desk.file.read_witness()
    pair.writes(pair.desk, "Bob")
    pair.desk.round()
    pair.desk.store.restore(backup)
    pair.desk.file.writer_rename(image)
    assert witness is not None
    pair.desk.file.write_witness(witness)
    rid, pair.desk.session = pair.desk.session.replica.rid, pair.desk.process("deed")
    for name in ("Carol", "Dora"):
        pair.writes(pair.desk, name)
        sync_round(pair.desk.session, RoundOptions(fetch=False, publish=False))
    pair.desk.session.sightings = {"origin": Sighting(looked_ms=pair.clock.now_ms)}
    pair.desk.remote.known_digest = pair.desk.remote.digest
    report = pair.desk.round(options)
    assert pair.desk.contacts[0] == "fetch", "the difference was seen before anything was sent"
    assert pair.desk.session.replica.rid != rid
    assert report.remotes[0].published
    pair.laptop.round(RoundOptions())
    assert all(name in pair.laptop.data for name in (b"Bob", b"Carol", b"Dora"))


def test_a_refused_push_still_learns_what_others_wrote(pair: Pair) -> None:
    pair.writes(pair.laptop, "Carol")
    pair.laptop.round()
    pair.writes(pair.desk, "Bob")
    pair.hub.refuses_main = pair.hub.refuses_hosts = "read only"
    report = pair.desk.round()
    assert pair.desk.contacts[:2] == ["push", "fetch"]
    assert (report.remotes[0].state, report.remotes[0].reason) == ("refused", "read only")
    assert b"Carol" in pair.desk.data


def test_a_hub_that_keeps_main_to_itself_is_asked_after_the_push(pair: Pair) -> None:
    """There the push says nothing of what others wrote."""
    pair.hub.refuses_main = "protected"
    pair.writes(pair.laptop, "Carol")
    pair.laptop.round(RoundOptions())
    pair.writes(pair.desk, "Bob")
    pair.desk.round()
    assert pair.desk.contacts[:2] == ["push", "fetch"]
    assert b"Carol" in pair.desk.data


def test_an_answer_lost_once_is_found_by_the_next_push(pair: Pair) -> None:
    pair.writes(pair.desk, "Bob")
    pair.desk.remote.after_apply = lambda _outcome: Unreachable("lost on the way")
    assert pair.desk.round().remotes[0].state == "offline"
    pair.desk.remote.after_apply = lambda outcome: outcome
    pair.writes(pair.desk, "Carol")
    report = pair.desk.round()
    assert report.remotes[0].published
    assert isinstance(pair.laptop.remote.fetch(), Fetched)
    pair.laptop.round(RoundOptions())
    assert b"Bob" in pair.laptop.data
    assert b"Carol" in pair.laptop.data


def test_a_fetch_whose_answer_was_lost_is_made_again_before_anything_is_built_on_it(pair: Pair) -> None:
    """Else main would show a unified memory without what it had brought."""
    pair.writes(pair.laptop, "Carol")
    pair.laptop.round()
    pair.desk.remote.after_fetch = lambda _outcome: Unreachable("lost on the way")
    digest = pair.desk.remote.known_digest
    pair.desk.round(RoundOptions())
    pair.desk.remote.after_fetch = lambda outcome: outcome
    pair.desk.remote.known_digest = digest
    pair.writes(pair.desk, "Bob")
    pair.desk.round()
    assert pair.hub.main is not None
    assert b"Carol" in (pair.hub.main.of().unified or b"")


def test_without_the_wish_the_remote_is_asked_first(pair: Pair) -> None:
    pair.writes(pair.desk, "Bob")
    pair.desk.round(RoundOptions())
    assert pair.desk.contacts == ["fetch", "push"]


def test_refusal_is_told_with_its_hint(pair: Pair) -> None:
    pair.writes(pair.desk, "Bob")
    refused = Refused("no entry", hint="git ls-remote somewhere")
    pair.desk.remote.before_apply = lambda _publication: refused
    pair.desk.remote.before_fetch = lambda: refused
    report = pair.desk.round()
    assert (report.remotes[0].reason, report.remotes[0].hint) == ("no entry", "git ls-remote somewhere")
