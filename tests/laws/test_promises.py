"""The promises of the model, one story each (laws L4 to L7, L11, L12, and what histories have taught)."""

from __future__ import annotations

import pytest

from memsync_git.guards import DeletionLimits
from memsync_git.inference import SURE_PART
from memsync_git.local.memory import WriterHandle
from memsync_git.model import Entity, Generic, Graph, Item, JsonText, Relation, Rid
from memsync_git.ports import Fetched
from memsync_git.remotes.loopback import LoopbackHub
from memsync_git.replica import Moment, Replica
from memsync_git.replica.adopting import order_of
from memsync_git.replica.identity import take_new_rid
from memsync_git.replica.receiving import receive
from memsync_git.replica.rows import transactions
from memsync_git.sync import sync_round
from tests.fakes import EventfulClock, QuietClock
from tests.laws.desks import NOON_MS, WINDOW_MS, Act, Desk, Drop, Note, Office, Renew
from tests.laws.histories import IN_2099_MS, Edit, Fleet, Forget, Machine, Say
from tests.laws.machines import Machine as Installation
from tests.laws.machines import RacedFile

ALICE_TYPE: Item = ("t", "Alice", "person")
TEA: Item = ("o", "Alice", "likes tea")
OSLO: Item = ("o", "Alice", "lives in Oslo")
SINGS: Item = ("o", "Alice", "sings")
TAGS: Item = ("f", ("e", "Alice"), "tags", JsonText('["a"]'))
OTHER_TAGS: Item = ("f", ("e", "Alice"), "tags", JsonText('["b"]'))
BOB_TYPE: Item = ("t", "Bob", "person")
CHESS: Item = ("o", "Bob", "plays chess")
LIKES: Item = ("l", "Alice", "Oslo", "likes")
WEIGHT: Item = ("f", LIKES, "weight", JsonText("1.10"))
NOTE: Item = ("d", "note")
RAINS = b'{"type":"entity","name":"Rain","entityType":"weather","observations":["falls"]}'
TEXT: Item = ("f", ("r", "note"), "text", JsonText('"buy tea"'))
MORE_TEXT: Item = ("f", ("r", "note"), "more", JsonText('"and milk"'))


def office(*items: Item, desks: int = 2) -> Office:
    """A fleet whose files all say these items, long enough ago."""
    found = Office(desks)
    found.desks[0].serve([Note(item) for item in items])
    found.settle()
    assert all(desk.file.items() >= set(items) for desk in found.desks)
    return found


def at_once(found: Office, *edits: list[Act]) -> Office:
    """Every desk's server does something before anybody hears of the others; then they meet."""
    for desk, acts in zip(found.desks, edits, strict=True):
        desk.serve(acts, wait_ms=5_000)
    found.settle()
    return found


def shown(found: Office) -> set[Item]:
    """What all files say, which is one thing."""
    files = [desk.file.items() for desk in found.desks]
    assert all(said == files[0] for said in files)
    return files[0]


# --- L4: nothing that was noted is lost


def test_an_observation_added_while_another_machine_deletes_its_twin_survives() -> None:
    found = office(ALICE_TYPE, TEA)
    at_once(found, [Drop(TEA)], [Drop(TEA), Note(TEA)])
    assert TEA not in shown(found), "nothing was written on the second desk, so nothing contests the deletion"
    found = office(ALICE_TYPE, TEA)
    ash, birch = found.desks
    ash.serve([Drop(TEA)], wait_ms=5_000)
    birch.serve([Drop(TEA)], wait_ms=5_000)
    birch.look()
    birch.serve([Note(TEA)], wait_ms=5_000)
    found.settle()
    assert shown(found) == {ALICE_TYPE, TEA}


def test_an_observation_added_while_another_machine_deletes_its_entity_survives() -> None:
    found = at_once(office(ALICE_TYPE, TEA), [Drop(ALICE_TYPE)], [Note(OSLO)])
    assert shown(found) == {ALICE_TYPE, OSLO}, "with its entity, and without what the deletion had seen"


def test_the_same_observation_noted_on_two_machines_outlives_one_of_them() -> None:
    fleet = Fleet(machines=2)
    for machine in fleet.machines:
        fleet.edit(machine, [Say(TEA)])
    fleet.edit(fleet.machines[0], [Forget(TEA)])
    fleet.everybody_meets()
    assert all(TEA in machine.items() for machine in fleet.machines)
    fleet.edit(fleet.machines[0], [Forget(TEA)])
    fleet.everybody_meets()
    assert not any(machine.items() for machine in fleet.machines), "now both had been seen"


def test_deleting_and_creating_an_entity_within_a_second_keeps_its_observations() -> None:
    found = office(ALICE_TYPE, TEA, OSLO)
    desk = found.desks[0]
    desk.serve([Drop(ALICE_TYPE)], wait_ms=5_000)
    desk.look()
    desk.serve([Note(("t", "Alice", "robot")), Note(TEA), Note(OSLO)], wait_ms=100)
    found.settle()
    assert shown(found) == {("t", "Alice", "robot"), TEA, OSLO}


def test_an_observation_forgotten_and_noted_again_within_a_second_is_noted_again() -> None:
    found = office(ALICE_TYPE, TEA, OSLO, BOB_TYPE)
    desk = found.desks[0]
    desk.serve([Drop(TEA)], wait_ms=5_000)
    desk.look()
    desk.serve([Note(TEA)], wait_ms=100)
    found.settle()
    assert shown(found) == {ALICE_TYPE, TEA, OSLO, BOB_TYPE}


def test_a_server_that_writes_back_what_another_has_deleted_creates_nothing() -> None:
    """Found by the fleet: what stands where it stood was kept, so a deletion elsewhere counts."""
    found = office(ALICE_TYPE, TEA, BOB_TYPE)
    ash, birch = found.desks
    birch.serve([Drop(TEA)], wait_ms=5_000)
    birch.look()
    ash.serve([Drop(ALICE_TYPE)], wait_ms=5_000)
    ash.look()
    ash.serve([Note(CHESS)], back=1)
    found.settle()
    assert shown(found) == {BOB_TYPE, CHESS}


def test_an_entity_deleted_and_created_unseen_outlives_its_deletion_elsewhere() -> None:
    """Row order tells it: the server appends what it creates."""
    found = office(("t", "Bergen", "city"), ALICE_TYPE, TEA, ("t", "Oslo", "city"), ("t", "Bodø", "city"))
    at_once(found, [Drop(ALICE_TYPE)], [Renew("Alice", "person")])
    assert {ALICE_TYPE, TEA} <= shown(found)


def test_two_servers_that_overwrite_each_other_lose_nothing_anybody_saw() -> None:
    found = office(ALICE_TYPE)
    desk = found.desks[0]
    desk.serve([Note(TEA)], wait_ms=5_000)
    desk.look()
    desk.serve([Note(OSLO)], back=1)
    desk.look()
    assert TEA not in desk.file.items()
    found.settle()
    assert shown(found) == {ALICE_TYPE, TEA, OSLO}


def test_a_server_that_read_before_the_file_was_written_deletes_nothing_of_it() -> None:
    found = office(ALICE_TYPE)
    ash, birch = found.desks
    birch.serve([Note(TEA)], wait_ms=5_000)
    birch.look()
    found.publish(birch)
    ash.join(found.published)
    ash.materialise()
    ash.serve([Note(OSLO)], back=1)
    found.settle()
    assert shown(found) == {ALICE_TYPE, TEA, OSLO}


def test_a_server_that_deletes_what_a_swap_deletes_too_takes_nothing_that_the_swap_brought() -> None:
    """Found by the fleet: it stands nearer to the file it never read than to the one it did."""
    found = office(ALICE_TYPE, TEA, OSLO, LIKES, BOB_TYPE)
    ash, birch = found.desks
    birch.serve([Drop(ALICE_TYPE), Note(CHESS)], wait_ms=5_000)
    birch.look()
    found.publish(birch)
    ash.join(found.published)
    ash.materialise()
    ash.serve([Drop(ALICE_TYPE), Drop(LIKES)], back=1)
    found.settle()
    assert shown(found) == {BOB_TYPE, CHESS}


def test_a_server_that_shows_what_a_swap_brought_has_read_it_and_deletes_what_it_lacks() -> None:
    """Found by the fleet: it stands nearer to the file before the swap, which would undo the deletion."""
    found = office(BOB_TYPE)
    ash, birch = found.desks
    birch.serve([Note(ALICE_TYPE), Note(TEA), Note(OSLO), Note(LIKES), Note(CHESS)], wait_ms=5_000)
    birch.look()
    found.publish(birch)
    ash.join(found.published)
    ash.materialise()
    ash.serve([Drop(ALICE_TYPE), Drop(LIKES)], wait_ms=WINDOW_MS // 4)
    found.settle()
    assert shown(found) == {BOB_TYPE, CHESS}


def test_a_type_both_machines_come_to_proves_no_reading() -> None:
    found = office(BOB_TYPE)
    ash, birch = found.desks
    birch.serve([Note(ALICE_TYPE), Note(TEA), Note(CHESS), Note(LIKES)], wait_ms=5_000)
    birch.look()
    found.publish(birch)
    ash.join(found.published)
    ash.materialise()
    ash.serve([Note(ALICE_TYPE), Note(OSLO)], back=1)
    found.settle()
    assert shown(found) == {BOB_TYPE, ALICE_TYPE, TEA, CHESS, LIKES, OSLO}


class InterruptedWriter(QuietClock):
    """While somebody waits, the server goes on with what it is writing."""

    def __init__(self) -> None:
        super().__init__()
        self.rest: list[bytes] = []
        self.handle: WriterHandle | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.rest and self.handle is not None:
            self.handle.commit(self.rest.pop(0))


def test_the_first_part_of_a_file_that_is_just_being_written_deletes_nothing() -> None:
    """Found by the fleet: a part that ends with a line looks like a whole file."""
    clock = InterruptedWriter()
    hub = LoopbackHub(clock.wall_ms)
    ash, birch = Installation("ash", hub, clock, _bergen()), Installation("birch", hub, clock, b"")
    for machine in (ash, birch, ash, birch):
        machine.sync()
    birch.write(_bergen("a town"))
    birch.sync()
    whole = _bergen("rains")
    clock.now_ms += 10_000
    clock.handle, clock.rest = ash.file.writer_open(), [whole]
    clock.handle.commit(whole.split(b"\n")[0])
    sync_round(ash.session)
    birch.sync()
    ash.sync()
    assert all(b"a town" in machine.data and b"rains" in machine.data for machine in (ash, birch))
    assert not any(txn.removed for txn in transactions(ash.store)), "nothing was ever taken for deleted"


def test_what_was_not_there_when_somebody_asked_is_there_once_a_new_machine_says_it() -> None:
    """Found by the fleet: it stayed remembered as absent, and the file lacked it, where a machine took a new
    id in the act that had brought it.
    """
    clock = QuietClock()
    hub = LoopbackHub(clock.wall_ms)
    ash, birch = Installation("ash", hub, clock, _entity("person", "hums")), Installation("birch", hub, clock)
    ash.sync()
    birch.write(_bergen("wet"))
    birch.sync()
    found, bergen = ash.remote.fetch(), ("e", "Bergen")
    assert isinstance(found, Fetched)

    def come(replica: Replica, moment: Moment) -> None:
        assert replica.target(bergen) is None
        receive(replica, found.fragments, moment)
        assert replica.target(bergen) == Entity("Bergen", "city", ("wet",))
        take_new_rid(replica, Rid("ash-0002"), None, moment)
        assert bergen in replica.behind

    ash.session.act(come)


def test_a_server_that_found_no_file_and_writes_after_us_deletes_nothing() -> None:
    """Found by the fleet, with cron: nothing had been displaced, so nobody looked once more."""
    clock = EventfulClock()
    hub = LoopbackHub(clock.wall_ms)
    ash, birch = Installation("ash", hub, clock, _bergen("wet")), Installation("birch", hub, clock, None)
    ash.sync()
    clock.meanwhile = lambda: birch.file.writer_rename(_entity("person", "hums"))
    birch.sync()
    clock.sleep(0.04)
    birch.write(birch.data + b"\n" + RAINS)
    birch.sync()
    ash.sync()
    for machine in (ash, birch):
        assert all(said in machine.data for said in (b"wet", b"hums", b"falls"))


@pytest.mark.parametrize(
    ("news", "gone"), [(("a town", "seven hills"), {"wet"}), (("wet", "a town"), set[str]())]
)
def test_what_was_overheard_of_a_file_being_written_does_not_tell_what_its_writer_had_read(
    news: tuple[str, ...], gone: set[str]
) -> None:
    """Found by the fleet: half a version was displaced, and what it said was written with what others said.
    The whole version was taken for one that had read that, and to have deleted all it lacks.
    """
    clock = InterruptedWriter()
    hub = LoopbackHub(clock.wall_ms)
    ash, birch = Installation("ash", hub, clock, _bergen("wet")), Installation("birch", hub, clock, b"")
    ash.file = file = RacedFile(clock.wall_ms, _bergen("wet"))
    ash.session = ash.process("ash")
    for machine in (ash, birch, ash, birch):
        machine.sync()
    birch.write(_bergen(*news))
    birch.sync()
    whole = RAINS + b"\n" + _bergen("wet")
    clock.now_ms += 10_000
    clock.handle = handle = file.writer_open()
    file.meanwhile = lambda: handle.commit(whole[:-20])
    clock.rest = [whole]
    sync_round(ash.session)
    birch.sync()
    ash.sync()
    for machine in (ash, birch):
        said = machine.session.replica.state.graph().items()
        assert {item[2] for item in said if item[0] == "o"} == {"likes tea", "wet", *news, "falls"} - gone


def _bergen(*observations: str) -> bytes:
    said = ",".join(f'"{text}"' for text in observations)
    city = f'{{"type":"entity","name":"Bergen","entityType":"city","observations":[{said}]}}'
    return _entity("person", "likes tea") + b"\n" + city.encode()


@pytest.mark.parametrize("standing", ["torn", "emptied", "gone"])
def test_a_store_put_back_under_a_file_that_cannot_be_read_goes_on_and_deletes_nothing(standing: str) -> None:
    """Found by the fleet: it waited for a sound file for ever, and published nothing meanwhile."""
    clock = QuietClock()
    ash = Installation("ash", LoopbackHub(clock.wall_ms), clock, _bergen())
    ash.sync()
    backup = ash.store.copy()
    ash.write(_bergen("rains", "seven hills"))
    ash.sync()
    ash.store.restore(backup)
    ash.write(ash.data[:-40] if standing == "torn" else b"")
    if standing == "gone":
        ash.file.writer_remove()
    report = ash.sync()
    assert report.file == ("damaged" if standing == "torn" else "emptied")
    said = ash.session.replica.state.graph().items()
    assert {TEA, ("o", "Bergen", "rains"), ("o", "Bergen", "seven hills")} <= said
    assert not any(txn.removed for txn in transactions(ash.store))


def test_a_crash_between_swap_and_settling_deletes_nothing_and_brings_nothing_back() -> None:
    found = office(ALICE_TYPE, OSLO)
    ash, birch = found.desks
    birch.serve([Note(TEA), Drop(OSLO)], wait_ms=5_000)
    birch.look()
    found.publish(birch)
    ash.join(found.published)
    ash.materialise(crashes=True)
    ash.serve([Note(LIKES)], wait_ms=5_000)
    found.settle()
    assert shown(found) == {ALICE_TYPE, TEA, LIKES}


def test_a_swap_that_a_crash_left_open_explains_no_deletion_for_ever() -> None:
    """Found by a generated day: the view was prepared, a server wrote over it, and it stayed a candidate."""
    hub, clock = LoopbackHub(), QuietClock()
    machine = Installation("ash", hub, clock, b"")
    machine.sync()
    machine.write(_entity("person"))
    machine.sync()
    prepared = Graph.of([Entity("Alice", "robot")])
    machine.session.act(
        lambda replica, moment: replica.intend(prepared, order_of(prepared), "prepared", moment)
    )
    machine.write(_entity("person", "likes tea", "lives in Oslo", "sings"))
    machine.sync()
    machine.sync()
    machine.write(b'{"type":"entity","name":"Bob","entityType":"person","observations":[]}')
    machine.sync()
    assert machine.session.replica.state.graph().items() == {("t", "Bob", "person")}


def _entity(kind: str, *observations: str) -> bytes:
    said = ",".join(f'"{text}"' for text in observations)
    return f'{{"type":"entity","name":"Alice","entityType":"{kind}","observations":[{said}]}}'.encode()


# --- L5: nothing that was forgotten comes back


def dropped(fleet: Fleet) -> tuple[Machine, Machine, Machine]:
    """Ash said something, birch forgot it, ash dropped the fact, birch dropped the removal; cedar slept."""
    ash, birch, cedar = fleet.machines
    fleet.edit(ash, [Say(TEA)])
    fleet.meet(birch, [(ash.rid, 0)])
    fleet.edit(birch, [Forget(TEA)])
    fleet.meet(ash, [(birch.rid, 0)])
    fleet.edit(ash, [Say(OSLO)])
    fleet.meet(birch, [(ash.rid, 0)])
    fleet.edit(birch, [Say(LIKES)])
    assert not birch.header.removed
    return ash, birch, cedar


def test_an_old_fragment_beside_a_newer_one_that_saw_more_brings_nothing_back() -> None:
    fleet = Fleet()
    ash, birch, cedar = dropped(fleet)
    fleet.meet(cedar, [(birch.rid, 0), (ash.rid, 1)])
    assert cedar.items() == {TEA, ("t", "Alice", None)}, "what birch saw of ash is missing: birch has to wait"
    fleet.meet(cedar, [(birch.rid, 0), (ash.rid, 0)])
    assert cedar.items() == {OSLO, ("t", "Alice", None), LIKES}


def test_a_fragment_older_than_the_one_joined_changes_nothing() -> None:
    fleet = Fleet()
    ash, birch, cedar = dropped(fleet)
    fleet.everybody_meets()
    before = cedar.items()
    fleet.meet(cedar, [(ash.rid, 1), (birch.rid, 1)])
    assert cedar.items() == before
    assert TEA not in before


def test_a_machine_that_slept_through_a_deletion_does_not_bring_it_back() -> None:
    found = office(ALICE_TYPE, TEA, desks=3)
    ash, birch, cedar = found.desks
    ash.serve([Drop(TEA)], wait_ms=5_000)
    for desk in (ash, birch):
        desk.look()
        found.publish(desk)
        birch.join(found.published)
        birch.materialise()
    cedar.serve([Note(OSLO)], wait_ms=100 * WINDOW_MS)
    found.settle()
    assert shown(found) == {ALICE_TYPE, OSLO}


def swapped_out_at(desk: Desk, found: Office, *items: Item) -> None:
    """Another machine has deleted these, and the file of this one has just been swapped for one without."""
    other = next(each for each in found.desks if each is not desk)
    other.serve([Drop(item) for item in items], wait_ms=5_000)
    other.look()
    found.publish(other)
    desk.join(found.published)
    desk.materialise()
    assert not desk.file.items() & set(items)


@pytest.mark.parametrize(
    ("swapped", "served"),
    [
        pytest.param([TEA, OSLO], [OSLO], id="as near to the file before"),
        pytest.param([TEA, OSLO, SINGS], [OSLO, SINGS], id="nearer to ours"),
        pytest.param([LIKES, TAGS], [LIKES], id="no observations"),
        pytest.param([ALICE_TYPE, TEA, OSLO, SINGS, TAGS, LIKES], [TEA, OSLO, SINGS, TAGS], id="an entity"),
    ],
)
def test_a_server_that_deletes_some_of_what_a_swap_deletes_brings_nothing_back(
    swapped: list[Item], served: list[Item]
) -> None:
    """Found by the fleet: it wrote 8 ms after our swap what it had read before, without some of that."""
    everything = (ALICE_TYPE, TEA, OSLO, SINGS, TAGS, LIKES, BOB_TYPE)
    found = office(*everything)
    swapped_out_at(found.desks[0], found, *swapped)
    found.desks[0].serve([Drop(item) for item in served], wait_ms=8, back=1)
    found.settle()
    assert shown(found) == set(everything).difference(swapped)


def test_a_version_put_aside_by_a_swap_that_deletes_more_brings_nothing_back() -> None:
    """The server wrote between our last look and the swap."""
    clock = QuietClock()
    hub = LoopbackHub(clock.wall_ms)
    start = _bergen("rains", "a town", "seven hills")
    ash, birch = Installation("ash", hub, clock, start), Installation("birch", hub, clock, b"")
    ash.file = file = RacedFile(clock.wall_ms, start)
    ash.session = ash.process("ash")
    for machine in (ash, birch, ash, birch):
        machine.sync()
    birch.write(_bergen("a town"))
    birch.sync()
    file.meanwhile = lambda: file.writer_rename(_bergen("a town", "seven hills"))
    for machine in (ash, birch, ash):
        machine.sync()
    assert ash.data == birch.data == _bergen("a town")


def test_what_a_swap_deletes_and_somebody_notes_again_behind_the_rest_is_noted_again() -> None:
    """A server appends: what stands behind what it preceded was noted by one that had read our file."""
    found = office(ALICE_TYPE, TEA, OSLO, SINGS)
    swapped_out_at(found.desks[0], found, TEA, OSLO)
    found.desks[0].serve([Note(TEA)], wait_ms=8)
    found.settle()
    assert shown(found) == {ALICE_TYPE, TEA, SINGS}


def test_what_a_swap_deletes_and_somebody_notes_again_a_moment_later_is_noted_again() -> None:
    found = office(ALICE_TYPE, SINGS, TEA, OSLO)
    swapped_out_at(found.desks[0], found, TEA, OSLO)
    found.desks[0].serve([Note(OSLO)], wait_ms=WINDOW_MS // SURE_PART + 10)
    found.settle()
    assert shown(found) == {ALICE_TYPE, SINGS, OSLO}


def test_an_old_copy_of_the_file_put_back_says_nothing() -> None:
    found = office(ALICE_TYPE, TEA)
    desk = found.desks[0]
    old, old_mtime_ms = desk.file, desk.mtime_ms
    desk.serve([Drop(TEA)], wait_ms=10 * WINDOW_MS)
    desk.look()
    desk.serve([Note(OSLO)], wait_ms=10 * WINDOW_MS)
    found.settle()
    desk.put(old)
    desk.mtime_ms = old_mtime_ms
    observed = desk.look()
    assert not observed.added
    assert not observed.removed
    found.settle()
    assert shown(found) == {ALICE_TYPE, OSLO}


def test_an_old_copy_put_back_as_if_it_were_new_is_recognised_and_says_nothing() -> None:
    notes: list[Item] = [("o", "Alice", f"note {at}") for at in range(6)]
    found = office(ALICE_TYPE, *notes[:3])
    desk = found.desks[0]
    old = desk.file
    for note in notes:
        desk.serve([Note(note) if note not in old.items() else Drop(note)], wait_ms=10 * WINDOW_MS)
        desk.look()
    found.settle()
    desk.now_ms += 10 * WINDOW_MS
    desk.put(old)
    observed = desk.look()
    assert observed.restored
    assert not observed.added
    assert not observed.removed


# --- L6: the last word, and conflicts


def test_two_types_written_at_once_are_a_conflict_everybody_lists_and_anybody_resolves() -> None:
    fleet = Fleet()
    ash, birch, cedar = fleet.machines
    fleet.edit(ash, [Say(ALICE_TYPE)], wall_ms=2)
    fleet.edit(birch, [Say(("t", "Alice", "robot"))], wall_ms=1)
    fleet.everybody_meets()
    for machine in fleet.machines:
        (conflict,) = machine.state.all_conflicts()
        assert [value for _, value in conflict.values] == ["person", "robot"]
        assert machine.items() == {ALICE_TYPE}, "the later one shows"
    fleet.edit(cedar, [Say(("t", "Alice", "robot"))])
    fleet.everybody_meets()
    assert all(machine.items() == {("t", "Alice", "robot")} for machine in fleet.machines)
    assert not any(list(machine.state.all_conflicts()) for machine in fleet.machines)


def test_the_same_type_written_at_once_is_no_conflict() -> None:
    fleet = Fleet(machines=2)
    for machine in fleet.machines:
        fleet.edit(machine, [Say(ALICE_TYPE)])
    fleet.everybody_meets()
    assert not any(list(machine.state.all_conflicts()) for machine in fleet.machines)


def test_two_servers_of_one_machine_that_wrote_a_field_at_once_are_a_conflict_too() -> None:
    """Found by a generated history: one replica alone may hold two live values of a register."""
    found = office(ALICE_TYPE)
    desk = found.desks[0]
    desk.serve([Note(TAGS)], wait_ms=5_000)
    desk.look()
    desk.serve([Note(OTHER_TAGS)], back=1)
    desk.look()
    (conflict,) = desk.replica.state.all_conflicts()
    assert conflict.register == TAGS[:3]


def test_a_field_changed_beside_a_deletion_that_is_held_is_no_conflict() -> None:
    """Found by reading: the old value was held back with the deletion, and the new one stood beside it."""
    notes = [("o", "Alice", f"note {at}") for at in range(8)]
    found = office(ALICE_TYPE, TAGS, *notes)
    desk = found.desks[0]
    desk.serve([*(Drop(note) for note in notes), Note(OTHER_TAGS)], wait_ms=5_000)
    observed = desk.look(limits=DeletionLimits(over=3, share=0))
    assert observed.hold is not None
    assert set(observed.hold.items) == set(notes)
    assert not list(desk.replica.state.all_conflicts())
    assert OTHER_TAGS in desk.replica.state.graph().items()


# --- L7: deleted here, edited there


@pytest.mark.parametrize(
    ("before", "deleted", "added", "wanted"),
    [
        pytest.param(
            [ALICE_TYPE, TAGS, TEA],
            ALICE_TYPE,
            OSLO,
            Entity("Alice", "person", ("lives in Oslo",), {"tags": TAGS[3]}),
            id="an entity keeps its type and fields",
        ),
        pytest.param(
            [LIKES],
            LIKES,
            WEIGHT,
            Relation("Alice", "Oslo", "likes", {"weight": WEIGHT[3]}),
            id="a relation comes back with its field",
        ),
        pytest.param(
            [NOTE, TEXT],
            NOTE,
            MORE_TEXT,
            Generic("note", {"text": TEXT[3], "more": MORE_TEXT[3]}),
            id="a row of another kind keeps its fields",
        ),
    ],
)
def test_what_is_deleted_here_and_edited_there_keeps_what_the_editor_saw(
    before: list[Item], deleted: Item, added: Item, wanted: Entity | Relation | Generic
) -> None:
    found = at_once(office(*before), [Drop(deleted)], [Note(added)])
    for desk in found.desks:
        assert desk.file.records[wanted.key] == wanted
        assert list(desk.replica.state.unanchored()) == [wanted.key], "and it is told"


def test_an_entity_deleted_elsewhere_stays_when_its_last_observation_is_deleted_here() -> None:
    """Found by a generated history: only hints knew the entity, and nothing bore them any more."""
    found = at_once(office(ALICE_TYPE, TEA), [Drop(ALICE_TYPE)], [Note(OSLO)])
    found.desks[1].serve([Drop(OSLO)], wait_ms=5_000)
    found.settle()
    assert shown(found) == {ALICE_TYPE}


def test_a_file_without_fields_takes_none_from_an_entity_that_was_deleted_elsewhere() -> None:
    """Its server cannot keep fields, and what a file cannot say is not deleted by it."""
    found = Office(projections=True)
    ash, birch = found.desks
    assert (ash.projection.fields, birch.projection.fields) == (True, False)
    ash.serve([Note(ALICE_TYPE), Note(TAGS), Note(TEA)])
    found.settle()
    at_once(found, [Drop(ALICE_TYPE)], [Note(OSLO), Note(("o", "Alice", "sings"))])
    birch.serve([Drop(OSLO)], wait_ms=5_000)
    found.settle()
    assert ash.file.items() == {ALICE_TYPE, TAGS, ("o", "Alice", "sings")}


def test_undoing_the_deletion_of_an_entity_only_hints_knew_gives_its_type_back() -> None:
    """Found by a generated history: the type had no fact, so undo did not know of it."""
    found = at_once(office(ALICE_TYPE, TEA), [Drop(ALICE_TYPE)], [Note(OSLO)])
    desk = found.desks[0]
    desk.serve([Drop(ALICE_TYPE)], wait_ms=5_000)
    observed = desk.look()
    found.settle()
    assert shown(found) == set()
    desk.command(observed.added, observed.removed)
    found.settle()
    assert shown(found) == {ALICE_TYPE, OSLO}


# --- L3: the order of rows


def test_rows_and_observations_stand_everywhere_in_the_order_they_were_first_said() -> None:
    said = [("t", "Oslo", "city"), ("t", "Alice", "person"), OSLO, TEA, ("t", "Bergen", "city")]
    relations = [("l", "Oslo", "Alice", "home of"), ("l", "Alice", "Oslo", "likes")]
    found = office(*said, *relations)
    for desk in found.desks:
        graph = desk.replica.state.graph()
        assert [key[1] for key in graph.records if key[0] == "e"] == ["Oslo", "Alice", "Bergen"]
        assert [key for key in graph.records if key[0] == "l"] == relations
        assert graph.records[("e", "Alice")] == Entity("Alice", "person", ("lives in Oslo", "likes tea"))


# --- L11 and L12: wrong clocks


def test_a_clock_set_to_2099_loses_against_a_later_write() -> None:
    fleet = Fleet(machines=2)
    ash, birch = fleet.machines
    fleet.edit(ash, [Say(("t", "Alice", "robot"))], wall_ms=IN_2099_MS)
    fleet.everybody_meets()
    fleet.edit(birch, [Say(ALICE_TYPE)], wall_ms=NOON_MS)
    fleet.everybody_meets()
    assert all(machine.items() == {ALICE_TYPE} for machine in fleet.machines)
    assert not any(list(machine.state.all_conflicts()) for machine in fleet.machines)


def test_a_clock_that_jumps_back_breaks_nothing() -> None:
    fleet = Fleet(machines=2)
    ash = fleet.machines[0]
    for wall_ms, kind in ((IN_2099_MS, "robot"), (NOON_MS, "person"), (0, "city")):
        fleet.edit(ash, [Say(("t", "Alice", kind)), Say(("o", "Alice", kind))], wall_ms=wall_ms)
    fleet.everybody_meets()
    said = {("o", "Alice", kind) for kind in ("robot", "person", "city")}
    assert all(machine.items() == {("t", "Alice", "city"), *said} for machine in fleet.machines)


@pytest.mark.parametrize("deletes_ms", [0, NOON_MS, IN_2099_MS])
def test_no_clock_makes_a_deletion_take_what_it_never_saw(deletes_ms: int) -> None:
    fleet = Fleet(machines=2)
    ash, birch = fleet.machines
    fleet.edit(ash, [Say(ALICE_TYPE), Say(TEA)], wall_ms=NOON_MS)
    fleet.everybody_meets()
    fleet.run([Edit(1, (Forget(TEA), Forget(ALICE_TYPE)), deletes_ms), Edit(0, (Say(OSLO),), 0)])
    fleet.everybody_meets()
    assert all(machine.items() == {ALICE_TYPE, OSLO} for machine in fleet.machines)
    assert TEA not in ash.items() | birch.items()


def test_a_field_deleted_here_stays_deleted_when_its_entity_is_deleted_elsewhere() -> None:
    """The hint beside what was noted before must not remember it."""
    found = office(ALICE_TYPE, TAGS)
    ash, birch = found.desks
    birch.serve([Note(OSLO)], wait_ms=5_000)
    birch.look()
    birch.serve([Drop(TAGS)], wait_ms=5_000)
    birch.look()
    ash.serve([Drop(ALICE_TYPE)], wait_ms=5_000)
    found.settle()
    assert shown(found) == {ALICE_TYPE, OSLO}


@pytest.mark.parametrize("wall_ms", [0, NOON_MS, IN_2099_MS])
def test_a_later_write_has_a_later_stamp_whatever_the_clock_says(wall_ms: int) -> None:
    """So that it also wins over a write nobody had heard of that an earlier clock would have beaten."""
    fleet = Fleet(machines=3)
    ash, birch, cedar = fleet.machines
    fleet.edit(ash, [Say(("t", "Alice", "robot"))], wall_ms=NOON_MS)
    fleet.meet(birch, [(ash.rid, 0)])
    fleet.edit(birch, [Say(ALICE_TYPE)], wall_ms=wall_ms)
    fleet.edit(cedar, [Say(("t", "Alice", "cat"))], wall_ms=NOON_MS - 1)
    fleet.everybody_meets()
    for machine in fleet.machines:
        (conflict,) = machine.state.all_conflicts()
        (later, kind), (earlier, _) = conflict.values
        assert kind == "person"
        assert later[0] > max(earlier[0], NOON_MS)
        assert later[0] >= wall_ms
