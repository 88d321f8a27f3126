"""Two hubs, and a machine that talks to both: what one hub brings reaches the other, and no cut is torn."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.model import Rid
from memsync_git.ports import Unreachable
from memsync_git.remotes.loopback import LoopbackHub, LoopbackRemote
from memsync_git.sync import RoundOptions, Session, World, sync_round
from tests.fakes import CountedChance, QuietClock
from tests.laws.machines import Machine

MEMORY = b'{"type":"entity","name":"Alice","entityType":"person","observations":["a","b","c","d"]}'


def row(name: str) -> bytes:
    return b'{"type":"entity","name":"%s","entityType":"person","observations":[]}' % name.encode()


class Bridge(Machine):
    """A machine with two remotes. What the app remembers of them is kept between its processes."""

    def __init__(self, hubs: dict[str, LoopbackHub], clock: QuietClock, name: str = "bridge") -> None:
        self.hubs = hubs
        self.digests: dict[str, str] = {}
        self.complete_for: dict[str, str] = {}
        super().__init__(name, hubs["work"], clock)

    def process(self, name: str) -> Session:
        self.remotes = {each: LoopbackRemote(hub, each) for each, hub in self.hubs.items()}
        world = World(
            self.file,
            self.store,
            self.clock,
            CountedChance(name),
            list(self.remotes.values()),
            complete_for=self.complete_for,
        )
        return Session(world)

    def run(
        self,
        *,
        away: str = "",
        killed: bool = False,
        warm: bool = False,
        options: RoundOptions | None = None,
        while_pushing: tuple[str, Callable[[], object]] | None = None,
    ) -> None:
        """A round of a fresh process (`warm`: of the last one); `killed`: before anything of it could be
        remembered. `while_pushing`: a hub, and what happens the moment before it is written to.
        """
        self.clock.now_ms += 10_000
        if not warm:
            self.session = self.process(f"bridge{self.clock.now_ms}")
        for name, remote in self.remotes.items():
            remote.known_digest = self.digests.get(name, "")
            outcome = Unreachable("away") if name == away else None
            remote.before_fetch = lambda outcome=outcome: outcome
            remote.before_apply = lambda _, outcome=outcome: outcome
        if while_pushing is not None:
            hub, meanwhile = while_pushing
            self.remotes[hub].before_apply = lambda _: self._once(hub, meanwhile)
        report = sync_round(self.session, options)
        for line in report.remotes if not killed else ():
            if line.fetched or line.published:
                self.digests[line.name], self.complete_for[line.name] = line.digest, line.holds

    def _once(self, hub: str, meanwhile: Callable[[], object]) -> None:
        self.remotes[hub].before_apply = lambda _: None
        meanwhile()


class Village:
    """One machine on each hub, and the bridge."""

    def __init__(self) -> None:
        self.clock = QuietClock()
        self.hubs = {"work": LoopbackHub(self.clock.wall_ms), "home": LoopbackHub(self.clock.wall_ms)}
        self.desk = Machine("desk", self.hubs["work"], self.clock, MEMORY)
        self.phone = Machine("phone", self.hubs["home"], self.clock)
        self.bridge = Bridge(self.hubs, self.clock)
        self.desk.sync()
        self.bridge.run()
        self.phone.sync()
        self.bridge.run()

    def desk_notes(self, name: str) -> None:
        self.desk.write(self.desk.data + b"\n" + row(name))
        self.desk.sync()


@pytest.fixture
def village() -> Village:
    return Village()


def test_what_one_hub_brings_is_carried_to_the_other_in_the_same_round(village: Village) -> None:
    village.desk_notes("Bob")
    village.bridge.run()
    village.phone.sync()
    assert row("Bob") in village.phone.data


@pytest.mark.parametrize("order", [("work", "home"), ("home", "work")], ids="-".join)
def test_the_order_of_the_remotes_does_not_matter(village: Village, order: tuple[str, ...]) -> None:
    village.bridge.hubs = {name: village.hubs[name] for name in order}
    village.desk_notes("Bob")
    village.bridge.run()
    village.phone.sync()
    assert row("Bob") in village.phone.data


def test_what_came_while_the_other_hub_was_away_is_carried_later(village: Village) -> None:
    village.desk_notes("Bob")
    village.bridge.run(away="home")
    village.bridge.run()
    village.phone.sync()
    assert row("Bob") in village.phone.data


def test_what_came_before_a_kill_is_carried_by_the_next_process(village: Village) -> None:
    village.desk_notes("Bob")
    village.bridge.run(away="home", killed=True)
    village.bridge.run()
    village.phone.sync()
    assert row("Bob") in village.phone.data


def test_what_a_pull_brought_is_carried_by_the_next_round(village: Village) -> None:
    village.desk_notes("Bob")
    village.bridge.run(options=RoundOptions(capture=False, publish=False, apply=False))
    village.bridge.run()
    village.phone.sync()
    assert row("Bob") in village.phone.data


def test_what_a_lost_race_on_one_hub_brings_is_carried_to_one_that_had_not_changed(village: Village) -> None:
    village.phone.write(village.phone.data + b"\n" + row("Eve"))
    village.phone.sync()
    village.bridge.run(away="work")
    village.bridge.run(while_pushing=("work", lambda: village.desk_notes("Bob")))
    village.bridge.run()
    village.phone.sync()
    assert row("Bob") in village.phone.data


def test_what_another_process_joins_during_a_push_was_not_pushed(village: Village) -> None:
    """Complete is what was offered, whatever is held by the time of the answer."""

    def pull_from_work() -> None:
        village.desk_notes("Bob")
        other = village.bridge.process("other")
        sync_round(other, RoundOptions(capture=False, publish=False, apply=False))

    village.bridge.write(village.bridge.data + b"\n" + row("Eve"))
    village.bridge.run(while_pushing=("home", pull_from_work))
    village.bridge.run()
    village.phone.sync()
    assert row("Bob") in village.phone.data


def roamed(village: Village) -> None:
    """The roamer's Eve stands on home's host ref alone, and its past (the desk's Bob) on work alone."""
    roamer = Bridge(village.hubs, village.clock, "roamer")
    roamer.run()
    village.bridge.run()
    village.desk_notes("Bob")
    roamer.run(away="home")
    roamer.write(roamer.data + b"\n" + row("Eve"))
    village.hubs["home"].refuses_main = "protected"
    roamer.run(away="work")
    village.hubs["home"].refuses_main = ""


def test_what_could_not_be_joined_is_read_again_once_its_past_is_here(village: Village) -> None:
    roamed(village)
    village.bridge.hubs = {name: village.hubs[name] for name in ("home", "work")}
    village.bridge.run()
    assert row("Bob") in village.bridge.data
    village.bridge.run()
    assert row("Eve") in village.bridge.data


def test_a_push_alone_does_not_vouch_for_what_it_did_not_read(village: Village) -> None:
    roamed(village)
    bridge = village.bridge
    bridge.run(away="work")
    bridge.run(away="home", warm=True, options=RoundOptions(capture=False, publish=False, apply=False))
    bridge.write(MEMORY + b"\n" + row("Joe"))
    bridge.run(away="work", warm=True, options=RoundOptions(fetch=False))
    bridge.run(warm=True)
    assert row("Eve") in bridge.data


def test_a_quiet_bridge_reads_nothing_and_publishes_nothing(village: Village) -> None:
    village.bridge.run()
    before = {name: hub.digest() for name, hub in village.hubs.items()}
    village.bridge.run()
    assert all(village.bridge.digests.values())
    assert {name: hub.digest() for name, hub in village.hubs.items()} == before


def test_a_fragment_whose_past_is_on_the_other_hub_waits_for_it(village: Village) -> None:
    """The closed cut: what the phone says of the desk's facts is used only beside those facts."""
    village.desk_notes("Bob")
    village.bridge.run()
    village.phone.sync()
    village.phone.write(MEMORY + b"\n" + row("Eve"))
    village.phone.sync()
    stranger = Machine("stranger", village.hubs["home"], village.clock)
    desk = Rid("desk-0001")
    stranger.remote.hub = only_hosts(village.hubs["home"], without=desk)
    stranger.sync()
    assert row("Eve") not in stranger.data
    stranger.remote.hub = village.hubs["home"]
    stranger.sync()
    assert row("Eve") in stranger.data
    assert row("Bob") not in stranger.data


def only_hosts(hub: LoopbackHub, *, without: Rid) -> LoopbackHub:
    """A hub that shows no main, and not what one machine said."""
    shown = LoopbackHub(hub.now_ms)
    shown.hosts = {rid: commit for rid, commit in hub.hosts.items() if rid != without}
    return shown


MOVES = st.lists(
    st.tuples(
        st.sampled_from(("desk", "phone", "bridge", "bridge", "away home", "away work", "killed")),
        st.integers(0, 3),
    ),
    max_size=14,
)


@given(MOVES)
def test_in_whatever_order_they_meet_everybody_ends_with_everything(moves: list[tuple[str, int]]) -> None:
    village = Village()
    noted: set[bytes] = set()
    for at, (who, _) in enumerate(moves):
        match who.split():
            case ["desk" | "phone" as name]:
                machine = getattr(village, name)
                noted.add(row(f"e{at}"))
                machine.write(machine.data + b"\n" + row(f"e{at}"))
                machine.sync()
            case ["away", hub]:
                village.bridge.run(away=hub)
            case [word]:
                village.bridge.run(killed=word == "killed")
    for _ in range(2):
        village.bridge.run()
        village.desk.sync()
        village.phone.sync()
    for machine in (village.desk, village.phone, village.bridge):
        assert noted <= set(machine.data.split(b"\n"))
    before = {name: hub.digest() for name, hub in village.hubs.items()}
    village.bridge.run()
    assert {name: hub.digest() for name, hub in village.hubs.items()} == before
