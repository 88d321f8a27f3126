"""Which conflicts an order of `resolve` is about, and what it means for each.

Rule 1: an order that fits no conflict, or more than one, is refused with their names.
Rule 2: where all conflicts are meant, what a choice does not fit is left alone, never guessed.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import assert_never

from memsync_git.app.naming import full_name, hints, is_called, keys_called, unknown
from memsync_git.app.past import host_in
from memsync_git.conflicts import (
    Answer,
    Chosen,
    Contest,
    Nobody,
    Several,
    Survivor,
    contests,
    deleted,
    field_of,
    record_key,
    restored,
    settled,
    value_by,
    written_value,
)
from memsync_git.crdt.view import Conflict
from memsync_git.errors import Misused
from memsync_git.model import Item, RecordKey, Rid
from memsync_git.options import Choice, Delete, ResolveOptions, Restore, Take, Write
from memsync_git.replica import Replica
from memsync_git.sync.message import shown

UNHARMED = "Nothing was changed."

Taken = Mapping[RecordKey, Sequence[Item]]
"""What the deletes took that are to be undone."""


# --- which conflicts are meant


def picked(replica: Replica, options: ResolveOptions) -> list[Contest]:
    """The conflicts an order is about.

    Raises:
        Misused: it is about none, or it is not clear which.
    """
    found = contests(replica.state)
    if options.name is None:
        if isinstance(options.choice, Write):
            raise Misused("One value cannot settle every conflict.", unharmed=UNHARMED, hint="give a name")
        return [contest for contest in found if _fits(contest, options)]
    named = [contest for contest in found if is_called(record_key(contest), options.name)]
    if not named:
        raise _no_conflict(replica, found, options.name)
    fitting = [contest for contest in named if _fits(contest, options)]
    if not fitting:
        raise _unfit(options, named)
    if len(fitting) > 1 and isinstance(fitting[0], Conflict):
        raise _ambiguous(fitting)
    return fitting


def _fits(contest: Contest, options: ResolveOptions) -> bool:
    match options.choice:
        case Take() | Write():
            is_kind = isinstance(contest, Conflict)
        case Restore() | Delete():
            is_kind = isinstance(contest, Survivor)
    return is_kind and options.field in (None, field_of(contest))


def _no_conflict(replica: Replica, found: Sequence[Contest], name: str) -> Misused:
    if not keys_called(replica.state, name):
        return unknown(replica.state, name, "conflicts")
    hint = "memsync-git conflicts" if found else ""
    return Misused(f"There is no conflict about {shown(name)!r}", unharmed=UNHARMED, hint=hint)


def _unfit(options: ResolveOptions, named: Sequence[Contest]) -> Misused:
    """Name what the order could have been about."""
    name = shown(options.name or "")
    fields = sorted({field_of(contest) for contest in named if isinstance(contest, Conflict)})
    if not fields:
        return Misused(
            f"{name} was deleted on one machine and edited on another: there is no value to choose.",
            unharmed=UNHARMED,
            hint=_ways(options, "--restore", "--delete"),
        )
    if options.field is not None and options.field not in fields:
        reason = f"{name} has no conflict about {shown(options.field)!r}, but about {_list(fields)}"
        return Misused(reason, unharmed=UNHARMED, hint=_ways(options, *map(_field_option, fields)))
    return Misused(
        f"{name} was not deleted anywhere: it has several values of {_list(fields)}",
        unharmed=UNHARMED,
        hint=_ways(options, "--take newest"),
    )


def _ambiguous(fitting: Sequence[Contest]) -> Misused:
    keys = {record_key(contest) for contest in fitting}
    if len(keys) > 1:
        names = sorted(map(full_name, keys))
        return Misused(
            f"Several records bear that name: {_list(names)}",
            unharmed=UNHARMED,
            hint=hints("resolve", names),
        )
    fields = sorted(map(field_of, fitting))
    return Misused(
        f"{shown(full_name(record_key(fitting[0])))} has several conflicts: {_list(fields)}",
        unharmed=UNHARMED,
        hint="\n".join(f"add {_field_option(name)}" for name in fields),
    )


def _ways(options: ResolveOptions, *ways: str) -> str:
    command = hints("resolve", [options.name or ""])
    return "\n".join(f"{command} {way}" for way in ways)


def _field_option(name: str) -> str:
    return f"--field {shlex.quote(name)}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names))


# --- what the choice means


def answer(replica: Replica, contest: Contest, options: ResolveOptions, taken: Taken) -> Answer | None:
    """What to write, or None to leave this one alone (only where all are meant)."""
    match contest:
        case Survivor():
            if isinstance(options.choice, Delete):
                return deleted(replica.state, contest)
            return restored(replica.state, contest, taken.get(contest.key, ()))
        case Conflict():
            return _settled(replica, contest, options.choice, is_sole=options.name is not None)
        case _:
            assert_never(contest)


def _settled(replica: Replica, conflict: Conflict, choice: Choice, *, is_sole: bool) -> Answer | None:
    if isinstance(choice, Write):
        return settled(conflict, written_value(conflict, choice.value))
    who = choice.host if isinstance(choice, Take) else ""
    labels = {stamp[1]: host_in(replica.state, stamp[1]) for stamp, _ in conflict.values}
    match value_by(conflict, who, own=replica.rid, labels=labels):
        case Chosen(value):
            return settled(conflict, value)
        case Several(rids):
            raise Misused(
                f"Several machines are called {shown(who)!r}: {_list(rids)}",
                unharmed=UNHARMED,
                hint="\n".join(f"--take {rid}" for rid in rids),
            )
        case Nobody():
            if is_sole:
                raise _wrote_nothing(conflict, who, labels)
            return None


def _wrote_nothing(conflict: Conflict, who: str, labels: Mapping[Rid, str]) -> Misused:
    name = shown(full_name(record_key(conflict)))
    return Misused(
        f"None of the values of {name} is by {shown(who)!r}, only by {_list(sorted(set(labels.values())))}",
        unharmed=UNHARMED,
        hint=hints("conflicts", [conflict.register[1] if conflict.register[0] == "t" else name]),
    )
