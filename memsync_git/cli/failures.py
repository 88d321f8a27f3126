"""What ends a command early: its words and its exit code.

Rule 1: a message says what happened, what was not harmed, and the next command.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.cli.terminal import safe
from memsync_git.errors import MemsyncError

if TYPE_CHECKING:
    from memsync_git.documents import NoticePart


def text_of(error: MemsyncError) -> str:
    """An error as it stands on stderr."""
    notice: NoticePart = {"message": error.message, "unharmed": error.unharmed, "hint": error.hint}
    return "Error: " + words_of(notice)


def words_of(notice: NoticePart) -> str:
    """What happened, what was not harmed, the next command: a line each, or more."""
    lines = [*notice["message"].split("\n"), *notice["unharmed"].split("\n")]
    lines += [f"Hint: {line}" for line in notice["hint"].split("\n") if line]
    return "\n".join(safe(line) for line in lines if line)


def text_of_bug(error: BaseException, report: Path | None) -> str:
    """What is said about a bug. `report` is None where it could not be written."""
    from memsync_git.traces import places_of

    where = next(places_of(error), "an unknown place")
    kept = f"The report {report} holds versions and places in the code, nothing of your memory."
    return "\n".join(
        [
            f"Error: memsync-git met a bug: {type(error).__name__} at {where}",
            "Changes are written whole or not at all, so none is half done.",
            safe(kept) if report else "No report could be written.",
            "Hint: memsync-git doctor  looks whether anything needs repair; please send the report in",
        ]
    )
