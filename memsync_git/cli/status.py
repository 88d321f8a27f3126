"""`memsync-git status`: one screen."""

from __future__ import annotations

import sys
import time

import click

from memsync_git.cli.declaring import examples, json_option, store_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import say
from memsync_git.cli.status_screen import show

WATCH_S = 2.0
"""How often `--watch` looks: a person's patience, and a millisecond of work."""
_CLEAR = "\x1b[H\x1b[2J"


@click.command(epilog=examples("memsync-git status", "memsync-git status --json"))
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@store_option
@json_option
def status(watch: bool, as_json: bool) -> None:
    """Show whether this machine is in sync, and what waits."""
    app = opened()
    show(app, as_json=as_json)
    while watch:
        time.sleep(WATCH_S)
        if sys.stdout.isatty() and not as_json:
            say(_CLEAR, end="")
        show(app, as_json=as_json)
