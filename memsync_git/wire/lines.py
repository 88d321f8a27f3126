"""One line of foreign JSON, and the questions asked of every value in it.

Rule 1: orjson reads a line quickly; where it cannot say exactly what stands there (a lone surrogate, a
number it would round) the strict reader of `formats/canonical.py` reads the line again.
Rule 2: a question either answers with a value of the right type and size or raises `Invalid`.
Rule 3: bytes that are no UTF-8 are refused: a fragment is valid JSON as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import orjson

from memsync_git.formats.canonical import NotJson, Number, canonical, parse, quoted
from memsync_git.model import JsonText, Rid
from memsync_git.wire.rid import is_rid
from memsync_git.wire.verdicts import MAX_NUMBER, Invalid, WireLimits

T = TypeVar("T")

LINE_NESTING = 8
"""Levels a record line or header puts around the values people wrote."""


class _Inexact(Exception):
    """Orjson read a number as a float: its source text is lost, the line must be read again."""


def read_line(line: bytes, limits: WireLimits, read: Callable[[Any, WireLimits], T]) -> T:
    """Apply `read` to the JSON value of a line.

    Raises:
        Invalid: it is no JSON, is too large, or `read` refuses it.
    """
    if len(line) > limits.max_line_bytes:
        raise Invalid(f"a line of {len(line)} bytes, beyond the limit of {limits.max_line_bytes}")
    if _MINUS_ZERO not in line or _MINUS_ZERO_ALONE.search(line) is None:
        try:
            return read(orjson.loads(line), limits)
        except (orjson.JSONDecodeError, _Inexact):
            pass  # legal all the same, perhaps: the strict reader decides
    return read(_exact(line, limits), limits)


def _exact(line: bytes, limits: WireLimits) -> Any:
    try:
        return parse(line.decode("utf-8"), max_nesting=limits.max_nesting + LINE_NESTING)
    except UnicodeDecodeError as error:
        raise Invalid("not UTF-8") from error
    except NotJson as error:
        raise Invalid(f"not JSON: {error}") from error


_MINUS_ZERO = b"-0"
_MINUS_ZERO_ALONE = re.compile(rb"(?:^|[\[,:\s])-0(?![0-9])")
"""Where a number may begin: a replica id with `-0` in it must not cost every line a second reading."""


def whole(value: Any, what: str, *, low: int = 0) -> int:
    """An integer from `low` to 2**53, written as one."""
    if type(value) is Number and _INTEGER.fullmatch(value):
        value = int(value)
    if type(value) is not int or not low <= value <= MAX_NUMBER:
        raise Invalid(f"{what} is no whole number from {low} to 2^53")
    return value


_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")


def text(value: Any, what: str, *, longest: int) -> str:
    """A string of at most `longest` characters."""
    if type(value) is not str:  # a Number is a str to isinstance
        raise Invalid(f"{what} is no string")
    if len(value) > longest:
        raise Invalid(f"{what} has {len(value)} characters, beyond the limit of {longest}")
    return value


def listed(value: Any, what: str, *, most: int) -> list[Any]:
    """A list of at most `most` members."""
    if type(value) is not list:
        raise Invalid(f"{what} is no list")
    if len(value) > most:
        raise Invalid(f"{what} has {len(value)} members, beyond the limit of {most}")
    return value


def mapped(value: Any, what: str, *, most: int) -> dict[str, Any]:
    """An object of at most `most` members."""
    if type(value) is not dict:
        raise Invalid(f"{what} is no object")
    if len(value) > most:
        raise Invalid(f"{what} has {len(value)} members, beyond the limit of {most}")
    return value


@lru_cache(maxsize=1024)
def _known_rid(value: str) -> Rid | None:
    return Rid(value) if is_rid(value) else None


def rid(value: Any, what: str) -> Rid:
    """A replica id."""
    found = _known_rid(value) if type(value) is str and len(value) <= LONGEST_RID else None
    if found is None:
        raise Invalid(f"{what} is no replica id")
    return found


LONGEST_RID = 50
"""41 characters of label, a dash, 8 hex digits."""


def json_text(value: Any, limits: WireLimits) -> JsonText:
    """The canonical text of any value, numbers as they were written."""
    if type(value) is str:
        if len(value) > limits.max_text_chars:
            raise Invalid(f"a string of {len(value)} characters, beyond the limit of {limits.max_text_chars}")
        return JsonText(quoted(value))
    _refuse_depth(value, limits.max_nesting)
    try:
        return canonical(value)
    except TypeError as error:
        raise _Inexact from error


def _refuse_depth(value: Any, left: int) -> None:
    if type(value) not in _CONTAINERS:
        return
    if left == 0:
        raise Invalid("a value nested too deeply")
    for member in value.values() if type(value) is dict else value:
        _refuse_depth(member, left - 1)


_CONTAINERS = (dict, list)


def others(value: dict[str, Any], known: frozenset[str], limits: WireLimits) -> dict[str, JsonText]:
    """The members this release does not know, as canonical text: carried, never read."""
    return {key: json_text(member, limits) for key, member in value.items() if key not in known}


def written_members(members: list[tuple[str, str]]) -> str:
    """An object of keys and finished JSON texts, in the order given."""
    return "{" + ",".join([f"{quoted(key)}:{member}" for key, member in members]) + "}"
