"""People at their machines, who take things back and go back, while servers write and hubs fail.

    look at the file ─ fetch ─ choose a revision or a former memory ─ write amends ─ a round

Rule 1: what a person did is one more event of the ledger: what came back was noted by it, what went was
forgotten by it, having seen everything this machine knew. So the right answer stays exact.
Rule 2: that the amends themselves are right is checked at once, from what the revision said it did.
Rule 3: a person acts in a process of its own, which may be killed like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from memsync_git.app.revisions import Revision, others_revisions, own_revisions
from memsync_git.crdt.state import State
from memsync_git.deeds.amends import Amends, going_back, taking_back
from memsync_git.deeds.deed import together
from memsync_git.model import Graph
from memsync_git.replica import Moment, Replica, rows
from memsync_git.replica.amending import make_amends
from memsync_git.sync import RoundOptions
from tests.sim.cells import CELLS, Cell
from tests.sim.fleet import Fleet, Member
from tests.sim.ledger import ItemKey, Shown
from tests.sim.machine import Process
from tests.sim.running import guarded
from tests.sim.scheduler import SECOND_US

if TYPE_CHECKING:
    from tests.sim.oracle import Tally

THINK_US = 8 * SECOND_US
MOST_CUTS = 30
LOOK_ONLY = RoundOptions(fetch=False, publish=False, apply=False)


@dataclass(frozen=True)
class Said:
    """What a memory says, as the ledger counts it."""

    said: frozenset[ItemKey]

    @classmethod
    def of(cls, state: State) -> Said:
        items = state.graph().items()
        return cls(frozenset((item[0], item[1], item[2] or "") if item[0] == "t" else item for item in items))

    def items(self) -> set[ItemKey]:
        return set(self.said)


class Person:
    """One person at one machine."""

    def __init__(self, fleet: FleetWithPeople, member: Member, rng: Random) -> None:
        self.fleet = fleet
        self.member = member
        self.rng = rng
        self.acts = 0

    def run(self) -> None:
        """Act now and then, until the history ends."""
        fleet, machine = self.fleet, self.member.machine
        while True:
            fleet.scheduler.pause(int(min(self.rng.expovariate(1.0), 4.0) * THINK_US))
            if fleet.scheduler.now_us > fleet.cell.length_us or self.member.never_returns:
                return
            if machine.is_up:
                process = machine.start()
                guarded(lambda process=process: self._act(process))
                process.end()

    def _act(self, process: Process) -> None:
        """What `undo` and `restore` do, over stepping ports."""
        if process.round(LOOK_ONLY).file == "waiting" and process.round().file == "waiting":
            return
        process.round()
        choose = self.rng.choice([self._last, self._any_own, self._of_another, self._former])
        wish = choose(process)
        if wish is not None:
            process.session.act(lambda replica, moment: self._carry_out(process, replica, moment, wish))
            process.round()

    # --- choosing

    def _own(self, process: Process) -> list[Revision]:
        replica = process.session.replica
        txns = [txn for txn in rows.transactions(process.session.world.store) if txn.rid == replica.rid]
        return own_revisions(replica, txns)

    def _last(self, process: Process) -> Wish | None:
        """The last own revisions; often an undo, whose undo this is."""
        own = self._own(process)
        return Wish(tuple(own[-self.rng.randint(1, 2) :])) if own else None

    def _any_own(self, process: Process) -> Wish | None:
        own = self._own(process)
        return Wish((self.rng.choice(own),)) if own else None

    def _of_another(self, process: Process) -> Wish | None:
        """Something another machine published."""
        replica = process.session.replica
        history = others_revisions(
            process.session.world.remotes[0],
            replica,
            self.member.machine.wall_ms(),
            wanted=lambda header: header.rid != replica.rid,
            enough=lambda found, _: len(found) > MOST_CUTS,
            most=MOST_CUTS,
        )
        return Wish((self.rng.choice(history.revisions),)) if history.revisions else None

    def _former(self, process: Process) -> Wish | None:
        """A memory that once stood on main."""
        views = list(process.session.world.remotes[0].past_views())[:MOST_CUTS]
        if not views:
            return None
        then = State(self.rng.choice(views).fragments).graph()
        return Wish(then=then, exactly=self.rng.random() < 0.3)

    # --- acting

    def _carry_out(self, process: Process, replica: Replica, moment: Moment, wish: Wish) -> None:
        before = Said.of(replica.state)
        make_amends(replica, wish.amends(replica), moment, "undo")
        after = Said.of(replica.state)
        known = self.member.machine.disk.known
        saw_all = Shown(known, {}, known, {})
        process.saw(self.fleet.ledger.enter(before, after, saw_all))  # type: ignore[arg-type]
        self.acts += 1
        self.fleet.tally.lies += wish.is_unfulfilled(before.items(), after.items())
        self.fleet.scheduler.note(self.member.machine.name, f"person: {wish.words}")


@dataclass(frozen=True)
class Wish:
    """What a person wants taken back, or gone back to."""

    revisions: tuple[Revision, ...] = ()
    then: Graph | None = None
    exactly: bool = False

    @property
    def words(self) -> str:
        if self.then is not None:
            return f"restore{' exactly' if self.exactly else ''}"
        return "undo " + " ".join(revision.txn for revision in self.revisions)

    def amends(self, replica: Replica) -> Amends:
        if self.then is not None:
            return going_back(replica.state, self.then, replica.rid, exactly=self.exactly)
        return taking_back(replica.state, together(revision.deed for revision in self.revisions))

    def is_unfulfilled(self, before: set[ItemKey], after: set[ItemKey]) -> bool:
        """Whether something that had to come back did not, or something went that nobody asked for."""
        if self.then is not None:
            wanted = {item for item in self.then.items() if item[0] in ("o", "l")}
            shown = {item for item in after if item[0] in ("o", "l")}
            return not wanted <= shown or (self.exactly and wanted != shown)
        deed = together(revision.deed for revision in self.revisions)
        names = {item[1] for item in after if item[0] == "t"}
        lacking = [item for item in deed.removed if item[0] == "o" and item[1] in names and item not in after]
        excess = {item for item in before - after if item[0] in ("o", "l")} - set(deed.added)
        return bool(lacking or excess)


class FleetWithPeople(Fleet):
    """A fleet with a person at every machine."""

    def __init__(self, cell: Cell, seed: int, *, keep_trace: bool = False) -> None:
        self.people: list[Person] = []
        self.acts = 0
        super().__init__(cell, seed, keep_trace=keep_trace)

    def _begin(self, member: Member) -> None:
        super()._begin(member)
        person = Person(self, member, self.child("person", member.machine.name))
        self.people.append(person)
        self.scheduler.spawn(person.run)

    def run(self) -> Tally:
        """The whole history; the acts of people are counted with the calls."""
        tally = super().run()
        self.acts = sum(person.acts for person in self.people)
        return tally


PEOPLE_CELLS = {
    f"people, {name}": replace(CELLS[name], name=f"people, {name}", weight=1)
    for name in (
        "calm, one writer",
        "hub and clocks",
        "jumping clocks",
        "kill and power",
        "store restored",
        "clone",
        "everything",
    )
}
"""The same trouble with people about, held to the same bounds: what a person does must cost nothing."""
