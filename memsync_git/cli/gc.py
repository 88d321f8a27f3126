"""`memsync-git gc`: making what this machine keeps smaller."""

from __future__ import annotations

import click

from memsync_git.cli.asking import agree
from memsync_git.cli.declaring import examples, json_option, yes_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import put
from memsync_git.cli.terminal import Screen, columns, counted, safe
from memsync_git.documents import GcDocument, GcPart

_WOULD = {"nothing": "nothing to do", "collect": "would be packed anew", "compact": "would be compacted"}


@click.command(epilog=examples("memsync-git gc --dry-run", "memsync-git gc --yes"))
@click.option("--dry-run", is_flag=True, help="Only show what lies there and what would be done.")
@yes_option
@json_option
def gc(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Pack the clone and hubs of this machine anew, and let the store give back what it no longer needs.

    Syncs do what is necessary by themselves; history and memory stay whole.
    """
    app = opened()
    preview = app.gc(do=False)
    if dry_run or all(part["would"] == "nothing" for part in preview["places"]):
        put(preview, render_gc, as_json=as_json)
        return
    if not yes and not as_json:
        put(preview, render_gc, as_json=False)
    agree("Make them smaller?", yes=yes)
    put(app.gc(do=True), render_gc, as_json=as_json)


def render_gc(document: GcDocument, screen: Screen) -> str:
    """A line for each place, and what it comes to."""
    del screen
    rows = [
        (part["kind"], size_words(part["bytes"]), _outcome(part), _contents(part), safe(part["path"]))
        for part in document["places"]
    ]
    return "\n".join([*(columns(rows) if rows else ()), _sum(document)])


def _outcome(part: GcPart) -> str:
    if part["after_bytes"] is None:
        return _WOULD[part["would"]]
    return f"now {size_words(part['after_bytes'])}"


def _contents(part: GcPart) -> str:
    if part["kind"] == "store":
        return f"{size_words(part['free_bytes'])} free"
    return f"{counted(part['loose'], 'loose object')}, {counted(part['packs'], 'pack')}"


def _sum(document: GcDocument) -> str:
    total = size_words(document["bytes"])
    if document["gained_bytes"] is None:
        return f"Together {total}."
    return f"Together {total}, {size_words(max(document['gained_bytes'], 0))} less now."


def size_words(size: int) -> str:
    """Bytes as people say them."""
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"
