"""What ends a command early: its words, its exit code, and the report of a bug.

Rule 1: a message says what happened, what was not harmed, and the next command.
Rule 2: a report holds versions and places in the code. Messages of exceptions and values are left out:
they can hold what a memory says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from memsync_git import __version__
from memsync_git.cli.terminal import safe
from memsync_git.documents import NoticePart
from memsync_git.errors import MemsyncError

KEPT_REPORTS = 10
"""Enough to see whether a bug repeats; a crash loop must not fill the disk."""

_PARTS = ("GitPython", "apscheduler", "click", "filelock", "orjson", "platformdirs", "tomlkit", "watchdog")


def text_of(error: MemsyncError) -> str:
    """An error as it stands on stderr."""
    notice = NoticePart(message=error.message, unharmed=error.unharmed, hint=error.hint)
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


def write_report(error: BaseException, folder: Path, arguments: Sequence[str]) -> Path | None:
    """Write the report of a bug, 0600, and keep the newest ten; None where that is impossible."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = folder / f"report-{stamp}-{uuid4().hex[:6]}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(report_of(error, arguments), encoding="utf-8")
    except OSError:
        return None
    for old in sorted(folder.glob("report-*.txt"))[:-KEPT_REPORTS]:
        with suppress(OSError):
            old.unlink()
    return path


def report_of(error: BaseException, arguments: Sequence[str]) -> str:
    """The text of a report."""
    from memsync_git.redaction import redacted
    from memsync_git.traces import traces

    return redacted("\n".join([*_versions(), f"command: {_bare(arguments)}", "", *traces(error), ""]))


def _versions() -> Iterator[str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    yield f"memsync-git {__version__}"
    yield f"python {platform.python_version()} on {platform.system()} {platform.release()}"
    for part in _PARTS:
        with suppress(PackageNotFoundError):
            yield f"{part} {version(part)}"


def _bare(arguments: Sequence[str]) -> str:
    """The command without its values, which may come from a memory: `resolve --take …`."""
    words = [argument.split("=")[0] if argument.startswith("--") else "…" for argument in arguments]
    command = arguments[0] if arguments and arguments[0].isascii() and arguments[0].isalpha() else None
    return " ".join([command, *words[1:]] if command else words)
