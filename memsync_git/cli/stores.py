"""`memsync-git stores`: the memory files this machine synchronises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from memsync_git.cli.changes import changes_something, consent, put_new_notices, put_preview
from memsync_git.cli.declaring import examples, json_option, yes_option
from memsync_git.cli.exits import CODES, DONE
from memsync_git.cli.lazy import LazyGroup
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices
from memsync_git.cli.status_screen import WORDS
from memsync_git.cli.terminal import Screen, columns, counted, safe
from memsync_git.documents import PreviewDocument, StorePart, StoresAction, StoresDocument

SENTENCES: Final[dict[StoresAction, str]] = {"add": "Added.", "remove": "Removed."}


@click.group(
    cls=LazyGroup,
    places={},
    invoke_without_command=True,
    epilog=examples("memsync-git stores", "memsync-git stores add office --file ~/office/memory.jsonl"),
)
@json_option
@click.pass_context
def stores(context: click.Context, as_json: bool) -> None:
    """List the memory files this machine synchronises; add and leave them."""
    if context.invoked_subcommand is None:
        _put(opened().stores(), as_json=as_json)


@stores.command("list", epilog=examples("memsync-git stores list --json"))
@json_option
def list_(as_json: bool) -> None:
    """List the stores, each with its file and what waits."""
    _put(opened().stores(), as_json=as_json)


@stores.command(
    epilog=examples(
        "memsync-git stores add office --file ~/office/memory.jsonl",
        "memsync-git stores add --contexts ~/.aim",
    )
)
@click.argument("name", required=False)
@click.option("--file", metavar="PATH", help="The memory file.")
@click.option(
    "--contexts", metavar="DIR", help="Add every memory.jsonl and memory-CONTEXT.jsonl of a folder instead."
)
@click.option("--include", multiple=True, metavar="GLOB", help="Share only these names or types; repeatable.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave these names or types out; repeatable.")
@click.option("--dry-run", is_flag=True, help="Show the preview only.")
@yes_option
@json_option
def add(
    name: str | None,
    file: str | None,
    contexts: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Synchronise one more memory file, called NAME on all machines."""
    if (contexts is None) == (name is None) or (contexts is not None and file is not None):
        raise click.UsageError("Give NAME with --file PATH, or --contexts DIR")
    app = opened()
    files = {name: file} if name is not None else app.contexts(contexts or "")
    plans = app.store_candidates(files, include=include, exclude=exclude)
    shown = app.preview_stores(plans)
    if dry_run:
        put_preview(shown, as_json=as_json)
        leave()
    is_asked = bool(shown["machines"]) or changes_something(shown) or any(plan.is_damaged for plan in plans)
    if is_asked:
        consent(shown, "Join?", yes=yes, as_json=as_json)
    _put(app.add_stores(plans), shown if is_asked else None, as_json=as_json)


@stores.command(epilog=examples("memsync-git stores remove office"))
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Synchronise a memory file no longer. The file and the repository stay as they are."""
    _put(opened().remove_store(name), as_json=as_json)


def _put(document: StoresDocument, shown: PreviewDocument | None = None, *, as_json: bool) -> None:
    put(document, render_stores, as_json=as_json)
    if not as_json and shown is not None:
        put_new_notices(document["notices"], shown)
    elif not as_json:
        put_notices(document["notices"])
    synced = document["sync"]
    leave(CODES[synced["outcome"]] if synced is not None else DONE)


def render_stores(document: StoresDocument, screen: Screen) -> str:
    """What was done, and a line for each store."""
    action = document["action"]
    done = [f"{screen.mark('ok')} {SENTENCES[action]}"] if action in SENTENCES else []
    return "\n".join([*done, *columns([list(_row(store)) for store in document["stores"]])])


def _row(store: StorePart) -> Iterator[str]:
    yield safe(store["store"])
    yield f"{safe(store['path'])} ({safe(store['format'])})"
    entities, pending = store["entities"], store["pending"]
    yield "not adopted" if entities is None else counted(entities, "entity")
    yield f"{pending['up']} up, {pending['down']} down"
    yield WORDS[store["outcome"]] if store["outcome"] else ""
