"""Changes and previews in words; several commands show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from memsync_git.cli.asking import agree
from memsync_git.cli.printing import put, put_notices
from memsync_git.cli.terminal import Screen, counted, cut, safe

if TYPE_CHECKING:
    from memsync_git.documents import ChangePart, CountPart, ItemPart, NoticePart, PreviewDocument

NO_CHANGE: Final = "would change nothing here"
MOST_TOLD: Final = 20
"""Changes on one screen, with the question still to be seen."""
FEW: Final = 6
"""Of each kind where there are more: enough to see whether it is what was meant."""
SIGNS: Final = {"add": ("+", "ok"), "remove": ("−", "fail"), "change": ("~", "warn"), "keep": ("=", "faint")}


def change_lines(changes: Iterable[ChangePart], screen: Screen) -> Iterator[str]:
    """A line for each change, as wide as the screen."""
    for change in changes:
        sign, colour = SIGNS[change["change"]]
        host = f" [{safe(change['host'])}]" if "host" in change else ""
        words = f"{sign} {item_words(change)}{_instead_of(change)}{host}"
        yield "  " + screen.paint(cut(words, screen.width - 2), colour)


def few_lines(changes: Sequence[ChangePart], cut: int, screen: Screen, *, hint: str = "") -> Iterator[str]:
    """As many of them as a person reads before answering, some of each kind; `cut` more are not given."""
    told = changes if len(changes) <= MOST_TOLD else _some_of_each(changes)
    yield from change_lines(told, screen)
    left = len(changes) - len(told) + cut
    if left:
        yield f"  … and {left} more{hint}"


def _some_of_each(changes: Iterable[ChangePart]) -> list[ChangePart]:
    """The first few that come, that go and that change, in the order they stand."""
    told: list[ChangePart] = []
    counts: Counter[str] = Counter()
    for change in changes:
        counts[change["change"]] += 1
        if counts[change["change"]] <= FEW:
            told.append(change)
    return told


def _instead_of(change: ChangePart) -> str:
    """What stood there before, or gave way."""
    if change.get("was", change["value"]) != change["value"]:
        return f" (was {safe(change['was'])})"
    beaten = ", ".join(map(safe, change.get("beat", ())))
    return f" (not {beaten})" if beaten else ""


def item_words(item: ItemPart | ChangePart) -> str:
    """One item: `Alice: likes tea`, `Alice has type person`, `Alice → Oslo: lives in` …"""
    name, value = safe(item["name"]), safe(item["value"])
    match item["kind"]:
        case "type":
            return f"{name} has type {value}"
        case "field":
            return f"{name}: {safe(item.get('field', ''))} = {value}"
        case "entity":
            return f"{name} ({value})" if value else name
        case "record":
            return name
        case _:
            return f"{name}: {value}"


def render_preview(document: PreviewDocument, screen: Screen) -> str:
    """What a command would change."""
    parts = [screen.paint(safe(document["action"]), "strong")]
    parts += [f"  with {machine_words(host['host'], host['id'])}" for host in document["machines"]]
    parts.append(f"  {_sums(document)}")
    parts += few_lines(document["changes"], document["cut"], screen, hint="; --json lists them")
    return "\n".join(parts)


def _sums(document: PreviewDocument) -> str:
    """How much would change here."""
    adds, removes, changes = document["would_add"], document["would_remove"], document["would_change"]
    ways = (("add", adds), ("remove", removes), ("change", changes))
    told = [f"{way} {counted(number, 'item')}" for way, number in ways if number]
    return "would " + ", ".join(told) if told else NO_CHANGE


def count_words(count: CountPart) -> str:
    """What came and went: `4 added, 1 changed`; empty where nothing did."""
    return ", ".join(f"{count[way]} {way}" for way in ("added", "removed", "changed") if count[way])


def changes_something(document: PreviewDocument) -> bool:
    """Whether a preview shows any change."""
    return bool(document["would_add"] or document["would_remove"] or document["would_change"])


def machine_words(host: str, rid: str) -> str:
    """A machine: its label, and its id."""
    return f"{safe(host)} ({safe(rid)})"


def put_preview(document: PreviewDocument, *, as_json: bool) -> None:
    """Show a preview, and what a person should know of it."""
    put(document, render_preview, as_json=as_json)
    if not as_json:
        put_notices(document["notices"])


def put_new_notices(notices: Iterable[NoticePart], shown: PreviewDocument | None) -> None:
    """Tell what the preview has not told already."""
    told = shown["notices"] if shown is not None else []
    put_notices(notice for notice in notices if notice not in told)


def consent(document: PreviewDocument, question: str, *, yes: bool, as_json: bool) -> None:
    """Show what would change, and come back if the person agrees.

    With JSON only the result is printed: one document a command.

    Raises:
        Misused: there is nobody to ask.
    """
    if not as_json:
        put_preview(document, as_json=False)
    agree(question, yes=yes)
