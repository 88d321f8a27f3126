"""What a version shows of a swap of ours tells whether its writer had read it.

Rule 1: the file before the swap, the swap, and what a server does to one of them are generated.
Rule 2: a server takes rows and observations out where they stand, and appends what it notes.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.inference import SURE_PART, Base, FileState, Kind, Ring, infer, nearest, readable
from memsync_git.model import PLAIN, Entity, Graph
from memsync_git.stretches import entity_order
from tests.laws.desks import NOON_MS, WINDOW_MS, Drop, Note
from tests.laws.test_ring import NAMES, graphs

LATEST_MS = WINDOW_MS // SURE_PART
OURS, THEIRS = "noted elsewhere", "noted here"

taken = st.lists(st.integers(0, 20), max_size=4)
noted = st.sets(st.sampled_from(NAMES), max_size=2)


def edited(graph: Graph, gone: list[int], names: set[str], text: str) -> Graph:
    """Some of what is there taken out, counted round and round, and a text noted of those that are left."""
    said = sorted(graph.items(), key=repr)
    for at in gone if said else ():
        graph = Drop(said[at % len(said)])(graph)
    for name in sorted(names):
        graph = Note(("o", name, text))(graph) if ("e", name) in graph.records else graph
    return graph


def swapped(before: Graph, after: Graph) -> Ring:
    """A ring that ends with a swap of ours, at noon; what was there before had stood for long."""
    ring = Ring()
    ring.push(_state(before, NOON_MS - 10 * WINDOW_MS, Kind.OBSERVED), before)
    ring.intend(_state(after, NOON_MS - 5, Kind.PENDING), after)
    ring.settle(NOON_MS)
    return ring


def _state(graph: Graph, from_ms: int, kind: Kind) -> FileState:
    return FileState(f"{kind}", from_ms, None, {}, entity_order(graph.records), kind)


def possible(ring: Ring, version: Graph, later_ms: int) -> list[Base]:
    seen_ms = NOON_MS + later_ms
    return readable(ring.candidates(seen_ms - WINDOW_MS), version, seen_ms, WINDOW_MS)


@given(graphs, taken, noted, taken, noted, st.integers(-LATEST_MS, LATEST_MS))
def test_who_read_before_a_swap_and_writes_after_it_notes_only_what_it_has_noted(
    before: Graph, ours: list[int], brought: set[str], theirs: list[int], told: set[str], later_ms: int
) -> None:
    """L5: it brings nothing back, whatever the two deletions have in common."""
    ring = swapped(before, edited(before, ours, brought, OURS))
    version = edited(before, theirs, told, THEIRS)
    bases = possible(ring, version, later_ms)
    found = infer(nearest(bases, version), version, entity_order(version.records), PLAIN, types_fixed=True)
    assert before.items().isdisjoint(found.added)


@given(st.lists(st.sampled_from("abcdef"), min_size=2, unique=True), st.integers(0, LATEST_MS), st.data())
def test_who_notes_again_at_once_what_now_stands_behind_what_followed_it_had_read_the_swap(
    row: list[str], later_ms: int, data: st.DataObject
) -> None:
    """L4, as far as a row can tell it."""
    again = data.draw(st.integers(0, len(row) - 2))
    stays = data.draw(st.integers(again + 1, len(row) - 1))
    kept = [text for text in row if text == row[stays] or (text != row[again] and data.draw(st.booleans()))]
    before, after, version = map(alice, (row, kept, [*kept, row[again]]))
    bases = possible(swapped(before, after), version, later_ms)
    assert any(base.state.kind is Kind.WRITTEN for base in bases)


def alice(row: list[str]) -> Graph:
    """A file with one entity, of which this is known."""
    return Graph.of([Entity("Alice", "person", tuple(row))])
