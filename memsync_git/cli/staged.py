"""`memsync-git stash`, `pull`, `apply` and `push`: a round in parts, with a person between them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final

import click

from memsync_git.cli.changes import change_lines, changes_something, consent, count_words, put_preview
from memsync_git.cli.declaring import examples, json_option, store_option, yes_option
from memsync_git.cli.exits import CODES
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices, screen
from memsync_git.cli.sync_screen import SENTENCES
from memsync_git.cli.terminal import Screen, counted, cut, safe
from memsync_git.documents import StagedAction, StagedDocument, StockPart, WaitingDocument
from memsync_git.errors import Misused

NOTHING: Final[dict[StagedAction, str]] = {
    "stash": "Nothing new to record.",
    "pull": "Nothing new elsewhere.",
    "apply": "Nothing waits to be applied.",
    "push": "Nothing to publish.",
}
DONE: Final[dict[StagedAction, str]] = {
    "stash": "Recorded.",
    "pull": "Fetched; the memory file is as it was.",
    "apply": "Applied.",
    "push": "Published.",
}
ANSWERS: Final = "y applies it, n leaves it, a applies it and the rest, q leaves the rest"


@click.command(epilog=examples("memsync-git stash"))
@store_option
@json_option
def stash(as_json: bool) -> None:
    """Record what the memory file says, without publishing it."""
    _put(opened().stash(), as_json=as_json)


@click.command(epilog=examples("memsync-git pull"))
@store_option
@json_option
def pull(as_json: bool) -> None:
    """Fetch what the others noted. The memory file is not touched."""
    _put(opened().pull(), as_json=as_json)


@click.command(epilog=examples("memsync-git push"))
@store_option
@json_option
def push(as_json: bool) -> None:
    """Publish what was recorded. The memory file is not looked at."""
    _put(opened().push(), as_json=as_json)


@click.command(
    epilog=examples(
        "memsync-git apply --preview", 'memsync-git apply --only "Project X"', "memsync-git apply --yes"
    )
)
@click.option("--preview", is_flag=True, help="Show the changes only.")
@click.option(
    "--only", "names", multiple=True, metavar="NAME", help="Apply this entity only; may be repeated."
)
@click.option("--interactive", is_flag=True, help="Ask about each entity.")
@yes_option
@store_option
@json_option
def apply(preview: bool, names: tuple[str, ...], interactive: bool, yes: bool, as_json: bool) -> None:
    """Write what was fetched into the memory file: all of it, or what is picked."""
    if interactive and (preview or yes or as_json):
        raise click.UsageError("--interactive asks; it does not go with --preview, --yes or --json")
    app = opened()
    shown = app.preview_apply(names)
    if preview:
        put_preview(shown, as_json=as_json)
        leave()
    if interactive and changes_something(shown):
        names = _picked(app.waiting(), names)
        if not names:
            click.echo("Nothing was picked; nothing was changed.", err=True)
            leave()
    elif changes_something(shown):
        consent(shown, "Apply this?", yes=yes, as_json=as_json)
    _put(app.apply(names), as_json=as_json)


def _picked(document: WaitingDocument, names: Sequence[str]) -> tuple[str, ...]:
    """What a person picks, group by group."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misused(
            "There is no terminal to ask on.",
            unharmed="Nothing was changed.",
            hint="memsync-git apply --only NAME --yes",
        )
    groups = [group for group in document["groups"] if not names or group["name"] in names]
    picked: list[str] = []
    for at, group in enumerate(groups):
        name = cut(group["name"], screen().width // 2)
        click.echo("\n".join(change_lines(group["changes"], screen())), color=True)
        answer = click.prompt(
            f"Apply {name}? ({ANSWERS})", type=click.Choice(("y", "n", "a", "q")), show_choices=True, err=True
        )
        if answer == "a":
            return (*picked, *(each["name"] for each in groups[at:]))
        if answer == "q":
            break
        picked += [group["name"]] if answer == "y" else []
    return tuple(picked)


def _put(document: StagedDocument, *, as_json: bool) -> None:
    """Print what a part of a round did, and leave."""
    put(document, render_staged, as_json=as_json)
    if not as_json:
        put_notices(document["notices"])
    leave(CODES[document["outcome"]])


def render_staged(document: StagedDocument, screen: Screen) -> str:
    """What was done, what is staged, what waits. What went wrong stands in the notices."""
    verdict, sentence = SENTENCES[document["outcome"]]
    action = document["action"]
    if document["outcome"] == "accepted":
        sentence = DONE[action]
        if document["applied"]:
            sentence = f"Applied {counted(len(document['applied']), 'change')}."
    elif document["outcome"] == "nothing":
        sentence = NOTHING[action]
    return "\n".join([f"{screen.mark(verdict)} {sentence}", *_told(document, screen)])


def _told(document: StagedDocument, screen: Screen) -> Iterator[str]:
    for whence, count in (("this machine", document["local"]), ("the others", document["remote"])):
        words = count_words(count)
        if words:
            yield f"  from {whence}: {words}"
    if len(document["remotes"]) > 1:
        yield from (f"  {safe(remote['name'])}: {remote['outcome']}" for remote in document["remotes"])
    yield from _stock("staged: memsync-git push", document["staged"], screen)
    yield from _stock("to be applied: memsync-git apply", document["waiting"], screen)


def _stock(words: str, stock: StockPart, screen: Screen) -> Iterator[str]:
    if not stock["count"]:
        return
    yield screen.paint(f"{counted(stock['count'], 'change')} {words}", "strong")
    yield from change_lines(stock["changes"], screen)
    if stock["cut"]:
        yield f"  … and {stock['cut']} more"
