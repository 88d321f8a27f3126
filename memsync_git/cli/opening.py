"""The app, opened for one command."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from memsync_git.config.places import Places

if TYPE_CHECKING:
    from memsync_git.app import App

NAME = "memsync-git"


def opened(options: Mapping[str, object] | None = None, *, store: str | None = None) -> App:
    """The app with this machine's configuration; `options` are values by dotted key.

    store: None for what `--store` says, where the command takes that.
    """
    from memsync_git.app import App

    executable = own_executable(sys.argv[0], sys.executable)
    return App.open(
        Places.of(), options or {}, executable=executable, store=_picked() if store is None else store
    )


def _picked() -> str:
    """The store that click was told."""
    import click

    from memsync_git.cli.declaring import PICKED

    context = click.get_current_context(silent=True)
    return context.meta.get(PICKED, "") if context is not None else ""


def own_executable(called: str, python: str) -> str:
    """The absolute path by which a service can call this program, empty where there is none.

    `called` is how this process was started; with `python -m memsync_git` the program stands beside the
    interpreter, if it was installed at all.
    """
    script = Path(called)
    if script.stem == NAME and script.is_absolute():
        return str(script)
    beside = Path(python).with_name(NAME)
    if beside.is_file():
        return str(beside)
    from shutil import which

    found = which(NAME)
    return str(Path(found).absolute()) if found else ""
