"""The names people give for records: finding them, and suggesting what they may have meant.

Rule 1: a name is matched exactly; anything else is only ever suggested.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from memsync_git.app.parts import ARROW, record_name
from memsync_git.crdt.state import State
from memsync_git.errors import MemsyncError, Misused
from memsync_git.model import RecordKey
from memsync_git.replica import Replica
from memsync_git.sync.message import shown

MOST_SUGGESTED = 3
LIKENESS = 0.6
LONGEST_COMPARED = 200
"""Likeness costs the product of both lengths; nobody mistypes a name longer than that."""


def full_name(key: RecordKey) -> str:
    """What people call a record, a relation with its kind: `Alice → Oslo: lives_in`."""
    return f"{record_name(key)}: {key[3]}" if key[0] == "l" else record_name(key)


def is_called(key: RecordKey, name: str) -> bool:
    """Whether a record is meant by a name."""
    return name in (record_name(key), full_name(key))


def keys_called(state: State, name: str) -> list[RecordKey]:
    """The records of that very name: an entity, a generic record, relations written `from → to`."""
    wanted: list[RecordKey] = [("e", name), ("r", name)]
    if ARROW in name:
        wanted += sorted(key for key in list(state.keys()) if key[0] == "l" and is_called(key, name))
    return [key for key in wanted if state.record(key) is not None]


def nearest(names: Iterable[str], name: str) -> list[str]:
    """The names most like one that was not found: another case first, then containing it, then alike."""
    from difflib import get_close_matches

    folded: dict[str, str] = {}
    for known in sorted(names):
        folded.setdefault(known.casefold(), known)
    wanted = name.casefold()
    found = [wanted] if wanted in folded else []
    found += sorted((known for known in folded if wanted and wanted in known), key=len)[:MOST_SUGGESTED]
    short = [known for known in folded if len(known) <= LONGEST_COMPARED]
    found += get_close_matches(wanted[:LONGEST_COMPARED], short, MOST_SUGGESTED, LIKENESS)
    return [folded[known] for known in dict.fromkeys(found)][:MOST_SUGGESTED]


def names_of(state: State) -> set[str]:
    """The names of all entities and generic records."""
    return {key[1] for key in state.keys() if key[0] != "l"}  # noqa: SIM118 - a state is no mapping


def hints(command: str, names: Iterable[str]) -> str:
    """The same command for each of some names, a line each."""
    return "\n".join(f"memsync-git {command} {shlex.quote(name)}" for name in names)


def unheard_of(replica: Replica, state: State, name: str, command: str) -> MemsyncError:
    """The answer to a question about a name that a state of a memory does not know (exit 1)."""
    if name in replica.unshared:
        return MemsyncError(
            f"{shown(name)!r} is left out of the memory on this machine",
            unharmed="What the memory file says about it is shared with nobody.",
            hint=f"memsync-git config get stores.{replica.store}.exclude",
        )
    suggested = nearest(names_of(state), name)
    return MemsyncError(
        f"The memory says nothing about {shown(name)!r}",
        hint=hints(command, suggested) or "memsync-git status",
    )


def unknown(state: State, name: str, command: str) -> Misused:
    """The answer to an order about a name the memory does not know (exit 2)."""
    return Misused(
        f"The memory says nothing about {shown(name)!r}",
        unharmed="Nothing was changed.",
        hint=hints(command, nearest(names_of(state), name)),
    )
