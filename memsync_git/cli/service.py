"""`memsync-git service`: what runs syncs without a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from memsync_git.cli.declaring import Decorator, examples, json_option
from memsync_git.cli.exits import DONE, FAILED
from memsync_git.cli.lazy import LazyGroup
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices
from memsync_git.cli.terminal import Screen, columns, safe
from memsync_git.documents import BeginsWord, DaemonPart, ServiceAction, ServiceDocument, ServicePart
from memsync_git.words import Verdict

BEGINS: Final[dict[BeginsWord, str]] = {
    "boot": "begins with the machine",
    "login": "begins when you log in",
    "hand": "begins when you start it",
}

kind_option: Decorator = click.option(
    "--kind", metavar="NAME", help="systemd, launchd, schtasks or cron; without it the best there is."
)


@click.group(
    cls=LazyGroup,
    places={},
    invoke_without_command=True,
    epilog=examples("memsync-git service install", "memsync-git service status"),
)
@json_option
@click.pass_context
def service(context: click.Context, as_json: bool) -> None:
    """Let syncs run by themselves: install, look at, start and stop what does it."""
    if context.invoked_subcommand is None:
        _tend("status", None, as_json=as_json)


@service.command(epilog=examples("memsync-git service install", "memsync-git service install --kind cron"))
@kind_option
@json_option
def install(kind: str | None, as_json: bool) -> None:
    """Let syncs run by themselves from now on, with cron to take over if the daemon dies."""
    document = _tend("install", kind, as_json=as_json)
    leave(FAILED if any(part["running"] is False for part in document["services"]) else DONE)


@service.command(epilog=examples("memsync-git service uninstall"))
@kind_option
@json_option
def uninstall(kind: str | None, as_json: bool) -> None:
    """Let nothing sync by itself any more."""
    _tend("uninstall", kind, as_json=as_json)


@service.command(epilog=examples("memsync-git service start"))
@kind_option
@json_option
def start(kind: str | None, as_json: bool) -> None:
    """Start the daemon that is installed."""
    _tend("start", kind, as_json=as_json)


@service.command(epilog=examples("memsync-git service stop"))
@kind_option
@json_option
def stop(kind: str | None, as_json: bool) -> None:
    """Stop the daemon; it saves and publishes before it ends, and stays installed."""
    _tend("stop", kind, as_json=as_json)


@service.command(epilog=examples("memsync-git service restart"))
@kind_option
@json_option
def restart(kind: str | None, as_json: bool) -> None:
    """Stop the daemon and start it anew."""
    _tend("restart", kind, as_json=as_json)


@service.command(epilog=examples("memsync-git service status", "memsync-git service status --json"))
@json_option
def status(as_json: bool) -> None:
    """Say what is installed, whether it runs, when it begins, and what to do."""
    _tend("status", None, as_json=as_json)


def _tend(action: ServiceAction, kind: str | None, *, as_json: bool) -> ServiceDocument:
    document = opened().service(action, kind)
    put(document, render_service, as_json=as_json)
    if not as_json:
        put_notices(document["notices"])
    return document


def render_service(document: ServiceDocument, screen: Screen) -> str:
    """What was done, a line for each service, the daemon's own word, and the next command."""
    verdict, sentence = _head(document)
    parts = [f"{screen.mark(verdict)} {screen.paint(safe(sentence), 'strong')}", ""]
    rows = [(safe(part["name"]), _words(part)) for part in document["services"]]
    parts += columns([*rows, ("daemon", _daemon(document["daemon"], screen))])
    if document["next"] and verdict != "ok":
        parts += ["", f"Hint: {safe(document['next'])}"]
    return "\n".join(parts)


def _head(document: ServiceDocument) -> tuple[Verdict, str]:
    """The verdict and the sentence on top: what a person wished for is no trouble."""
    changed = document["changed"]
    if document["action"] == "uninstall":
        return "ok", "Nothing of ours syncs by itself any more" if changed else "There was no service of ours"
    if document["action"] == "stop":
        timers = [each["name"] for each in document["services"] if _is_timer(each)]
        rest = f"; {' and '.join(timers)} goes on" if timers else ""
        return "ok", ("The daemon is stopped" if changed else "The daemon did not run") + rest
    return document["verdict"], document["sentence"]


def _is_timer(part: ServicePart) -> bool:
    """Whether it begins syncs by itself without a daemon."""
    return part["installed"] and not part["keeps_daemon"]


def _words(part: ServicePart) -> str:
    """How one service stands."""
    if not part["installed"]:
        return safe(part["reason"]) if part["reason"] else "not installed"
    return "; ".join(_told(part))


def _told(part: ServicePart) -> Iterator[str]:
    yield safe(part["what"] or "")
    if part["running"] is not None:
        yield (f"runs (pid {part['pid']})" if part["pid"] else "runs") if part["running"] else "does not run"
    if part["reason"]:
        yield safe(part["reason"])
    if part["keeps_daemon"] and part["begins"]:
        yield BEGINS[part["begins"]]
    if part["current"] is False:
        yield "not as it would be installed now"


def _daemon(daemon: DaemonPart, screen: Screen) -> str:
    """The daemon by its own signs of life."""
    if daemon["heartbeat"] is None:
        return "gives no sign of life"
    seen = f"last sign of life {screen.ago(daemon['heartbeat'])} (pid {daemon['pid']})"
    return seen if daemon["running"] else f"{seen}; it is dead or wedged"
