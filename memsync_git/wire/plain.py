"""Plain JSON values to bytes and back, for rows that never leave this machine.

Rule 1: what went in comes out, lone surrogates included (orjson refuses them; the standard library escapes).
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """Compact JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def loads(data: bytes) -> Any:
    """The value again.

    Raises:
        ValueError: these bytes are not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)
