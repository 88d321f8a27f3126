"""The contexts of mcp-knowledge-graph: the files of one folder, and the stores they become.

Rule 1: nothing is written here, and no file is read: a name says what it is.
Rule 2: a context is called the same on every machine, so its store is too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memsync_git.errors import Misused

if TYPE_CHECKING:
    from memsync_git.config import StoreSettings

UNHARMED: Final = "Nothing was changed."
CONTEXT: Final = re.compile(r"memory(?:-.+)?\.jsonl")
"""How mcp-knowledge-graph calls the file of a context, and the one of no context (fact page, part 3)."""
NO_CONTEXT: Final = "aim"
"""The store of the file without a context. The server calls it `default`, but that is the first store of each
machine; `_aim` is how the server marks its files, on all machines alike."""
NO_NAME: Final = re.compile(r"[^a-z0-9_-]+")


def contexts(folder: str, known: Sequence[StoreSettings] = ()) -> dict[str, str]:
    """The files of contexts in a folder, by the names of stores they become.

    known: stores there are; a file that is one already is passed over.

    Raises:
        Misused: there are none, or none that is new, or two would be called the same.
    """
    place = Path(folder).expanduser().absolute()
    files = sorted(path for path in place.glob("memory*.jsonl") if CONTEXT.fullmatch(path.name))
    files = [path for path in files if path.is_file()]
    if not files:
        raise Misused(
            f"There is no memory.jsonl and no memory-CONTEXT.jsonl in {place}.",
            unharmed=UNHARMED,
            hint=f"ls {place}",
        )
    fresh = [path for path in files if not any(is_same_file(each.path, path) for each in known)]
    if not fresh:
        raise Misused(
            f"Every context of {place} is a store already.", unharmed=UNHARMED, hint="memsync-git stores list"
        )
    return _by_name(fresh)


def _by_name(files: Sequence[Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in files:
        name = store_name(path.name)
        if name in found:
            raise Misused(
                f"{Path(found[name]).name} and {path.name} would both be called {name}.",
                unharmed=UNHARMED,
                hint=f"memsync-git stores add NAME --file {path}",
            )
        found[name] = str(path)
    return found


def store_name(file: str) -> str:
    """What the store of a context's file is called: its context, in the letters a name may have."""
    context = file.removeprefix("memory").removeprefix("-").removesuffix(".jsonl") or NO_CONTEXT
    return NO_NAME.sub("-", context.lower()).strip("-_") or "context"


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, links followed."""
    return one.resolve() == other.resolve()
