"""Plain JSON values to bytes and back, for rows that never leave this machine.

Rule 1: what went in comes out, lone surrogates included (orjson refuses them; the standard library escapes).
Rule 2: tuples become lists, and an observation that is no string becomes `{"v": its text}`, without being
copied first: an adopted memory is half a million of them.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from memsync_git.model import Verbatim


def dumps(value: Any) -> bytes:
    """Compact JSON."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:
        return json.dumps(value, separators=(",", ":"), default=_plain).encode("ascii")


def _plain(value: Any) -> Any:
    if isinstance(value, Verbatim):
        return {"v": value.text}
    raise TypeError(f"no plain value: {value!r}")


def loads(data: bytes) -> Any:
    """The value again.

    Raises:
        ValueError: these bytes are not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)
