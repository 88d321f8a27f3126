"""Where a record stands in the view, as some bytes: they sort as the view does.

    kind · time · rid · number

Rule 1: kinds come one after another, in each the smallest stamp first. No two records share a dot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsync_git.model import RecordKey

if TYPE_CHECKING:
    from memsync_git.crdt.fragment import Stamp

_KINDS = {"e": 0, "l": 1, "r": 2}
_NUMBER_BYTES = 8
"""Times and numbers go up to 2**53."""
_EPOCH = 1 << 63
"""A file may be older than 1970; its bytes come first all the same."""
_END = b"\0"
"""Less than whatever a rid is made of, so that one comes before those it begins."""


def kind_order(key: RecordKey) -> int:
    """Entities, relations, generic records."""
    return _KINDS[key[0]]


def place_of(key: RecordKey, stamp: Stamp) -> bytes:
    """Where a record stands; `stamp`: its smallest."""
    ts, rid, n = stamp
    time, number = (ts + _EPOCH).to_bytes(_NUMBER_BYTES, "big"), n.to_bytes(_NUMBER_BYTES, "big")
    return b"%c%b%b%b%b" % (kind_order(key), time, rid.encode("ascii"), _END, number)


def place_behind(key: RecordKey, at: int) -> bytes:
    """The same of what has no stamp, one after the other: entities behind theirs, the rest at the end."""
    kind = kind_order(key) if key[0] == "e" else len(_KINDS)
    return b"%c%b%b" % (kind, b"\xff" * (_NUMBER_BYTES + 1), at.to_bytes(_NUMBER_BYTES, "big"))
