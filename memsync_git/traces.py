"""An exception as places in the code, for logs and for reports of bugs.

Rule 1: types and frames, never messages: a message can hold what a memory says.
Rule 2: no folder that names a person.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path


def traces(error: BaseException) -> Iterator[str]:
    """Every exception of the chain, outermost last, with the frames it passed and without its message."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from traces(cause)
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
