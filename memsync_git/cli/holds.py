"""`memsync-git holds`: deletions a guard keeps back until a person decides."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from typing import Final, NoReturn

import click

from memsync_git.cli.asking import agree
from memsync_git.cli.changes import item_words
from memsync_git.cli.declaring import examples, json_option, store_option, yes_option
from memsync_git.cli.lazy import LazyGroup
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices, screen
from memsync_git.cli.terminal import Screen, counted, cut, safe
from memsync_git.documents import HoldPart, HoldsDocument
from memsync_git.errors import Misused
from memsync_git.words import Verdict

WAYS: Final = "memsync-git holds accept  deletes, memsync-git holds reject  keeps"


@click.group(
    cls=LazyGroup,
    places={},
    invoke_without_command=True,
    epilog=examples("memsync-git holds", "memsync-git holds accept"),
)
@store_option
@json_option
@click.pass_context
def holds(context: click.Context, as_json: bool) -> None:
    """List held deletions, accept or reject them."""
    if context.invoked_subcommand is None:
        put(opened().holds(), render_holds, as_json=as_json)


@holds.command("list", epilog=examples("memsync-git holds list --json"))
@store_option
@json_option
def list_(as_json: bool) -> None:
    """List held deletions."""
    put(opened().holds(), render_holds, as_json=as_json)


@holds.command(epilog=examples("memsync-git holds accept --yes"))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@yes_option
@store_option
@json_option
def accept(ids: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Delete what is held: the holds named, or all."""
    app = opened()
    waiting = chosen(app.holds(), ids)
    if not waiting["holds"]:
        _put_nothing(waiting, as_json=as_json)
    if not as_json:
        click.echo(blocks_of(waiting, screen()), color=True)
    agree("Delete these?", yes=yes)
    _put_decided(app.decide(ids, accept=True), "accepted", as_json=as_json)


@holds.command(epilog=examples("memsync-git holds reject"))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@store_option
@json_option
def reject(ids: tuple[str, ...], as_json: bool) -> None:
    """Keep what is held: the holds named, or all. Nothing is deleted."""
    app = opened()
    waiting = chosen(app.holds(), ids)
    if not waiting["holds"]:
        _put_nothing(waiting, as_json=as_json)
    _put_decided(app.decide(ids, accept=False), "rejected", as_json=as_json)


def _put_nothing(document: HoldsDocument, *, as_json: bool) -> NoReturn:
    put(document, render_holds, as_json=as_json)
    leave()


def _put_decided(document: HoldsDocument, how: str, *, as_json: bool) -> None:
    put(document, partial(render_decided, how=how), as_json=as_json)
    if not as_json:
        put_notices(document["notices"])


def chosen(document: HoldsDocument, ids: Collection[str]) -> HoldsDocument:
    """The holds named, or all.

    Raises:
        Misused: none of them has such an id.
    """
    known = {hold["id"] for hold in document["holds"]}
    unknown = next((each for each in ids if each not in known), None)
    if unknown is not None:
        raise Misused(
            f"No hold has the id {unknown!r}", unharmed="Nothing was changed.", hint="memsync-git holds"
        )
    picked = [hold for hold in document["holds"] if not ids or hold["id"] in ids]
    return {**document, "holds": picked}


def render_holds(document: HoldsDocument, screen: Screen) -> str:
    """Every hold with the first of its items."""
    if not document["holds"]:
        return "Nothing is held."
    return f"{blocks_of(document, screen)}\n\n{WAYS}"


def blocks_of(document: HoldsDocument, screen: Screen) -> str:
    """The holds alone."""
    return "\n\n".join("\n".join(_hold(hold, screen)) for hold in document["holds"])


def _hold(hold: HoldPart, screen: Screen) -> Iterator[str]:
    whence = "in the memory file" if hold["source"] == "file" else f"from {safe(hold['source'])}"
    name = screen.paint(safe(hold["id"]), "strong")
    yield f"{name}  {screen.ago(hold['at'])}, {whence}: {safe(hold['reason'])}"
    sums = (
        (hold["entities"], "entity"),
        (hold["relations"], "relation"),
        (hold["observations"], "observation"),
    )
    yield "  deletes " + ", ".join(counted(number, noun) for number, noun in sums if number)
    for item in hold["items"]:
        yield "  " + screen.paint(cut(f"− {item_words(item)}", screen.width - 2), "fail")
    if hold["cut"]:
        yield f"  … and {hold['cut']} more"


def render_decided(document: HoldsDocument, screen: Screen, *, how: str) -> str:
    """What was decided, and what still waits. `how`: accepted or rejected."""
    left = counted(len(document["holds"]), "hold") if document["holds"] else "none"
    verdict: Verdict = "warn" if document["holds"] else "ok"
    return f"{screen.mark(verdict)} {counted(len(document['decided']), 'hold')} {how}, {left} left"
