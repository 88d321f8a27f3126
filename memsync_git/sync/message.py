"""What a commit says to people: one sentence about what changed.

Rule 1: names are escaped and cut, so a memory can neither fake a message nor flood one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from memsync_git.model import Item, Said
from memsync_git.replica import Txn

LONGEST_NAME = 40
MOST_PARTS = 3
MOST_NAMED = 1000
"""More items than this are counted, not named: nobody reads 100 000 names."""

_NOUNS = {"o": "observation", "l": "relation", "t": "entity", "d": "record", "f": "field"}
_PLURALS = {"entity": "entities"}


def message(host: str, txns: Iterable[Txn]) -> str:
    """`laptop: +2 observations on Alice, −1 relation`."""
    txns = list(txns)
    if len(txns) == 1 and not txns[0].removed:
        return _sentence(host, _parts("+", txns[0].added))
    added: dict[Item, None] = {}
    removed: dict[Item, None] = {}
    for txn in txns:
        for item in txn.removed:
            removed.setdefault(item)
            added.pop(item, None)
        for item in txn.added:
            added.setdefault(item)
            removed.pop(item, None)
    return _sentence(host, [*_parts("+", added), *_parts("−", removed)])


def _sentence(host: str, parts: Sequence[str]) -> str:
    if not parts:
        return f"{host}: upkeep"
    more = f" and {len(parts) - MOST_PARTS} more" if len(parts) > MOST_PARTS else ""
    return f"{host}: {', '.join(parts[:MOST_PARTS])}{more}"


def _parts(sign: str, items: Collection[Item]) -> list[str]:
    if len(items) > MOST_NAMED:
        kinds = items.kinds if isinstance(items, Said) else Counter(str(item[0]) for item in items)
        return [f"{sign}{count} {_noun(kind, count)}" for kind, count in kinds.items()]
    groups: dict[tuple[str, str], int] = {}
    for item in items:
        about = f" on {shown(str(item[1]))}" if item[0] == "o" else ""
        if item[0] == "t":
            about = f" {shown(str(item[1]))}"
        key = (str(item[0]), about)
        groups[key] = groups.get(key, 0) + 1
    return [f"{sign}{count} {_noun(kind, count)}{about}" for (kind, about), count in groups.items()]


def _noun(kind: str, count: int) -> str:
    noun = _NOUNS[kind]
    return noun if count == 1 else _PLURALS.get(noun, noun + "s")


def shown(name: str) -> str:
    """A name safe to print on one line: controls and lone surrogates escaped, cut at 40 characters."""
    cut = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)
