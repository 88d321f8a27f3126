"""Replica ids, and the file names that carry them.

Rule 1: a name found in a shared repository is taken only if it is exactly one this module makes:
no `..`, no upper case, no second spelling of the same file, but for shards that have their former names.
Rule 2: an id is never made from the hostname alone: two machines called `laptop` are two replicas.
Rule 3: shards have names that git tells apart. Looking for what a file may be a delta of, it knows files by a
hash in which every character weighs a quarter of the next (`pack_name_hash` of git's pack-objects.h), so the
number of a shard has four digits from 0 to 3. Its former names, two hexadecimal digits, have 144 hashes.
"""

from __future__ import annotations

import re

from memsync_git.model import Rid
from memsync_git.values import dataclass

DEFAULT_STORE = "default"

_RID = r"[a-z0-9][a-z0-9-]{0,40}-[0-9a-f]{4,8}"
_STORE = r"[a-z0-9][a-z0-9_-]{0,40}"

_FRAGMENT = rf"(?:stores/(?P<store>{_STORE})/)?memory-(?P<rid>{_RID})\.json"
_DIGIT_SHIFTS = (6, 4, 2, 0)
"""Two bits of a number each, the highest first: its digits in base 4."""
_NUMBER = r"(?:(?P<shard>[0-3]{4})|(?P<former>[0-9a-f]{2}))"
_SHARD = rf"(?:stores/(?P<store>{_STORE})/)?memory-(?P<rid>{_RID})/{_NUMBER}\.jsonl"
_UNIFIED = rf"(?:stores/(?P<store>{_STORE})/)?memory\.json"

_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)
"""Names no folder can have on Windows."""

MAX_LABEL = 41
HEX_DIGITS = 8
"""All the grammar allows: with four, two of forty machines of one name meet in 1 of 85 fleets."""


def is_rid(text: str) -> bool:
    """Whether a text is a replica id."""
    return re.fullmatch(_RID, text) is not None


def is_store_name(text: str) -> bool:
    """Whether a text may name a store: it becomes a folder on every machine of the fleet."""
    return re.fullmatch(_STORE, text) is not None and text not in _DEVICES


def new_rid(hostname: str, token: str) -> Rid:
    """A fresh replica id: the hostname for people, `token` (at least 8 hex digits) for uniqueness.

    Raises:
        ValueError: the token is too short or no hex.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", hostname.lower()).strip("-")[:MAX_LABEL].rstrip("-")
    minted = f"{slug or 'host'}-{token[:HEX_DIGITS].lower()}"
    if len(token) < HEX_DIGITS or not is_rid(minted):
        raise ValueError(f"not a random token: {token!r}")
    return Rid(minted)


# --- file names in the shared repository


@dataclass(frozen=True, slots=True)
class FragmentPath:
    """`memory-<rid>.json`, in the root or under `stores/<store>/`."""

    rid: Rid
    store: str = DEFAULT_STORE


@dataclass(frozen=True, slots=True)
class ShardPath:
    """`memory-<rid>/<shard>.jsonl`: record lines of a large fragment; `shard` is a number below 256.

    is_former: its name is one that is still read and no longer written.
    """

    rid: Rid
    shard: int
    store: str = DEFAULT_STORE
    is_former: bool = False


@dataclass(frozen=True, slots=True)
class UnifiedPath:
    """`memory.json`, the view for people."""

    store: str = DEFAULT_STORE


def _folder(store: str) -> str:
    if not is_store_name(store):
        raise ValueError(f"not a store name: {store!r}")
    return "" if store == DEFAULT_STORE else f"stores/{store}/"


def _checked(rid: str) -> str:
    if not is_rid(rid):
        raise ValueError(f"not a replica id: {rid!r}")
    return rid


def fragment_path(rid: Rid, store: str = DEFAULT_STORE) -> str:
    """Where a replica's fragment stands in the shared repository.

    Raises:
        ValueError: no replica id, or no store name.
    """
    return f"{_folder(store)}memory-{_checked(rid)}.json"


def shard_path(rid: Rid, shard: int, store: str = DEFAULT_STORE) -> str:
    """Where one shard of a replica's record lines stands."""
    digits = "".join(str(shard >> shift & 3) for shift in _DIGIT_SHIFTS)
    return f"{_folder(store)}memory-{_checked(rid)}/{digits}.jsonl"


def unified_path(store: str = DEFAULT_STORE) -> str:
    """Where the unified view of a store stands."""
    return f"{_folder(store)}memory.json"


def parse_path(path: str) -> FragmentPath | ShardPath | UnifiedPath | None:
    """What a path in the shared repository is, or None: not ours, to be left alone."""
    for grammar in (_FRAGMENT, _SHARD, _UNIFIED):
        found = re.fullmatch(grammar, path)
        if found is not None:
            return _place(found.groupdict())
    return None


def _place(parts: dict[str, str | None]) -> FragmentPath | ShardPath | UnifiedPath | None:
    store = parts["store"] or DEFAULT_STORE
    if parts["store"] == DEFAULT_STORE or not is_store_name(store):
        return None  # the default store stands in the root and nowhere else
    rid, shard, former = (parts.get(name) for name in ("rid", "shard", "former"))
    if rid is None:
        return UnifiedPath(store)
    if shard is not None:
        return ShardPath(Rid(rid), int(shard, 4), store)
    if former is not None:
        return ShardPath(Rid(rid), int(former, 16), store, is_former=True)
    return FragmentPath(Rid(rid), store)
