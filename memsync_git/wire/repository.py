"""The marker of a shared repository, `.memsync.json`: what it is and who may read it.

{"memsync": 1, "min_reader": 1, "created": "2026-11-20T11:30:00Z"}
"""

from __future__ import annotations

from typing import Any

from memsync_git.values import dataclass
from memsync_git.wire.headers import asked_reader, moment, newer
from memsync_git.wire.lines import mapped, read_line
from memsync_git.wire.moments import instant_of
from memsync_git.wire.verdicts import FORMAT, LIMITS, MIN_READER, Invalid, Malformed, Newer, WireLimits

MARKER_PATH = ".memsync.json"

MAX_MARKER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Marker:
    """A repository this release can read. `created_ms` is for people."""

    created_ms: int


def encode_marker(created_ms: int) -> bytes:
    """The marker of a repository begun at `created_ms`."""
    written = f'{{"memsync": {FORMAT}, "min_reader": {MIN_READER}, "created": "{instant_of(created_ms)}"}}\n'
    return written.encode("ascii")


def decode_marker(data: bytes) -> Marker | Malformed | Newer:
    """Read a marker as hostile input; members this release does not know are passed over."""
    min_reader = asked_reader(data[:MAX_MARKER_BYTES])
    if min_reader is not None and min_reader > FORMAT:
        return Newer(min_reader)
    if len(data) > MAX_MARKER_BYTES:
        return Malformed(f"a marker of {len(data)} bytes")
    try:
        return read_line(data, LIMITS, _marker)
    except Invalid as error:
        return Malformed(str(error))


def _marker(value: Any, limits: WireLimits) -> Marker | Newer:
    members = mapped(value, "a marker", most=limits.max_facts)
    return newer(members) or Marker(moment(members.get("created")))
