"""What a decision writes ends the contest wherever it arrives, and never two decisions in a loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.conflicts import (
    Answer,
    Chosen,
    Nobody,
    Several,
    Survivor,
    contests,
    deleted,
    field_of,
    record_key,
    restored,
    settled,
    taken_by_delete,
    value_by,
    written_value,
)
from memsync_git.crdt.state import State
from memsync_git.crdt.view import Conflict
from memsync_git.model import Entity, Generic, JsonText, Relation, Rid, items_of
from memsync_git.replica import Replica

from .replicas import CLOCKWORK, items, replica, saves, tells

TYPES = ("planet", "metal", "god", None)


def answered(machine: Replica, answer: Answer) -> None:
    machine.write(answer.removed, answer.added, CLOCKWORK.moment(), cause="resolve", anew=True)


def contested(*kinds: str | None) -> list[Replica]:
    """Machines that gave Mercury these types without knowing of each other."""
    machines = [replica(f"m{at}", Entity("Mercury", kind)) for at, kind in enumerate(kinds)]
    meet(machines)
    return machines


def meet(machines: list[Replica]) -> None:
    for machine in machines:
        tells(machine, *(other for other in machines if other is not machine))


def conflict_of(machine: Replica) -> Conflict:
    (found,) = contests(machine.state)
    assert isinstance(found, Conflict)
    return found


@given(st.sampled_from(TYPES), st.sampled_from(TYPES), st.sampled_from(TYPES))
def test_two_decisions_at_once_are_at_most_one_new_conflict_and_a_third_ends_it(
    one: str | None, two: str | None, last: str | None
) -> None:
    laptop, desk, tablet = machines = contested("planet", "metal", "god")
    answered(laptop, settled(conflict_of(laptop), one))
    answered(desk, settled(conflict_of(desk), two))
    meet(machines)
    values = [{value for _, value in found.values} for found in contests(tablet.state)]
    assert values == ([{one, two}] if one != two else [])
    for found in contests(tablet.state):
        assert isinstance(found, Conflict)
        answered(tablet, settled(found, last))
    meet(machines)
    expected = last if one != two else one
    for machine in machines:
        assert contests(machine.state) == []
        assert machine.state.record(("e", "Mercury")) == Entity("Mercury", expected)


def test_a_value_is_taken_by_label_by_id_by_mine_and_by_newest() -> None:
    laptop, desk = contested("planet", "metal")
    found = conflict_of(laptop)
    labels = {laptop.rid: "study", desk.rid: "office"}

    def by(who: str) -> Chosen | Nobody | Several:
        return value_by(found, who, own=laptop.rid, labels=labels)

    assert by("study") == by("mine") == by(laptop.rid) == Chosen("planet")
    assert by("office") == by(desk.rid) == Chosen("metal")
    assert by("newest") == Chosen(found.values[0][1])
    assert by("kitchen") == Nobody()
    assert value_by(found, "mine", own=Rid("tablet-0001"), labels=labels) == Nobody()
    same = dict.fromkeys(labels, "laptop")
    assert value_by(found, "laptop", own=laptop.rid, labels=same) == Several((laptop.rid, desk.rid))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("3", "3"), ('"3"', '"3"'), ("blue", '"blue"'), ('{"b": 1, "a": 2}', '{"a":2,"b":1}'), ("", '""')],
)
def test_what_is_typed_for_a_field_is_json_or_else_text(typed: str, stored: str) -> None:
    register = Conflict(("f", ("r", "x"), "colour"), ())
    assert written_value(register, typed) == stored
    assert written_value(Conflict(("t", "x"), ()), typed) == typed


ALICE = Entity("Alice", "person", ("likes tea", "tall"), {"age": JsonText("7")})
KNOWS = Relation("Alice", "Bob", "knows", {"since": JsonText("1")})
NOTE = Generic("n1", {"text": JsonText('"a"'), "tags": JsonText("[]")})


def edited_while_deleted() -> tuple[Replica, Replica, State]:
    """The laptop deletes three records, the desk writes to each; the memory as it was before."""
    laptop, desk = replica("laptop", ALICE, KNOWS, NOTE), replica("desk")
    tells(laptop, desk)
    before = State(laptop.state.fragments().values())
    saves(laptop)
    changes = [
        ("o", "Alice", "moved"),
        ("f", KNOWS.key, "since", JsonText("2")),
        ("f", NOTE.key, "text", JsonText('"b"')),
    ]
    gone = [("f", KNOWS.key, "since", JsonText("1")), ("f", NOTE.key, "text", JsonText('"a"'))]
    desk.write(gone, changes, CLOCKWORK.moment(), cause="edit")
    meet([laptop, desk])
    return laptop, desk, before


def survivors(machine: Replica) -> list[Survivor]:
    return [found for found in contests(machine.state) if isinstance(found, Survivor)]


def test_a_record_of_any_kind_can_survive_its_deletion() -> None:
    laptop, _, _ = edited_while_deleted()
    found = {record_key(each): [item for _, item in each.kept] for each in survivors(laptop)}
    assert found == {
        ALICE.key: [("o", "Alice", "moved")],
        KNOWS.key: [("f", KNOWS.key, "since", "2")],
        NOTE.key: [("f", NOTE.key, "text", '"b"')],
    }
    assert {field_of(each) for each in survivors(laptop)} == {""}


def test_a_restore_brings_every_kind_of_record_back_whole() -> None:
    laptop, desk, before = edited_while_deleted()
    for each in survivors(desk):
        taken = taken_by_delete(before, desk.state, each.key)
        answered(desk, restored(desk.state, each, taken))
    meet([laptop, desk])
    for machine in (laptop, desk):
        assert contests(machine.state) == []
        assert items(machine) == {
            *items_of(ALICE),
            ("o", "Alice", "moved"),
            *items_of(Relation("Alice", "Bob", "knows", {"since": JsonText("2")})),
            *items_of(Generic("n1", {"text": JsonText('"b"'), "tags": JsonText("[]")})),
        }


def test_a_restore_that_knows_of_no_past_anchors_what_there_is() -> None:
    laptop, desk, _ = edited_while_deleted()
    for each in survivors(laptop):
        answered(laptop, restored(laptop.state, each, ()))
    meet([laptop, desk])
    assert contests(desk.state) == []
    kept = desk.state.record(ALICE.key)
    assert isinstance(kept, Entity)
    assert (kept.type, kept.observations) == ("person", ("moved",))


def test_what_was_there_all_along_does_not_count_as_brought_back() -> None:
    _, desk, before = edited_while_deleted()
    alice = survivors(desk)[0]
    answer = restored(desk.state, alice, taken_by_delete(before, desk.state, alice.key))
    written = desk.write((), answer.added, CLOCKWORK.moment(), cause="resolve", anew=True)
    assert ("o", "Alice", "moved") not in written.added
    assert {("o", "Alice", "likes tea"), ("o", "Alice", "tall")} <= set(written.added)


def test_a_delete_leaves_nothing_of_any_kind() -> None:
    laptop, desk, _ = edited_while_deleted()
    for each in survivors(laptop):
        answered(laptop, deleted(laptop.state, each))
    meet([laptop, desk])
    for machine in (laptop, desk):
        assert items(machine) == set()
        assert contests(machine.state) == []


def test_a_restore_beats_a_delete_decided_at_the_same_time() -> None:
    laptop, desk, before = edited_while_deleted()
    alice = survivors(desk)[0]
    answered(laptop, deleted(laptop.state, alice))
    answered(desk, restored(desk.state, alice, taken_by_delete(before, desk.state, ALICE.key)))
    meet([laptop, desk])
    for machine in (laptop, desk):
        record = machine.state.record(ALICE.key)
        assert isinstance(record, Entity)
        assert (record.type, set(record.observations)) == ("person", {"likes tea", "tall", "moved"})
