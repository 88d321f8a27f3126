"""`memsync-git init`: the same command on the first and on every further machine."""

from __future__ import annotations

from typing import Any

import click

from memsync_git.cli.changes import consent, machine_words, put_new_notices, put_preview
from memsync_git.cli.declaring import examples, json_option, off_switch, yes_option
from memsync_git.cli.exits import CODES, DONE
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices
from memsync_git.cli.progress import progress
from memsync_git.cli.sync_screen import render_sync
from memsync_git.cli.terminal import Screen, safe
from memsync_git.documents import InitDocument, PreviewDocument
from memsync_git.options import InitOptions

JOIN = click.Choice(["keep", "drop"])


@click.command(epilog=examples("memsync-git init git@github.com:me/memory.git", "memsync-git init"))
@click.argument("remote", required=False)
@click.option("--file", metavar="PATH", help="The memory file.")
@click.option("--host", metavar="LABEL", help="Label of this machine.")
@click.option("--branch", metavar="NAME", help="Branch that people look at.")
@click.option("--adopt", is_flag=True, help="Share a repository that holds something else.")
@click.option("--join", type=JOIN, default="keep", help="Items of the file that the fleet has deleted.")
@off_switch("--no-service", "service", meaning="Install nothing that syncs by itself.")
@click.option("--dry-run", is_flag=True, help="Show the preview only.")
@yes_option
@json_option
def init(dry_run: bool, yes: bool, as_json: bool, **options: Any) -> None:
    """Set this machine up. REMOTE is the repository to share; without it, one on this machine."""
    app = opened()
    plan = app.plan(InitOptions(**options))
    if dry_run:
        with progress("Looking", off=as_json) as told:
            would = app.preview(plan, service=options["service"], told=told)
        put_preview(would, as_json=as_json)
        leave()
    shown: PreviewDocument | None = None
    if plan.needs_consent:
        with progress("Looking", off=as_json) as told:
            shown = app.preview(plan, told=told)
    if shown is not None:
        consent(shown, "Join?", yes=yes, as_json=as_json)
    with progress("Joining", off=as_json) as told:
        document = app.join(plan, service=options["service"], told=told)
    put(document, render_init, as_json=as_json)
    if not as_json:
        put_new_notices(document["notices"], shown)
        put_notices(document["sync"]["notices"] if document["sync"] else [])
    leave(CODES[document["sync"]["outcome"]] if document["sync"] else DONE)


def render_init(document: InitDocument, screen: Screen) -> str:
    """What was set up, and how the first sync went."""
    replica, remote = document["replica"], document["remote"]
    parts = [
        f"{screen.mark('ok')} This machine is {machine_words(replica['host'], replica['id'])}",
        f"  file    {safe(document['file']['path'])} ({safe(document['file']['format'])})",
        f"  remote  {safe(remote['url'])}" + (" (on this machine)" if document["hub"] else ""),
        *(f"  created {safe(path)}" for path in document["created"]),
    ]
    if document["service"]:
        parts.append(f"  syncs by itself: {safe(document['service'])}")
    if document["sync"]:
        parts.append(render_sync(document["sync"], screen))
    if document["hub"]:
        parts.append("memsync-git remote set URL  moves the memory to a repository others can reach")
    return "\n".join(parts)
