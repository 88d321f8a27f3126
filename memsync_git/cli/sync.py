"""`memsync-git sync`: one round, both ways."""

from __future__ import annotations

from typing import Any

import click

from memsync_git.cli.declaring import examples, json_option, off_switch, store_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave
from memsync_git.cli.sync_screen import show_sync
from memsync_git.options import LOCK_WAIT_S, Cause, SyncOptions


class Seconds(click.FloatRange):
    """Some seconds, as click should call them."""

    name = "number"


class Minutes(click.IntRange):
    """Some minutes, as click should call them."""

    name = "whole number"


WAIT_S = Seconds(0, 3600)
STALE_MIN = Minutes(0, 10_080)


@click.command(epilog=examples("memsync-git sync", "memsync-git sync --dry-run"))
@click.option("--dry-run", is_flag=True, help="Show the exact changes, write nothing.")
@off_switch("--no-fetch", "fetch", meaning="Do not ask the remote for news.")
@off_switch("--no-push", "push", meaning="Do not publish.")
@click.option(
    "--full",
    is_flag=True,
    help="Compare file and memory record by record, and write the unified file anew as well.",
)
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
    chosen = SyncOptions(**options, cause=cause)
    leave(show_sync(opened(), chosen, quiet=quiet, as_json=as_json))
