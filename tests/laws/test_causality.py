"""L2, L4, L5, L6, L11 and L12 over generated histories, with arbitrary clocks and late, old, partial news."""

from __future__ import annotations

from hypothesis import given

from memsync_git.model import Item
from tests.laws.histories import CLOCKS_MS, Edit, Fleet, Machine, Say, histories, winner_of
from tests.laws.reference import slot_of


@given(histories())
def test_what_is_live_equals_the_textbook_causal_join(history: list) -> None:
    def check(machine: Machine) -> None:
        assert machine.live() == machine.knowledge.causal.dots

    fleet = Fleet().run(history, check)
    fleet.everybody_meets()
    for machine in fleet.machines:
        check(machine)


@given(histories())
def test_what_a_machine_knows_only_grows_and_what_died_stays_dead(history: list) -> None:
    contexts: dict[str, dict[str, int]] = {}
    dead: dict[str, set[object]] = {}
    lived: dict[str, set[object]] = {}

    def check(machine: Machine) -> None:
        before, now = contexts.get(machine.rid, {}), machine.state.nexts()
        assert all(now[rid] >= n for rid, n in before.items())  # type: ignore[index]
        contexts[machine.rid] = dict(now)
        alive = {dot for dot, _ in machine.live()}
        buried = dead.setdefault(machine.rid, set())
        assert not buried & alive
        buried |= lived.get(machine.rid, set()) - alive
        lived[machine.rid] = alive

    Fleet().run(history, check)


def _sets(items: set[Item]) -> set[Item]:
    """The observations; an entity shows its type also where only a hint tells it."""
    return {item for item in items if item[0] == "o"}


@given(histories(machines=4))
def test_an_item_is_there_iff_nobody_forgot_it_who_had_seen_it_said(history: list) -> None:
    """L4 and L5, and under any clock L11: no observation is lost, none comes back."""
    fleet = Fleet(machines=4)

    def check(machine: Machine) -> None:
        standing = fleet.story.standing(machine.knowledge.acts)
        assert _sets(machine.items()) == _sets(standing)
        assert {item for _, item in machine.live()} == standing

    fleet.run(history, check)
    fleet.everybody_meets()
    for machine in fleet.machines:
        check(machine)


@given(histories())
def test_a_conflict_is_listed_iff_concurrent_writes_differ(history: list) -> None:
    fleet = Fleet()

    def check(machine: Machine) -> None:
        standing = fleet.story.standing(machine.knowledge.acts)
        values: dict[Item, set[object]] = {}
        for item in standing:
            if slot_of(item) != item:
                values.setdefault(slot_of(item), set()).add(item[-1])
        torn = {register: said for register, said in values.items() if len(said) > 1}
        listed = list(machine.state.all_conflicts())
        assert {conflict.register: {value for _, value in conflict.values} for conflict in listed} == torn
        for register, said in values.items():
            assert winner_of(machine.state, register) in said

    fleet.run(history, check)


def _at_noon(step: object) -> object:
    """The same step, by a clock that is right."""
    if not isinstance(step, Edit):
        return step
    return Edit(step.who, step.acts, 1_763_637_000_000, step.back)


@given(histories())
def test_clocks_decide_neither_what_lives_nor_what_is_in_conflict(history: list) -> None:
    """Only which of several concurrent values shows may depend on a clock; a single writer's never does."""
    wrong, right = Fleet(machines=1), Fleet(machines=1)
    alone = [step for step in history if isinstance(step, Edit) and not step.back]
    alone = [Edit(0, step.acts, step.wall_ms) for step in alone]
    wrong.run(alone)
    right.run([_at_noon(step) for step in alone])  # type: ignore[misc]
    assert wrong.machines[0].items() == right.machines[0].items()


@given(histories())
def test_a_later_write_beats_every_clock_it_has_seen(history: list) -> None:
    """L12: whatever clocks wrote before, a write that has seen them shows, and alone."""
    fleet = Fleet().run(history)
    fleet.everybody_meets()
    machine = fleet.machines[1]
    for kind, wall_ms in (("scribe", CLOCKS_MS[0]), ("clerk", CLOCKS_MS[1])):
        fleet.edit(machine, [Say(("t", "Alice", kind))], wall_ms=wall_ms)
        fleet.everybody_meets()
        for other in fleet.machines:
            assert winner_of(other.state, ("t", "Alice")) == kind
            assert not any(conflict.register == ("t", "Alice") for conflict in other.state.all_conflicts())
