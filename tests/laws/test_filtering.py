"""Rules about what is shared: what is left out stays where it is, and a rule that changes deletes nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.deeds.amends import going_back
from memsync_git.model import Entity, Generic, Graph, Item, Relation
from memsync_git.ports import Unreachable
from memsync_git.remotes.loopback import LoopbackHub
from memsync_git.replica.amending import make_amends
from memsync_git.replica.filtering import Rules, hidden_names, left_out, without_names
from memsync_git.sync import RoundReport, capture, sync_round
from tests.fakes import EventfulClock
from tests.laws.machines import Machine

NAMES = ("Alice", "Bob", "Secret plan", "Draft 1")
KINDS = ("person", "draft", "project")
RULES = (
    Rules(),
    Rules(),
    Rules(exclude=("Secret*",)),
    Rules(exclude=("draft",)),
    Rules(include=("person", "Draft*")),
    Rules(include=("*",), exclude=("Bob",)),
    Rules(exclude=("*",)),
)
BALLAST = Entity("Ballast", "person", tuple(f"fact {number}" for number in range(20)))
"""What stays: a version that keeps more than it lost was written from the newest state."""


# --- which names


@pytest.mark.parametrize(
    ("rules", "left_out"),
    [
        (Rules(), set()),
        (Rules(exclude=("Secret*",)), {"Secret plan"}),
        (Rules(exclude=("person",)), {"Alice"}),
        (Rules(include=("person",)), {"Secret plan", "note", "Oslo"}),
        (Rules(include=("*",), exclude=("n?te",)), {"note"}),
        (Rules(include=("Alice", "Oslo"), exclude=("person",)), {"Alice", "Secret plan", "note"}),
    ],
)
def test_globs_match_names_and_types_and_exclude_wins(rules: Rules, left_out: set[str]) -> None:
    records = (
        Entity("Alice", "person", ()),
        Entity("Secret plan", None, ()),
        Generic("note", {}),
        Relation("Alice", "Oslo", "likes"),
    )
    assert hidden_names(rules, records) == left_out


def test_any_type_a_name_is_known_with_counts() -> None:
    records = (Entity("Alice", "person", ()), Entity("Alice", "draft", ()))
    assert hidden_names(Rules(exclude=("draft",)), records) == {"Alice"}
    assert hidden_names(Rules(include=("person",)), records) == {"Alice"}
    assert hidden_names(Rules(include=("person", "draft")), records) == set()


# --- what becomes of them


class Desk(Machine):
    """A machine whose rules may change, and whose server writes whole files."""

    def says(self, *records: Entity | Relation) -> None:
        self.write(b"\n".join(json.dumps(row(record)).encode() for record in records))

    def says_at_once(self, *records: Entity | Relation) -> None:
        """The same a moment after whatever was before, and it is noticed."""
        self.clock.now_ms += 100
        self.file.writer_rename(b"\n".join(json.dumps(row(record)).encode() for record in records))
        capture(self.session, RoundReport())

    def follows(self, rules: Rules) -> None:
        """Another configuration from now on: a new process."""
        name = f"{self.session.replica.host}{self.clock.now_ms}"
        self.session = self.process(name)
        self.session.settings = replace(self.session.settings, rules=rules)

    @property
    def graph(self) -> Graph:
        decoded = self.session.decode(self.file.writer_read() or b"")
        return decoded.graph

    def run(self) -> RoundReport:
        return self.sync()


def row(record: Entity | Relation) -> dict[str, object]:
    if isinstance(record, Relation):
        ends = {"from": record.source, "to": record.target}
        return {"type": "relation", **ends, "relationType": record.kind}
    said = {"name": record.name, "entityType": record.type}
    return {"type": "entity", **said, "observations": list(record.observations)}


def pair() -> tuple[Desk, Desk, LoopbackHub]:
    clock = EventfulClock()
    hub = LoopbackHub(clock.wall_ms)
    return Desk("desk", hub, clock, b""), Desk("phone", hub, clock, b""), hub


def both_know(*records: Entity | Relation) -> tuple[Desk, Desk]:
    """Two machines that share these records, before any rule."""
    desk, phone, _ = pair()
    desk.says(*records)
    desk.run()
    phone.run()
    return desk, phone


def shared(hub: LoopbackHub) -> str:
    """Everything the hub holds, as text."""
    return "".join(
        repr(commit.fragment) + repr(list(commit.fragment.records.items())) for commit in hub.hosts.values()
    )


SECRET = Entity("Secret plan", "draft", ("rob the bank",))
BOB = Entity("Bob", "person", ("plays chess",))
KNOWS = Relation("Bob", "Secret plan", "knows of")


def test_what_is_left_out_stays_in_the_file_and_is_never_published() -> None:
    desk, phone, hub = pair()
    desk.follows(Rules(exclude=("Secret*",)))
    phone.run()
    desk.says(BALLAST, SECRET, BOB, KNOWS)
    before = desk.data
    desk.run()
    desk.run()
    assert desk.data == before
    assert "rob the bank" not in shared(hub)
    assert "knows of" not in shared(hub)
    phone.run()
    assert {record.key for record in phone.graph} == {BALLAST.key, BOB.key}


def test_what_others_share_under_that_name_is_not_written_here() -> None:
    desk, phone, _ = pair()
    phone.says(BALLAST, SECRET, BOB)
    phone.run()
    desk.follows(Rules(exclude=("draft",)))
    desk.run()
    assert {record.key for record in desk.graph} == {BALLAST.key, BOB.key}
    desk.follows(Rules())
    desk.run()
    assert desk.graph.items() == phone.graph.items()


def test_what_is_left_out_later_is_deleted_nowhere_whatever_happens_to_it_here() -> None:
    desk, phone = both_know(BALLAST, SECRET, BOB)
    desk.follows(Rules(exclude=("Secret*",)))
    desk.run()
    desk.says(BALLAST, BOB)
    report = desk.run()
    assert (report.local.removed, report.wrote_file) == (0, False)
    phone.run()
    assert SECRET.key in phone.graph.records
    desk.follows(Rules())
    desk.run()
    assert desk.graph.records[SECRET.key] == SECRET


def test_what_is_deleted_here_right_after_it_is_left_out_is_never_deleted_elsewhere() -> None:
    """So soon that the state before the rule may still be in a writer's hands."""
    whole = replace(SECRET, observations=("rob the bank", "at night"))
    desk, phone = both_know(BALLAST, whole, BOB)
    desk.says_at_once(BALLAST, whole, BOB, Entity("Cid", "person", ()))
    desk.follows(Rules(exclude=("Secret*",)))
    sync_round(desk.session)
    desk.says_at_once(BALLAST, SECRET, BOB, Entity("Cid", "person", ()))
    desk.clock.now_ms += 3_600_000
    desk.follows(Rules())
    assert desk.run().local.removed == 0
    phone.run()
    for machine in (desk, phone):
        assert machine.graph.records[SECRET.key].observations == ("rob the bank", "at night")


def test_what_a_rule_leaves_out_does_not_tell_what_a_version_was_written_from() -> None:
    """A second server writes what it read before us; the first has just deleted much of what is left out."""
    secret = replace(SECRET, observations=("rob the bank", "at night", "with Bob"))
    desk, phone = both_know(BALLAST, secret, BOB)
    phone.says(BALLAST, secret, replace(BOB, observations=("plays chess", "lost a pawn")))
    phone.run()
    desk.run()
    desk.says_at_once(BALLAST, replace(BOB, observations=("plays chess", "lost a pawn")))
    desk.follows(Rules(exclude=("Secret*",)))
    desk.says_at_once(BALLAST, secret, BOB)
    desk.run()
    phone.run()
    assert phone.graph.records[BOB.key].observations == ("plays chess", "lost a pawn")


def test_what_was_noted_while_it_was_left_out_is_kept_when_it_is_shared_again() -> None:
    desk, phone = both_know(BALLAST, SECRET)
    desk.follows(Rules(exclude=("Secret*",)))
    desk.run()
    desk.says(BALLAST, replace(SECRET, observations=("rob the bank", "at night")))
    desk.run()
    phone.says(BALLAST, replace(SECRET, observations=("rob the bank", "in May")))
    phone.run()
    desk.run()
    assert "in May" not in desk.data.decode()
    desk.follows(Rules())
    desk.run()
    phone.run()
    for machine in (desk, phone):
        assert set(machine.graph.records[SECRET.key].observations) == {"rob the bank", "at night", "in May"}


def test_what_others_noted_while_it_was_left_out_outlives_its_twin_here() -> None:
    desk, phone = both_know(BALLAST, SECRET)
    desk.follows(Rules(exclude=("Secret*",)))
    desk.run()
    both = replace(SECRET, observations=("rob the bank", "in May"))
    phone.says(BALLAST, both)
    phone.run()
    desk.run()
    desk.says(BALLAST, both)
    desk.run()
    desk.follows(Rules())
    desk.remote.before_fetch = desk.remote.before_apply = lambda *_: Unreachable("away")
    desk.file.writer_rename(desk.data)
    capture(desk.session, RoundReport())
    desk.says(BALLAST, SECRET)
    capture(desk.session, RoundReport())
    desk.remote.before_fetch = desk.remote.before_apply = lambda *_: None
    desk.run()
    assert "in May" in desk.graph.records[SECRET.key].observations, "the file had never shown whose it was"


def test_a_relation_to_a_name_without_an_entity_is_shared_when_that_is_let_through() -> None:
    desk, phone = both_know(BALLAST, BOB)
    desk.follows(Rules(exclude=("Secret*",)))
    desk.says(BALLAST, BOB, KNOWS)
    desk.run()
    desk.follows(Rules())
    desk.run()
    phone.run()
    assert KNOWS.key in phone.graph.records
    phone.says(BALLAST, BOB)
    phone.run()
    desk.run()
    assert KNOWS.key not in desk.graph.records


def test_another_process_that_saves_meanwhile_lets_nothing_through() -> None:
    """Names that stand in the file alone: nothing else tells that they are to be left out."""
    desk, phone = both_know(BALLAST, BOB)
    desk.follows(Rules(exclude=("Secret*",)))
    other, act = desk.process("other"), desk.session.act
    other.settings = desk.session.settings

    def behind_the_other(do: object) -> object:
        other.act(lambda replica, _: replica.versions)
        return act(do)  # type: ignore[arg-type]

    desk.session.act = behind_the_other  # type: ignore[method-assign, assignment]
    phone.says(BALLAST, replace(BOB, observations=("plays chess", "lost a pawn")))
    phone.run()
    desk.says(BALLAST, SECRET, BOB)
    desk.run()
    phone.run()
    assert desk.graph.records[SECRET.key] == SECRET
    assert SECRET.key not in phone.graph.records


# --- what is written under them while our own version is swapped in


MORE = replace(SECRET, observations=("rob the bank", "at night"))
BOB_NOW = replace(BOB, observations=("plays chess", "lost a pawn"))


def about_to_be_written(*records: Entity | Relation) -> tuple[Desk, Desk]:
    """A desk that leaves secrets out and has news of Bob to write, while its server writes."""
    desk, phone = both_know(BALLAST, SECRET, BOB)
    desk.follows(Rules(exclude=("Secret*",)))
    desk.run()
    phone.says(BALLAST, SECRET, BOB_NOW)
    phone.run()
    desk.file.meanwhile = lambda: desk.says(*records)
    return desk, phone


@pytest.mark.parametrize("now", [MORE, replace(SECRET, type="plan"), replace(SECRET, observations=()), None])
def test_what_a_server_writes_under_a_name_left_out_in_that_moment_stays(now: Entity | None) -> None:
    desk, _ = about_to_be_written(BALLAST, *([now] if now is not None else []), BOB)
    desk.run()
    assert desk.graph.records.get(SECRET.key) == now
    assert desk.graph.records[BOB.key] == BOB_NOW
    assert not desk.session.replica.carried


def test_a_new_name_that_is_left_out_and_its_relations_stay_too() -> None:
    new = Entity("Secret friend", "person", ("has a key",))
    desk, phone = about_to_be_written(BALLAST, SECRET, BOB, new, KNOWS)
    desk.run()
    phone.run()
    assert not phone.graph.records.keys() & {new.key, KNOWS.key}
    for record in (SECRET, new, KNOWS, BOB_NOW):
        assert desk.graph.records[record.key] == record


def test_what_a_server_writes_into_the_displaced_version_afterwards_stays_too() -> None:
    desk, _ = about_to_be_written(BALLAST, SECRET, BOB)
    at_work = desk.file.writer_open()
    desk.clock.meanwhile = lambda: at_work.commit(
        b"\n".join(json.dumps(row(record)).encode() for record in (BALLAST, MORE, BOB))
    )
    desk.file.meanwhile = None
    desk.run()
    assert desk.graph.records[SECRET.key] == MORE
    assert desk.graph.records[BOB.key] == BOB_NOW


class Killed(Exception):
    pass


def killed_after_the_swap(desk: Desk, acts: int) -> None:
    """Our process dies before so many acts after the swap; the next one finds what it left."""
    event, act = desk.file.meanwhile, desk.session.act
    assert event is not None
    left = [acts]

    def counting(do: object) -> object:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return act(do)  # type: ignore[arg-type]

    def swapped() -> None:
        event()
        desk.session.act = counting  # type: ignore[method-assign, assignment]

    desk.file.meanwhile = swapped
    with pytest.raises(Killed):
        desk.run()
    desk.file = desk.file.restarted()  # type: ignore[assignment]


def test_a_version_of_ours_that_never_stood_is_no_state_once_the_rule_is_lifted() -> None:
    secret = replace(SECRET, observations=("rob the bank", "at night", "with Bob"))
    desk, phone = both_know(BALLAST, secret, BOB)
    desk.follows(Rules(exclude=("Secret*",)))
    desk.run()
    cid = Entity("Cid", "person", ("sings",))
    desk.says(BALLAST, secret, BOB, cid)
    desk.run()
    phone.run()
    phone.says(BALLAST, secret, BOB_NOW, cid)
    phone.run()

    def killed() -> None:
        raise Killed

    desk.file.meanwhile = killed
    with pytest.raises(Killed):
        desk.run()
    desk.file = desk.file.restarted()  # type: ignore[assignment]
    desk.follows(Rules())
    assert desk.run().local.removed == 0
    phone.run()
    for machine in (desk, phone):
        assert machine.graph.records[BOB.key] == BOB_NOW


@pytest.mark.parametrize("acts", range(4))
@pytest.mark.parametrize("rules", [Rules(exclude=("Secret*",)), Rules()])
def test_it_outlives_a_kill_and_a_rule_that_is_lifted_meanwhile(acts: int, rules: Rules) -> None:
    desk, _ = about_to_be_written(BALLAST, MORE, BOB)
    killed_after_the_swap(desk, acts)
    desk.follows(rules)
    desk.run()
    desk.run()
    assert desk.graph.records[SECRET.key] == MORE
    assert desk.graph.records[BOB.key] == BOB_NOW


def test_a_type_written_elsewhere_can_leave_a_name_out_and_deletes_nothing() -> None:
    desk, phone = both_know(BALLAST, BOB)
    desk.follows(Rules(exclude=("draft",)))
    desk.run()
    phone.says(BALLAST, Entity("Bob", "draft", ("plays chess", "lost a pawn")))
    phone.run()
    before = desk.data
    report = desk.run()
    assert (desk.data, report.local.removed) == (before, 0)


records = st.builds(
    Entity,
    st.sampled_from(NAMES),
    st.sampled_from(KINDS),
    st.lists(st.sampled_from(("a", "b", "c")), unique=True, max_size=3).map(tuple),
)
memories = st.lists(records, max_size=4, unique_by=lambda record: record.name).map(
    lambda found: (BALLAST, *found)
)


@given(memories, memories, st.lists(st.tuples(st.integers(0, 1), st.sampled_from(RULES)), max_size=6))
def test_changing_rules_alone_deletes_nothing_anywhere(
    one: tuple[Entity, ...], other: tuple[Entity, ...], changes: list[tuple[int, Rules]]
) -> None:
    desk, phone, _ = pair()
    machines = (desk, phone)
    for machine, memory in zip(machines, (one, other), strict=True):
        machine.run()
        machine.says(*memory)
    for at, rules in changes:
        machines[at].follows(rules)
        for machine in machines:
            before = observations(machine.graph.items())
            report = machine.run()
            assert report.local.removed == 0
            assert not report.holds
            assert observations(machine.graph.items()) >= before
    for machine in machines:
        machine.follows(Rules())
    for machine in (*machines, *machines):
        machine.run()
    everything = observations(Graph.of(one).items() | Graph.of(other).items())
    assert observations(desk.graph.items()) == observations(phone.graph.items()) == everything


@given(memories, st.lists(memories, max_size=3), st.sampled_from(RULES))
def test_a_standing_rule_publishes_nothing_it_leaves_out(
    first: tuple[Entity, ...], later: list[tuple[Entity, ...]], rules: Rules
) -> None:
    desk, phone, _ = pair()
    desk.follows(rules)
    for memory in (first, *later):
        desk.run()
        desk.says(*memory)
    desk.run()
    phone.run()
    assert all(not rules.hides(record.name, [record.type or ""]) for record in phone.graph)
    for record in (first, *later)[-1]:
        if rules.hides(record.name, [record.type or ""]):
            assert desk.graph.records[record.key] == record


def observations(items: set[Item]) -> set[Item]:
    """The items that add up; of types the later one stands."""
    return {item for item in items if item[0] == "o"}


# --- what a person's own change may say


ITEMS: tuple[Item, ...] = (
    ("t", "Letter", "draft"),
    ("o", "Letter", "Dear Bob"),
    ("o", "Bob", "plays go"),
    ("l", "Bob", "Letter", "wrote"),
    ("f", ("r", "Secret note"), "text", "hush"),
)


def test_items_under_a_name_left_out_are_told_by_what_they_say_and_by_what_is_known() -> None:
    assert left_out(Rules(exclude=("draft",)), ITEMS, ()) == {"Letter"}
    assert left_out(Rules(exclude=("Secret*",)), ITEMS, ()) == {"Secret note"}
    assert left_out(Rules(exclude=("person",)), ITEMS, [BOB]) == {"Bob"}
    assert left_out(Rules(include=("person", "Secret note")), ITEMS, [BOB]) == {"Letter"}
    assert left_out(Rules(), ITEMS, [BOB]) == set()
    assert without_names(ITEMS, {"Letter", "Secret note"}) == [("o", "Bob", "plays go")]


@pytest.mark.parametrize("exclude", ["Secret*", "draft", "hidden in the file"])
def test_a_change_of_a_person_says_nothing_under_a_name_left_out(exclude: str) -> None:
    desk, _, hub = pair()
    desk.follows(Rules(exclude=(exclude,)))
    desk.says(BALLAST, replace(SECRET, type="hidden in the file") if " " in exclude else BALLAST)
    desk.run()
    items = [("t", "Secret plan", "draft"), ("o", "Secret plan", "rob the bank"), ("o", "Bob", "plays go")]
    written = desk.session.act(lambda replica, moment: replica.write((), items, moment, cause="import"))
    assert written.left_out == {"Secret plan"}
    assert list(written.added) == [("o", "Bob", "plays go")]
    desk.run()
    assert "plays go" in shared(hub)
    assert "rob the bank" not in shared(hub)


def test_amends_leave_alone_what_others_share_under_a_name_left_out() -> None:
    desk, phone, hub = pair()
    phone.says(BALLAST, SECRET, BOB)
    phone.run()
    desk.follows(Rules(exclude=("draft",)))
    desk.run()
    changed = replace(SECRET, observations=("at night",)), replace(BOB, observations=("sings",))
    then = Graph.of([BALLAST, *changed])
    replica = desk.session.replica
    amends = going_back(replica.state, then, replica.rid, exactly=True)
    assert SECRET.key in amends.keys
    written = desk.session.act(lambda replica, moment: make_amends(replica, amends, moment, "undo"))
    assert written.left_out == {"Secret plan"}
    assert list(written.added) == [("o", "Bob", "sings")]
    assert written.removed == [("o", "Bob", "plays chess")]
    desk.run()
    assert "at night" not in shared(hub)
    assert "rob the bank" in shared(hub)
