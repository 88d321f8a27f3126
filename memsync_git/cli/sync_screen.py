"""A sync as a person or a program asks for it, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memsync_git.cli.changes import change_lines, count_words
from memsync_git.cli.exits import CODES, DONE
from memsync_git.cli.printing import put, put_notices
from memsync_git.cli.terminal import Screen, counted, safe
from memsync_git.options import SyncOptions
from memsync_git.words import OutcomeWord, Verdict

if TYPE_CHECKING:
    from memsync_git.app import App
    from memsync_git.documents import SyncDocument

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


def show_sync(app: App, options: SyncOptions, *, quiet: bool, as_json: bool) -> int:
    """Sync, say how it went, and return the exit code."""
    document = app.sync(options)
    code = CODES[document["outcome"]]
    if not quiet or code != DONE:
        put(document, render_sync, as_json=as_json)
    if not as_json:
        put_notices(document["notices"])
    return code


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
