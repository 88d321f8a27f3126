"""What a setting can hold: a family of small checks, each from a value to the same value made fit.

Rule 1: `fit` takes what TOML can hold, `read` what a person typed; both refuse with a reason for people.
Rule 2: nothing is guessed: a bool is no number, a number is no text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from typing import Protocol

from memsync_git.values import dataclass

LONGEST_TEXT_CHARS = 4096
"""Linux's PATH_MAX; nothing a setting holds is longer than a path."""
MOST_TEXTS = 1000

_YES = {"true", "yes", "on", "1"}
_NO = {"false", "no", "off", "0"}


class Unfit(ValueError):
    """A value a setting cannot hold; the message completes the sentence "KEY …"."""


class Kind(Protocol):
    """What values a setting takes."""

    @property
    def name(self) -> str:
        """The values, in words."""
        ...

    def fit(self, value: object) -> object:
        """The value as the setting holds it; raises `Unfit`."""
        ...

    def read(self, text: str) -> object:
        """A typed text as the value it means, still to be fitted; raises `Unfit`."""
        ...


def _toml_value(text: str) -> object:
    """A typed text as TOML would read it, or the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except tomllib.TOMLDecodeError:
        return text


@dataclass(frozen=True, slots=True)
class Number:
    """A number within limits; `whole` allows no fraction."""

    low: float
    high: float
    whole: bool = False

    @property
    def name(self) -> str:
        return f"a {'whole ' if self.whole else ''}number from {self.low:g} to {self.high:g}"

    def fit(self, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unfit(f"is {shown(value)}, but must be {self.name}")
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            raise Unfit(f"is {shown(value)}, but must be {self.name}")
        return int(value) if self.whole else float(value)

    def read(self, text: str) -> object:
        return _toml_value(text.strip())


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    name: str = "true or false"

    def fit(self, value: object) -> object:
        if not isinstance(value, bool):
            raise Unfit(f"is {shown(value)}, but must be {self.name}")
        return value

    def read(self, text: str) -> object:
        word = text.strip().lower()
        return True if word in _YES else False if word in _NO else text


@dataclass(frozen=True, slots=True)
class Words:
    """One of a few words, given when they are asked for, so that their source need not be imported before."""

    choices: Callable[[], Sequence[str]]

    @property
    def name(self) -> str:
        return "one of " + ", ".join(self.choices())

    def fit(self, value: object) -> object:
        if value not in self.choices():
            raise Unfit(f"is {shown(value)}, but must be {self.name}")
        return value

    def read(self, text: str) -> object:
        return text.strip()


def _anything(text: str) -> None:
    """No check beyond those of every text."""


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text. `check` raises `Unfit` or `Misused`."""

    name: str = "a text"
    check: Callable[[str], object] = _anything

    def fit(self, value: object) -> object:
        if not isinstance(value, str):
            raise Unfit(f"is {shown(value)}, but must be {self.name}")
        if not value or len(value) > LONGEST_TEXT_CHARS or not value.isprintable():
            raise Unfit(f"must be {self.name}: not empty, on one line, without control characters")
        self.check(value)
        return value

    def read(self, text: str) -> object:
        return text


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts; typed with commas between them, or as TOML writes it."""

    name: str = "a list of texts"

    def fit(self, value: object) -> object:
        if not isinstance(value, list | tuple) or len(value) > MOST_TEXTS:
            raise Unfit(f"is {shown(value)}, but must be {self.name}")
        return tuple(Text("a text").fit(member) for member in value)

    def read(self, text: str) -> object:
        if text.lstrip().startswith("["):
            return _toml_value(text.strip())
        return [part.strip() for part in text.split(",") if part.strip()]


@dataclass(frozen=True, slots=True)
class Span:
    """Two numbers, the first not above the second."""

    low: float
    high: float

    @property
    def name(self) -> str:
        return f"two numbers from {self.low:g} to {self.high:g}, the smaller first"

    def fit(self, value: object) -> object:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise Unfit(f"is {shown(value)}, but must be {self.name}")
        first, second = (Number(self.low, self.high).fit(member) for member in value)
        if not isinstance(first, float) or not isinstance(second, float) or first > second:
            raise Unfit(f"is {shown(value)}, but must be {self.name}")
        return (first, second)

    def read(self, text: str) -> object:
        bare = text.strip().removeprefix("[").removesuffix("]")
        return _toml_value(f"[{bare}]")


def shown(value: object) -> str:
    """A value as it may stand in a message: one line, cut."""
    text = repr(value) if isinstance(value, str | int | float | list | tuple) else f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"
