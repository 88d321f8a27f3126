"""`memsync-git resolve`: ending a conflict by an ordinary write."""

from __future__ import annotations

import shlex
from typing import Any

import click

from memsync_git.cli.changes import change_lines
from memsync_git.cli.declaring import examples, json_option, store_option
from memsync_git.cli.editing import chosen, offered
from memsync_git.cli.exits import DONE, FAILED
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices
from memsync_git.cli.terminal import Screen, counted, safe
from memsync_git.documents import ConflictsDocument, ResolvedDocument
from memsync_git.errors import Misused
from memsync_git.options import Choice, Delete, ResolveOptions, Restore, Take, Write
from memsync_git.words import Verdict


@click.command(
    epilog=examples(
        'memsync-git resolve "Project X" --take laptop', "memsync-git resolve --all --take newest"
    )
)
@click.argument("name", required=False)
@click.option("--take", metavar="HOST", help="Take the value of a machine, the newest, or mine.")
@click.option("--value", metavar="V", help="Write this value.")
@click.option("--restore", is_flag=True, help="Edited while deleted: bring back what the delete took.")
@click.option("--delete", is_flag=True, help="Edited while deleted: delete what was kept, too.")
@click.option("--edit", is_flag=True, help="Write the value in $EDITOR.")
@click.option("--all", "everything", is_flag=True, help="All conflicts, with --take.")
@click.option("--field", metavar="F", help="Which field, where a record has several conflicts.")
@store_option
@json_option
def resolve(name: str | None, everything: bool, field: str | None, as_json: bool, **ways: Any) -> None:
    """End the conflict of NAME."""
    wanted = chosen_of(**ways)
    check_scope(name, wanted, everything=everything)
    app = opened()
    choice = wanted if wanted is not None else Write(_edited(app.conflicts(name), field))
    document = app.resolve(ResolveOptions(name, choice, field))
    put(document, render_resolved, as_json=as_json)
    if not as_json:
        put_notices(document["notices"])
    leave(FAILED if document["left"] and not document["resolved"] else DONE)


def chosen_of(
    take: str | None, value: str | None, *, restore: bool, delete: bool, edit: bool
) -> Choice | None:
    """The one choice of a command line; None stands for the editor."""
    given: list[Choice | None] = []
    given += [Take(take)] if take is not None else []
    given += [Write(value)] if value is not None else []
    given += [Restore()] if restore else []
    given += [Delete()] if delete else []
    given += [None] if edit else []
    if len(given) != 1:
        raise click.UsageError("Give one of --take, --value, --restore, --delete and --edit")
    return given[0]


def check_scope(name: str | None, choice: Choice | None, *, everything: bool) -> None:
    """NAME or --all, and --all only with --take."""
    if everything == (name is not None):
        raise click.UsageError("Give either NAME or --all")
    if everything and not isinstance(choice, Take):
        raise click.UsageError("--all goes with --take newest, --take mine or --take HOST")


def _edited(document: ConflictsDocument, field: str | None) -> str:
    """The value a person wrote, seeing all the others.

    Raises:
        Misused: there is not one register to choose for, or not one value was left.
    """
    found = [
        conflict
        for conflict in document["conflicts"]
        if conflict["kind"] == "written" and field in (None, conflict["field"])
    ]
    if not found:
        return ""  # there is no such conflict, which `App.resolve` tells with what there is
    if len(found) > 1:
        fields = ", ".join(safe(conflict["field"]) for conflict in found)
        raise Misused(
            f"{safe(found[0]['name'])} has several conflicts: {fields}",
            unharmed="Nothing was changed.",
            hint="\n".join(f"add --field {shlex.quote(safe(each['field']))}" for each in found),
        )
    return chosen(click.edit(offered(found[0])), found[0]["field"])


def render_resolved(document: ResolvedDocument, screen: Screen) -> str:
    """What was written, and what remains."""
    parts = [*change_lines(document["resolved"], screen)]
    verdict: Verdict = "warn" if document["left"] else "ok"
    left = counted(document["left"], "conflict") if document["left"] else "no conflict"
    parts.append(f"{screen.mark(verdict)} {left} left")
    return "\n".join(parts)
