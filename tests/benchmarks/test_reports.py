"""A report says what was measured, keeps saying it as JSON, and judges it by the goals."""

from __future__ import annotations

import json

import pytest

from benchmarks import names
from benchmarks.goals import GOALS, Goal, verdicts
from benchmarks.modules import MODULES
from benchmarks.pages import BEGIN, END, into, rendered
from benchmarks.parts import SIZED
from benchmarks.readings import PARTS, tables_in
from benchmarks.results import Figure, Report, Table, dumped, joined, loaded, tables_of


def table(part: str, entities: int, *figures: Figure, floor: str = "", title: str = "work") -> Table:
    return Table(part, title, entities, figures, floor)


def report(*tables: Table, troubles: tuple[str, ...] = ()) -> Report:
    return Report({"git": "2.39.5"}, tables, troubles)


def figure(name: str, *values: float) -> Figure:
    return Figure(name, values)


def test_a_report_is_the_same_after_it_was_json() -> None:
    first = report(
        Table("hub", "published", 1000, (Figure("a", (1.0, 2.0), "ms", (0.5, 0.6)),), "a", "a note", "here"),
        table("memory", 1000, Figure("b", (3.5,), "MiB")),
        troubles=("loro is not here",),
    )
    assert loaded(dumped(first)) == first


def test_another_schema_is_not_read() -> None:
    with pytest.raises(ValueError, match="schema"):
        loaded(json.dumps({"schema_version": 99, "tables": []}))


def test_a_module_need_only_say_titles_names_and_values() -> None:
    said = {"tables": [{"title": "16 machines", "figures": [{"name": "all durable", "values": [480, 510]}]}]}
    (found,) = tables_of(said, part="contention")
    assert (found.part, found.entities, found.figures[0].median) == ("contention", 0, 495)


def test_contests_are_a_table_for_each_number_of_machines() -> None:
    ours = {"how": "memsync-git", "machines": 16, "durable_s": 0.4, "on_main_s": 1.5, "pushes": 20, "lost": 0}
    script = {"how": "plain", "machines": 16, "durable_s": 4.5, "on_main_s": 4.5, "pushes": 99, "lost": 0}
    said = {"machine": "here", "contests": [ours, script, {**ours, "machines": 64, "lost": 1}]}
    found = report(*tables_in(said, "contention"))
    reached = {each.goal.words: each.is_reached for each in verdicts(found) if each.goal.part == "contention"}
    assert reached == {
        "16 machines at once: all durable": True,
        "16 machines at once: all on main": True,
        "64 machines at once: changes lost": False,
    }
    assert found.series("contention")[names.SCRIPT] == [(16, 4500)]


def test_each_way_to_a_hub_is_held_against_bare_git_over_the_same_way() -> None:
    ms = {"bare git, file": [100, 110], "memsync-git, file": [120, 130], "bare git, http": [200]}
    found = report(*tables_in({"machine": "here", "ms": {**ms, "memsync-git, http": [300]}}, "distances"))
    reached = {each.goal.words: each.is_reached for each in verdicts(found) if each.found is not None}
    assert reached == {"A → hub → B, file": True, "A → hub → B, http": False}


def test_years_are_what_an_edit_leaves_and_a_point_for_each_length_of_the_history() -> None:
    edit = {"hub_loose_kb": 22.5, "clone_loose_kb": 21.0, "packed_kb": 1.3, "push_kb": 0.6}
    point = {"up_ms": 9, "up_git_ms": 8, "down_ms": 7, "down_git_ms": 6, "hub_kb": 500, "clone_kb": 400}
    points = [{"commits": commits, **point} for commits in (1000, 100)]
    alone = {name: 100 * kb for name, kb in edit.items()}
    said = {"machine": "here", "entities": 1000, "growth": alone, "shared": edit, "points": points}
    found = report(*tables_in(said, "growth"))
    assert [each.is_reached for each in verdicts(found) if each.goal.part == "edits"] == [True, False, True]
    assert found.series("growth")["memsync-git, the receiver"] == [(100, 7), (1000, 7)]
    assert found.series("stock")["the hub"] == [(100, 500), (1000, 500)]


def test_what_is_measured_anew_takes_the_place_of_what_was_and_the_rest_stays() -> None:
    older = report(table("hub", 1000, figure("a", 1)), table("hub", 10_000, figure("a", 2)))
    newer = report(table("hub", 10_000, figure("a", 3)), troubles=("one",))
    both = joined(older, newer)
    assert both.series("hub") == {"a": [(1000, 1), (10_000, 3)]}
    assert both.troubles == ("one",)


def test_ratios_are_of_medians_to_the_floor() -> None:
    found = table("hub", 1000, figure("floor", 10, 20, 90), figure("ours", 30, 50, 40), floor="floor")
    assert found.ratio(found.figures[1]) == 2.0
    assert table("hub", 1000, figure("ours", 1)).ratio(figure("ours", 1)) is None


@pytest.mark.parametrize(("ours", "reached"), [(12.0, True), (12.1, False)])
def test_a_ratio_is_to_the_quickest_of_those_it_is_held_against(ours: float, reached: bool) -> None:
    goal = Goal("work", "hub", 1000, "ours", 1.2, ("slow", "quick"))
    rows = (figure("ours", ours), figure("slow", 100), figure("quick", 10))
    (verdict,) = verdicts(report(table("hub", 1000, *rows)), [goal])
    assert verdict.is_reached is reached


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    goal = Goal("work", "hub", 100_000, "ours", 1.2, ("floor",))
    elsewhere, alone = table("hub", 1000, figure("ours", 1)), table("hub", 100_000, figure("ours", 1))
    assert verdicts(report(elsewhere), [goal])[0].is_reached is None
    assert verdicts(report(alone), [goal])[0].is_reached is None


def test_every_goal_is_of_a_part_that_is_measured() -> None:
    assert {goal.part for goal in GOALS} <= {*SIZED, *MODULES, *PARTS}
    assert len({(goal.part, goal.size, goal.of, goal.against) for goal in GOALS}) == len(GOALS)


def test_a_miss_and_a_gap_are_said_on_the_page() -> None:
    found = report(table("durable", 100_000, figure(names.WARM, 61)), troubles=("loro is not here",))
    page = rendered(found, ["durable.png"])
    assert "| one entity until durable, warm | 100 000 | ≤ 60 ms | 61 ms | 1.02 | **no** |" in page
    assert "| adopt | 100 000 | ≤ 20 s |  |  | not measured |" in page
    assert "- loro is not here" in page
    assert "(durable.png)" in page


def test_only_the_measured_part_of_a_page_is_written_over() -> None:
    once = into("# By hand\n", "first")
    twice = into(once + "\nafter, by hand\n", "second")
    assert twice == f"# By hand\n\n{BEGIN}\n\nsecond\n\n{END}\n\nafter, by hand\n"
