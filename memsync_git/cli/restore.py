"""`memsync-git restore`: going back to what the memory said at some moment."""

from __future__ import annotations

import click

from memsync_git.cli.amending import carry_out
from memsync_git.cli.declaring import examples, json_option, store_option, yes_option
from memsync_git.cli.opening import opened
from memsync_git.options import RestoreOptions


@click.command(
    epilog=examples(
        "memsync-git restore --at yesterday", 'memsync-git restore --at "last friday 14:00" Alice'
    )
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--at", required=True, metavar="WHEN", help='"yesterday 14:00", "2 hours ago", 2026-11-20.')
@click.option("--exactly", is_flag=True, help="Also take out what other machines added since.")
@click.option("--dry-run", is_flag=True, help="Show the preview only.")
@yes_option
@store_option
@json_option
def restore(names: tuple[str, ...], at: str, exactly: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Go back to the memory as it was at WHEN, or only to what it said of each NAME.

    What was deleted or overwritten since comes back, and what this machine added since goes. What other
    machines added stays, unless --exactly is given.
    """
    app = opened()
    intention = app.plan_restore(RestoreOptions(at, names, exactly=exactly))
    carry_out(app, intention, dry_run=dry_run, yes=yes, as_json=as_json)
