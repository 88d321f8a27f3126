"""`memsync-git doctor`: what is wrong, and the one command that cures it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from memsync_git.cli.asking import agree
from memsync_git.cli.declaring import examples, json_option, store_option
from memsync_git.cli.exits import DONE, FAILED
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, screen
from memsync_git.cli.terminal import Screen, columns, counted, safe
from memsync_git.documents import DoctorDocument, DoctorRow


@click.command(epilog=examples("memsync-git doctor", "memsync-git doctor --fix"))
@click.option("--fix", is_flag=True, help="Cure what can be cured.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option(
    "--bundle",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a report for others, without secrets and without memory contents.",
)
@store_option
@json_option
def doctor(fix: bool, yes: bool, bundle: Path | None, as_json: bool) -> None:
    """Say what is wrong, and what cures it."""
    app = opened()
    document = app.doctor(bundle=str(bundle) if bundle else None)
    if fix:
        _agree_to_cure([row for row in document["rows"] if row["curable"]], yes=yes, as_json=as_json)
        document = {**app.doctor(fix=True), "bundle": document["bundle"]}
    put(document, render_doctor, as_json=as_json)
    leave(FAILED if any(row["verdict"] == "fail" for row in document["rows"]) else DONE)


def _agree_to_cure(curable: list[DoctorRow], *, yes: bool, as_json: bool) -> None:
    if not curable or yes:
        return
    if not as_json:
        click.echo("\n".join(_table(curable, screen())), color=True)
    agree(f"Cure {counted(len(curable), 'finding')}?", yes=False)


def render_doctor(document: DoctorDocument, screen: Screen) -> str:
    """A line for each check, with evidence, and its cure below it."""
    rows = document["rows"]
    told = _table(rows, screen)
    bad = sum(row["verdict"] != "ok" for row in rows)
    told.append(f"{counted(len(rows), 'check')}, {f'{bad} with something to say' if bad else 'all is well'}")
    if document["bundle"]:
        told.append(f"The report is {safe(document['bundle'])}; look at it before you send it.")
    return "\n".join(told)


def _table(rows: list[DoctorRow], screen: Screen) -> list[str]:
    lines = columns([(safe(row["check"]), safe(row["evidence"])) for row in rows])
    return [line for row, text in zip(rows, lines, strict=True) for line in _told(row, text, screen)]


def _told(row: DoctorRow, text: str, screen: Screen) -> Iterator[str]:
    yield f"{screen.mark(row['verdict'])} {text}{' (cured)' if row['fixed'] else ''}"
    if row["cure"] and row["verdict"] != "ok":
        yield f"    {screen.paint(safe(row['cure']), 'faint')}"
