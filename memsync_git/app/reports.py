"""The report of a bug: a file a person can send in.

Rule 1: a report holds versions and places in the code (`traces.py`), no messages and no values: they can
hold what a memory says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from memsync_git import __version__
from memsync_git.redaction import redacted
from memsync_git.traces import traces

KEPT_REPORTS = 10
"""Enough to see whether a bug repeats; a crash loop must not fill the disk."""

_PARTS = ("GitPython", "apscheduler", "click", "filelock", "orjson", "platformdirs", "tomlkit", "watchdog")


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
