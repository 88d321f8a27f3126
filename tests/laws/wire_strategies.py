"""Arbitrary fragments, within the rules of the format: what any machine may have to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from memsync_git.crdt.fragment import Entry, Fragment, Header, Hint, RecordFacts
from memsync_git.crdt.intervals import Intervals
from memsync_git.formats.canonical import Number, canonical
from memsync_git.model import Entity, Generic, JsonText, Record, Relation, Rid, Verbatim

LARGEST = 2**53


def _paired(text: str) -> str:
    """As JSON reads it: a high and a low surrogate side by side are one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


HARD_TEXTS = (
    "", "a", "Alice", "e", "o", "1.10", "null", "é", "e\u0301", "😀", "\ud83d", "\udc00\ud83d",
    "\u2028\u2029\u0085", "\x00\x1f\x7f", '\\"\n\r\t/', "\ufeff", "],\n]}", '","records":[', "},{", " ",
    "日本語", "Z" * 300,
)  # fmt: skip
texts = st.sampled_from(HARD_TEXTS) | st.text(st.characters(), max_size=6).map(_paired)
number_texts = st.sampled_from(
    ["0", "-0", "7", "-5", "1.10", "2.5E-3", "18446744073709551616", "-9223372036854775809", "1" * 40]
).map(Number)
hard_values = st.sampled_from(
    [None, True, False, [], {}, [[]], {"": {}}, ["-0", Number("-0")], {"w": Number("4")}]
)
values = st.one_of(
    texts,
    number_texts,
    hard_values,
    st.lists(texts | number_texts | hard_values, max_size=2),
    st.dictionaries(texts, number_texts | hard_values, max_size=2),
)
json_texts = values.map(canonical)


def _is_no_text(value: object) -> bool:
    return type(value) is not str


observations = texts | values.filter(_is_no_text).map(canonical).map(Verbatim)
tokens = st.sampled_from(["", "9f1c", "77ab0123456789ef", "\ud83d\u2028", "t" * 64])
types = st.none() | texts
times_ms = st.integers(0, LARGEST)
rids = st.builds(
    lambda label, tail: Rid(f"{label}-{tail:04x}"),
    st.sampled_from(["a", "laptop", "desk-2", "0", "a-", "x" * 41]),
    st.integers(0, 2**32 - 1),
)
stamps = st.tuples(times_ms, rids, st.integers(1, LARGEST))

KNOWN = frozenset(
    ["memsync", "min_reader", "rid", "host", "store", "rev", "tok", "prev", "next", "wall", "seen", "removed",
     "ok", "retired", "records", "sharded", "e", "l", "r", "t", "o", "d", "f", "h"]
)  # fmt: skip
extras = st.dictionaries(texts.filter(lambda key: key not in KNOWN), json_texts, max_size=2)


@st.composite
def _spans(draw: st.DrawFn) -> Intervals:
    return Intervals.numbers(draw(st.sets(st.integers(1, 40), max_size=12)))


intervals = st.one_of(_spans(), st.just(Intervals(((1, LARGEST),))))


def _entries(numbers: Any, said: st.SearchStrategy[Any], *, at_least: int) -> st.SearchStrategy[Any]:
    entry = st.builds(Entry, numbers, times_ms, said, st.none() | times_ms)
    return st.lists(entry, min_size=at_least, max_size=2).map(tuple)


def _fields(numbers: Any, *, at_least: int) -> st.SearchStrategy[Any]:
    return st.dictionaries(texts, _entries(numbers, json_texts, at_least=1), min_size=at_least, max_size=2)


hints = st.builds(
    Hint,
    st.none() | st.tuples(stamps, types),
    st.dictionaries(texts, st.tuples(stamps, json_texts), max_size=2),
)


def _facts_of(kind: str, numbers: Any) -> st.SearchStrategy[RecordFacts]:
    shared = {"hint": st.none() | hints, "extra": extras}
    if kind == "e":
        return st.builds(
            RecordFacts,
            types=_entries(numbers, types, at_least=1),
            observations=_entries(numbers, observations, at_least=0),
            fields=_fields(numbers, at_least=0),
            **shared,
        )
    return st.builds(
        RecordFacts,
        existence=_entries(numbers, st.none(), at_least=1),
        fields=_fields(numbers, at_least=0),
        **shared,
    )


keys = st.one_of(
    st.tuples(st.just("e"), texts),
    st.tuples(st.just("l"), texts, texts, texts),
    st.tuples(st.just("r"), texts),
)


@st.composite
def headers(draw: st.DrawFn, *, after: int) -> Header:
    """A header whose `next` is at least `after`."""
    own = draw(rids)
    others = rids.filter(lambda rid: rid != own)
    return Header(
        rid=own,
        host=draw(texts),
        store=draw(st.sampled_from(["default", "work", "a_b-c9"])),
        rev=draw(st.integers(0, LARGEST)),
        tok=draw(tokens),
        prev=draw(tokens),
        next=draw(st.integers(after, LARGEST)),
        wall_ms=draw(st.integers(0, 253_402_300_799)) * 1000,
        seen=draw(st.dictionaries(others, st.tuples(times_ms, times_ms), max_size=3)),
        removed=draw(st.dictionaries(others, intervals, max_size=3)),
        ok=draw(st.integers(0, LARGEST)),
        retired=frozenset(draw(st.sets(rids, max_size=2))),
        extra=draw(extras),
    )


@st.composite
def fragments(draw: st.DrawFn) -> Fragment:
    """Any fragment that keeps the rules: numbers used once and below `next`."""
    fresh = _unused(draw(st.integers(0, LARGEST - 300)), draw(st.randoms(use_true_random=False)).randint)
    numbers = st.builds(fresh)
    records = {}
    for key in draw(st.lists(keys, unique=True, max_size=4)):
        records[key] = draw(_facts_of(key[0], numbers))
    highest = max((e.n for facts in records.values() for e in facts.entries()), default=0)
    return Fragment(draw(headers(after=highest + 1)), records)


def _unused(base: int, between: Callable[[int, int], int]) -> Callable[[], int]:
    """Numbers above `base` in no order, none twice."""
    used: set[int] = set()

    def fresh() -> int:
        n = base + between(1, 199)
        while n in used:
            n += 1
        used.add(n)
        return n

    return fresh


@st.composite
def records(draw: st.DrawFn) -> Record:
    """What one row of a memory file may say."""
    values = st.sampled_from(["1.10", '"x"', '{"a":[1]}', "null"]).map(JsonText)
    names = texts.filter(
        lambda name: name not in ("type", "id", "name", "from", "to", "entities", "relations")
    )
    fields = draw(st.dictionaries(names, values, max_size=2))
    match draw(keys):
        case ("e", name):
            said = draw(st.lists(texts | st.just(Verbatim(JsonText('{"a":1.0}'))), max_size=3, unique=True))
            return Entity(name, draw(st.none() | texts), tuple(said), fields)
        case ("l", source, target, kind):
            return Relation(source, target, kind, fields)
        case ("r", identity):
            return Generic(identity, fields)
