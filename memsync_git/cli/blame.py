"""`memsync-git blame`: who said each thing the memory says of a name, and when."""

from __future__ import annotations

import click

from memsync_git.cli.changes import item_words
from memsync_git.cli.declaring import examples, json_option, store_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import put
from memsync_git.cli.terminal import Screen, columns, cut, safe
from memsync_git.documents import BlameDocument, BlamePart


@click.command(epilog=examples("memsync-git blame Alice", 'memsync-git blame "Project X" --json'))
@click.argument("name")
@store_option
@json_option
def blame(name: str, as_json: bool) -> None:
    """Show machine and time of everything that is said of NAME: type, observations, relations."""
    put(opened().blame(name), render_blame, as_json=as_json)


def render_blame(document: BlameDocument, screen: Screen) -> str:
    """A line for each thing said; a value that lost a conflict is in brackets."""
    rows = [[_whose(line), _when(line, screen), _words(line)] for line in document["lines"]]
    return "\n".join(cut(line, screen.width) for line in columns(rows))


def _whose(line: BlamePart) -> str:
    return ", ".join(map(safe, [line["host"], *line["others"]]))


def _when(line: BlamePart, screen: Screen) -> str:
    return (
        f"{screen.ago(line['at'])} by its clock, which is ahead"
        if line["doubtful"]
        else screen.ago(line["at"])
    )


def _words(line: BlamePart) -> str:
    words = item_words(line)
    return words if line["winner"] else f"({words})"
