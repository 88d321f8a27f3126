"""`memsync-git conflicts`: what was written differently at the same time."""

from __future__ import annotations

from collections.abc import Iterator

import click

from memsync_git.cli.declaring import examples, json_option, store_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import put
from memsync_git.cli.terminal import Screen, cut, safe
from memsync_git.documents import ConflictPart, ConflictsDocument, ValuePart

WAYS = {
    "written": "memsync-git resolve NAME --take HOST  ends one, and so do --value V and --edit",
    "deleted": "memsync-git resolve NAME --restore  brings it back whole, --delete  deletes it",
}


@click.command(epilog=examples("memsync-git conflicts", 'memsync-git conflicts "Project X"'))
@click.argument("name", required=False)
@store_option
@json_option
def conflicts(name: str | None, as_json: bool) -> None:
    """List conflicts. With NAME only its own: every value, its machine and its time."""
    put(opened().conflicts(name), render_conflicts, as_json=as_json)


def render_conflicts(document: ConflictsDocument, screen: Screen) -> str:
    """Every conflict with its values; the one the file shows is marked."""
    if not document["conflicts"]:
        return "No conflicts."
    blocks = ["\n".join(_conflict(conflict, screen)) for conflict in document["conflicts"]]
    kinds = {conflict["kind"] for conflict in document["conflicts"]}
    ways = [words for kind, words in WAYS.items() if kind in kinds]
    return "\n\n".join([*blocks, "\n".join([*ways, "The memory works meanwhile."])])


def _conflict(conflict: ConflictPart, screen: Screen) -> Iterator[str]:
    name = screen.paint(safe(conflict["name"]), "strong")
    if conflict["kind"] == "deleted":
        yield f"{name} was deleted on one machine and edited on another; it was kept with:"
    else:
        yield f"{name} has several values of {safe(conflict['field'])}:"
    for value in conflict["values"]:
        yield _value(value, screen)


def _value(value: ValuePart, screen: Screen) -> str:
    sign = "→" if value["winner"] else " "
    text = "(none)" if value["value"] is None else value["value"]
    whose = "this machine" if value["mine"] else safe(value["host"])
    return f"  {sign} {cut(text, screen.width - 40)}  {whose}, {screen.ago(value['at'])}"
