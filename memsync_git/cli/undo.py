"""`memsync-git undo`: taking back what was done, here or on another machine."""

from __future__ import annotations

import click

from memsync_git.cli.amending import carry_out
from memsync_git.cli.declaring import examples, json_option, store_option, yes_option
from memsync_git.cli.opening import opened
from memsync_git.options import UndoOptions

MOST_AT_ONCE = 1000


@click.command(
    epilog=examples("memsync-git undo", "memsync-git undo desk-91c2:17", "memsync-git undo --last 3")
)
@click.argument("txn", required=False)
@click.option(
    "--last", type=click.IntRange(1, MOST_AT_ONCE), metavar="N", help="The last N changes of this machine."
)
@click.option("--dry-run", is_flag=True, help="Show the preview only.")
@yes_option
@store_option
@json_option
def undo(txn: str | None, last: int | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take back a change: the last one of this machine, or TXN of any machine.

    `memsync-git log` names them: desk-91c2:17, or desk:17 where only one machine is called so.
    """
    if txn is not None and last is not None:
        raise click.UsageError("Give either TXN or --last")
    app = opened()
    intention = app.plan_undo(UndoOptions(txn, last or 1))
    carry_out(app, intention, dry_run=dry_run, yes=yes, as_json=as_json)
