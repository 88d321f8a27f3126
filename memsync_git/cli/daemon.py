"""`memsync-git daemon`: capture at once, sync soon, in the foreground."""

from __future__ import annotations

import click

from memsync_git.cli.declaring import examples
from memsync_git.cli.opening import opened


@click.command(epilog=examples("memsync-git daemon"))
def daemon() -> None:
    """Watch the memory file and keep everything in sync, in the foreground, until Ctrl-C."""
    from memsync_git.daemon import serve

    serve(lambda: opened().rooms)
