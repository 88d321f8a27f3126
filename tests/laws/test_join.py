"""L1 and L3: joining is a product of chains, and only fragments decide what is shown."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.cut import Cut, closed_cut, join
from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.state import State
from memsync_git.model import Rid
from memsync_git.sync.pushing import unified_view
from memsync_git.wire.fragments import encode
from tests.laws.histories import Fleet, histories


@st.composite
def cuts_of_one_history(draw: st.DrawFn) -> tuple[Cut, Cut, Cut]:
    """Three arbitrary choices of revisions out of one history."""
    fleet = Fleet().run(draw(histories()))
    return tuple(  # type: ignore[return-value]
        {
            rid: draw(st.sampled_from(releases)).fragment
            for rid, releases in fleet.published.items()
            if releases and draw(st.booleans())
        }
        for _ in range(3)
    )


@given(cuts_of_one_history())
def test_join_is_commutative_associative_and_idempotent(cuts: tuple[Cut, Cut, Cut]) -> None:
    one, two, three = cuts
    assert join(one, two) == join(two, one)
    assert join(one, join(two, three)) == join(join(one, two), three)
    assert join(one, one) == one
    assert join(one, {}) == one


def test_two_tokens_of_one_revision_are_told_apart_the_same_way_by_everyone() -> None:
    rid = Rid("ash-0001")
    mine, clone = (Fragment(Header(rid, "ash", rev=4, tok=tok)) for tok in ("aa", "bb"))
    assert join({rid: mine}, {rid: clone}) == join({rid: clone}, {rid: mine}) == {rid: clone}


def _is_closed(cut: Cut) -> bool:
    return all(
        rid in cut and cut[rid].rev >= rev
        for fragment in cut.values()
        for rid, (rev, _) in fragment.header.seen.items()
        if rev > 0
    )


@given(histories(most=10), st.data())
def test_the_closed_cut_is_closed_and_no_closed_cut_is_newer(history: list, data: st.DataObject) -> None:
    fleet = Fleet().run(history)
    stored = fleet.machines[0].state.fragments()
    found = data.draw(st.lists(st.sampled_from(fleet.all_fragments() or list(stored.values())), max_size=8))
    cut = closed_cut(stored, found)
    assert _is_closed(cut)
    assert all(cut[rid].version >= fragment.version for rid, fragment in stored.items())
    versions = [[f for f in [*found, *stored.values()] if f.rid == rid] or [None] for rid in fleet.published]
    for choice in product(*versions):
        other = {fragment.rid: fragment for fragment in choice if fragment is not None}
        if _is_closed(other):
            assert all(cut[rid].version >= fragment.version for rid, fragment in other.items())


@given(histories(), st.data())
def test_the_closed_cut_does_not_depend_on_the_order_of_finding(history: list, data: st.DataObject) -> None:
    found = Fleet().run(history).all_fragments()
    shuffled = data.draw(st.permutations(found))
    assert closed_cut({}, found) == closed_cut({}, shuffled)


def _bytes(state: State) -> tuple[bytes | None, list[bytes]]:
    """The unified file, and every fragment, as they are published."""
    fragments = state.fragments()
    return b"".join(unified_view(state, due=True) or ()), [
        encode(fragments[rid]) for rid in sorted(fragments)
    ]


@given(histories(), st.data())
def test_the_same_fragments_in_any_order_show_identical_bytes(history: list, data: st.DataObject) -> None:
    cut = closed_cut({}, Fleet().run(history).all_fragments())
    one = State(cut.values())
    other = State()
    for fragment in data.draw(st.permutations(list(cut.values()))):
        other.replace(fragment)
        other.graph()
    assert list(one.graph()) == list(other.graph())
    assert _bytes(one) == _bytes(other)
    assert sorted(one.all_conflicts(), key=repr) == sorted(other.all_conflicts(), key=repr)


@given(histories(machines=4))
def test_machines_that_joined_everything_show_identical_bytes(history: list) -> None:
    fleet = Fleet(machines=4).run(history)
    fleet.everybody_meets()
    first, *others = fleet.machines
    for machine in others:
        assert list(machine.state.graph()) == list(first.state.graph())
        mine, theirs = (unified_view(each.state, due=True) or () for each in (machine, first))
        assert list(mine) == list(theirs)
