"""The report of a bug: a file a person can send in.

Rule 1: a report holds versions and places in the code. Messages of exceptions and values are left out:
they can hold what a memory says.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from memsync_git import __version__

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
    return "\n".join([*_versions(), f"command: {_bare(arguments)}", "", *_traces(error), ""])


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


def _traces(error: BaseException) -> Iterator[str]:
    """Every exception of the chain, outermost last, with the frames it passed and without its message."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _traces(cause)
        yield "followed by"
    code = f" (errno {error.errno})" if isinstance(error, OSError) else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{code}"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}"
        yield f"    {frame.line}"


def places_of(error: BaseException) -> Iterator[str]:
    """Where it happened, innermost first."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        yield f"{_short(frame.filename)}:{frame.lineno}"


def _short(filename: str) -> str:
    """A file without the folders that name a person."""
    path = Path(filename)
    roots = [Path(entry) for entry in sys.path if entry]
    inside = [path.relative_to(root) for root in roots if path.is_relative_to(root)]
    return str(min(inside, key=lambda short: len(short.parts), default=Path(path.name)))
