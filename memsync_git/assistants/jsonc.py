"""JSON as people write it into configurations: with comments and a comma too many, and with its places.

Rule 1: reading tells where everything stands, so that one value is changed and every other byte stays.
Rule 2: what is written is plain JSON; the indentation is the one that stands there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from memsync_git.values import dataclass

MOST_NESTING = 64
_SPACE = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"-?\d[\d.eE+-]*|true|false|null")


_STRINGS = json.JSONDecoder(strict=False)


class NotJsonc(ValueError):
    """The text is no JSON, not even with comments; the message says where."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place. members: of an object by key, in order; of an array by number."""

    start: int
    end: int
    plain: object
    members: tuple[tuple[str, Node], ...] | None = None
    is_array: bool = False

    def value(self) -> object:
        """The value without its places."""
        if self.members is None:
            return self.plain
        if self.is_array:
            return [node.value() for _, node in self.members]
        return {key: node.value() for key, node in self.members}

    def member(self, key: str) -> Node | None:
        """The value of a key of an object; the last one counts where several stand."""
        if self.members is None or self.is_array:
            return None
        return dict(self.members).get(key)


def parse(text: str) -> Node:
    """Read a text.

    Raises:
        NotJsonc: it is no such JSON, or nested beyond 64 levels.
    """
    reader = _Reader(text)
    node = reader.value(MOST_NESTING)
    reader.skip()
    if reader.at != len(text):
        raise reader.wrong()
    return node


def with_value(text: str, keys: Sequence[str], value: str) -> str:
    """The text with a string at some keys; objects on the way are made where there is none.

    Raises:
        NotJsonc: the text is none, or something that is no object stands in the way.
    """
    node = parse(text)
    for depth, key in enumerate(keys):
        if node.members is None or node.is_array:
            raise NotJsonc(f"{'.'.join(keys[:depth])} is no object")
        inner = node.member(key)
        if inner is None:
            return _inserted(text, node, key, _nested(keys[depth + 1 :], value))
        node = inner
    return text[: node.start] + json.dumps(value, ensure_ascii=False) + text[node.end :]


def _nested(keys: Sequence[str], value: str) -> object:
    return {keys[0]: _nested(keys[1:], value)} if keys else value


def _inserted(text: str, node: Node, key: str, value: object) -> str:
    """A new last member of an object, laid out like the others."""
    entry = f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
    assert node.members is not None
    if not node.members:
        return text[: node.start] + "{" + entry + "}" + text[node.end :]
    last, close = node.members[-1][1].end, node.end - 1
    behind = text[last:close]
    at = last + len(behind.rstrip())
    comma = "" if _has_comma(behind) else ","
    return text[:last] + comma + text[last:at] + _gap(text, node, behind) + entry + text[at:]


def _gap(text: str, node: Node, behind: str) -> str:
    """What stands before a member of this object; a new line at least, where a comment would swallow it."""
    found = _SPACE.match(text, node.start + 1)
    before = text[node.start + 1 : found.end()] if found is not None else ""
    line = before.rfind("\n")
    if line >= 0:
        return before[line:]
    return "\n" if "//" in behind else " "


def _has_comma(behind: str) -> bool:
    found = _SPACE.match(behind)
    return behind.startswith(",", found.end() if found is not None else 0)


class _Reader:
    """A walk over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def wrong(self) -> NotJsonc:
        return NotJsonc(f"character {self.at + 1}")

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found is not None else self.at

    def takes(self, sign: str) -> bool:
        self.skip()
        is_there = self.text.startswith(sign, self.at)
        self.at += len(sign) if is_there else 0
        return is_there

    def value(self, depth: int) -> Node:
        self.skip()
        start = self.at
        if depth <= 0:
            raise self.wrong()
        if self.takes("{"):
            members = tuple(self._members("}", depth))
            return Node(start, self.at, None, members)
        if self.takes("["):
            elements = tuple(self._members("]", depth))
            return Node(start, self.at, None, elements, is_array=True)
        plain = self._string() if self.text.startswith('"', self.at) else self._word()
        return Node(start, self.at, plain)

    def _members(self, closing: str, depth: int) -> Iterator[tuple[str, Node]]:
        number = 0
        while not self.takes(closing):
            if number and not self.takes(","):
                raise self.wrong()
            if number and self.takes(closing):
                return  # a comma too many
            yield self._member(closing, number, depth)
            number += 1

    def _member(self, closing: str, number: int, depth: int) -> tuple[str, Node]:
        if closing == "]":
            return str(number), self.value(depth - 1)
        self.skip()
        key = self._string()
        if not self.takes(":"):
            raise self.wrong()
        return key, self.value(depth - 1)

    def _string(self) -> str:
        if not self.text.startswith('"', self.at):
            raise self.wrong()
        try:
            found, self.at = _STRINGS.raw_decode(self.text, self.at)
        except json.JSONDecodeError as error:
            raise self.wrong() from error
        return str(found)

    def _word(self) -> object:
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise self.wrong()
        try:
            value: object = json.loads(found[0])
        except ValueError as error:
            raise self.wrong() from error
        self.at = found.end()
        return value
