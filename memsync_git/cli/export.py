"""`memsync-git export`: the whole memory for others."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path

import click

from memsync_git.cli.declaring import examples, json_option, store_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import put, put_notices
from memsync_git.cli.terminal import Screen, counted, safe
from memsync_git.documents import ExportDocument
from memsync_git.options import ExportOptions

LAYOUTS = ("jsonl", "json-array", "read-graph", "aim", "jsonl-fields", "jsonl-objects")
"""`formats.exporting.LAYOUTS`, named here too: `--help` imports no format."""


@click.command(
    epilog=examples(
        "memsync-git export > copy.json", "memsync-git export --format json-array --output all.json"
    )
)
@click.option(
    "--format",
    "layout",
    type=click.Choice(LAYOUTS),
    default="jsonl",
    help="jsonl is the official server's; json-array holds everything, each row with an id.",
)
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write to FILE, not to stdout."
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@store_option
@json_option
def export(layout: str, output: Path | None, force: bool, as_json: bool) -> None:
    """Print the whole memory, or write it to a file."""
    if output is None and (as_json or force):
        raise click.UsageError(f"{'--json' if as_json else '--force'} goes with --output FILE")
    written = None if output is None else str(output)
    data, document = opened().export(ExportOptions(layout, written, force))
    if output is None:
        _print(data)
    else:
        put(document, render_export, as_json=as_json)
    if not as_json:
        put_notices(document["notices"])


def _print(data: bytes) -> None:
    """Byte for byte into a file or a pipe; made harmless for a terminal, like everything a memory says."""
    text = data.decode("utf-8")
    if sys.stdout.isatty():
        click.echo("\n".join(map(safe, text.split("\n"))))
    elif isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    else:
        sys.stdout.write(text)


def render_export(document: ExportDocument, screen: Screen) -> str:
    """What was written where."""
    nouns = (("entities", "entity"), ("relations", "relation"), ("observations", "observation"))
    told = [counted(document[key], noun) for key, noun in nouns]  # type: ignore[literal-required]
    told += [counted(document["other"], "other record")] if document["other"] else []
    where = f"{safe(document['path'] or '')} ({safe(document['format'])})"
    return f"{screen.mark('ok')} {', '.join(told)} written to {where}"
