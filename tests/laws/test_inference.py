"""What a version says against its base: items, moved rows, re-created entities; in the file's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.inference import FileState, Inference, Kind, Ring, infer, moved_entities
from memsync_git.model import EVERYTHING, PLAIN, Entity, Generic, Graph, JsonText, Projection, items_of
from memsync_git.stretches import Order, entity_order
from tests.laws.test_ring import ASH, entities, graphs

names = st.lists(st.sampled_from("abcdefgh"), unique=True)


def _inferred(
    base: Graph, now: Graph, *, projection: Projection = EVERYTHING, types_fixed: bool = True
) -> Inference:
    ring = Ring()
    ring.push(FileState("h", 0, None, {ASH: 1}, _order(base), Kind.OBSERVED), base)
    found = next(ring.bases())
    return infer(found, now, _order(now), projection, types_fixed=types_fixed)


def _order(graph: Graph) -> Order:
    return entity_order(graph.records)


def _moved(before: Sequence[str], now: Sequence[str]) -> list[str]:
    return moved_entities(Order.of(before), Order.of(now))


@given(graphs, graphs)
def test_what_is_said_is_the_difference(base: Graph, now: Graph) -> None:
    inference = _inferred(base, now)
    assert set(inference.removed) == base.items() - now.items()
    assert set(inference.added) == now.items() - base.items()
    assert len(set(inference.removed)) == len(inference.removed)
    assert len(set(inference.added)) == len(inference.added)


@given(graphs, graphs)
def test_what_was_added_comes_in_the_order_of_the_file(base: Graph, now: Graph) -> None:
    """Facts are numbered as they come, and the view orders by those numbers: rows keep the file's order
    on every machine, whatever a process's hashing of strings."""
    said = [item for record in now for item in items_of(record)]
    assert list(_inferred(base, now).added) == [item for item in said if item not in base.items()]


@given(graphs)
def test_what_was_removed_comes_in_an_order_of_its_own_too(base: Graph) -> None:
    said = [item for key in sorted(base.records) for item in items_of(base.records[key])]
    assert list(_inferred(base, Graph()).removed) == said


# --- row order


def _behind_one_it_preceded(before: list[str], now: list[str]) -> list[str]:
    """The definition, by brute force."""
    at = {name: place for place, name in enumerate(before)}
    common = [name for name in now if name in at]
    return [
        name for place, name in enumerate(common) if any(at[other] > at[name] for other in common[:place])
    ]


@given(names, names)
def test_moved_entities_stand_behind_one_they_preceded(before: list[str], now: list[str]) -> None:
    wanted = _behind_one_it_preceded(before, now)
    common = [name for name in now if name in before]
    sorted_by_a_tool = 2 * len(wanted) > len(common)
    assert _moved(before, now) == ([] if sorted_by_a_tool else wanted)


@given(names, st.data())
def test_an_entity_deleted_and_created_again_is_found_by_its_row(
    order: list[str], data: st.DataObject
) -> None:
    """The server appends what it creates: the row stands last, though nobody saw the step between."""
    kept = list(order)
    for name in order[:-1]:
        if len(kept) > 2 and data.draw(st.booleans()):
            kept.remove(name)
    again = data.draw(st.sampled_from(kept[:-1])) if len(kept) > 2 else None
    if again is not None:
        kept.remove(again)
        kept.append(again)
        assert _moved(order, kept) == [again]
    else:
        assert _moved(order, kept) == []


def test_a_file_sorted_by_a_tool_moved_nothing() -> None:
    assert _moved("dcba", "abcd") == []
    assert _moved("abcdef", "acdefb") == ["b"]


def test_a_changed_type_is_delete_and_create_where_a_type_cannot_change_in_place() -> None:
    base = Graph.of([Entity("Alice", "person", ("x",)), Entity("Bob", "person")])
    now = Graph.of([Entity("Alice", "robot", ("x",)), Entity("Bob", "person")])
    assert _inferred(base, now).recreated == ("Alice",)
    assert _inferred(base, now, types_fixed=False).recreated == ()


@given(st.lists(entities, max_size=4).map(Graph.of))
def test_what_a_file_cannot_hold_is_not_missed_in_it(graph: Graph) -> None:
    tagged = [replace(entity, fields={"tags": JsonText("[]")}) for entity in graph]
    rich = Graph.of([*tagged, Generic("note", {"text": JsonText("1")})])
    inference = _inferred(rich, graph, projection=PLAIN)
    assert not inference
