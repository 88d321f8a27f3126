"""`memsync-git log`: who changed what, and when."""

from __future__ import annotations

from collections.abc import Iterator

import click

from memsync_git.cli.changes import change_lines, count_words
from memsync_git.cli.declaring import examples, json_option, store_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import put
from memsync_git.cli.terminal import Screen, columns, counted, safe
from memsync_git.documents import ActivityPart, CountPart, LogDocument, LogStatsDocument, RevisionPart
from memsync_git.options import LogOptions

MOST_TOLD = 1000
"""More changes at once are no reading for people; each may need cuts of a large memory to be compared."""
NOT_WHOLE = "There is more before: --last N tells more of it."


@click.command(epilog=examples("memsync-git log", "memsync-git log Alice", "memsync-git log --stats"))
@click.argument("name", required=False)
@click.option(
    "--last",
    type=click.IntRange(1, MOST_TOLD),
    default=20,
    metavar="N",
    help="So many changes; 20 if not told.",
)
@click.option("--stats", is_flag=True, help="Sums instead: by machine, and of the rounds of this one.")
@store_option
@json_option
def log(name: str | None, last: int, stats: bool, as_json: bool) -> None:
    """List who changed what, newest first; with NAME, only of that entity."""
    if stats and name is not None:
        raise click.UsageError("--stats is about the whole memory: leave out NAME")
    if stats:
        put(opened().log_stats(), render_stats, as_json=as_json)
    else:
        put(opened().log(LogOptions(name, last)), render_log, as_json=as_json)


def render_log(document: LogDocument, screen: Screen) -> str:
    """Every revision with its changes; the word before each is what `undo` takes."""
    if not document["revisions"]:
        return "Nothing was changed yet."
    blocks = ["\n".join(_revision(revision, screen)) for revision in document["revisions"]]
    return "\n".join(blocks if document["whole"] else [*blocks, NOT_WHOLE])


def _revision(revision: RevisionPart, screen: Screen) -> Iterator[str]:
    whose = "this machine" if revision["mine"] else safe(revision["host"])
    first = f"{revision['id']}:{revision['first']}"
    several = f", with all since {first}" if first != revision["txn"] else ""
    cause = f", {safe(revision['cause'])}" if revision["cause"] not in ("", "file") else ""
    name = screen.paint(safe(revision["txn"]), "strong")
    yield f"{name}  {whose}, {screen.ago(revision['at'])}{cause}{safe(several)}"
    yield from change_lines(revision["changes"], screen)
    if revision["cut"]:
        yield f"  … and {revision['cut']} more"


def render_stats(document: LogStatsDocument, screen: Screen) -> str:
    """A line a machine, and what the rounds of this one add up to."""
    rows = [_activity(machine, screen) for machine in document["machines"]]
    lines = columns(rows) if rows else ["Nothing was changed yet."]
    if document["rounds"]:
        count = sum(document["rounds"].values())
        words = ", ".join(f"{number} {safe(outcome)}" for outcome, number in document["rounds"].items())
        lines.append(f"{counted(count, 'round')} of this machine: {words}; {document['ms'] // count} ms each")
    if not document["whole"]:
        lines.append("History was not read to its beginning.")
    return "\n".join(lines)


def _activity(machine: ActivityPart, screen: Screen) -> list[str]:
    whose = "this machine" if machine["mine"] else safe(machine["host"])
    words = count_words(
        CountPart(added=machine["added"], removed=machine["removed"], changed=machine["changed"])
    )
    return [
        f"{whose} ({safe(machine['id'])})",
        counted(machine["revisions"], "revision"),
        words,
        f"from {screen.ago(machine['first'])} to {screen.ago(machine['last'])}",
    ]
