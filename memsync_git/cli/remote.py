"""`memsync-git remote`: the repositories this machine publishes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from memsync_git.cli.changes import changes_something, consent, put_new_notices
from memsync_git.cli.declaring import examples, json_option, yes_option
from memsync_git.cli.exits import CODES, OFFLINE, REFUSED, worst
from memsync_git.cli.lazy import LazyGroup
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices
from memsync_git.cli.status_screen import WORDS
from memsync_git.cli.terminal import Screen, columns, counted, safe
from memsync_git.documents import (
    RemoteAction,
    RemoteCheckDocument,
    RemoteCheckPart,
    RemotePart,
    RemotesDocument,
)
from memsync_git.words import Verdict

if TYPE_CHECKING:
    from memsync_git.app import App
    from memsync_git.app.remoting import Candidate
    from memsync_git.documents import PreviewDocument

SENTENCES: Final[dict[RemoteAction, str]] = {
    "add": "Added.",
    "set": "Moved: the new repository was read back and holds everything.",
    "remove": "Removed.",
}
CHECKED: Final[dict[tuple[str | None, str | None], str]] = {
    ("ok", "ok"): "answers and would take a push",
    ("ok", "refused"): "answers, and takes no push",
    ("refused", None): "refuses",
}
CHECK_CODES: Final = {"offline": OFFLINE, "refused": REFUSED}

branch_option = click.option("--branch", help="Branch that people look at; main without it.")


@click.group(
    cls=LazyGroup,
    places={},
    invoke_without_command=True,
    epilog=examples("memsync-git remote", "memsync-git remote set git@github.com:me/memory.git"),
)
@json_option
@click.pass_context
def remote(context: click.Context, as_json: bool) -> None:
    """List the repositories this machine syncs with; add, move, leave and check them."""
    if context.invoked_subcommand is None:
        _put(opened().remotes(), as_json=as_json)


@remote.command("list", epilog=examples("memsync-git remote list --json"))
@json_option
def list_(as_json: bool) -> None:
    """List the repositories, each with how it went and what waits for it."""
    _put(opened().remotes(), as_json=as_json)


@remote.command(epilog=examples("memsync-git remote add backup /mnt/usb/memory.git"))
@click.argument("name")
@click.argument("url")
@branch_option
@yes_option
@json_option
def add(name: str, url: str, branch: str | None, yes: bool, as_json: bool) -> None:
    """Sync with one more repository, called NAME here. What one brings is carried to the others."""
    app = opened()
    wanted = app.candidate(name, url, branch)
    shown = _agreed(app, wanted, yes=yes, as_json=as_json)
    _put(app.add_remote(wanted), shown, as_json=as_json)


@remote.command("set", epilog=examples("memsync-git remote set git@github.com:me/memory.git"))
@click.argument("url")
@click.option("--name", default="", help="Which remote moves; the first one without it.")
@branch_option
@yes_option
@json_option
def set_(url: str, name: str, branch: str | None, yes: bool, as_json: bool) -> None:
    """Move to another repository: publish everything there, read it back, then switch."""
    app = opened()
    first = next((each.name for each in app.configuration.remotes), "origin")
    wanted = app.candidate(name or first, url, branch, moves=True)
    shown = _agreed(app, wanted, yes=yes, as_json=as_json)
    _put(app.move_remote(wanted), shown, as_json=as_json)


@remote.command(epilog=examples("memsync-git remote remove backup"))
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Sync with a repository no longer. What is there stays there."""
    _put(opened().remove_remote(name), as_json=as_json)


@remote.command(epilog=examples("memsync-git remote check", "memsync-git remote check backup"))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
def check(names: tuple[str, ...], as_json: bool) -> None:
    """Try to reach each repository, and whether it would take a push. Nothing is published."""
    document = opened().check_remotes(names)
    put(document, render_check, as_json=as_json)
    words = (word for each in document["remotes"] for word in (each["fetch"], each["push"]))
    leave(worst(CHECK_CODES[word] for word in words if word in CHECK_CODES))


def _agreed(app: App, wanted: Candidate, *, yes: bool, as_json: bool) -> PreviewDocument | None:
    """What was shown to a person who has agreed; None where nothing had to be asked."""
    if not wanted.needs_consent:
        return None
    shown = app.preview_remote(wanted)
    if not (shown["machines"] or changes_something(shown)):
        return None
    consent(shown, "Join the two memories?", yes=yes, as_json=as_json)
    return shown


def _put(document: RemotesDocument, shown: PreviewDocument | None = None, *, as_json: bool) -> None:
    put(document, render_remotes, as_json=as_json)
    if not as_json and shown is not None:
        put_new_notices(document["notices"], shown)
    elif not as_json:
        put_notices(document["notices"])
    synced = document["sync"]
    leave(CODES[synced["outcome"]] if synced is not None else 0)


def render_remotes(document: RemotesDocument, screen: Screen) -> str:
    """What was done, and a line for each remote."""
    action = document["action"]
    done = [f"{screen.mark('ok')} {SENTENCES[action]}"] if action in SENTENCES else []
    rows = [list(_row(remote)) for remote in document["remotes"]]
    return "\n".join([*done, *(columns(rows) if rows else ["No remote: memsync-git init"])])


def _row(remote: RemotePart) -> Iterator[str]:
    yield safe(remote["name"])
    yield f"{safe(remote['url'])} ({safe(remote['branch'])})"
    yield WORDS[remote["outcome"]] if remote["outcome"] else "never spoken to"
    pending = remote.get("pending", 0)
    yield f"{counted(pending, 'change')} to publish" if pending else ""


def render_check(document: RemoteCheckDocument, screen: Screen) -> str:
    """A line for each remote, and what is wrong with it."""
    return "\n".join(line for part in document["remotes"] for line in _checked(part, screen))


def _checked(part: RemoteCheckPart, screen: Screen) -> Iterator[str]:
    verdict: Verdict = "ok" if (part["fetch"], part["push"]) == ("ok", "ok") else "fail"
    words = CHECKED.get((part["fetch"], part["push"]), "cannot be reached")
    yield f"{screen.mark(verdict)} {safe(part['name'])} {words}"
    yield f"  {safe(part['url'])}"
    if part["reason"]:
        yield f"  {safe(part['reason'])}"
