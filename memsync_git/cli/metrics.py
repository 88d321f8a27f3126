"""`memsync-git metrics`: figures for a monitoring system."""

from __future__ import annotations

from pathlib import Path

import click

from memsync_git.cli.declaring import examples
from memsync_git.cli.opening import opened


@click.command(
    epilog=examples(
        "memsync-git metrics",
        "memsync-git metrics --textfile /var/lib/node_exporter/memsync.prom",
    )
)
@click.option(
    "--textfile",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write them to a file in one step, readable for all (0644), for node_exporter.",
)
def metrics(textfile: Path | None) -> None:
    """Print figures in Prometheus' text format: counts and times, nothing of the memory."""
    text = opened().metrics()
    if textfile is None:
        click.echo(text, nl=False)
        return
    from memsync_git.app.measuring import write_textfile

    write_textfile(textfile, text)
