"""Several stores of one installation, told as one.

Rule 1: one store's failure keeps no other from its round; the outcome is the worst of all.
Rule 2: what is counted is summed, what is listed stands one after the other, the same word once.
Rule 3: a store that is not synchronised is named, never passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from memsync_git.app.opening import Rooms
from memsync_git.app.parts import machines
from memsync_git.app.telling import failed_document, notice
from memsync_git.app.together import published
from memsync_git.errors import Busy, MemsyncError, StoreDamaged
from memsync_git.offering import Offering, answered_together
from memsync_git.words import OutcomeWord, StateWord, worst_outcome

if TYPE_CHECKING:
    from memsync_git.documents import (
        CountPart,
        LastSyncPart,
        NoticePart,
        PreviewDocument,
        RemotePart,
        RemoteResultPart,
        StatusDocument,
        SyncDocument,
    )

STATES_WORST_FIRST: Final[tuple[StateWord, ...]] = (
    "attention",
    "paused",
    "stopped",
    "syncing",
    "offline",
    "pending",
    "in_sync",
)
"""The order in which `status` gives one word: the one first that asks most of a person."""

Part = TypeVar("Part")
Told = tuple[str, Part]
"""What there is to tell of a store, by its name."""


def unadopted_notices(rooms: Rooms) -> list[NoticePart]:
    """What to know of stores that stand in the configuration alone."""
    return [
        notice(
            f"The store {name} stands in the configuration, but was never adopted: nothing syncs it.",
            "Its file is as it was.",
            f"memsync-git stores add {name}",
        )
        for name in rooms.unadopted()
    ]


def in_each(rooms: Rooms, work: Callable[[Rooms], Part]) -> list[Told[Part]]:
    """What every store that is meant came to; one that fails keeps no other from its turn.

    Raises:
        Busy: another process is at it; the stores after it have had no turn.
        MemsyncError: what the first store met that failed, when all had their turn.
    """
    told: list[Told[Part]] = []
    failures: list[MemsyncError] = []
    for one in rooms.each():
        try:
            told.append((one.store.name, work(one)))
        except Busy:
            raise
        except MemsyncError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return told


# --- sync


def sync_each(rooms: Rooms, sync_one: Callable[[Rooms], Offering[SyncDocument]]) -> SyncDocument:
    """A sync of every store that is meant. What they publish to one remote goes in one push.

    Raises:
        Busy: another sync held the lock, or a store.
        MemsyncError: no store could be synchronised; what the first one met.
    """
    began_s = time.monotonic()
    stores = rooms.on_one_visit().each()
    failures: list[MemsyncError] = []
    documents = answered_together([_tried(one, sync_one(one), failures) for one in stores], published)
    busy = next((error for error in failures if isinstance(error, Busy)), None)
    if busy is not None or len(failures) == len(stores):
        raise busy or failures[0]
    names = [one.store.name for one in stores]
    document = synced_together(list(zip(names, documents, strict=True)))
    document["ms"] = round((time.monotonic() - began_s) * 1000)
    document["notices"] = [*document["notices"], *unadopted_notices(rooms)]
    return document


def _tried(
    rooms: Rooms, steps: Offering[SyncDocument], failures: list[MemsyncError]
) -> Offering[SyncDocument]:
    """A sync of one store, whatever becomes of it."""
    try:
        return (yield from steps)
    except MemsyncError as error:
        failures.append(error)
        names = [remote.name for remote in rooms.configuration.remotes]
        return failed_document(names, notice(error.message, error.unharmed, error.hint), 0)


def synced_together(told: Sequence[Told[SyncDocument]]) -> SyncDocument:
    """The documents of several stores as one; that of one store is what it is."""
    documents = [document for _, document in told]
    if len(documents) == 1:
        return documents[0]
    together: SyncDocument = {
        "schema_version": documents[0]["schema_version"],
        "outcome": worst_outcome(each["outcome"] for each in documents),
        "local": _sum([each["local"] for each in documents]),
        "remote": _sum([each["remote"] for each in documents]),
        "conflicts": sum(each["conflicts"] for each in documents),
        "holds": sum(each["holds"] for each in documents),
        "published": any(each["published"] for each in documents),
        "wrote_file": any(each["wrote_file"] for each in documents),
        "rounds": max(each["rounds"] for each in documents),
        "ms": sum(each["ms"] for each in documents),
        "txn": documents[0]["txn"],
        "dry_run": documents[0]["dry_run"],
        "remotes": _results(result for each in documents for result in each["remotes"]),
        "stores": [
            {
                "store": name,
                "outcome": each["outcome"],
                "local": each["local"],
                "remote": each["remote"],
                "txn": each["txn"],
            }
            for name, each in told
        ],
        "notices": _all_notices(told),
    }
    woulds = [each["would"] for each in documents if "would" in each]
    if woulds:
        together["would"] = {
            "up": [change for would in woulds for change in would["up"]],
            "down": [change for would in woulds for change in would["down"]],
        }
    return together


def _sum(counts: Sequence[CountPart]) -> CountPart:
    return {
        "added": sum(each["added"] for each in counts),
        "removed": sum(each["removed"] for each in counts),
        "changed": sum(each["changed"] for each in counts),
    }


def _results(results: Iterable[RemoteResultPart]) -> list[RemoteResultPart]:
    """The worst that happened with each remote."""
    by_name: dict[str, list[RemoteResultPart]] = {}
    for result in results:
        by_name.setdefault(result["name"], []).append(result)
    return [_worst_result(of_one) for of_one in by_name.values()]


def _worst_result(results: Sequence[RemoteResultPart]) -> RemoteResultPart:
    worst = worst_outcome(each["outcome"] for each in results)
    return next(each for each in results if each["outcome"] == worst)


def _all_notices(told: Sequence[Told[SyncDocument]] | Sequence[Told[StatusDocument]]) -> list[NoticePart]:
    """What the stores have to say, and where to look for what waits in others than the first."""
    said = notices_together((name, document["notices"]) for name, document in told)
    for name, document in told[1:]:
        if document["conflicts"]:
            said.append(notice(f"{name} has conflicts.", "", f"memsync-git conflicts --store {name}"))
        if document["holds"]:
            held = f"{name} has deletions that wait for your word."
            said.append(notice(held, "Nothing of it was deleted.", f"memsync-git holds --store {name}"))
    return said


def notices_together(told: Iterable[Told[Sequence[NoticePart]]]) -> list[NoticePart]:
    """What several stores have to say, each thing once. What only one says is said of that one."""
    of: dict[str, tuple[NoticePart, list[str]]] = {}
    stores = []
    for name, notices in told:
        stores.append(name)
        for each in notices:
            of.setdefault(each["message"], (each, []))[1].append(name)
    return [
        each if len(names) == len(stores) else {**each, "message": f"{', '.join(names)}: {each['message']}"}
        for each, names in of.values()
    ]


# --- status


def status_of_each(rooms: Rooms, status_one: Callable[[Rooms], StatusDocument]) -> StatusDocument:
    """One screen for all stores that are meant.

    Raises:
        StoreDamaged: no replica store can be read; what the first one met.
    """
    told: list[Told[StatusDocument]] = []
    damaged: list[Told[StoreDamaged]] = []
    for one in rooms.each():
        try:
            told.append((one.store.name, status_one(one)))
        except StoreDamaged as error:
            damaged.append((one.store.name, error))
    if not told:
        raise damaged[0][1]
    document = standing_together(told)
    if damaged:
        document["state"] = "attention"
    document["notices"] = [*map(_damage, damaged), *document["notices"], *unadopted_notices(rooms)]
    return document


def _damage(told: Told[StoreDamaged]) -> NoticePart:
    name, error = told
    return notice(f"{name}: {error.message}", error.unharmed, error.hint)


def standing_together(told: Sequence[Told[StatusDocument]]) -> StatusDocument:
    """The screens of several stores as one; what is said of the machine stands in each alike."""
    documents = [document for _, document in told]
    first = documents[0]
    if len(documents) == 1:
        return first
    remotes = _remotes(documents)
    outcomes: list[OutcomeWord] = [each["outcome"] for each in documents if each["outcome"] is not None]
    return {
        **first,
        "state": min((each["state"] for each in documents), key=STATES_WORST_FIRST.index),
        "stores": [file for each in documents for file in each["stores"]],
        "remotes": remotes,
        "remote": remotes[0] if remotes else None,
        "pending": {
            "up": sum(each["pending"]["up"] for each in documents),
            "down": sum(each["pending"]["down"] for each in documents),
        },
        "staged": [name for each in documents for name in each.get("staged", [])],
        "waiting": [name for each in documents for name in each.get("waiting", [])],
        "conflicts": sum(each["conflicts"] for each in documents),
        "holds": sum(each["holds"] for each in documents),
        "hosts": machines(host for each in documents for host in each["hosts"]),
        "last_sync": _worst_round(documents),
        "last_success": _earliest(each["last_success"] for each in documents),
        "failing_since": _earliest(each["failing_since"] for each in documents if each["failing_since"]),
        "silence": next((each["silence"] for each in documents if each["silence"] is not None), None),
        "outcome": worst_outcome(outcomes) if outcomes else None,
        "notices": _all_notices(told),
    }


def _remotes(documents: Sequence[StatusDocument]) -> list[RemotePart]:
    """Each remote by the store it went worst with, and all that waits for it."""
    together = []
    for at, remote in enumerate(documents[0]["remotes"]):
        parts = [each["remotes"][at] for each in documents]
        outcomes: list[OutcomeWord] = [each["outcome"] for each in parts if each["outcome"] is not None]
        worst = worst_outcome(outcomes) if outcomes else None
        shown = next((each for each in parts if each["outcome"] == worst), remote)
        together.append({**shown, "pending": sum(each.get("pending", 0) for each in parts)})
    return together  # type: ignore[return-value]


def _worst_round(documents: Sequence[StatusDocument]) -> LastSyncPart | None:
    """Of the last rounds the worst, of these the one that was longest ago."""
    rounds = [each["last_sync"] for each in documents]
    done = [each for each in rounds if each is not None]
    if len(done) < len(rounds):
        return None
    worst = worst_outcome(each["outcome"] for each in done)
    return min((each for each in done if each["outcome"] == worst), key=lambda each: each["at"])


def _earliest(times: Iterable[str | None]) -> str | None:
    """The first of some moments; never, if one of them never was."""
    told = list(times)
    return None if None in told else min((each for each in told if each), default=None)


# --- previews


def previewed_together(documents: Sequence[PreviewDocument], action: str) -> PreviewDocument:
    """What several steps would change, as one."""
    return {
        "schema_version": documents[0]["schema_version"],
        "action": action,
        "machines": machines(host for each in documents for host in each["machines"]),
        "would_add": sum(each["would_add"] for each in documents),
        "would_remove": sum(each["would_remove"] for each in documents),
        "would_change": sum(each["would_change"] for each in documents),
        "changes": [change for each in documents for change in each["changes"]],
        "cut": sum(each["cut"] for each in documents),
        "notices": [told for each in documents for told in each["notices"]],
    }
