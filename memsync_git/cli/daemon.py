"""`memsync-git daemon`: capture at once, sync soon, in the foreground."""

from __future__ import annotations

import click

from memsync_git.cli.declaring import examples
from memsync_git.cli.opening import opened


@click.command(epilog=examples("memsync-git daemon", "memsync-git daemon --metrics 127.0.0.1:9187"))
@click.option(
    "--metrics",
    metavar="ADDRESS",
    help="Tell figures to programs of this machine: /metrics and /healthz at a loopback address and port.",
)
def daemon(metrics: str | None) -> None:
    """Watch the memory file and keep everything in sync, in the foreground, until Ctrl-C."""
    from memsync_git.daemon import serve

    serve(lambda: opened().rooms, metrics=metrics)
