"""Many at once: what is done in bulk is, byte for byte, what is done one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from operator import itemgetter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.intervals import Intervals
from memsync_git.crdt.pen import Pen
from memsync_git.crdt.places import place_behind, place_of
from memsync_git.crdt.records import Records
from memsync_git.crdt.state import State
from memsync_git.formats import Decoded, Limits, ScratchBytes, TooLarge, write_anew
from memsync_git.formats import decode as decode_file
from memsync_git.formats import encode as encode_file
from memsync_git.formats.rows import read_row
from memsync_git.formats.standing import KeptLines
from memsync_git.model import EVERYTHING, PLAIN, Entity, Graph, Record, Rid, Said, items_of, size_of
from memsync_git.remotes.loopback import LoopbackHub
from memsync_git.replica import Moment, Replica, Version
from memsync_git.replica.adopting import adopt, order_of
from memsync_git.replica.receiving import receive
from memsync_git.replica.rows import load, save
from memsync_git.stores.memory import MemoryStore
from memsync_git.stretches import Counts
from memsync_git.sync import RoundOptions, sync_round
from memsync_git.sync.applying import drafted
from memsync_git.wire.fragments import (
    LIMITS,
    READ_AT_ONCE,
    Malformed,
    decode,
    encode,
    encode_files,
    written_files,
)
from memsync_git.wire.judging import TOGETHER, Judged, judged_all, plainly
from memsync_git.wire.records import encode_record, read_record, spelt_line
from memsync_git.wire.stored import (
    STORED_LINES,
    digest,
    numbers_of,
    numbers_of_all,
    spans_of,
    stored_after,
    stored_as,
    stored_line,
)
from memsync_git.wire.verdicts import Invalid
from tests.fakes import QuietClock
from tests.laws.desks import Office, days
from tests.laws.machines import Machine
from tests.laws.test_incremental import assert_same
from tests.laws.wire_strategies import fragments, records

OWN = Rid("ash-0001")
NOON_MS = 1_763_637_000_000
distinct = st.lists(records(), max_size=6, unique_by=lambda record: record.key)
clocks_ms = st.sampled_from([-5, 0, 1, NOON_MS, 1 << 60])


def _written(said: list[Record], wall_ms: int, *, in_bulk: bool) -> Fragment:
    state = State([Fragment(Header(OWN, "ash"))])
    pen = Pen(state, Header(OWN, "ash"), wall_ms=wall_ms)
    if in_bulk:
        assert not pen.add_new(Graph.of(said).records, ts=NOON_MS)
    for record in () if in_bulk else said:
        for item in items_of(record):
            pen.add(item, ts=NOON_MS if item[0] in ("t", "f") else None)
    written = pen.finish(tok="tok")
    assert written.records == {record.key for record in said}
    assert list(written.added) == [item for record in said for item in items_of(record)]
    return state.fragment(OWN)


@given(distinct, clocks_ms)
def test_a_new_record_said_at_once_is_the_same_bytes_as_item_by_item(
    said: list[Record], wall_ms: int
) -> None:
    at_once, one_by_one = (_written(said, wall_ms, in_bulk=way) for way in (True, False))
    assert encode(at_once) == encode(one_by_one)
    assert at_once == one_by_one


@given(distinct)
def test_a_record_somebody_has_spoken_of_is_not_taken_for_new(said: list[Record]) -> None:
    state = State([_written(said, NOON_MS, in_bulk=True)])
    pen = Pen(state, Header(Rid("birch-0002"), "birch"), wall_ms=NOON_MS)
    graph = Graph.of(said)
    assert pen.add_new(graph.records, ts=NOON_MS) == graph.records.keys()
    assert not pen.finish(tok="tok")


@given(fragments())
def test_a_line_written_the_quick_way_is_spelt_alike(fragment: Fragment) -> None:
    for key, facts in fragment.records.items():
        bare = replace(facts, raw=None)
        assert encode_record(key, bare) == spelt_line(key, bare)


@given(distinct, st.booleans())
def test_a_first_file_leaves_file_and_memory_alike_and_nothing_to_look_at(
    said: list[Record], stored: bool
) -> None:
    """`stored`: the replica came from a store, so that what it takes in goes into lines nobody reads."""
    replica = _from_store(Replica(OWN, "ash")) if stored else Replica(OWN, "ash")
    graph = Graph.of(said)
    version = Version(graph, order_of(graph), "hash", NOON_MS, EVERYTHING)
    observed = adopt(replica, version, Moment(NOON_MS, "boot", "tok", 2000))
    known, contested = set(replica.behind), set(replica.contested)
    replica.compare_anew()
    assert known == replica.behind == set()
    assert contested == replica.contested == set()
    assert replica.state.graph() == graph
    assert set(observed.added) == graph.items()


@given(distinct)
def test_what_records_say_is_a_sequence_of_their_items(said: list[Record]) -> None:
    whole = tuple(item for record in said for item in items_of(record))
    lazy = Said(said)
    assert (len(lazy), tuple(lazy), lazy[1:3]) == (len(whole), whole, whole[1:3])
    assert dict(lazy.kinds) == Counter(item[0] for item in whole)
    doubled = Said(said, further=whole)
    assert (tuple(doubled), len(doubled)) == (whole + whole, 2 * len(whole))
    assert lazy == whole
    assert hash(lazy) == hash(whole)


@given(fragments())
def test_a_line_judged_at_a_glance_is_one_that_reads_alike(fragment: Fragment) -> None:
    for key, facts in fragment.records.items():
        line = encode_record(key, facts)
        judged = plainly([line], LIMITS)
        if judged is not None:
            read_key, read = read_record(line, LIMITS)
            assert judged == [(read_key, [entry.n for entry in read.entries()])]


_PLAIN = b'{"e":"A","t":[[1,5,"x"]],"o":[[2,5,"y"],[3,5,"z"]],"h":{"t":[[5,"ash-0001",1],"x"]}}'


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (b'"A"', b'["A"]'), (b'[1,5,"x"]', b'[0,5,"x"]'), (b"[2,5,", b"[2.0,5,"), (b"[2,5,", b"[true,5,"),
        (b"[3,5,", b"[3,-1,"), (b"[3,5,", b"[9007199254740993,5,"), (b'"y"', b"7"), (b'"x"]]', b'"x",{}]]'),
        (b"ash-0001", b"ash"), (b'[5,"ash', b'["5","ash'), (b'"h":{"t"', b'"h":{"u"'), (b'"o"', b'"d"'),
        (b'"t":[[1,5,"x"]]', b'"t":"abc"'), (b'[[2,5,"y"],[3,5,"z"]]', b'{"abc":1}'), (b"}}", b'},"k":1}'),
        (_PLAIN, b"[]"), (_PLAIN, b"nonsense"), (b'1],"x"]', b'0],"x"]'),
    ],
)  # fmt: skip
def test_a_line_that_is_not_plain_is_left_to_be_read(was: bytes, now: bytes) -> None:
    assert plainly([_PLAIN], LIMITS) == [(("e", "A"), [1, 2, 3])]
    assert plainly([_PLAIN.replace(was, now)], LIMITS) is None


odd = st.sampled_from([b"", b"[]", b"nonsense", _PLAIN, _PLAIN[:-1], _PLAIN.replace(b"[1,5,", b"[0,5,")])


@given(st.lists(fragments(), max_size=3), st.lists(odd, max_size=2), st.randoms(use_true_random=False))
def test_lines_judged_together_are_judged_as_one_by_one(
    some: list[Fragment], others: list[bytes], chance: Random
) -> None:
    lines = [encode_record(key, facts) for each in some for key, facts in each.records.items()]
    lines = [*lines, *[_PLAIN.replace(b'"A"', b'"%d"' % at) for at in range(TOGETHER)], *others]
    chance.shuffle(lines)
    assert _or_refused(lambda: list(judged_all(lines, LIMITS))) == _or_refused(lambda: _judged_apart(lines))


def _judged_apart(lines: list[bytes]) -> list[Judged]:
    read = [read_record(line, LIMITS) for line in lines]
    return [(key, [entry.n for entry in facts.entries()]) for key, facts in read]


def _or_refused(judge: Callable[[], list[Judged]]) -> list[Judged] | None:
    try:
        return judge()
    except Invalid:
        return None


numbers = st.lists(st.integers(1, 30), max_size=12)


@given(numbers)
def test_numbers_as_intervals(some: list[int]) -> None:
    assert tuple(spans_of(some)) == Intervals.numbers(some).spans


@given(st.lists(st.tuples(st.text(max_size=3), numbers), max_size=5))
def test_a_line_is_stored_alike_and_its_numbers_are_found_however_many_are_asked(
    some: list[tuple[str, list[int]]],
) -> None:
    stored = [stored_as(("e", name), said, b'{"e": 1}') for name, said in some]
    again = [
        stored_after(before, ("e", name), said, b'{"e": 1}')
        for before, (name, said) in zip(stored, some, strict=True)
    ]
    assert again == stored
    assert [*numbers_of_all(stored)] == [span for each in stored for span in numbers_of(each)]


def _from_store(replica: Replica) -> Replica:
    """The same replica as a process finds it."""
    store = MemoryStore()
    with store.transaction() as transaction:
        save(replica, transaction)
    found = load(store)
    assert found is not None
    return found


def _unread(fragment: Fragment) -> Fragment:
    lines = {digest(key): stored_line(key, facts) for key, facts in fragment.records.items()}
    return Fragment(fragment.header, Records(unread=lines, stored=STORED_LINES))


def _rows(replica: Replica) -> list[tuple[str, bytes]]:
    store = MemoryStore()
    with store.transaction() as transaction:
        save(replica, transaction)
    return store.rows("facts")


@given(days(), st.booleans())
def test_first_fragments_taken_as_they_lie_bring_what_they_bring_when_read(day: list, known: bool) -> None:
    """`known`: the file was compared before, so that the differences follow step by step."""
    published = Office(desks=3).run(day).published
    moment = Moment(NOON_MS, "boot", "tok", 2000)
    eager, lazy = (_from_store(Replica(OWN, "ash")) for _ in range(2))
    if known:
        assert not any((lazy.behind, lazy.contested, eager.behind, eager.contested))
    read, laid_by = receive(eager, published, moment), receive(lazy, map(_unread, published), moment)
    assert len(read.added) == len(laid_by.added) + laid_by.new
    assert set(laid_by.added) <= set(read.added)
    assert (set(read.removed), read.fragments) == (set(laid_by.removed), laid_by.fragments)
    assert (lazy.behind, lazy.contested) == (eager.behind, eager.contested)
    assert _rows(lazy) == _rows(eager)
    assert_same(lazy.state, eager.state)


def _many() -> Fragment:
    said = [Entity(f"E{at}", "thing", (f"x{at}",)) for at in range(READ_AT_ONCE + 1)]
    return _written(list(said), NOON_MS, in_bulk=True)


def test_a_large_fragment_is_judged_whole_and_kept_unread() -> None:
    large = _many()
    found = decode(encode(large))
    assert isinstance(found, Fragment)
    assert len(Records.of(found.records).unread) == READ_AT_ONCE + 1
    assert encode_files(found) == encode_files(large)
    assert found == large


@pytest.mark.parametrize(
    ("was", "now", "reason"),
    [
        (b"[4,", b"[2,", "a number used twice"),
        (b"[4,", b"[3,", "a number used twice"),
        (b'{"e":"E1",', b'{"e":"E2",', "two lines for one record"),
        (b"[4,", b"[9000,", "a number that is not below next"),
        (b"[4,", b'["4",', "a fact's number is no whole number from 1 to 2^53"),
    ],
)  # fmt: skip
def test_a_large_fragment_with_one_bad_line_is_refused_whole(was: bytes, now: bytes, reason: str) -> None:
    assert decode(encode(_many()).replace(was, now, 1)) == Malformed(reason)


# --- a whole memory, some of it at a time


def _memory(many: int) -> bytes:
    """A file of several stretches: entities, relations, and entities once more."""
    rows = [
        f'{{"type":"entity","name":"E{at}","entityType":"x","observations":["o{at}"]}}' for at in range(many)
    ]
    rows[many // 2 : many // 2] = [
        f'{{"type":"relation","from":"E{at}","to":"E0","relationType":"knows"}}' for at in range(many // 3)
    ]
    return "\n".join(rows).encode()


def _read(data: bytes) -> Iterator[Record]:
    """What every line says, read by itself."""
    for line in data.split(b"\n"):
        record = read_row(line, PLAIN, Limits())
        assert isinstance(record, Record)
        yield record


def _decoded(data: bytes) -> Decoded:
    found = decode_file(data, "jsonl")
    assert isinstance(found, Decoded)
    return found


@pytest.mark.parametrize("spoken_of", [0, 1, 300])
def test_a_memory_of_several_stretches_is_said_as_item_by_item(spoken_of: int) -> None:
    """`spoken_of`: somebody has said some of its records before."""
    graph = _decoded(_memory(900)).graph
    others = _written(list(graph)[:spoken_of], NOON_MS, in_bulk=True)
    others = replace(others, header=replace(others.header, rid=Rid("birch-0002")))
    state = State([_unread(others), Fragment(Header(OWN, "ash"), Records(unread={}, stored=STORED_LINES))])
    pen = Pen(state, Header(OWN, "ash"), wall_ms=NOON_MS)
    known = pen.add_new(graph.records, ts=NOON_MS)
    assert known == {record.key for record in list(graph)[:spoken_of]}
    written = pen.finish(tok="tok")
    one_by_one = _written(list(graph)[spoken_of:], NOON_MS, in_bulk=False)
    assert written.lines is not None
    lines = list(written.lines.lines(together=100))
    assert lines == sorted(Records.of(_unread(one_by_one).records).unread.items())
    assert [written.lines.line(name) for name, _ in lines] == [line for _, line in lines]
    assert list(written.added) == [item for record in list(graph)[spoken_of:] for item in items_of(record)]
    assert dict(state.fragment(OWN).records) == dict(one_by_one.records)


def test_of_a_file_that_was_read_only_lines_and_keys_are_held() -> None:
    data = _memory(900)
    rows, eager = _decoded(data).rows, Graph.of(_read(data))
    assert len(rows.parts) > 3
    assert all(isinstance(part, KeptLines) for part in rows.parts)
    assert list(rows.graph()) == list(eager)
    assert rows.said.whole() == eager.records


def assert_known(decoded: Decoded) -> None:
    """What lines know of themselves is what reading them tells."""
    for lines in decoded.rows.parts:
        read = [record for record in lines.records if record is not None]
        assert lines.counts == Counts.of(read)
        assert list(lines.sizes) == list(map(size_of, read))
        assert list(lines.keys) == [record.key for record in read]


@pytest.mark.parametrize("variant", ["jsonl", "aim", "jsonl-fields", "json-array"])
def test_a_file_written_anew_is_the_one_a_step_from_nothing_makes(variant: str) -> None:
    graph = _decoded(_memory(600)).graph
    ordered = sorted(graph, key=lambda record: not isinstance(record, Entity))
    placed = [(b"%06d" % at, record) for at, record in enumerate(ordered)]
    Random(7).shuffle(placed)

    def written(limits: Limits = Limits()) -> tuple[bytes, Decoded] | TooLarge:  # noqa: B008
        return write_anew(placed, variant, limits, ScratchBytes())

    anew = written()
    assert not isinstance(anew, TooLarge)
    data, decoded = anew
    assert bytes(data) == encode_file((), graph, variant)
    assert decoded.graph.records == graph.records
    assert isinstance(written(Limits(max_file_bytes=len(data) - 1)), TooLarge)
    assert isinstance(written(Limits(max_line_bytes=20)), TooLarge)
    assert_known(decoded)


@given(days(), st.integers(1, 3))
def test_a_view_gone_through_some_at_a_time_is_the_view(day: list, together: int) -> None:
    for fragment in Office(desks=3).run(day).published:
        eager, lazy = State([fragment]), State([_unread(fragment)])
        assert [shown for _, shown in sorted(lazy.placed(), key=itemgetter(0))] == eager.shown()
        few = dict(written_files(_unread(fragment), shard_over_bytes=0, together=together))
        assert few == encode_files(fragment, shard_over_bytes=0)
    published = {each.rid: each for each in Office(desks=3).run(day).published}
    eager, lazy = State(published.values()), State(map(_unread, published.values()))
    assert [shown for _, shown in sorted(lazy.placed(), key=itemgetter(0))] == eager.shown()


times = st.one_of(st.sampled_from([-5, 0, 1, NOON_MS, 1 << 60]), st.integers(0, 1 << 53))
rids = st.sampled_from([Rid("ash-0001"), Rid("ash-00012"), Rid("ash-0001-0002"), Rid("birch-0002")])
stamps = st.tuples(times, rids, st.integers(1, 1 << 53))


@given(st.lists(st.tuples(records(), stamps), unique_by=lambda each: each[1][1:]))
def test_places_stand_in_the_order_of_the_view(said: list) -> None:
    keyed = [(record.key, stamp) for record, stamp in said]
    in_view = sorted(keyed, key=lambda each: ("elr".index(each[0][0]), each[1]))
    assert sorted(keyed, key=lambda each: place_of(*each)) == in_view
    behind = [place_behind(key, at) for at, (key, _) in enumerate(in_view)]
    assert behind == sorted(behind)
    for (key, stamp), place in product(keyed, behind):
        assert (place_of(key, stamp) < place) == (place[0] > 0 or key[0] == "e")


@given(days())
def test_targets_in_order_are_the_target(day: list) -> None:
    """With what holds keep back and bring back: the file they make is the one the whole target makes."""
    for desk in Office(desks=3).run(day).desks:
        replica = desk.replica
        anew = write_anew(replica.targets_placed(), "json-array", Limits(), ScratchBytes())
        assert not isinstance(anew, TooLarge)
        assert bytes(anew[0]) == encode_file((), replica.target_graph(), "json-array")
        assert_known(anew[1])


def test_a_machine_that_writes_its_first_file_knows_without_a_look_that_nothing_waits() -> None:
    hub, clock = LoopbackHub(), QuietClock()
    desk, laptop = Machine("desk", hub, clock, _memory(600)), Machine("laptop", hub, clock)
    for machine in (desk, laptop):
        machine.sync()
    replica = laptop.session.replica
    assert replica.behind == set()
    replica.compare_anew()
    assert replica.behind == set()
    assert replica.is_confirmed
    assert Graph.of(_read(laptop.data)) == Graph.of(_read(desk.data))
    stored = load(laptop.store)
    assert stored is not None
    assert list(stored.ring.graph) == list(replica.ring.graph)


@pytest.mark.parametrize("is_joined_to", [False, True])
def test_a_first_file_that_was_made_before_is_written_only_where_it_is_the_target(is_joined_to: bool) -> None:
    hub, clock = LoopbackHub(), QuietClock()
    desk, laptop = Machine("desk", hub, clock, _memory(600)), Machine("laptop", hub, clock)
    desk.sync()
    sync_round(laptop.session, RoundOptions(publish=False, apply=False))
    made = drafted(laptop.session)
    assert made is not None
    if is_joined_to:
        desk.write(_memory(601))
        desk.sync()
    session = laptop.process("laptop")
    session.draft(made)
    sync_round(session)
    assert Graph.of(_read(laptop.data)) == Graph.of(_read(desk.data))
    assert (session.decoded is made.file[1]) is not is_joined_to
    assert session.replica.behind == set()
    stored = load(laptop.store)
    assert stored is not None
    assert stored.ring.graph == session.replica.ring.graph
