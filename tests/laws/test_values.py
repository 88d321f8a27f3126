"""A value of ours behaves as a frozen dataclass of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from memsync_git import values


def defined(library: Any) -> tuple[type, type, type]:
    @library.dataclass(frozen=True, slots=True)
    class Pair:
        """Two parts, one of them noticed by nobody, and one that is made anew."""

        left: int
        right: str = "r"
        aside: bytes | None = library.field(default=None, compare=False)
        made: list[int] = library.field(default_factory=list, repr=False, compare=False)

        @property
        def both(self) -> str:
            return f"{self.left}{self.right}"

    @library.dataclass(frozen=True, slots=True)
    class One:
        only: object

    @library.dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    return Pair, One, Nothing


OURS, THEIRS = defined(values), defined(dataclasses)
MAKING: dict[str, Callable[[type, type, type], object]] = {
    "all defaults": lambda pair, one, nothing: pair(1),
    "by place": lambda pair, one, nothing: pair(1, "x", b"y", [2]),
    "by name": lambda pair, one, nothing: pair(right="x", left=1),
    "another": lambda pair, one, nothing: pair(2),
    "aside alone differs": lambda pair, one, nothing: pair(1, aside=b"z"),
    "one part": lambda pair, one, nothing: one(1),
    "one part that is a tuple": lambda pair, one, nothing: one((1,)),
    "no part": lambda pair, one, nothing: nothing(),
    "no value at all": lambda pair, one, nothing: (1, "r"),
}


@pytest.mark.parametrize("one", MAKING)
@pytest.mark.parametrize("two", MAKING)
def test_what_is_equal_and_what_hashes_alike(one: str, two: str) -> None:
    (a, b), (c, d) = ([MAKING[name](*classes) for name in (one, two)] for classes in (OURS, THEIRS))
    assert (a == b, a != b) == (c == d, c != d)
    assert a != b or hash(a) == hash(b)


@pytest.mark.parametrize("name", MAKING)
def test_what_it_shows_and_what_becomes_of_it(name: str) -> None:
    ours, theirs = MAKING[name](*OURS), MAKING[name](*THEIRS)
    assert repr(ours) == repr(theirs)
    assert copy.deepcopy(ours) == copy.copy(ours) == ours
    if dataclasses.is_dataclass(ours) and dataclasses.is_dataclass(theirs):
        assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)  # type: ignore[arg-type]
        assert type(ours).__match_args__ == type(theirs).__match_args__  # type: ignore[attr-defined]
        assert not hasattr(ours, "__dict__")


def test_it_is_replaced_and_matched_part_by_part() -> None:
    pair = OURS[0]
    changed = values.replace(pair(1, "x"), left=2)
    assert changed == dataclasses.replace(pair(1, "x"), left=2)
    assert (changed.left, changed.right, changed.both) == (2, "x", "2x")
    match changed:
        case pair(left, "x"):
            assert left == 2
        case _:
            pytest.fail("it did not match")
    assert pair(1).made is not pair(1).made


def test_it_does_not_change() -> None:
    value = OURS[0](1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.left = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.strange = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.left
    assert value.left == 1


@pytest.mark.parametrize("arguments", [(), (1, 2, 3, 4, 5)])
def test_a_wrong_number_of_parts_is_refused(arguments: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        OURS[0](*arguments)


@values.dataclass(frozen=True, slots=True)
class Spoken:
    """One that can be found by its name, and says itself what it is like."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spoken) and other.text.lower() == self.text.lower()

    __hash__ = None  # type: ignore[assignment]


def test_what_a_class_says_for_itself_stands() -> None:
    assert repr(Spoken("Tea")) == "Tea"
    assert Spoken("Tea") == Spoken("tea")
    with pytest.raises(TypeError):
        hash(Spoken("Tea"))
    assert pickle.loads(pickle.dumps(Spoken("Tea"))) == Spoken("Tea")


def changing(library: Any) -> type:
    @library.dataclass(slots=True)
    class Count:
        """Parts that change, one of them made anew for each."""

        many: int = 0
        names: list[str] = library.field(default_factory=list)

    return Count


def test_one_with_parts_that_change() -> None:
    ours, theirs = changing(values), changing(dataclasses)
    one, other = ours(1), ours(2)
    assert repr(one) == repr(theirs(1))
    other.many -= 1
    assert one == other
    other.names.append("x")
    assert one != other
    with pytest.raises(AttributeError):
        one.strange = 2
    with pytest.raises(TypeError):
        hash(one)
    assert copy.deepcopy(other) == dataclasses.replace(one, names=["x"]) == ours(1, ["x"])


def test_the_library_is_told_what_it_asks() -> None:
    ours, theirs = (
        [(each.name, each.default, each.compare) for each in dataclasses.fields(one)]
        for one in (OURS[0], THEIRS[0])
    )
    assert ours == theirs
    assert values.said_by(OURS[0](1)) == dataclasses.asdict(THEIRS[0](1))
