"""`memsync-git sync`: one round, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from memsync_git.cli.changes import change_lines
from memsync_git.cli.declaring import examples, json_option, off_switch
from memsync_git.cli.exits import CODES, DONE
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices
from memsync_git.cli.terminal import Screen, counted, safe
from memsync_git.documents import CountPart, OutcomeWord, SyncDocument, Verdict
from memsync_git.options import LOCK_WAIT_S, SyncOptions

WAIT_S = click.FloatRange(0, 3600)
STALE_MIN = click.IntRange(0, 10_080)

SENTENCES: dict[OutcomeWord, tuple[Verdict, str]] = {
    "accepted": ("ok", "In sync."),
    "nothing": ("ok", "Nothing to do."),
    "offline": ("warn", "The remote could not be reached; everything here is safe and goes out later."),
    "refused": ("fail", "The remote refused; everything here is safe."),
    "held": ("warn", "A guard waits for you; everything else went on syncing."),
    "stale": ("warn", "Another process wrote first, again and again; the next sync tries anew."),
    "unusable": ("fail", "The memory file cannot be used as it stands; it was left alone."),
    "locked": ("warn", "Another sync is running."),
    "failed": ("fail", "Something failed."),
}


@click.command(epilog=examples("memsync-git sync", "memsync-git sync --dry-run"))
@click.option("--dry-run", is_flag=True, help="Show the exact changes, write nothing.")
@off_switch("--no-fetch", "fetch", meaning="Do not ask the remote for news.")
@off_switch("--no-push", "push", meaning="Do not publish.")
@click.option("--full", is_flag=True, help="Write the unified file anew as well.")
@click.option(
    "--recreate", is_flag=True, help="Write an emptied or missing memory file anew from the memory."
)
@click.option(
    "--wait", "wait_s", type=WAIT_S, default=LOCK_WAIT_S, metavar="S", help="Seconds to wait for the lock."
)
@click.option(
    "--if-stale", "if_stale_min", type=STALE_MIN, metavar="MIN", help="For cron: leave it to a living daemon."
)
@click.option("--quiet", is_flag=True, help="Print only problems.")
@json_option
def sync(quiet: bool, as_json: bool, **options: Any) -> None:
    """Take in what is new here and elsewhere, and publish it."""
    document = opened().sync(SyncOptions(**options))
    code = CODES[document["outcome"]]
    if not quiet or code != DONE:
        put(document, render_sync, as_json=as_json)
    if not as_json:
        put_notices(document["notices"])
    leave(code)


def render_sync(document: SyncDocument, screen: Screen) -> str:
    """What a sync did, or with `dry_run` would do."""
    if document["dry_run"]:
        return "\n".join(_would(document, screen))
    verdict, sentence = SENTENCES[document["outcome"]]
    return "\n".join([f"{screen.mark(verdict)} {sentence}", *_told(document)])


def _told(document: SyncDocument) -> Iterator[str]:
    yield from _counted("from this machine", document["local"])
    yield from _counted("from the others", document["remote"])
    for remote in document["remotes"]:
        if remote["reason"]:
            yield f"  {safe(remote['name'])}: {remote['outcome']}, {safe(remote['reason'])}"
    if document["conflicts"]:
        yield f"  {counted(document['conflicts'], 'conflict')}: memsync-git conflicts"
    if document["holds"]:
        yield f"  {counted(document['holds'], 'hold')}: memsync-git holds"


def _counted(whence: str, count: CountPart) -> Iterator[str]:
    if any((count["added"], count["removed"], count["changed"])):
        yield f"  {whence}: +{count['added']} −{count['removed']} ~{count['changed']}"


def _would(document: SyncDocument, screen: Screen) -> Iterator[str]:
    would = document["would"]
    if not would["up"] and not would["down"]:
        yield f"{screen.mark('ok')} A sync would change nothing."
        return
    for heading, changes in (("would be published:", would["up"]), ("would change here:", would["down"])):
        if changes:
            yield screen.paint(heading, "strong")
            yield from change_lines(changes, screen)
    yield "Nothing was written."
