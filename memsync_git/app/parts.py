"""Model values as the parts of documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from memsync_git.app.times import timestamp
from memsync_git.model import Item, Record, RecordKey, Verbatim, items_of, key_of
from memsync_git.stretches import counts_of
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.config import StoreSettings
    from memsync_git.deeds.deed import Deed
    from memsync_git.documents import ChangePart, FilePart, HostPart, ItemPart, NoticePart, PreviewDocument
    from memsync_git.replica import Replica, Txn

MOST_CHANGES_LISTED = 10_000
"""Changes in one document: far more than anybody reads, all that a program may want, about 2 MB of JSON."""

_ORDER = {"t": 0, "d": 0, "f": 1, "o": 2, "l": 3}
ARROW = " → "


def text_of(value: Any) -> str:
    """An observation or register value as text."""
    if value is None:
        return ""
    return value.text if isinstance(value, Verbatim) else str(value)


def item_part(item: Item) -> ItemPart:
    """One item, for people and programs."""
    match item:
        case ("t", name, value):
            return {"kind": "entity", "name": name, "value": text_of(value)}
        case ("o", name, value):
            return {"kind": "observation", "name": name, "value": text_of(value)}
        case ("l", source, target, kind):
            return {"kind": "relation", "name": f"{source}{ARROW}{target}", "value": kind}
        case ("f", key, name, value):
            return {"kind": "field", "name": record_name(key), "value": text_of(value), "field": name}
        case _:
            return {"kind": "record", "name": str(item[1]), "value": ""}


def record_name(key: tuple[str, ...]) -> str:
    """What people call a record."""
    return f"{key[1]}{ARROW}{key[2]}" if key[0] == "l" else key[1]


def in_order(items: Iterable[Item]) -> list[Item]:
    """Items as people read them: what stands of a record together, its existence first, relations last."""
    return sorted(items, key=_place)


def first_in_order(items: Iterable[Item], most: int) -> list[Item]:
    """The first of `in_order`, without ordering all."""
    return nsmallest(most, items, key=_place)


_Place = tuple[bool, str, int, str]


def _place(item: Item) -> _Place:
    return item[0] == "l", str(item[1]), _ORDER[item[0]], str(item)


def first_place(record: Record) -> _Place:
    """Where in that order the first thing stands that a record says: of an entity, before any observation."""
    said = items_of(record)
    first = _place(next(said))
    return min([first, *map(_place, said)]) if record.fields else first


def first_keys(keys: Collection[RecordKey], most: int) -> set[RecordKey]:
    """Of records without fields, those that say the first `most` things in that order, and more like them."""
    begins = [(key[0] == "l", key[1]) for key in keys]
    last = max(nsmallest(most, begins), default=(True, ""))
    return {key for key, begin in zip(keys, begins, strict=True) if begin <= last}


def change_parts(added: Iterable[Item], removed: Iterable[Item]) -> list[ChangePart]:
    """Items that come and go; a register that gets another value is one change."""
    gone = list(removed)
    was = {item[:-1]: item for item in gone if item[0] in ("t", "f")}
    parts: list[ChangePart] = []
    for item in added:
        before = was.pop(item[:-1], None) if item[0] in ("t", "f") else None
        if before is None:
            parts.append({**item_part(item), "change": "add"})  # type: ignore[typeddict-item]
        else:
            old = text_of(before[-1])
            parts.append({**_typed(item_part(item)), "change": "change", "was": old})  # type: ignore[typeddict-item]
            gone.remove(before)
    parts += [{**item_part(item), "change": "remove"} for item in gone]  # type: ignore[typeddict-item]
    return parts


def preview_of(
    action: str,
    changes: Sequence[ChangePart],
    *,
    machines: Iterable[HostPart] = (),
    notices: Iterable[NoticePart] = (),
) -> PreviewDocument:
    """What a command would change, as a document."""
    ways = Counter(part["change"] for part in changes)
    return {
        "schema_version": SCHEMA_VERSION,
        "action": action,
        "machines": list(machines),
        "would_add": ways["add"],
        "would_remove": ways["remove"],
        "would_change": ways["change"],
        "changes": list(changes[:MOST_CHANGES_LISTED]),
        "cut": max(0, len(changes) - MOST_CHANGES_LISTED),
        "notices": list(notices),
    }


def deed_parts(deed: Deed) -> list[ChangePart]:
    """What a deed changed, and what it said again as it stood."""
    return [*change_parts(deed.added, deed.removed), *kept_parts(deed.kept)]


def kept_parts(kept: Iterable[tuple[Item, Iterable[Item]]]) -> list[ChangePart]:
    """What was said again as it stood, each with the values that gave way to it."""
    return [
        {**_typed(item_part(item)), "change": "keep", "beat": [text_of(other[-1]) for other in beaten]}  # type: ignore[typeddict-item]
        for item, beaten in kept
    ]


def _typed(part: ItemPart) -> ItemPart:
    """A changed entity is one whose type changed."""
    return {**part, "kind": "type"} if part["kind"] == "entity" else part


def host_parts(replica: Replica) -> list[HostPart]:
    """Every machine that has said something, this one first."""
    headers = [header for header in map(replica.state.header, replica.state.rids) if header is not None]
    retired = {rid for header in headers for rid in header.retired}
    ordered = sorted(headers, key=lambda header: (header.rid != replica.rid, header.host, header.rid))
    return [
        {
            "id": header.rid,
            "host": header.host,
            "rev": header.rev,
            "last_change": timestamp(header.wall_ms or None),
            "retired": header.rid in retired,
        }
        for header in ordered
    ]


def machines(hosts: Iterable[HostPart]) -> list[HostPart]:
    """Every machine once, with its latest change; retired if it is so wherever it takes part."""
    latest: dict[str, HostPart] = {}
    retired: dict[str, bool] = {}
    for host in hosts:
        known = latest.setdefault(host["id"], host)
        if (host["last_change"] or "") > (known["last_change"] or ""):
            latest[host["id"]] = host
        retired[host["id"]] = retired.get(host["id"], True) and host["retired"]
    return [{**host, "retired": retired[host["id"]]} for host in latest.values()]


def file_part(store: StoreSettings, replica: Replica) -> FilePart:
    """What the memory file holds, by its newest state."""
    counts = counts_of(replica.ring.graph.records)
    left_out = len(replica.unshared)
    part: FilePart = {
        "store": store.name,
        "path": str(store.path),
        "format": store.format,
        "entities": counts.entities,
        "relations": counts.relations,
        "observations": counts.observations,
        "other": counts.other,
    }
    return {**part, "left_out": left_out} if left_out else part


def staged_items(remotes: Iterable[str], replica: Replica) -> tuple[list[Item], list[Item]]:
    """What some remote has not accepted yet: items added and removed, of several revisions as one step."""
    untold = {txn.rev: txn for name in remotes for txn in _untold(name, replica)}
    return netted((untold[rev].added, untold[rev].removed) for rev in sorted(untold))


def staged_names(remotes: Iterable[str], replica: Replica) -> list[str]:
    """The records that is about, by name."""
    come, gone = staged_items(remotes, replica)
    return sorted({key_of(item)[1] for item in (*come, *gone)})


def netted(steps: Iterable[tuple[Iterable[Item], Iterable[Item]]]) -> tuple[list[Item], list[Item]]:
    """Several steps of (added, removed) as one."""
    added: dict[Item, None] = {}
    removed: dict[Item, None] = {}
    for come, gone in steps:
        for item in gone:
            if added.pop(item, "absent") == "absent":
                removed.setdefault(item)
        for item in come:
            if removed.pop(item, "absent") == "absent":
                added.setdefault(item)
    return list(added), list(removed)


def pending_up(remotes: Iterable[str], replica: Replica) -> int:
    """Items that some remote has not accepted yet."""
    waiting = 0
    for name in remotes:
        untold = _untold(name, replica)
        waiting = max(waiting, sum(len(txn.added) + len(txn.removed) for txn in untold))
    return waiting


def pending_since(remotes: Iterable[str], replica: Replica) -> int | None:
    """When the oldest change was made that some remote has not accepted yet; None where there is none."""
    return min((txn.at_ms for name in remotes for txn in _untold(name, replica)), default=None)


def _untold(name: str, replica: Replica) -> list[Txn]:
    mark = replica.accepted.get(name)
    return [txn for txn in replica.unpublished if mark is None or txn.rev > mark.rev]
