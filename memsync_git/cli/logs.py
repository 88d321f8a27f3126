"""`memsync-git logs`: what happened on this machine, run by run."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Final

import click

from memsync_git.cli.declaring import examples, json_option
from memsync_git.cli.printing import put, screen
from memsync_git.cli.terminal import Screen, safe
from memsync_git.config.places import Places
from memsync_git.documents import LogPart, LogsDocument
from memsync_git.logs.entries import LEVELS, in_words
from memsync_git.words import SCHEMA_VERSION

USUAL_ENTRIES: Final = 50
"""Two screens; -n has more."""
MOST_ENTRIES: Final = 100_000
_COLOURS: Final = {"debug": "faint", "warning": "warn", "error": "fail", "critical": "fail"}


class Count(click.IntRange):
    """How many, as click should call it."""

    name = "whole number"


@click.command(epilog=examples("memsync-git logs", "memsync-git logs --follow --level warning"))
@click.option("-f", "--follow", is_flag=True, help="Go on with what is added, until Ctrl-C.")
@click.option(
    "-n", "wanted", type=Count(0, MOST_ENTRIES), default=USUAL_ENTRIES, metavar="N", help="How many entries."
)
@click.option(
    "--level", type=click.Choice(LEVELS), default="debug", help="Only what matters at least as much."
)
@json_option
def logs(follow: bool, wanted: int, level: str, as_json: bool) -> None:
    """Show the log: rounds that did something or failed, and what went wrong."""
    from memsync_git.app import logs as app

    places = Places.of()
    if follow:
        for part in app.followed(places, wanted, level):
            _put_one(part, as_json=as_json)
        return
    document = app.logs(places, wanted, level)
    if document["entries"] or as_json:
        put(document, render_logs, as_json=as_json)
    else:
        click.echo(f"Nothing was logged yet in {safe(document['path'])}", err=True)


def _put_one(part: LogPart, *, as_json: bool) -> None:
    """One entry of a stream, which is no one document: with JSON, an object a line."""
    said = json.dumps({"schema_version": SCHEMA_VERSION, **part}) if as_json else render_entry(part, screen())
    click.echo(said, color=True)
    sys.stdout.flush()


def render_logs(document: LogsDocument, screen: Screen) -> str:
    """A line for each entry."""
    return "\n".join(render_entry(part, screen) for part in document["entries"])


def render_entry(part: LogPart, screen: Screen) -> str:
    """`2026-11-20 11:30:00  warning  Offline …`, in the time of this machine."""
    level = f"{safe(part['level']):<8}"
    painted = screen.paint(level, _COLOURS[part["level"]]) if part["level"] in _COLOURS else level
    return f"{_local(part['time'])}  {painted}  {safe(in_words(part['message'], part['extras']))}"


def _local(time: str) -> str:
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return safe(time)
