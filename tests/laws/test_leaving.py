"""What is left out is followed by what changes, and is what looking at everything finds.

Wherever a test applies rules, `tests/left_out_oracle.py` looks at everything: it fails where that differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.records import Records
from memsync_git.crdt.state import State
from memsync_git.crdt.touched import MOST_FOLLOWED, Touched
from memsync_git.formats import VARIANTS, Decoded, decode
from memsync_git.formats.cutting import Cut, cut
from memsync_git.model import Entity, Graph, Projection, Relation
from memsync_git.replica.filtering import Rules
from memsync_git.replica.leaving import LeftOut, Sources
from memsync_git.stretches import Stretched, differing
from memsync_git.sync import Session, Settings
from memsync_git.wire import plain
from tests.laws.test_filtering import BALLAST, BOB, KNOWS, SECRET, Desk, both_know, pair, row

NAMES = ("Alice", "Bob", "Secret plan", "knows")
RULES = (
    Rules(),
    Rules(exclude=("Secret*",)),
    Rules(exclude=("draft",)),
    Rules(exclude=("knows",)),
    Rules(include=("person", "Secret*")),
    Rules(include=("B*",), exclude=("draft",)),
)

entities = st.builds(
    Entity,
    st.sampled_from(NAMES),
    st.sampled_from(("person", "draft")),
    st.lists(st.sampled_from("abc"), unique=True, max_size=2).map(tuple),
)
relations = st.builds(Relation, st.sampled_from(NAMES), st.sampled_from(NAMES), st.just("knows"))
memories = st.lists(entities | relations, max_size=5, unique_by=lambda record: record.key)

Step = Callable[[Desk], object]


def saying(memory: list[Entity | Relation], *, at_once: bool) -> Step:
    return lambda desk: (desk.says_at_once if at_once else desk.says)(BALLAST, *memory)


def following(rules: Rules) -> Step:
    return lambda desk: desk.follows(rules)


def meets_the_others(desk: Desk) -> object:
    return desk.run()


def is_restarted(desk: Desk) -> object:
    return desk.follows(desk.session.settings.rules)


steps = st.one_of(
    st.builds(saying, memories, at_once=st.booleans()),
    st.builds(following, st.sampled_from(RULES)),
    st.just(meets_the_others),
    st.just(meets_the_others),
    st.just(is_restarted),
)


@given(st.lists(st.tuples(st.booleans(), steps), min_size=4, max_size=24))
def test_whatever_changes_what_is_left_out_is_what_looking_at_everything_finds(
    days: list[tuple[bool, Step]],
) -> None:
    one, other, _ = pair()
    for each in (one, other):
        each.run()
        each.says(BALLAST, BOB)
    for is_one, step in days:
        step(one if is_one else other)
    for each in (one, other, one):
        each.run()


def test_who_follows_too_little_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, phone = both_know(BALLAST, BOB)
    desk.follows(Rules(exclude=("draft",)))
    desk.run()
    monkeypatch.setattr(Touched, "note", lambda *_: None)
    phone.says(BALLAST, replace(BOB, type="draft"))
    phone.run()
    with pytest.raises(AssertionError):
        desk.run()


def test_a_memory_is_looked_at_once_whatever_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, phone = both_know(BALLAST, BOB, SECRET)
    desk.follows(Rules(exclude=("Secret*", "draft")))
    desk.run()

    def everything(_: Sources) -> None:
        raise AssertionError("everything was looked at again")

    monkeypatch.setattr(Sources, "records", everything)
    desk.says(BALLAST, BOB, SECRET, Entity("Letter", "draft", ("Dear Bob",)), KNOWS)
    desk.run()
    phone.says(BALLAST, BOB, SECRET, Entity("Song", "draft", ("la",)))
    phone.run()
    desk.run()
    is_restarted(desk)
    desk.says(BALLAST, BOB, SECRET, KNOWS, Entity("Cid", "person", ()))
    desk.run()
    assert desk.session.replica.projection.hidden == {"Secret plan", "Song"}


@pytest.mark.parametrize("is_dropped", [False, True])
def test_what_an_earlier_release_leaves_in_the_store_is_not_believed(*, is_dropped: bool) -> None:
    """It goes on without a word about what is left out, or with one of another time."""
    desk, phone = both_know(BALLAST, BOB)
    desk.follows(Rules(exclude=("draft",)))
    desk.run()
    former = said_in_the_store(desk)["left_out"]
    phone.says(BALLAST, replace(BOB, type="draft"))
    phone.run()
    desk.run()
    now = said_in_the_store(desk)
    assert now["left_out"] != former
    with desk.store.transaction() as transaction:
        transaction.put("replica", "one", plain.dumps({**now, "left_out": None if is_dropped else former}))
    is_restarted(desk)
    assert desk.session.replica.projection.hidden == {"Bob"}


def said_in_the_store(desk: Desk) -> dict[str, Any]:
    return plain.loads(desk.store.row("replica", "one") or b"")


def test_a_name_that_nothing_is_known_of_is_shared_by_the_type_a_person_gives_it() -> None:
    desk, _ = both_know(BALLAST, BOB)
    desk.follows(Rules(include=("person",)))
    desk.run()
    desk.says(BALLAST, BOB, KNOWS, Entity("Gone", "draft", ()))
    desk.run()
    desk.says(BALLAST, BOB, KNOWS)
    desk.run()
    replica = desk.session.replica
    assert replica.projection.hidden >= {"Secret plan"}
    for name in ("Secret plan", "Gone"):
        assert replica.left_out([("t", name, "person"), ("o", name, "sings")]) == set()
        assert replica.left_out([("t", name, "draft")]) == {name}
        assert replica.left_out([("l", "Bob", name, "knows of")]) == {name}


def test_a_name_left_out_leaves_out_no_relation_of_that_kind() -> None:
    """What others said of such a relation is known here: to delete it is to delete it."""
    desk, phone = both_know(BALLAST, BOB, Entity("knows", "word", ("a verb",)))
    desk.follows(Rules(exclude=("knows",)))
    desk.run()
    knows = Relation("Bob", "Ballast", "knows")
    phone.says(BALLAST, BOB, knows)
    phone.run()
    desk.run()
    assert knows.key in desk.graph.records
    desk.says(BALLAST, BOB)
    desk.run()
    phone.run()
    assert knows.key not in phone.graph.records


def test_the_relations_of_a_state_are_told_without_reading_a_line() -> None:
    desk, _ = both_know(BALLAST, BOB, KNOWS, Entity("Odd", 'say "l": no', ('{"l":[1,2,3]}', '"l":')))
    is_restarted(desk)
    state = desk.session.replica.state
    assert set(state.relations()) == {KNOWS.key}
    for records in map(state.records_of, state.rids):
        assert isinstance(records, Records)
        assert not records.read
    assert set(state.relations()) == {key for key in state.read_all() if key[0] == "l"}


# --- which records a state has changed at


def test_what_was_touched_since_a_place_is_told_until_it_is_too_much() -> None:
    touched = Touched()
    begin = touched.place
    touched.note([("e", "Alice")])
    between = touched.place
    touched.note([("e", "Bob")])
    assert touched.since(begin) == [("e", "Alice"), ("e", "Bob")]
    assert touched.since(between) == [("e", "Bob")]
    assert touched.since(touched.place) == []
    touched.note([("e", str(number)) for number in range(MOST_FOLLOWED)])
    assert touched.since(begin) is touched.since(between) is None
    assert touched.since(touched.place) == []
    lost = touched.place
    touched.lose()
    assert touched.since(lost) is None


def test_a_follower_of_another_state_looks_at_everything() -> None:
    def sources(*records: Entity) -> Sources:
        state = State()
        return Sources((Graph.of(records).records,), state, {}, state.touched.place)

    left = LeftOut(Rules(exclude=("draft",)))
    assert not left.follow(sources(SECRET))
    assert left.names == {"Secret plan"}
    assert not left.follow(sources(BOB))
    assert left.names == set()


# --- versions without what is left out


def version(*records: Entity | Relation) -> Graph:
    data = b"\n".join(json.dumps(row(record)).encode() for record in records)
    decoded = decode(data, "jsonl", Settings().limits)
    assert isinstance(decoded, Decoded)
    return decoded.graph


def without(*names: str) -> Projection:
    return replace(VARIANTS["jsonl"].projection, hidden=frozenset(names))


@given(memories, st.sets(st.sampled_from(NAMES), min_size=1))
def test_a_version_is_cut_at_what_is_left_out_and_nowhere_else(
    memory: list[Entity | Relation], names: set[str]
) -> None:
    whole, projection = version(BALLAST, *memory), without(*names)
    found = cut(whole, projection)
    kept = [record for record in whole if not projection.hides(record.key)]
    assert list(found.graph.records) == [record.key for record in kept]
    assert found.graph == Graph.of(kept)
    gone = [record.key for record in whole if projection.hides(record.key)]
    assert found.names == {name for key in gone for name in key[1:3]} & names


def test_versions_that_were_cut_share_the_lines_they_share_uncut() -> None:
    many = [Entity(f"Entity {number}", "person", ("sings",)) for number in range(2000)]
    session_of = both_know(*many, SECRET)[0].session
    data, projection = session_of.world.file.read(), without("Secret plan")
    first = cut(decoded_by(session_of, data.data), projection)
    more = data.data + b'\n{"type":"entity","name":"Cid","entityType":"person","observations":[]}'
    second = cut(decoded_by(session_of, more), projection, first)
    assert shared_lines(first, second) >= len(first.parts) - 1 > 3
    assert [key for key, _, _ in differing(second.graph.records, first.graph.records)] == [("e", "Cid")]
    assert cut(second.whole, projection, second) is second
    assert cut(second.whole, without("Cid"), second).graph.records.keys() >= {SECRET.key}


def decoded_by(session: Session, data: bytes) -> Graph:
    decoded = session.decode(data)
    assert isinstance(decoded, Decoded)
    return decoded.graph


def shared_lines(one: Cut, other: Cut) -> int:
    ours, theirs = one.graph.records, other.graph.records
    assert isinstance(ours, Stretched)
    assert isinstance(theirs, Stretched)
    return len(ours.distinct & theirs.distinct)
