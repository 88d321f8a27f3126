"""What a preview says comes and goes: however little of it is listed, all of it is counted."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.app.parts import change_parts, first_in_order, in_order
from memsync_git.app.previewing import all_new, changes_between
from memsync_git.formats import VARIANTS, Limits, ScratchBytes, TooLarge, write_anew
from memsync_git.model import Entity, Graph, Relation
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


relations = [Relation("E7", f"E{at}", "knows") for at in range(5)]


@given(graphs)
def test_what_a_first_file_brings_is_what_it_changes_from_nothing(said: Graph) -> None:
    placed = [(record.key[0].encode() + b"%d" % at, record) for at, record in enumerate([*said, *relations])]
    for name, most in product(("jsonl", "jsonl-objects", "json-array"), (1, 3, 200)):
        written = write_anew(placed, name, Limits(), ScratchBytes())
        assert not isinstance(written, TooLarge)
        graph, projection = written[1].graph, VARIANTS[name].projection
        assert all_new(graph, projection, most) == changes_between(Graph(), graph, most)
