"""COUNTER-EXAMPLE. The tool this one succeeds, as far as its defects go; nothing of the program imports this.

Written anew from a description of three incompatible generations: a shell script, `memory_backup_crdt` and
`memory_sync`. Each function does what its original did, wrong as that was. `test_older_tool.py` shows each
defect on rows of the real memory server, and that the present program does not share it.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def _nothing() -> None:
    """Nobody does anything in the gap."""


# --- the shell script


class ShellEnds(Exception):
    """jq failed, and `set -e` ended the script."""


def shell_backup(text: str, host: str, now_s: int) -> str:
    """`jq '.[] | . + {_sync_metadata: …}'`: an array only; every entry stamped anew at every run."""
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise ShellEnds("jq: parse error") from error
    return "\n".join(json.dumps({**entry, "_sync_metadata": _stamp(entry, host, now_s)}) for entry in entries)


def _stamp(entry: Row, host: str, now_s: int) -> Row:
    return {"host": host, "timestamp": str(now_s), "id": f"{host}_{entry.get('id')}_{now_s}"}


def shell_merge(copies: Iterable[list[Row]]) -> list[Row]:
    """`group_by(.id) | max_by(timestamp)`: of each entry the copy stamped last, whole."""
    groups: dict[Any, list[Row]] = {}
    for entry in (entry for copy in copies for entry in copy):
        groups.setdefault(entry.get("id"), []).append(entry)
    return [max(group, key=_shell_age) for group in groups.values()]


def _shell_age(entry: Row) -> str:
    return str(entry["_sync_metadata"]["timestamp"])


# --- memory_backup_crdt


def inject(entries: Iterable[Row], host: str, timestamp: str) -> list[Row]:
    """Stamp the entries that carry no stamp yet."""
    return [
        entry
        if "_crdt_metadata" in entry
        else {
            **entry,
            "_crdt_metadata": {"host": host, "timestamp": timestamp, "unique_id": str(uuid.uuid4())},
        }
        for entry in entries
    ]


def crdt_merge(*copies: list[Row]) -> list[Row]:
    """Of each `id` the newest entry, whole. No tombstones."""
    winners: dict[str, Row] = {}
    for entry in (entry for copy in copies for entry in copy):
        key = entry.get("id", "unknown")
        if key not in winners or _age(entry) > _age(winners[key]):
            winners[key] = entry
    return sorted(winners.values(), key=_age)


def _age(entry: Row) -> tuple[str, str]:
    stamp = entry["_crdt_metadata"]
    return stamp["timestamp"], stamp["unique_id"]


def recovered(entries: Iterable[Row]) -> list[Row]:
    """What a merge makes of entries whose stamps were lost."""
    return crdt_merge(inject(entries, "recovered", "1970-01-01T00:00:00"))


def parse_timestamp(text: str) -> datetime:
    """With an offset where the text has one; the smallest date without one where it cannot be read."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.min  # noqa: DTZ901


# --- memory_sync


def unified_merge(local: dict[str, Row], remote: Iterable[Row]) -> dict[str, Row]:
    """Rows by `id`, `name`, or else a number counted on; a remote row only where strictly newer."""
    merged = dict(local)
    for row in remote:
        key = row.get("id") or row.get("name") or f"memory_{len(merged)}"
        if key not in merged or row.get("timestamp", "1970") > merged[key].get("timestamp", "1970"):
            merged[key] = row
    return merged


def hashed_key(row: Row) -> str:
    """The later remedy for rows without an id."""
    return "hash_" + hashlib.md5(json.dumps(row, sort_keys=True).encode()).hexdigest()[:8]


def fetch(live: Path, repository: list[Row], meanwhile: Callable[[], None] = _nothing) -> None:
    """Put the repository's copy in the place of the live file, as an indented array, in place."""
    with live.open("w") as file:
        file.flush()
        meanwhile()
        json.dump(repository, file, indent=2)


def acquire_lock(lock: Path, meanwhile: Callable[[], None] = _nothing) -> bool:
    """Look whether somebody holds the lock, then take it."""
    if lock.exists():
        return False
    meanwhile()
    lock.write_text("locked")
    return True


def resolve_conflict(ours: list[Row], theirs: list[Row]) -> list[Row]:
    """`git checkout --theirs`: the resolver that was written for this was never called."""
    del ours
    return theirs
