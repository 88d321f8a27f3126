"""JSON as text: strict reading that alters no number, and the two ways of writing it.

Rule 1: what is accepted is what JSON.parse of Node accepts of text read with `readFile('utf-8')`:
no byte order mark, no NaN, no raw control characters; invalid UTF-8 becomes U+FFFD; lone surrogates stay.
Rule 2: a number is its source text for ever; 2**70 and 1.10 come back as they were.
Rule 3: canonical JSON orders keys by UTF-16 code unit and puts no spaces, so that equal values have
equal texts on every machine; strings are written as JSON.stringify writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from json.encoder import encode_basestring
from typing import NoReturn, TypeAlias

from memsync_git.model import JsonText

__all__ = ["MAX_NESTING", "Json", "NotJson", "Number", "TooDeep", "canonical", "compact", "parse", "quoted"]

MAX_NESTING = 64
"""Levels of arrays and objects. Node takes 100 000; no memory needs them and recursion must end somewhere."""


MOST_NESTING = 256
"""Levels that can be followed at all: writing recurses, and the interpreter stops near 1 000 frames."""

WHITESPACE = " \t\n\r"
"""What JSON.parse skips; `str.strip` without it would skip U+2028 and more."""


class Number(str):
    """A JSON number as the text it was written with. Beware: it is a `str`; ask for `Number` first."""

    __slots__ = ()


Json: TypeAlias = "bool | str | int | list[Json] | dict[str, Json] | None"
"""A parsed value; numbers are `Number`, and plain ints are welcome when writing."""


class NotJson(ValueError):
    """The text is not what JSON.parse accepts; the message says where."""


class TooDeep(NotJson):
    """Readable perhaps, but nested beyond the limit."""


def parse(text: str | bytes, *, max_nesting: int = MAX_NESTING) -> Json:
    """Read one JSON value.

    Raises:
        NotJson: JSON.parse would refuse it.
        TooDeep: more than `max_nesting` arrays and objects inside each other.
    """
    source = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    start = len(source) - len(source.lstrip(WHITESPACE))
    value, end = parse_first(source, start, max_nesting=max_nesting)
    if source[end:].strip(WHITESPACE):
        raise NotJson(f"more text after the value at character {end + 1}")
    return value


def parse_first(text: str, start: int, *, max_nesting: int = MAX_NESTING) -> tuple[Json, int]:
    """Read the value that begins exactly at `start`; also returns where it ends.

    Raises:
        NotJson: no value begins there.
        TooDeep: it is nested beyond the limit.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError as error:
        raise _why_too_deep(text[start:]) from error
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg.removesuffix(' at')} at character {error.pos + 1}") from error
    if _nesting(text[start:end], max_nesting) > max_nesting:
        raise TooDeep(f"nested deeper than {max_nesting} levels")
    return value, end


def quoted(text: str) -> str:
    """Write a string as JSON.stringify does: U+2028 raw, a lone surrogate as its escape in lower case."""
    if text.isascii():
        return encode_basestring(text)
    if _SURROGATE.search(text):
        paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return _SURROGATE.sub(_escaped, encode_basestring(paired))
    return encode_basestring(text)


def canonical(value: Json) -> JsonText:
    """The one text of a value.

    Raises:
        TypeError: a float or anything else that is no JSON value; floats lose digits.
    """
    return JsonText(_written(value, _by_code_unit))


def canonical_object(members: Mapping[str, JsonText]) -> JsonText:
    """The canonical text of an object whose members are canonical already."""
    texts = [f"{quoted(key)}:{members[key]}" for key in _by_code_unit(members)]
    return JsonText("{" + ",".join(texts) + "}")


def compact(value: Json) -> str:
    """Write a value without spaces, keys in the order they have, as JSON.stringify does."""
    return _written(value, list)


Ordering = Callable[[Iterable[str]], list[str]]


def _written(value: Json, ordering: Ordering) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Number() | int():
            return str(value)
        case str():
            return quoted(value)
        case list():
            return "[" + ",".join([_written(member, ordering) for member in value]) + "]"
        case dict():
            members = [quoted(key) + ":" + _written(value[key], ordering) for key in ordering(value)]
            return "{" + ",".join(members) + "}"
        case _:
            raise TypeError(f"not a JSON value: {type(value).__name__}")


def _by_code_unit(members: Iterable[str]) -> list[str]:
    keys = list(members)
    if all(map(str.isascii, keys)):
        return sorted(keys)
    return sorted(keys, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _escaped(surrogate: re.Match[str]) -> str:
    return f"\\u{ord(surrogate[0]):04x}"


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)


def _why_too_deep(text: str) -> NotJson:
    """Beyond what the reader can follow: brackets that never close are no JSON for anybody."""
    last = 0
    for last in _depths(text):
        if last == 0:
            break
    return NotJson("brackets do not match") if last else TooDeep("nested too deeply")


def _nesting(text: str, enough: int) -> int:
    """How deep a value is nested; not counted out where it cannot be deeper than `enough`."""
    brackets = text.count("[") + text.count("{")
    return brackets if brackets <= enough else max(_depths(text), default=0)


def _depths(text: str) -> Iterator[int]:
    """The nesting after each bracket outside strings."""
    depth = 0
    for token in _STRUCTURE.finditer(text):
        if token[0] in _STEPS:
            depth += _STEPS[token[0]]
            yield depth


_SURROGATE = re.compile("[\ud800-\udfff]")
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse_constant)
