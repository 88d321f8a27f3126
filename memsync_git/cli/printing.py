"""Printing a document, and leaving with its exit code.

Rule 1: JSON is ASCII, so nothing in it can move a cursor, and half a character cannot stop it.
Rule 2: text goes to stdout, what a person should know besides goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NoReturn, TextIO, TypeVar

from memsync_git.cli.exits import DONE
from memsync_git.cli.failures import words_of
from memsync_git.cli.terminal import Screen

if TYPE_CHECKING:
    from memsync_git.documents import NoticePart

Document = TypeVar("Document")


def screen() -> Screen:
    """The screen behind stdout."""
    return Screen.of(sys.stdout, os.environ)


def put(document: Document, render: Callable[[Document, Screen], str], *, as_json: bool) -> None:
    """Print a document in the form that was asked for."""
    if as_json:
        say(json.dumps(document, indent=2 if sys.stdout.isatty() else None))
        return
    say(render(document, screen()))


def say(text: str, stream: TextIO | None = None, *, end: str = "\n") -> None:
    """Write some text at once, to stdout where no stream is given."""
    stream = sys.stdout if stream is None else stream
    stream.write(text + end)
    stream.flush()


def put_notices(notices: Iterable[NoticePart]) -> None:
    """Tell a person what should be known, on stderr."""
    for notice in notices:
        say(words_of(notice), sys.stderr)


def silence_stdout() -> None:
    """Whoever read our output is gone: nothing more is written, and nothing fails for it."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, sys.stdout.fileno())
    os.close(silent)


def leave(code: int = DONE) -> NoReturn:
    """End a command of click's with an exit code."""
    from click.exceptions import Exit

    raise Exit(code)
