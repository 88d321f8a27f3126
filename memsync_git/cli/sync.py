"""`memsync-git sync`: one round, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from memsync_git.cli.changes import change_lines, count_words
from memsync_git.cli.declaring import examples, json_option, off_switch, store_option
from memsync_git.cli.exits import CODES, DONE
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices
from memsync_git.cli.terminal import Screen, counted, safe
from memsync_git.options import LOCK_WAIT_S, Cause, SyncOptions
from memsync_git.words import OutcomeWord, Verdict

if TYPE_CHECKING:
    from memsync_git.documents import SyncDocument


class Seconds(click.FloatRange):
    """Some seconds, as click should call them."""

    name = "number"


class Minutes(click.IntRange):
    """Some minutes, as click should call them."""

    name = "whole number"


WAIT_S = Seconds(0, 3600)
STALE_MIN = Minutes(0, 10_080)

SAVED_ONLY = "Saved here; not published yet."
PUBLISHED = "Published."

SENTENCES: dict[OutcomeWord, tuple[Verdict, str]] = {
    "accepted": ("ok", "Synced."),
    "nothing": ("ok", "Nothing new."),
    "offline": ("warn", "Offline."),
    "refused": ("fail", "Refused."),
    "held": ("warn", "Held; everything else went on syncing."),
    "stale": ("warn", "Another machine was always first; the next sync tries anew."),
    "unusable": ("fail", "The memory file cannot be used as it stands."),
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
@store_option
@json_option
def sync(quiet: bool, as_json: bool, **options: Any) -> None:
    """Take in what is new here and elsewhere, and publish it."""
    cause: Cause = "command" if options["if_stale_min"] is None else "cron"
    document = opened().sync(SyncOptions(**options, cause=cause))
    code = CODES[document["outcome"]]
    if not quiet or code != DONE:
        put(document, render_sync, as_json=as_json)
    if not as_json:
        put_notices(document["notices"])
    leave(code)


def render_sync(document: SyncDocument, screen: Screen) -> str:
    """What a sync did, or with `dry_run` would do. What went wrong stands in the notices."""
    if document["dry_run"]:
        return "\n".join(_would(document, screen))
    verdict, sentence = SENTENCES[document["outcome"]]
    if document["outcome"] == "accepted":
        sentence = _well(document) or sentence
    return "\n".join([f"{screen.mark(verdict)} {sentence}", *_told(document)])


def _well(document: SyncDocument) -> str:
    """What to say of a round that went well in one direction only; else empty."""
    local, remote = count_words(document["local"]), count_words(document["remote"])
    if local and not document["published"]:
        return SAVED_ONLY
    return PUBLISHED if document["published"] and not (local or remote) else ""


def _told(document: SyncDocument) -> Iterator[str]:
    for whence, count in (("this machine", document["local"]), ("the others", document["remote"])):
        words = count_words(count)
        if words:
            yield f"  from {whence}: {words}"
    for store in document.get("stores", []):
        yield f"  store {safe(store['store'])}: {store['outcome']}"
    if len(document["remotes"]) > 1:
        yield from (f"  {safe(remote['name'])}: {remote['outcome']}" for remote in document["remotes"])
    if document["conflicts"]:
        yield f"  {counted(document['conflicts'], 'conflict')}: memsync-git conflicts"


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
