"""What a preview says comes and goes: however little of it is listed, all of it is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.app.parts import change_parts, first_in_order, in_order
from memsync_git.app.previewing import changes_between
from memsync_git.model import Entity, Graph
from tests.laws.wire_strategies import records

graphs = st.lists(records(), max_size=6).map(Graph.of)


@given(graphs, graphs)
def test_the_changes_are_those_of_all_items_compared_at_once(before: Graph, after: Graph) -> None:
    old, new = before.items(), after.items()
    whole = change_parts(in_order(new - old), in_order(old - new))
    found = changes_between(before, after)
    assert list(found.listed) == whole
    ways = [part["change"] for part in whole]
    counts = (ways.count("add"), ways.count("remove"), ways.count("change"))
    assert (found.added, found.removed, found.changed) == counts


def test_of_many_changes_the_first_are_listed() -> None:
    before = Graph.of(Entity(f"E{at}", "thing") for at in range(300))
    after = Graph.of(Entity(f"E{at}", "person", (f"x{at}",)) for at in range(100, 600))
    found = changes_between(before, after, most=200)
    assert (found.added, found.removed, found.changed) == (500 + 300, 100, 200)
    assert len(found.listed) == 200
    whole = change_parts(in_order(after.items() - before.items()), in_order(before.items() - after.items()))
    assert list(found.listed) == whole[:200]
    assert first_in_order(after.items(), 7) == in_order(after.items())[:7]
