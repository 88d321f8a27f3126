"""`memsync-git import`: taking in what another tool or an export holds."""

from __future__ import annotations

from pathlib import Path

import click

from memsync_git.cli.changes import changes_something, consent, count_words, put_new_notices, put_preview
from memsync_git.cli.declaring import examples, json_option, store_option, yes_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put
from memsync_git.cli.terminal import Screen, counted, safe
from memsync_git.documents import ImportDocument


@click.command(
    "import",
    epilog=examples("memsync-git import old-memory.json", "memsync-git import old-memory.json --dry-run"),
)
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--as",
    "form",
    type=click.Choice(["records", "entities"]),
    default="records",
    help="Memories of other tools: kept as they are, or as entities the memory server shows.",
)
@click.option("--dry-run", is_flag=True, help="Show the preview only.")
@yes_option
@store_option
@json_option
def import_(file: Path, form: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Add what FILE holds to the memory. Doing it twice adds nothing.

    FILE is a memory file, a JSON array, a read_graph object, a folder of the older tool, an export or a
    database of mcp-memory-service, or a database of ContextFS.
    """
    app = opened()
    as_entities = form == "entities"
    preview = app.preview_import(str(file), as_entities=as_entities)
    if dry_run:
        put_preview(preview, as_json=as_json)
        leave()
    shown = preview if changes_something(preview) else None
    if shown is not None:
        consent(shown, "Import this?", yes=yes, as_json=as_json)
    document = app.import_(str(file), as_entities=as_entities)
    put(document, render_import, as_json=as_json)
    if not as_json:
        put_new_notices(document["notices"], shown)


def render_import(document: ImportDocument, screen: Screen) -> str:
    """What was new, what was known, what was unreadable."""
    new = document["imported"]
    known = [f"{document['known']} known already"] if document["known"] else []
    came = ", ".join([count_words(new) or "nothing new", *known])
    parts = [f"{screen.mark('ok')} {came}, from {safe(document['source'])} ({safe(document['format'])})"]
    if document["unreadable"]:
        rows = counted(document["unreadable"], "row")
        parts.append(f"{screen.mark('warn')} {rows} left out: unreadable")
    return "\n".join(parts)
