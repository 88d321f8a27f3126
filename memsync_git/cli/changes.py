"""Changes and previews in words; several commands show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from memsync_git.cli.asking import agree
from memsync_git.cli.printing import put, put_notices
from memsync_git.cli.terminal import Screen, counted, cut, safe
from memsync_git.documents import ChangePart, ItemPart, PreviewDocument

SIGNS: Final = {"add": ("+", "ok"), "remove": ("−", "fail"), "change": ("~", "warn")}


def change_lines(changes: Iterable[ChangePart], screen: Screen) -> Iterator[str]:
    """A line for each change, as wide as the screen."""
    for change in changes:
        sign, colour = SIGNS[change["change"]]
        was = f" (was {safe(change['was'])})" if "was" in change else ""
        host = f" [{safe(change['host'])}]" if "host" in change else ""
        yield "  " + screen.paint(cut(f"{sign} {item_words(change)}{was}{host}", screen.width - 2), colour)


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
    parts += [f"  {machine_words(host['host'], host['id'])}" for host in document["machines"]]
    counts = ((document["would_add"], "added"), (document["would_remove"], "removed"))
    sums = [f"{counted(number, 'item')} would be {how}" for number, how in counts]
    parts.append("  " + ", ".join([*sums, f"{document['would_change']} changed"]))
    parts += change_lines(document["changes"], screen)
    if document["cut"]:
        parts.append(f"  … and {document['cut']} more")
    return "\n".join(parts)


def machine_words(host: str, rid: str) -> str:
    """A machine: its label, and its id."""
    return f"{safe(host)} ({safe(rid)})"


def put_preview(document: PreviewDocument, *, as_json: bool) -> None:
    """Show a preview, and what a person should know of it."""
    put(document, render_preview, as_json=as_json)
    if not as_json:
        put_notices(document["notices"])


def consent(document: PreviewDocument, question: str, *, yes: bool, as_json: bool) -> None:
    """Show what would change, and come back if the person agrees.

    With JSON only the result is printed: one document a command.

    Raises:
        Misused: there is nobody to ask.
    """
    if not as_json:
        put_preview(document, as_json=False)
    agree(question, yes=yes)
