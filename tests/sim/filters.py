"""Machines that leave names out, by rules that change while servers write and hubs fail.

Rule 1: the ledger counts by record. What a machine leaves out is known to nobody else until it is let
through.
Rule 2: what is deleted under a name left out is deleted nowhere else, nor is it where the rule was lifted
before anybody looked: there was nothing to compare with.
Rule 3: what stands under a name that is let through again, and others deleted meanwhile, may go or come back:
it goes where the file was not written since the rule came, and is new where it was. What was created anew
under such a name while it stood elsewhere is no news, so a delete made there meanwhile may take it.
Rule 4: a state that lacks what was left out is a candidate base for W, as any is. So what is deleted within W
after a name was let through may come back, as what arrived from elsewhere within W does.
Rule 5: nothing may be in a fragment that its machine has not let through: looked for at every commit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent

from memsync_git.model import RecordKey
from memsync_git.replica import Replica
from memsync_git.replica.filtering import Rules, names_in
from memsync_git.sync.naming import content_hash
from tests.sim import memory_server as server
from tests.sim.cells import CELLS, Cell
from tests.sim.fleet import Fleet, Member
from tests.sim.ledger import Hidden, ItemKey, Ledger, Shown, record_of
from tests.sim.machine import Disk, Habits, Machine, Process
from tests.sim.memory_server import Memory
from tests.sim.scheduler import SECOND_US

if TYPE_CHECKING:
    from tests.sim.oracle import Tally

MIND_US = 8 * SECOND_US
"""Mean time between two changes of a machine's rules."""
RULES = (
    Rules(),
    Rules(),
    Rules(exclude=("e0",)),
    Rules(exclude=("e[1-3]",)),
    Rules(include=("e[02-4]",)),
    Rules(include=("e*",), exclude=("e4",)),
    Rules(exclude=("*",)),
)


@dataclass(frozen=True)
class Part:
    """What a memory says about one record."""

    said: frozenset[ItemKey]

    def items(self) -> set[ItemKey]:
        return set(self.said)


class LedgerByRecord(Ledger):
    """Events of one record each, some of which never happened for anybody but their machine."""

    def __init__(self) -> None:
        super().__init__()
        self.about: dict[RecordKey, int] = defaultdict(int)
        self.leaks = 0
        self.either: set[ItemKey] = set()
        self._seen_by: dict[int, list[int]] = defaultdict(list)
        self._notes: dict[int, set[ItemKey]] = {}
        self._private_notes = 0
        self._private_deletions = 0

    def enter(self, before: Memory, after: Memory, shown: Shown) -> int:
        old, new, mask = before.items(), after.items(), shown.past
        for record in sorted({record_of(item) for item in old ^ new}):
            bit = 1 << self.events
            parts = [
                Part(frozenset(item for item in all_ if record_of(item) == record)) for all_ in (old, new)
            ]
            mask |= super().enter(*parts, shown)  # type: ignore[arg-type]
            self.about[record] |= bit
            gone = [each for item in parts[0].said - parts[1].said for each in self._together(item)]
            self._notes[bit] = {*parts[1].said} - {*parts[0].said}
            self._seen_by[bit] = [self.forgotten[item][-1].seen for item in gone]
        return mask

    def left_out(self, rules: Rules) -> int:
        """The events about what rules leave out."""
        return sum(mask for record, mask in self.about.items() if leaves_out(rules, record))

    def keep_private(self, events: int, known: int) -> None:
        """Deletions that count nowhere; what they took and nobody else knew of was never there."""
        for bit in _bits(events):
            if bit in self._seen_by:
                self._private_deletions |= bit
                for seen in self._seen_by[bit]:
                    self._private_notes |= seen & ~known

    def noted_again(self, events: int, known: int) -> set[ItemKey]:
        """What some events note though it stands for whoever knows the others."""
        items = (item for bit in _bits(events) for item in self._notes.get(bit, ()))
        return {item for item in items if self.is_alive(item, known)}

    def is_alive(self, item: ItemKey, known: int) -> bool:
        notes = self.noted.get(item, 0) & known & ~self._private_notes
        for forgetting in self.forgotten.get(item, ()):
            if forgetting.bit & known & ~self._private_deletions:
                notes &= ~forgetting.seen
        return bool(notes)

    def was_young(self, item: ItemKey, known: int) -> bool:
        return item in self.either or super().was_young(item, known & ~self._private_deletions)


def leaves_out(rules: Rules, record: RecordKey) -> bool:
    """Whether rules leave a record out; here they are about names only."""
    return any(rules.hides(name, ()) for name in names_in(record))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit


class DiskWithRules(Disk):
    """A disk that knows until when its file was looked at by which rules.

    ledger: it knows the records there are.
    """

    ledger: LedgerByRecord

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.former: list[tuple[int, Rules]] = []

    def before(self, at_us: int) -> tuple[int, Hidden]:
        mask, hidden = super().before(at_us)
        rules = [rules for until_us, rules in self.former if until_us >= at_us]
        young = [record for record in self.ledger.about if any(leaves_out(each, record) for each in rules)]
        return mask, {**hidden, **dict.fromkeys(young, mask)}


class MachineWithRules(Machine):
    """A machine that shares not everything.

    looked_by: the rules by which its file was looked at last. said: what it has said under names it shared.
    """

    ledger: LedgerByRecord
    disk: DiskWithRules

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.disk = DiskWithRules(self.disk.store, self.disk.file)
        self.disk.ledger = self.ledger
        self.looked_by = Rules()
        self.said: set[ItemKey] = set()

    def _process(self) -> Process:
        return ProcessWithRules(self)

    def follow(self, rules: Rules) -> None:
        """Other rules for every process that starts from now on."""
        self.habits = replace(self.habits, settings=replace(self.habits.settings, rules=rules))


class ProcessWithRules(Process):
    """A process that knows what it leaves out."""

    machine: MachineWithRules

    @property
    def rules(self) -> Rules:
        return self.session.settings.rules

    def saw(self, mask: int) -> None:
        super().saw(mask)
        self._looked_at = self.machine.disk.standing()

    def committed(self) -> None:
        actor = getcurrent()
        seen = self._seen.get(actor, 0)
        is_met = any(self.machine.disk.store.rows("state"))
        self._seen[actor] = self._let_through(seen) if seen and is_met else 0
        super().committed()
        if not is_met:  # a file that was never met waits for a whole round, and has said nothing yet
            self._seen[actor] = seen
        self._look_for_leaks()

    def _let_through(self, seen: int) -> int:
        """Of what was seen, what counts from now on."""
        machine, ledger, known = self.machine, self.machine.ledger, self.machine.disk.known
        before, machine.looked_by = machine.looked_by, self.rules
        if before != self.rules:
            machine.disk.former.append((machine.scheduler.now_us, before))
        left_out, was_left_out = ledger.left_out(self.rules), ledger.left_out(before)
        ledger.keep_private(seen & ~known & (left_out | was_left_out), known)
        through = seen & ~left_out
        ledger.either |= ledger.noted_again(through & was_left_out & ~known, known)
        self._let_back(before, known | through)
        return through

    def _let_back(self, before: Rules, known: int) -> None:
        """Note what the file says under names left out until now, though it was deleted elsewhere."""
        standing, ledger = self._looked_at, self.machine.ledger
        memory = server.read(standing.data) if standing is not None else None
        for item in memory.items() if memory is not None else ():
            record = record_of(item)
            is_back = leaves_out(before, record) and not leaves_out(self.rules, record)
            if is_back and not ledger.is_alive(item, known):
                ledger.either.add(item)

    def stands_for(self) -> int:
        """What is left out stays in the file, so a write goes on saying it."""
        disk = self.machine.disk
        standing = disk.standing()
        shown = disk.mask_of(standing) if standing is not None else 0
        return disk.known | (shown & self.machine.ledger.left_out(self.rules))

    def hides(self) -> Hidden:
        """Of what is left out, everything that became known since it was shown."""
        disk, standing = self.machine.disk, self.machine.disk.standing()
        shown, before = (disk.mask_of(standing) if standing is not None else 0), disk.hidden_in(standing)
        left = [record for record in self.machine.ledger.about if leaves_out(self.rules, record)]
        return {**super().hides(), **{key: disk.known & ~(shown & ~before.get(key, 0)) for key in left}}

    def _confirmed(self, replica: Replica) -> None:
        """A file that says all that is shared holds all events, but for those about what it hides."""
        disk, standing = self.machine.disk, self.machine.disk.standing()
        if standing is None or not replica.ring or not replica.is_confirmed or replica.behind:
            return
        if replica.ring.newest.hash.startswith(content_hash(standing.data)):
            hidden = self.hides()
            disk.mark(disk.mask_of(standing) | disk.known, self.machine.scheduler.now_us, hidden)

    def _look_for_leaks(self) -> None:
        """What this machine says under names it leaves out it said, or had heard, when they were not."""
        replica, machine = self.session._replica, self.machine
        for key, facts in replica.state.records_of(replica.rid).items() if replica is not None else ():
            items = {("o", key[1], str(entry.value)) for entry in facts.observations}
            items |= {key} if key[0] == "l" and facts.existence else set()
            if leaves_out(self.rules, key):
                known = {item for item in items if machine.ledger.noted.get(item, 0) & machine.disk.known}
                machine.ledger.leaks += len(items - known - machine.said)
            else:
                machine.said |= items


class FleetWithRules(Fleet):
    """A fleet in which every machine changes its mind about what it shares."""

    machine_type = MachineWithRules
    ledger: LedgerByRecord

    def __init__(self, cell: Cell, seed: int, *, keep_trace: bool = False) -> None:
        self.changes = 0
        super().__init__(cell, seed, keep_trace=keep_trace)

    def _ledger(self) -> Ledger:
        return LedgerByRecord()

    def _habits(self, name: str) -> Habits:
        habits = super()._habits(name)
        rules = self.child("rules", name).choice(RULES)
        return replace(habits, settings=replace(habits.settings, rules=rules))

    def _begin(self, member: Member) -> None:
        super()._begin(member)
        rng = self.child("mind", member.machine.name)
        self.scheduler.spawn(lambda: self._change_minds(member, rng))

    def _change_minds(self, member: Member, rng: Random) -> None:
        while True:
            self.scheduler.pause(int(min(rng.expovariate(1.0), 4.0) * MIND_US))
            if self.scheduler.now_us > self.cell.length_us:
                return
            self._follow(member, rng.choice(RULES))
            self.changes += 1

    def _follow(self, member: Member, rules: Rules) -> None:
        """Other rules: what runs is started anew with them."""
        machine = member.machine
        for process in list(machine.processes):
            process.end()
        machine.follow(rules)
        self.scheduler.note(machine.name, f"shares by {rules}")
        self.restart(member)

    def settle(self) -> None:
        """In the end everybody shares everything."""
        for member in self.members:
            member.machine.follow(Rules())
        super().settle()

    def verdict(self) -> Tally:
        tally = super().verdict()
        tally.lies += self.ledger.leaks
        return tally


FILTER_CELLS = {
    f"filters, {name}": replace(CELLS[name], name=f"filters, {name}", weight=1)
    for name in ("calm, one writer", "hub and clocks", "kill and power")
}
"""The same trouble under rules that change, held to the same bounds: leaving things out must cost nothing."""
