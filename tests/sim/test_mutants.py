"""The fleet simulation notices when a rule of the model is taken out.

Rule 1: a mutant takes out exactly one rule; the same histories show fewer faults, as a rule none, with it.
Rule 2: a name is replaced in the module that uses it, so a name that has moved fails loudly here.
Rule 3: the seeds were found by search, over rounds that fetch first. A change that moves the histories may
ask for others, never for a mutant to be left out in silence.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import pytest

from memsync_git.crdt import cut, pen, view
from memsync_git.crdt.changes import ALL_SEEN
from memsync_git.crdt.pen import Pen
from memsync_git.inference import Base, Kind, Ring, origin, saying
from memsync_git.model import Item, Rid
from memsync_git.remotes.loopback import LoopbackHub
from memsync_git.replica import Replica, observing, receiving
from memsync_git.sync import applying, pulling, pushing, sync_round
from memsync_git.sync import round as rounds
from tests.fakes import EventfulClock, QuietClock
from tests.laws.desks import SMALL, Desk, Drop, Note
from tests.laws.machines import Machine as Installation
from tests.laws.machines import RacedFile
from tests.sim.cells import CELLS
from tests.sim.fleet import Fleet

capturing = import_module("memsync_git.sync.capture")
LONG_MS = 60_000
APART_MS = 9_000
EVERYTHING = 1 << 60

Mutation = Callable[[pytest.MonkeyPatch], None]


class _KnowsAll(dict[Rid, int]):
    """The version vector of somebody who has seen every dot there will ever be."""

    def get(self, rid: Rid, default: Any = None) -> int:
        return EVERYTHING


# --- section 3 and 4: the view and the pen


def hints_are_not_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pen, "_hint", lambda self, key: None)


def hints_are_not_read(patch: pytest.MonkeyPatch) -> None:
    def without(live: view.Live) -> Any:
        return max(live.types, key=lambda pair: pair[0], default=None)

    patch.setattr(view, "type_of", without)


def removals_take_what_the_writer_never_saw(patch: pytest.MonkeyPatch) -> None:
    remove = Pen.remove
    patch.setattr(Pen, "remove", lambda self, item, known, unseen=ALL_SEEN: remove(self, item, _KnowsAll()))


def removals_name_the_text(patch: pytest.MonkeyPatch) -> None:
    """Who has once removed an observation never says it again: the two-phase set."""
    buried: set[tuple[Rid, Item]] = set()
    remove, mint = Pen._remove, Pen._mint

    def bury(self: Pen, item: Item, is_meant: Callable[[Rid, int], bool]) -> bool:
        buried.add((self._header.rid, item))
        return remove(self, item, is_meant)

    def unless_buried(self: Pen, item: Item, ts: int | None) -> None:
        if item[0] != "o" or (self._header.rid, item) not in buried:
            mint(self, item, ts)

    patch.setattr(Pen, "_remove", bury)
    patch.setattr(Pen, "_mint", unless_buried)


def types_are_written_without_removing_what_was_seen(patch: pytest.MonkeyPatch) -> None:
    remove = Pen._remove
    patch.setattr(
        Pen, "_remove", lambda self, item, is_meant: item[0] != "t" and remove(self, item, is_meant)
    )


# --- section 2 and 5: joining, and what may be forgotten


def a_join_takes_the_newest_of_each_without_a_closed_cut(patch: pytest.MonkeyPatch) -> None:
    def newest(stored: cut.Cut, found: Any) -> Any:
        for fragment in found:
            stored = cut.join(stored, {fragment.rid: fragment})
        return stored

    patch.setattr(receiving, "closed_cut", newest)


def a_join_keeps_the_older(patch: pytest.MonkeyPatch) -> None:
    def is_older(replica: Replica, fragment: Any) -> bool:
        known = replica.state.header(fragment.rid)
        return known is None or fragment.version < known.version

    patch.setattr(receiving, "_is_news", is_older)


def removals_are_forgotten_at_once(patch: pytest.MonkeyPatch) -> None:
    """A fragment carries only the removals of its last revision."""
    finish = Pen.finish

    def forgetful(self: Pen, **rest: Any) -> Any:
        self._header = replace(self._header, removed={})
        return finish(self, **rest)

    patch.setattr(Pen, "finish", forgetful)


def removals_are_not_listed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pen, "still_needed", lambda removed, state, own: {})


def a_fragment_is_rewritten_because_another_one_was(patch: pytest.MonkeyPatch) -> None:
    join_one = receiving._join_one

    def echoing(replica: Replica, fragment: Any, records: int, moment: Any, limits: Any) -> Any:
        joined = join_one(replica, fragment, records, moment, limits)
        replica.finish(
            Pen(replica.state, replica.header, wall_ms=moment.wall_ms), moment, "echo", anyway=True
        )
        return joined

    patch.setattr(receiving, "_join_one", echoing)


# --- section 6: identity and witness


def a_clone_keeps_its_rid(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pulling, "is_shared", lambda replica, upstream: False)


def the_witness_is_not_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rounds, "newer_witness", lambda session: None)


def an_unanswered_publish_counts_as_accepted(patch: pytest.MonkeyPatch) -> None:
    note = pushing._note

    def hopeful(session: Any, remote: Any, publication: Any, outcome: Any, line: Any, holds: str) -> None:
        note(session, remote, publication, outcome, line, holds)
        pushing._note_published(session, remote.name, publication.own)
        line.published = True

    patch.setattr(pushing, "_note", hopeful)


# --- section 7: base inference


def the_base_is_always_the_newest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observing, "nearest", lambda bases, graph, loss: bases[0])


def what_our_writes_brought_proves_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observing, "readable", lambda candidates, *_: list(candidates))


def what_our_writes_took_away_proves_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(origin, "_shows_what_went", lambda base, graph: False)


def what_is_noted_last_was_merely_read(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(origin, "_is_in_place", lambda item, was, now: True)


def what_stands_where_it_stood_was_created(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observing, "standing", lambda before, now, created: set())


def observed_states_are_no_candidates(patch: pytest.MonkeyPatch) -> None:
    candidates = Ring.candidates

    def written(self: Ring, since_ms: int, **rest: Any) -> list[Base]:
        found = candidates(self, since_ms, **rest)
        return [base for base in found if base is found[0] or base.state.kind is not Kind.OBSERVED]

    patch.setattr(Ring, "candidates", written)


def a_writer_may_have_read_long_ago(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Replica, "reach_ms", lambda self, moment: LONG_MS)


def what_was_deleted_a_moment_ago_is_not_added_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observing, "_add_again", lambda *_: None)


def row_order_and_types_tell_nothing(patch: pytest.MonkeyPatch) -> None:
    def flat(*args: Any, types_fixed: bool) -> saying.Inference:
        return saying.infer(*args, types_fixed=False)

    patch.setattr(saying, "moved_entities", lambda before, now: [])
    patch.setattr(observing, "infer", flat)


def a_pending_write_is_no_candidate(patch: pytest.MonkeyPatch) -> None:
    """It never enters the ring before the swap."""
    candidates = Ring.candidates
    patch.setattr(
        Ring,
        "candidates",
        lambda self, since_ms, **rest: [
            base for base in candidates(self, since_ms, **rest) if base.state.kind is not Kind.PENDING
        ],
    )


def a_power_cut_changes_nothing(patch: pytest.MonkeyPatch) -> None:
    candidates = Ring.candidates
    patch.setattr(
        Ring,
        "candidates",
        lambda self, since_ms, all_states=False, **told: candidates(self, since_ms, **told),
    )
    patch.setattr(Ring, "nothing", lambda self: next(self.bases()))


def a_joined_state_is_not_confirmed(patch: pytest.MonkeyPatch) -> None:
    """The newest entry's vv stays behind what the file says."""
    patch.setattr(Replica, "confirm", lambda *_: None)


def an_emptied_or_torn_file_is_believed(patch: pytest.MonkeyPatch) -> None:
    def believed(session: Any, standing: Any, data: bytes, *, accepted: bool) -> Any:
        return capturing.Captured("good", standing, replace(session.decode(data), damage=()))

    patch.setattr(capturing, "_decoded", believed)


def a_first_part_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(capturing, "_is_first_part", lambda *_: False)


def a_restored_backup_is_an_ordinary_edit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observing, "_is_restored", lambda *_: False)


def large_deletions_are_not_held(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observing, "_held_deletion", lambda *_: None)


def held_dots_stay_when_the_item_reappears(patch: pytest.MonkeyPatch) -> None:
    def leave(self: Replica, item: Item, pen: Pen) -> None:
        self.holds = {name: hold.without([item], {}) for name, hold in self.holds.items()}

    patch.setattr(Replica, "leave_holds", leave)


# --- section 8: writing the file back


def what_the_swap_displaced_is_not_inspected(patch: pytest.MonkeyPatch) -> None:
    def uninspected(session: Any, captured: Any, outcome: Any, by: int, *_: Any) -> list[applying.Lingering]:
        there = outcome.snapshot
        return [] if there is None else [applying.Lingering(outcome, there.data, by)]

    patch.setattr(applying, "_inspect", uninspected)


def nothing_is_looked_at_once_more(patch: pytest.MonkeyPatch) -> None:
    def forget(session: Any, lingering: Any, report: Any) -> None:
        for waiting in lingering:
            session.world.file.forget(waiting.displaced)

    patch.setattr(rounds, "look_once_more", forget)


# --- directed histories, for what a whole fleet meets too rarely


def _tea(name: str = "Alice", text: str = "likes tea") -> Item:
    return ("o", name, text)


def _people(*names: str) -> list[Note]:
    return [Note(item) for name in names for item in (("t", name, "person"), _tea(name))]


def _shown(desk: Desk) -> set[Item]:
    return desk.replica.state.graph().items()


def _met(edits: list[Note]) -> tuple[Desk, Desk]:
    """Two desks that both hold what the first one noted."""
    ash, birch = Desk("ash"), Desk("birch")
    ash.serve(edits)
    ash.look()
    birch.join([ash.publish()])
    birch.materialise()
    return ash, birch


def a_twin_the_writer_never_saw() -> int:
    """Noted on two machines, deleted on one of them before its file knew of the other's."""
    ash, birch = _met(_people("Alice"))
    ash.serve([Note(_tea(text="hums"))])
    ash.look()
    birch.serve([Note(_tea(text="hums"))])
    birch.look()
    ash.join([birch.publish()])
    ash.serve([Drop(_tea(text="hums"))], wait_ms=APART_MS)
    ash.look()
    return int(_tea(text="hums") not in _shown(ash))


def a_twin_the_file_has_said() -> int:
    """Noted on two machines and joined on one; whoever deletes it there now has seen both."""
    ash, birch = _met(_people("Alice"))
    for desk in (ash, birch):
        desk.serve([Note(_tea(text="hums"))])
        desk.look()
    ash.join([birch.publish()])
    ash.materialise()
    ash.serve([Drop(_tea(text="hums"))], wait_ms=APART_MS)
    ash.look()
    return int(_tea(text="hums") in _shown(ash))


def a_revision_that_comes_before_the_one_it_had_seen() -> int:
    """Birch forgets a removal because ash has dropped the fact; cedar still holds it."""
    ash, birch = _met(_people("Alice", "Bob"))
    cedar = Desk("cedar")
    first = ash.publish()
    birch.serve([Drop(_tea())], wait_ms=APART_MS)
    birch.look()
    cedar.join([first, birch.publish()])
    for desk, other in ((ash, birch), (birch, ash)):
        desk.join([other.publish()])
        desk.materialise()
        desk.serve([Note(_tea(text=f"seen by {desk.name}"))], wait_ms=APART_MS)
        desk.look()
    cedar.join([birch.publish()])
    return int(_tea() in _shown(cedar))


def a_crash_between_the_swap_and_its_note() -> int:
    """A server deletes what a swap had brought that nobody could note any more."""
    ash, birch = _met(_people("Alice"))
    birch.serve(_people("Bob", "Carol", "Dora"))
    birch.look()
    ash.join([birch.publish()])
    ash.materialise(crashes=True)
    ash.serve([Drop(_tea("Bob"))])
    ash.look()
    return int(_tea("Bob") in _shown(ash))


def a_held_deletion_made_elsewhere_too() -> int:
    """Held here, noted again here, and deleted elsewhere before anybody heard of that."""
    names = ("Alice", "Bob", "Carol", "Dora", "Emil")
    ash, birch = _met(_people(*names))
    ash.serve([Drop(_tea(name)) for name in names[:4]], wait_ms=APART_MS)
    ash.look(limits=SMALL)
    ash.serve([Note(_tea())], wait_ms=APART_MS)
    ash.look(limits=SMALL)
    birch.serve([Drop(_tea())], wait_ms=APART_MS)
    birch.look()
    ash.join([birch.publish()])
    return int(_tea() not in _shown(ash))


def a_creation_after_a_deletion_that_was_seen() -> int:
    """The last entity goes and comes again, with one note more: the row order tells nothing."""
    ash, _ = _met(_people("Bob", "Alice"))
    ash.serve([Drop(("t", "Alice", "person"))], wait_ms=APART_MS)
    ash.look()
    ash.serve([*_people("Alice"), Note(_tea(text="hums"))])
    ash.look()
    return int(_tea() not in _shown(ash))


def a_deletion_beside_a_swap_that_deletes_the_same() -> int:
    """The server had read before the swap; what else the swap brought it never saw."""
    ash, birch = _met(_people("Alice", "Bob"))
    birch.serve([Drop(("t", "Alice", "person")), Note(_tea("Bob", "plays chess"))], wait_ms=APART_MS)
    birch.look()
    ash.join([birch.publish()])
    ash.materialise()
    ash.serve([Drop(("t", "Alice", "person"))], back=1)
    ash.look()
    return int(_tea("Bob", "plays chess") not in _shown(ash))


def _after_a_swap_that_takes(*items: Item) -> Desk:
    """A desk from whose file a swap has just taken what was deleted elsewhere."""
    ash, birch = _met([*_people("Alice"), Note(_tea(text="hums")), Note(_tea(text="sings"))])
    birch.serve([Drop(item) for item in items], wait_ms=APART_MS)
    birch.look()
    ash.join([birch.publish()])
    ash.materialise()
    return ash


def a_deletion_of_some_of_what_a_swap_deletes() -> int:
    """The server had read before the swap, so that it shows what else the swap took away."""
    ash = _after_a_swap_that_takes(_tea(), _tea(text="hums"))
    ash.serve([Drop(_tea(text="hums"))], wait_ms=8, back=1)
    ash.look()
    return int(_tea() in _shown(ash))


def a_note_that_is_made_again_right_after_a_swap() -> int:
    """It stands behind what it preceded: the server had read what the swap wrote."""
    ash = _after_a_swap_that_takes(_tea(), _tea(text="hums"))
    ash.serve([Note(_tea())], wait_ms=8)
    ash.look()
    return int(_tea() not in _shown(ash))


def a_second_server_that_writes_back_what_the_first_has_deleted() -> int:
    """Deleted elsewhere as well, before anybody heard of that."""
    ash, birch = _met(_people("Alice", "Bob"))
    birch.serve([Drop(_tea())], wait_ms=APART_MS)
    birch.look()
    ash.serve([Drop(("t", "Alice", "person"))], wait_ms=APART_MS)
    ash.look()
    ash.serve([Note(_tea("Bob", "plays chess"))], back=1)
    ash.look()
    ash.join([birch.publish()])
    return int(_tea() in _shown(ash))


class _Booted(EventfulClock):
    """Boots can be counted."""

    boots = 0

    def boot_id(self) -> str:
        return f"boot {self.boots}"


def _file(*names: str) -> bytes:
    row = {"type": "entity", "entityType": "person", "observations": ["likes tea"]}
    return b"\n".join(json.dumps({**row, "name": name}).encode() for name in names)


def _names(machine: Installation) -> set[str]:
    return {key[1] for key in machine.session.replica.state.graph().records}


def a_file_that_stays_torn() -> int:
    """Its writer died in the middle of it, long ago."""
    clock = QuietClock()
    ash = Installation("ash", LoopbackHub(clock.wall_ms), clock, _file("Alice", "Bob", "Carol"))
    ash.sync()
    ash.write(_file("Alice", "Bob", "Carol")[:-70])
    ash.sync()
    return len({"Alice", "Bob", "Carol"} - _names(ash))


def a_file_that_is_just_being_written() -> int:
    """Its writer writes in place: the first lines are there, and the others a moment later.

    What counts as a fault is a revision: nobody has noted or deleted anything.
    """
    clock = _Booted()
    ash = Installation("ash", LoopbackHub(clock.wall_ms), clock, _file("Alice", "Bob", "Carol"))
    ash.sync()
    revisions = ash.session.replica.header.rev
    ash.write(_file("Alice", "Bob"))
    clock.meanwhile = lambda: ash.file.writer_rename(_file("Alice", "Bob", "Carol"))
    sync_round(ash.session)
    return ash.session.replica.header.rev - revisions


def a_file_put_back_by_a_power_cut() -> int:
    """What servers wrote in the last half minute never reached the disk."""
    clock = _Booted()
    ash = Installation("ash", LoopbackHub(clock.wall_ms), clock, _file("Alice"))
    ash.sync()
    ash.write(_file("Alice", "Bob"))
    ash.sync()
    clock.boots += 1
    ash.write(_file("Alice"))
    ash.sync()
    return len({"Alice", "Bob"} - _names(ash))


def a_write_into_what_was_displaced() -> int:
    """A server that writes in place had opened the file before our swap, and writes after it."""
    clock = _Booted()
    hub = LoopbackHub(clock.wall_ms)
    ash, birch = (Installation(name, hub, clock, _file("Alice")) for name in ("ash", "birch"))
    for machine in (ash, birch):
        machine.sync()
    birch.write(_file("Alice", "Bob"))
    birch.sync()
    handle = ash.file.writer_open()
    clock.meanwhile = lambda: handle.commit(_file("Alice", "Carol"))
    ash.sync()
    return len({"Alice", "Bob", "Carol"} - _names(ash))


def a_write_just_before_the_swap() -> int:
    """A server writes after our last look, so that it is the server's file that the swap puts aside."""
    clock = QuietClock()
    hub = LoopbackHub(clock.wall_ms)
    ash, birch = (Installation(name, hub, clock, _file("Alice")) for name in ("ash", "birch"))
    ash.file = raced = RacedFile(clock.wall_ms, _file("Alice"))
    ash.session = ash.process("ash")
    for machine in (ash, birch):
        machine.sync()
    birch.write(_file("Alice", "Bob"))
    birch.sync()
    raced.meanwhile = lambda: raced.writer_rename(_file("Alice", "Carol"))
    ash.sync()
    return len({"Alice", "Bob", "Carol"} - _names(ash))


def a_backup_put_back() -> int:
    """The file of an hour ago, with its old time."""
    ash = Desk("ash")
    ash.serve(_people("Alice"))
    ash.look()
    old, old_ms = ash.file, ash.mtime_ms
    for at in range(8):
        ash.serve([Note(_tea(text=f"note {at}"))], wait_ms=LONG_MS)
        ash.look()
    ash.put(old)
    ash.mtime_ms = old_ms
    ash.look()
    return sum(_tea(text=f"note {at}") not in _shown(ash) for at in range(8))


def a_memory_that_is_nearly_emptied() -> int:
    """Everything goes at once, and nobody was asked."""
    names = ("Alice", "Bob", "Carol", "Dora", "Emil", "Fay")
    ash, _ = _met(_people(*names))
    ash.serve([Drop(("t", name, "person")) for name in names], wait_ms=APART_MS)
    ash.look(limits=SMALL)
    return sum(("t", name, "person") not in _shown(ash) for name in names)


@dataclass(frozen=True, slots=True)
class Histories:
    """Whole histories of one cell. field: the count of the tally that gets worse."""

    cell: str
    field: str
    seeds: tuple[int, ...]

    def __call__(self) -> int:
        """The faults of all of them together."""
        cell = replace(CELLS[self.cell], push_first=0.0)
        return sum(getattr(Fleet(cell, seed).run(), self.field) for seed in self.seeds)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule taken out, and the faults that shows in. rule: where the model page says it."""

    mutate: Mutation
    rule: str
    faults: Callable[[], int]

    @property
    def name(self) -> str:
        return self.mutate.__name__


CALM, HUB, NEVER = "calm, one writer", "hub and clocks", "hub and clocks, 0 %"

MUTANTS = (
    Mutant(hints_are_not_written, "2, hint", Histories(HUB, "typeless", (1, 6, 10))),
    Mutant(hints_are_not_read, "2, hint", Histories(HUB, "typeless", (1, 6, 10))),
    Mutant(
        a_join_takes_the_newest_of_each_without_a_closed_cut,
        "2, closed cut",
        a_revision_that_comes_before_the_one_it_had_seen,
    ),
    Mutant(a_join_keeps_the_older, "2, join", Histories(HUB, "diverged", (0, 4))),
    Mutant(removals_take_what_the_writer_never_saw, "4, remove: n ≤ base.vv[g]", a_twin_the_writer_never_saw),
    Mutant(removals_name_the_text, "4, remove: dots", Histories(CALM, "lost", (0, 2, 5))),
    Mutant(
        types_are_written_without_removing_what_was_seen,
        "4, write_register",
        Histories(CALM, "conflicts_false", (0, 2, 12, 13)),
    ),
    Mutant(removals_are_forgotten_at_once, "5, removed", Histories(CALM, "back", (2, 5, 8, 12))),
    Mutant(removals_are_not_listed, "5, removed", Histories(CALM, "back", (2, 8, 12))),
    Mutant(
        a_fragment_is_rewritten_because_another_one_was, "5, a quiet fleet", Histories(CALM, "noisy", (0,))
    ),
    Mutant(a_clone_keeps_its_rid, "6, identity", Histories("clone", "lost", (1, 6, 12))),
    Mutant(the_witness_is_not_asked, "6, witness", Histories("store restored", "back", (14, 15, 18, 20))),
    Mutant(an_unanswered_publish_counts_as_accepted, "6, accepted", Histories(HUB, "lies", (7, 8))),
    Mutant(the_base_is_always_the_newest, "7, base", Histories(NEVER, "lost", (0, 2, 4, 5, 8))),
    Mutant(
        what_our_writes_brought_proves_nothing,
        "7, base (decision 4)",
        a_deletion_beside_a_swap_that_deletes_the_same,
    ),
    Mutant(
        what_our_writes_took_away_proves_nothing,
        "7, base (decision 81)",
        a_deletion_of_some_of_what_a_swap_deletes,
    ),
    Mutant(
        what_is_noted_last_was_merely_read,
        "7, base (decision 81)",
        a_note_that_is_made_again_right_after_a_swap,
    ),
    Mutant(
        what_stands_where_it_stood_was_created,
        "7, additions (decision 4)",
        a_second_server_that_writes_back_what_the_first_has_deleted,
    ),
    Mutant(observed_states_are_no_candidates, "7, ring", Histories(NEVER, "lost", (5, 7, 11, 12))),
    Mutant(a_writer_may_have_read_long_ago, "7, W", Histories(NEVER, "back", (4, 10, 11, 13))),
    Mutant(
        what_was_deleted_a_moment_ago_is_not_added_again,
        "7, additions",
        a_creation_after_a_deletion_that_was_seen,
    ),
    Mutant(
        row_order_and_types_tell_nothing, "7, re-created", Histories("cron, one writer", "lost", (2, 7, 11))
    ),
    Mutant(a_pending_write_is_no_candidate, "7, pending", a_crash_between_the_swap_and_its_note),
    Mutant(a_power_cut_changes_nothing, "7, boot", a_file_put_back_by_a_power_cut),
    Mutant(a_joined_state_is_not_confirmed, "7, a join that leaves the file", a_twin_the_file_has_said),
    Mutant(an_emptied_or_torn_file_is_believed, "7, guard 1", a_file_that_stays_torn),
    Mutant(a_first_part_is_believed, "7, guard 1, still shrinking", a_file_that_is_just_being_written),
    Mutant(a_restored_backup_is_an_ordinary_edit, "7, guard 2", a_backup_put_back),
    Mutant(large_deletions_are_not_held, "7, guard 3", a_memory_that_is_nearly_emptied),
    Mutant(held_dots_stay_when_the_item_reappears, "7, a hold", a_held_deletion_made_elsewhere_too),
    Mutant(what_the_swap_displaced_is_not_inspected, "8, inspected", a_write_just_before_the_swap),
    Mutant(nothing_is_looked_at_once_more, "8, linger", a_write_into_what_was_displaced),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_is_noticed_when(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    with_the_rule = mutant.faults()
    mutant.mutate(monkeypatch)
    assert mutant.faults() > with_the_rule, f"model page, section {mutant.rule}"
