"""`memsync-git show`: what the memory says about one name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from memsync_git.cli.changes import change_lines
from memsync_git.cli.declaring import examples, json_option, store_option
from memsync_git.cli.exits import DONE, FAILED
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put
from memsync_git.cli.terminal import Screen, safe
from memsync_git.documents import ChangePart, MomentPart, SaidPart, ShowDocument, ShownPart
from memsync_git.options import ShowOptions


@click.command(epilog=examples("memsync-git show Alice", "memsync-git show Alice --at 2d --meta"))
@click.argument("name")
@click.option("--at", metavar="WHEN", help="As it was then: 2026-11-20, 2026-11-20T11:30, or 2h, 3d ago.")
@click.option("--history", is_flag=True, help="Every change of it, oldest first.")
@click.option("--meta", is_flag=True, help="With machine and time of every observation.")
@store_option
@json_option
def show(name: str, at: str | None, history: bool, meta: bool, as_json: bool) -> None:
    """Show the entity NAME."""
    document = opened().show(ShowOptions(name, at, history=history))
    put(document, render_with_origin if meta else render_show, as_json=as_json)
    leave(DONE if document["found"] else FAILED)


def render_show(document: ShowDocument, screen: Screen) -> str:
    """The entity as people read it."""
    return _render(document, screen, meta=False)


def render_with_origin(document: ShowDocument, screen: Screen) -> str:
    """The entity with machine and time of every observation."""
    return _render(document, screen, meta=True)


def _render(document: ShowDocument, screen: Screen, *, meta: bool) -> str:
    if not document["found"]:
        return f"The memory says nothing about {safe(document['name'])}"
    return "\n\n".join("\n".join(_shown(shown, screen, meta=meta)) for shown in document["found"])


def _shown(shown: ShownPart, screen: Screen, *, meta: bool) -> Iterator[str]:
    kind = f" ({safe(shown['type'])})" if shown["type"] else ""
    yield f"{screen.paint(safe(shown['name']), 'strong')}{kind}"
    for said in shown["observations"]:
        yield f"  {safe(said['value'])}{_origin(said, screen) if meta else ''}"
    for relation in shown["relations"]:
        yield f"  {safe(relation['source'])} → {safe(relation['target'])}: {safe(relation['type'])}"
    for name, value in shown["fields"].items():
        yield f"  {safe(name)} = {safe(value)}"
    if "history" in shown:
        yield "  history"
        yield from _history(shown["history"], screen)


def _history(moments: Iterable[MomentPart], screen: Screen) -> Iterator[str]:
    """What was said at once stands together."""
    for (host, at, txn), together in groupby(moments, key=_occasion):
        named = ", ".join(filter(None, (safe(host), screen.ago(at), safe(txn))))
        yield "    " + screen.paint(named, "faint")
        yield from (f"    {line}" for line in change_lines(map(_unnamed, together), screen))


def _occasion(moment: MomentPart) -> tuple[str, str | None, str]:
    return moment.get("host", ""), moment["at"], moment["txn"]


def _unnamed(moment: MomentPart) -> ChangePart:
    """A change without its machine, which stands above it."""
    return {key: value for key, value in moment.items() if key != "host"}  # type: ignore[return-value]


def _origin(said: SaidPart, screen: Screen) -> str:
    words = f"{safe(said['host'])}, {screen.ago(said['at'])}, {safe(said['id'])}"
    return "  " + screen.paint(f"[{words}]", "faint")
