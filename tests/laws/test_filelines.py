"""A file that is kept by steps is the very same when it is loaded again: bytes, records, counts."""

from __future__ import annotations

import json
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.errors import StoreDamaged
from memsync_git.formats import Decoded, Rows, amend, decode, settle
from memsync_git.formats.variants import DEFAULT_LIMITS
from memsync_git.model import PLAIN, Entity, RecordKey
from memsync_git.replica.filelines import INDEX, KIND, MOST_STEPS, STEP, TOLD, KeptKeys, load_file, save_file
from memsync_git.replica.values import KeptFile
from memsync_git.stores.memory import MemoryStore
from memsync_git.stretches import Counts, Records, Step, Stretched, counts_of, whole
from memsync_git.wire import plain
from tests.laws.test_stretches import ENTITIES, LENGTH, RELATIONS, edited, edits, names, read, row

noted = st.tuples(names, st.none() | st.sampled_from([("x",), ("x", "y"), ("y", "x", "z")]))
steps = st.lists(noted, min_size=1, max_size=12)
reopened = st.booleans()


class Keeper:
    """A file and what a store keeps of it, saved after every version as a session does."""

    def __init__(self, lines: list[bytes]) -> None:
        self.store = MemoryStore()
        self.kept = KeptFile()
        self.rows = read(b"\n".join(lines), "jsonl").rows
        self.save()

    def save(self) -> None:
        with self.store.transaction() as transaction:
            file, self.kept = save_file(self.rows.said, self.kept, transaction)
        assert file is self.rows.said

    def reopen(self, before: KeptFile | None = None) -> None:
        """Go on as another process would, or as one that knows an older state."""
        file, self.kept = load_file(self.store, before or KeptFile(), at_once=False)
        rows = Rows.behind(file, PLAIN)
        assert rows is not None
        self.rows = rows

    def step(self, said: list) -> None:
        """What was received: records written anew where they stand, new ones, and some that are gone."""
        step: Step = {("e", name): noted and Entity(name, "t", noted) for name, noted in said}
        amended = amend(self.rows, step, "jsonl", DEFAULT_LIMITS)
        assert isinstance(amended, tuple)
        pieces, decoded = amended
        self.rows = decoded.rows
        self.save()
        settle(decoded, bytes(pieces))
        self.save()

    def edit(self, edit: tuple) -> None:
        """What a server did to the file."""
        lines = edited(self.rows.text.split(b"\n"), edit)
        decoded = decode(b"\n".join(lines), "jsonl", before=self.rows)
        assert isinstance(decoded, Decoded)
        self.rows = decoded.rows
        self.save()

    @property
    def index(self) -> dict[str, list[str]]:
        found = self.store.row(KIND, INDEX)
        assert found is not None
        return json.loads(found)


def assert_kept(keeper: Keeper, before: KeptFile) -> None:
    """Whoever loads it, knowing nothing or an older state, has the file; and no row is left over."""
    wanted = whole(keeper.rows.said)
    for known, at_once in product((KeptFile(), before, keeper.kept), (True, False)):
        file, kept = load_file(keeper.store, known, at_once=at_once)
        rows = Rows.behind(file, PLAIN)
        assert rows is not None
        assert rows.text == keeper.rows.text
        assert counts_of(file) == counts_of(keeper.rows.said) == Counts.of(wanted.values())
        assert whole(file) == wanted
        assert kept.steps == keeper.kept.steps
        assert set(kept.names.values()) == set(keeper.kept.names.values())
    listed = keeper.index
    about = {TOLD + name for name in listed["lines"]}
    assert {name for name, _ in keeper.store.rows(KIND)} == {
        *listed["lines"],
        *about,
        *listed["steps"],
        INDEX,
    }
    assert len(listed["steps"]) <= MOST_STEPS


@given(st.lists(edits, max_size=1), st.lists(st.tuples(st.one_of(steps, edits), reopened), max_size=5), edits)
def test_a_file_that_is_kept_by_steps_is_the_same_when_it_is_loaded_again(
    first: list, story: list, last: tuple
) -> None:
    lines = [*ENTITIES, *RELATIONS]
    for edit in first:
        lines = edited(lines, edit)
    keeper = Keeper(lines)
    keeper.reopen()
    for act, is_reopened in [*story, (last, True)]:
        before = keeper.kept
        keeper.step(act) if isinstance(act, list) else keeper.edit(act)
        assert_kept(keeper, before)
        if is_reopened:
            keeper.reopen(before)


def test_a_scattered_change_is_one_row_of_the_lines_that_changed() -> None:
    keeper = Keeper(ENTITIES)
    keeper.reopen()
    lines = keeper.index["lines"]
    keeper.step([(f"e{at}", ("noted",)) for at in range(0, LENGTH, 50)])
    (step,) = keeper.index["steps"]
    assert keeper.index["lines"] == lines
    assert step.startswith(STEP)
    value = keeper.store.row(KIND, step)
    assert value is not None
    assert value.partition(b"\n")[2].split(b"\n") == [
        row(Entity(f"e{at}", "t", ("noted",))) for at in range(0, LENGTH, 50)
    ]


def test_steps_are_merged_once_there_are_many() -> None:
    keeper = Keeper(ENTITIES)
    keeper.reopen()
    found = set()
    for turn in range(MOST_STEPS + 2):
        before = keeper.kept
        keeper.step([("e7", (f"turn {turn}",))])
        assert_kept(keeper, before)
        found.add(len(keeper.index["steps"]))
    assert found == set(range(MOST_STEPS + 1))


def test_lines_that_are_again_what_a_step_began_from_are_not_taken_for_them() -> None:
    """The row is named by what it is, and a step over it stands there still."""
    keeper = Keeper(ENTITIES)
    keeper.reopen()
    keeper.step([("e7", ("noted",)), (f"e{LENGTH - 1}", ("noted",))])
    before = keeper.kept
    keeper.edit((7, 1, [ENTITIES[7]]))
    assert_kept(keeper, before)
    assert keeper.index["steps"]
    assert keeper.rows.text.split(b"\n")[7] == ENTITIES[7]


def counted(records: Records) -> Counts:
    return Counts.of(whole(records).values())


@given(st.lists(edits, max_size=2), steps)
def test_counts_follow_a_step(story: list, said: list) -> None:
    lines = [*ENTITIES, *RELATIONS]
    for edit in story:
        lines = edited(lines, edit)
    rows = read(b"\n".join(lines), "jsonl").rows
    assert isinstance(rows.said, Stretched)
    assert counts_of(rows.said) == counted(rows.said)
    step: Step = {("e", name): noted and Entity(name, "t", noted) for name, noted in said}
    amended = amend(rows, step, "jsonl", DEFAULT_LIMITS)
    assert isinstance(amended, tuple)
    assert counts_of(amended[1].rows.said) == counted(amended[1].rows.said)


texts = st.text(max_size=4) | st.sampled_from(
    ['","', '["e","x"]', "[", '"', "\ud83d", "\\u0041", "é", "\x00", "],[", '],["e","x', '"],["e","x"', "\\"]
)
keys = st.tuples(st.just("e"), texts) | st.tuples(st.just("l"), texts, texts, texts)


@given(st.lists(keys, unique=True, max_size=6), st.lists(keys, max_size=6))
def test_keys_that_were_not_read_are_the_keys_that_were_kept(kept: list, asked: list) -> None:
    known = KeptKeys(plain.dumps(kept), len(kept))
    assert [key in known for key in (*asked, *kept)] == [key in kept for key in (*asked, *kept)]
    assert len(known) == len(kept)
    assert dict(known) == {key: at for at, key in enumerate(kept)}
    assert len(known) == len(kept)


@given(st.lists(keys, unique=True, max_size=6), st.lists(st.sets(keys, max_size=6), max_size=3))
def test_keys_that_are_looked_for_together_are_found_where_they_stand(kept: list, asked: list) -> None:
    known = KeptKeys(plain.dumps(kept), len(kept))
    for some in [*asked, set(kept[::2])]:
        assert known.keys() & some == set(kept) & some
        assert {key: known[key] for key in set(kept) & some} == {
            key: kept.index(key) for key in set(kept) & some
        }
    assert known.keys() & set(kept) == set(kept)
    assert dict(known) == {key: at for at, key in enumerate(kept)}
    assert known.keys() & set(kept) == set(kept)


def test_many_keys_are_looked_for_unread() -> None:
    many: list[RecordKey] = [("e", f"e{at}") for at in range(LENGTH)]
    broken = KeptKeys(plain.dumps(many) + b"?", LENGTH)  # whoever reads it is told
    assert broken.keys() & {("e", "e7"), ("e", "nobody")} == {("e", "e7")}
    assert broken["e", "e7"] == 7
    with pytest.raises(StoreDamaged):
        list(broken)


def test_keys_that_cannot_be_read_are_told_as_damage() -> None:
    with pytest.raises(StoreDamaged):
        list(KeptKeys(b'[["e","x"', 1))
